"""What a plan rests on in the sections of a host's state, one line a fact. Pure."""

import dataclasses
import hashlib
import json
from typing import Any

from orchestrator.hosts.state import NetState


def section_lines(state: NetState) -> dict[str, str]:
    """Return a line for each thing that was read beside the base; NAME to value."""
    lines: dict[str, str] = {}
    if (persistence := state.persistence) is not None:
        lines["brings its network back by"] = " ".join(
            [
                *(f"{unit}={word}" for unit, word in sorted(persistence.units.items()) if word),
                *(["network-scripts"] if persistence.network_scripts else []),
                *([f"NetworkManager-{persistence.nm_version}"] if persistence.nm_version else []),
            ]
        )
        for path, file in sorted(persistence.files.items()):
            lines[f"file {path}"] = f"{_digest(file.content)} mode {file.mode:o}"
    if (arptables := state.arptables) is not None:
        lines["ARP rules"] = _digest(dataclasses.asdict(arptables))
    if (firewalld := state.firewalld) is not None:
        lines["firewall"] = _digest(dataclasses.asdict(firewalld))
    return lines


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
