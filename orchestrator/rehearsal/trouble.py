"""Makes the chosen faults happen, each at its moment."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kempsdk.emulator.faults import Fault, FaultKind
from kempsdk.references import RsRef, VsRef
from orchestrator.errors import CannotRehearse, HostUnreachable
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.topology import INTERFACE
from orchestrator.rehearsal.faults import ChosenFault
from orchestrator.rehearsal.held_connections import HeldConnections
from orchestrator.rehearsal.web_servers import WebServers
from orchestrator.rollout.plan import Place, Plan, ServerPlan
from orchestrator.rollout.records import Event

_AWAY_S = 5.0


@dataclass(slots=True)
class _Armed:
    fault: ChosenFault
    server: str
    struck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultResult:
    """What became of a fault: whether its moment came, and it met something."""

    name: str
    server: str
    struck: bool


class Trouble:
    """The faults of one rehearsal. Used from several threads."""

    def __init__(
        self,
        faults: Sequence[ChosenFault],
        plan: Plan,
        lab: Lab,
        boxes: Mapping[str, LabLoadMaster],
        stations: Mapping[str, str],
        clients: Sequence[str],
        *,
        speed: float,
    ) -> None:
        """Choose the server of each.

        Args:
            stations: of the servers, by their names.
            clients: addresses of the lab's client, each like a client of its own.
            speed: of the plan's clock.

        Raises:
            CannotRehearse: a fault names a server that the plan does not work on.
        """
        self._plan, self._lab, self._boxes, self._stations = plan, lab, boxes, stations
        self._clients, self._speed = clients, speed
        worked_on = {one.name: one for one in plan.servers if one.steps}
        for one in faults:
            if one.server and one.server not in worked_on:
                raise CannotRehearse(
                    f"{one.info.name}: the plan does not work on {one.server}; it does on: "
                    f"{', '.join(worked_on)}"
                )
        self._armed = [
            _Armed(one, one.server or _first(worked_on.values(), one.info.moment)) for one in faults
        ]
        self._guard = threading.Lock()
        self._late: list[threading.Timer] = []

    @property
    def results(self) -> tuple[FaultResult, ...]:
        return tuple(
            FaultResult(name=one.fault.info.name, server=one.server, struck=one.struck)
            for one in self._armed
        )

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Let those strike that are there from the beginning, and end what lasts."""
        with ExitStack() as stack:
            if self._at("start"):
                held = HeldConnections(
                    self._lab, self._services(), self._clients, speed=self._speed
                )
                stack.enter_context(held)
            try:
                yield
            finally:
                for timer in self._late:
                    timer.join()

    def on_event(self, event: Event) -> None:
        """Strike where a step begins."""
        if event.kind != "step-started" or event.step is None:
            return
        for one in self._at("first"):
            self._strike(one)
        for one in self._at(_word(event.step), event.server):
            self._strike(one)

    def commands_fail(self, server: str) -> bool:
        """Return whether the action on a server is to fail now."""
        return bool(self._at("command", server))

    def cuts(self, server: str) -> bool:
        """Return whether the way to a server is to break in the change that comes now."""
        return bool(self._at("apply", server))

    def _at(self, moment: str, server: str | None = None) -> list[_Armed]:
        """Return the faults of this moment that have not struck; they have, from now on."""
        with self._guard:
            found = [
                one
                for one in self._armed
                if not one.struck
                and one.fault.info.moment == moment
                and server in (None, one.server)
            ]
            for one in found:
                one.struck = True
        return found

    def _strike(self, one: _Armed) -> None:
        match one.fault.info.name:
            case "never-healthy":
                for place in self._places(one.server):
                    address, port = _address(place)
                    self._boxes[place.loadmaster].controlled(
                        lambda box, a=address, p=port: box.set_health(a, p, False)  # type: ignore[misc] # mypy cannot infer a lambda with a default argument
                    )
            case "server-dies":
                # Not before the run: then it is drift, and nothing is begun.
                one.struck = self._take_down_another(one.server)
            case "wrong-arp":
                station = self._stations[self._plan.server(one.server).host]
                self._lab.namespaces[station].run(_let_arp_speak)
            case "frozen-counters":
                self._on_all(lambda box: box.freeze_stats(True))
            case "enabled-by-another":
                for place in self._places(one.server):
                    vs, rs = VsRef.parse(place.service), RsRef.parse(place.server)
                    self._boxes[place.loadmaster].controlled(
                        lambda box, vs=vs, rs=rs: box.set_enabled(vs, rs, True)  # type: ignore[misc] # as above
                    )
            case "api-503":
                self._arm(Fault(kind=FaultKind.PAGE, times=3))
            case "api-closed":
                self._arm(Fault(kind=FaultKind.CLOSE, command="modrs", times=2))
            case "api-slow":
                self._arm(Fault(kind=FaultKind.DELAY, seconds=4.0, times=5))
            case "failover":
                self._on_all(lambda box: box.set_power(False))
                timer = threading.Timer(_AWAY_S, self._on_all, [lambda box: box.set_power(True)])
                self._late.append(timer)
                timer.start()

    def _take_down_another(self, server: str) -> bool:
        """Return whether there was one in any of a server's services."""
        found = False
        for place in self._places(server):
            own = _address(place)
            box = self._boxes[place.loadmaster]
            with box.client() as lm:
                servers = lm.real_servers.list(VsRef.parse(place.service))
            for rs in servers:
                if (rs.ref.address, rs.ref.port) != own and rs.enabled:
                    box.controlled(
                        lambda control, one=rs.ref: control.set_health(  # type: ignore[misc] # as above
                            one.address, one.port, False
                        )
                    )
                    found = True
                    break
        return found

    def _arm(self, fault: Fault) -> None:
        self._on_all(lambda box: box.arm(fault))

    def _on_all(self, do: Callable[..., object]) -> None:
        for box in self._boxes.values():
            box.controlled(do)

    def _places(self, server: str) -> tuple[Place, ...]:
        return self._plan.server(server).places

    def _services(self) -> list[tuple[str, int]]:
        found = {
            _endpoint(place): None
            for one in self._plan.servers
            for place in one.places
            if place.service.startswith("tcp/")
        }
        return list(found)


