"""Commands that the virtual LoadMaster does not run: a refusal that says so truthfully."""

from functools import lru_cache
from typing import Final, Literal

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.registry import COMMANDS
from kempsdk.emulator.switches import Switches

HEADER: Final = "X-Virtual-LoadMaster"
"""Header that marks such an answer; an appliance sends none of this name."""

Coverage = Literal["state", "read-only", "not emulated"]


class NotEmulated(Refusal):
    """A command that an appliance has and the virtual one has not."""


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    # Loaded when the first unknown command comes in, not with the emulator.
    from kempsdk.catalogue import commands

    return frozenset(name.partition("?")[0] for name in commands())


def refusal_of(command: str, switches: Switches) -> Refusal:
    """Return what a command that no family registered is answered with."""
    if command in _known():
        return NotEmulated(switches.not_emulated, switches.not_emulated_code)
    # The text is a guess; the code is the vendor's Python SDK's.
    return Refusal("Unknown command", switches.unknown_command_code)


def coverage() -> dict[str, Coverage]:
    """Return how each command of the catalogue is answered, in the catalogue's order.

    ``state``: it reads or changes the virtual appliance's configuration or counters, and
    what it writes is there afterwards. ``read-only``: it answers with fixed or measured facts
    that no command changes. ``not emulated``: it is refused as ``Switches.not_emulated`` says.
    """
    from kempsdk.catalogue import commands
    from kempsdk.emulator import families  # noqa: F401 - registers every command

    found: dict[str, Coverage] = {}
    for name in commands():
        registered = COMMANDS.get(name.partition("?")[0])
        if registered is None:
            found[name] = "not emulated"
        else:
            found[name] = "read-only" if registered.fixed else "state"
    return found
