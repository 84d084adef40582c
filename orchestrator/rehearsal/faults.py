"""What can be made to go wrong in a rehearsal, and when it strikes. Pure."""

from dataclasses import dataclass

from orchestrator.errors import CannotRehearse
from orchestrator.rollout_spec import Kind

_BACK: tuple[Kind, ...] = ("add", "roll", "replace", "rehome")
_OUT: tuple[Kind, ...] = ("drain", "remove", "roll", "replace", "rehome")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInfo:
    """A kind of trouble.

    Attributes:
        moment: the kind of step of its server at whose beginning it strikes; "first" that of
            the run's first step, "start" before the run, "apply" when the host is changed,
            "command" when the action is run.
        kinds: of rollouts in which that moment comes; empty for all.
    """

    name: str
    summary: str
    moment: str
    kinds: tuple[str, ...] = ()


FAULTS = {
    one.name: one
    for one in (
        FaultInfo(
            name="never-healthy",
            summary="the server passes its own checks and never becomes healthy again",
            moment="enable",
            kinds=_BACK,
        ),
        FaultInfo(
            name="action-fails",
            summary="the action on the server ends with exit code 1",
            moment="command",
            kinds=("roll",),
        ),
        FaultInfo(
            name="slow-drain",
            summary="clients hold connections to every server and never let go",
            moment="start",
            kinds=_OUT,
        ),
        FaultInfo(
            name="server-dies",
            summary="another server of its services goes down as the first step begins",
            moment="first",
        ),
        FaultInfo(
            name="wrong-arp",
            summary="the server answers ARP for the VIP, as after a reboot without its settings",
            moment="verify-host",
            kinds=_BACK,
        ),
        FaultInfo(
            name="host-cut",
            summary="the way to the host breaks in the middle of a change of its network",
            moment="apply",
        ),
        FaultInfo(
            name="frozen-counters",
            summary="the LoadMaster's statistics stand still while the server drains",
            moment="drain",
            kinds=_OUT,
        ),
        FaultInfo(
            name="enabled-by-another",
            summary="somebody enables the server on the LoadMaster while it drains",
            moment="drain",
            kinds=_OUT,
        ),
        FaultInfo(
            name="api-503",
            summary="the LoadMaster answers the next three calls with a 503 page",
            moment="first",
        ),
        FaultInfo(
            name="api-closed",
            summary="the LoadMaster makes the next two changes and hangs up without an answer",
            moment="first",
        ),
        FaultInfo(
            name="api-slow",
            summary="the LoadMaster takes four seconds for each of the next five calls",
            moment="first",
        ),
        FaultInfo(
            name="failover",
            summary="the LoadMaster is gone for five seconds, as while a pair fails over",
            moment="drain",
            kinds=_OUT,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenFault:
    """A fault, and the server that it strikes; "" for the first one that can meet it."""

    info: FaultInfo
    server: str = ""


def choose(text: str, *, kind: str) -> ChosenFault:
    """Read ``NAME`` or ``NAME:SERVER``.

    Raises:
        CannotRehearse: no such fault, or one that such a rollout never meets.
    """
    name, _, server = text.partition(":")
    info = FAULTS.get(name)
    if info is None:
        raise CannotRehearse(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
    if info.kinds and kind not in info.kinds:
        raise CannotRehearse(f"a {kind} never comes to where {name} strikes")
    return ChosenFault(info=info, server=server)
