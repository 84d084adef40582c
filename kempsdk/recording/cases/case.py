"""A case: what one recording of the project's fixtures shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kempsdk.errors import BadAnswer, CommandRejected, WriteNotApplied

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster
    from kempsdk.transport.call import ParamValue

Step = Callable[["LoadMaster"], object]


def nothing(lm: "LoadMaster") -> None:
    """Leave the appliance as it is when it is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recording per interface.

    Attributes:
        name: ``command/case``, the path below the fixtures.
        steps: what is recorded; refusals are results.
        prepare: brings a fresh appliance into the state that the case finds; not recorded.
        switches: behaviour of that appliance, see ``kempsdk.emulator.Switches``.
        grows: the answer gets longer with every command that is emulated; an older recording
            of it is as good. Delete it to have it made anew.
        written: the two files are written by hand, from facts: nothing can record them.
        differs: why the two interfaces do not give the same result; "" where they do.
    """

    name: str
    steps: tuple[Step, ...]
    prepare: Step = nothing
    switches: Mapping[str, Any] = field(default_factory=dict)
    grows: bool = False
    written: bool = False
    differs: str = ""

    @property
    def command(self) -> str:
        """The command that the case is about."""
        return self.name.rpartition("/")[0]

    def run(self, lm: "LoadMaster") -> tuple[object, ...]:
        """Do the steps and return what each gave; a refusal is described, not raised."""
        return tuple(_outcome(step, lm) for step in self.steps)


def case(
    name: str,
    *steps: Step,
    prepare: Step = nothing,
    switches: Mapping[str, Any] | None = None,
    grows: bool = False,
    written: bool = False,
    differs: str = "",
) -> Case:
    """Return a case; see ``Case``."""
    return Case(
        name=name,
        steps=steps,
        prepare=prepare,
        switches=switches or {},
        grows=grows,
        written=written,
        differs=differs,
    )


def raw(command: str, params: "Mapping[str, ParamValue] | None" = None) -> Step:
    """Return the step that sends a command as it is, for what no manager would send."""
    return lambda lm: lm.command(command, params).message


def _outcome(step: Step, lm: "LoadMaster") -> object:
    try:
        result = step(lm)
    except CommandRejected as error:
        return type(error).__name__, error.status, error.reason
    except WriteNotApplied as error:
        return type(error).__name__, error.differences
    except BadAnswer as error:
        return type(error).__name__, str(error)
    return "done" if result is None else result
