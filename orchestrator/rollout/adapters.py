"""The outside world as a run sees it: passed in, never built by the run itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kempsdk import LoadMaster
from kempsdk.clock import Clock, SystemClock
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.hosts.local_command import run_command
from orchestrator.probes.segment import Segment
from orchestrator.rollout.web import WebAnswer, WebRequest, ask_web


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Everything a run touches.

    Attributes:
        loadmaster: gives the client of a LoadMaster by its name in the inventory.
        driver: gives the driver of a host.
        clock: all waiting and all times.
        segment: None where there is no place to watch the servers' segment from.
        here: runs an operator's action on this machine: arguments, then seconds.
        web: asks over HTTP from this machine.
    """

    loadmaster: Callable[[str], LoadMaster]
    driver: Callable[[Host], HostDriver]
    clock: Clock
    segment: Segment | None
    here: Callable[[Sequence[str], float], CommandResult]
    web: Callable[[WebRequest], WebAnswer] = ask_web


def run_here(
    argv: Sequence[str], timeout_s: float, *, environ: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a command on this machine, bounded in time: the real ``Adapters.here``.

    Args:
        environ: what it finds in its environment; None: what this process has.
    """
    return run_command(argv, timeout_s, clock=SystemClock(), environ=environ)