def _first(servers: Collection[ServerPlan], moment: str) -> str:
    """Return the first server that has a step of this moment; the first one where none has."""
    found = (one for one in servers if any(_word(step.id) == moment for step in one.steps))
    return next(found, next(iter(servers))).name


def _word(step: str) -> str:
    """Return what a step does, from its id."""
    return step.rpartition("/")[2].partition("@")[0]


def _let_arp_speak() -> None:
    for device in ("all", INTERFACE):
        for name in ("arp_ignore", "arp_announce"):
            Path(f"/proc/sys/net/ipv4/conf/{device}/{name}").write_text("0")


def _endpoint(place: Place) -> tuple[str, int]:
    ref = VsRef.parse(place.service)
    return ref.address, ref.port


def _address(place: Place) -> tuple[str, int]:
    ref = RsRef.parse(place.server)
    return ref.address, ref.port


@dataclass(slots=True)
class LabDriver:
    """The hosts' driver in a rehearsal: real changes, and commands that stand in.

    An operator's action renews the host's web servers instead of running; hooks only succeed.
    What the product itself runs on a host is run.
    """

    inner: HostDriver
    web: WebServers
    stations: Mapping[str, str]
    trouble: Trouble | None = None

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        return self.inner.read(host, sections)

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        self._break_off(host, changes)
        self.inner.apply(host, changes)

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        self._break_off(host, changes)
        return self.inner.apply_and_read(host, changes, sections)

    def _break_off(self, host: Host, changes: Sequence[NetChange]) -> None:
        if changes and self.trouble is not None and self.trouble.cuts(host.name):
            self.inner.apply(host, changes[: len(changes) // 2])
            raise HostUnreachable(f"{host.name}: the connection broke in the middle of a change")

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        if operators_names(argv):
            return self.here(argv, timeout_s)
        return self.inner.run(host, argv, timeout_s=timeout_s)

    def here(self, argv: Sequence[str], _timeout_s: float) -> CommandResult:
        """Stand in for a command of the operator's, wherever it would run."""
        names = operators_names(argv)
        if names.get("KEMP_POINT") == "action":
            server = names["KEMP_SERVER"]
            if self.trouble is not None and self.trouble.commands_fail(server):
                return CommandResult(exit_code=1, stdout="", stderr="fault action-fails")
            self.web.restart(self.stations[server])
        return CommandResult(exit_code=0, stdout="rehearsed, not run", stderr="")


def operators_names(argv: Sequence[str]) -> Mapping[str, str]:
    """Return what a command of the operator's is told; empty: it is the product's own."""
    if argv[0] != "env":
        return {}
    return dict(one.partition("=")[::2] for one in argv[1:] if one.startswith("KEMP_"))
