"""backup and restore, and their file."""

import gzip
import json
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.parameter_table import is_fixed
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, SECTIONS, SERVICES
from kempsdk.emulator.state import ApplianceState, from_json, to_json

_ALL: Final = range(1, 16)


@command("backup")
def backup(box: Appliance, _request: Request) -> Answer:
    """Return the whole configuration; users, passwords and keys are not part of it."""
    data = to_json(box.state)
    data["users"] = {}
    data["sections"] = {name: one for name, one in data["sections"].items() if SECTIONS[name].part}
    return Answer(file=gzip.compress(json.dumps(data).encode()))


def _read(body: bytes) -> ApplianceState:
    # The text of a refused file is a guess.
    refused = Refusal("Invalid backup file")
    try:
        data = json.loads(gzip.decompress(body))
        if not isinstance(data, dict):
            raise refused
        return from_json(data)
    except (OSError, EOFError, ValueError):
        raise refused from None


@command("restore", mutates=True, takes_file=True)
def restore(box: Appliance, request: Request) -> Answer:
    """Take over the parts that ``type`` names."""
    parts = request.params.number("type")
    if parts is None or parts not in _ALL:
        raise missing("type")
    if not request.body:
        raise missing("data", "File")
    restored = _read(request.body)
    state = box.state
    if parts & BASE:
        own = {name: one for name, one in state.parameters.items() if is_fixed(name)}
        state.parameters = restored.parameters | own
        state.health = restored.health
        state.adaptive = restored.adaptive
        state.packet_filter = restored.packet_filter
    if parts & SERVICES:
        # A new uid for each: to health checks and counters they are other services.
        offset = state.next_uid
        for service in restored.services.values():
            service.uid += offset
            if service.parent is not None:
                service.parent += offset
            for slot in service.slots:
                slot.service += offset
        box.changed(*state.services.values())
        state.services = {one.uid: one for one in restored.services.values()}
        state.rules = restored.rules
        state.next_uid += restored.next_uid
        state.next_rs_index = max(state.next_rs_index, restored.next_rs_index)
    for name, kind in SECTIONS.items():
        if kind.part & parts:
            state.sections[name] = restored.sections.get(name) or kind.kind()
    box.changed_globally()
    return DONE
