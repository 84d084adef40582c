"""Hosts that are recordings: the facts of a host as a file, and a driver that replays them."""

import dataclasses
import functools
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.changes import NetChange, describe
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState

_FORMAT = 1


def facts_to_json(state: NetState) -> str:
    """Return the facts as a file holds them."""
    content = {"format": _FORMAT, "facts": dataclasses.asdict(state)}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def facts_from_json(text: str) -> NetState:
    """Return the facts that a file holds.

    Raises:
        ValueError: it holds none, or those of a later kind.
    """
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("these are no facts of a host (kemp host facts --output json)")
    try:
        return _adapter().validate_python(content.get("facts"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place}: {first['msg']}") from None


@functools.cache
def _adapter() -> TypeAdapter[NetState]:
    return TypeAdapter(NetState)


class RecordedHostDriver:
    """A HostDriver that replays facts and changes nothing. Safe to use from several threads."""

    def __init__(self, facts: Mapping[str, NetState]) -> None:
        """Make a driver of recordings by the host's name."""
        self._facts = dict(facts)

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        """Return what was recorded.

        Raises:
            HostUnreachable: there is no recording of the host, or it lacks a section.
        """
        state = self._recording(host)
        if lacking := sorted(one.value for one in set(sections) - state.sections()):
            raise HostUnreachable(
                f"{host.name}: the recording lacks {', '.join(lacking)}: record it again with that",
                reason=HostTrouble.OTHER,
            )
        unasked: dict[str, Any] = {one.value: None for one in Section if one not in sections}
        return dataclasses.replace(state, **unasked)

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        """Refuse; no changes are no trouble.

        Raises:
            HostChangeFailed: there was something to change.
        """
        self._recording(host)
        for change in changes:
            raise HostChangeFailed(f"{host.name}: could not {describe(change)}: it is a recording")

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        """Refuse, as ``apply``; no changes are a reading."""
        self.apply(host, changes)
        return self.read(host, sections)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Refuse.

        Raises:
            HostUnreachable: always.
        """
        raise HostUnreachable(
            f"{host.name}: it is a recording; {argv[0]} was not started (within {timeout_s:g} s)"
        )

    def _recording(self, host: Host) -> NetState:
        if host.name not in self._facts:
            raise HostUnreachable(f"{host.name}: there is no recording of it")
        return self._facts[host.name]
