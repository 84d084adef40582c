"""Hosts in memory: a HostDriver that keeps state, for tests without a kernel."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.errors import HostChangeFailed, HostUnreachable
from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SetSysctl,
    WriteFile,
    describe,
)
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.sections import Arptables, Firewalld, HostFile, Persistence, Section
from orchestrator.hosts.state import (
    ARPTABLES_FILE,
    MANAGED_FILES,
    HostAddress,
    NetState,
    PolicyRule,
    Release,
    Route,
    Socket,
)
from orchestrator.hosts.sysctl_files import lines_about_arp

OK = CommandResult(exit_code=0, stdout="", stderr="")
FAILS = CommandResult(exit_code=1, stdout="", stderr="broken")
NEVER = CommandResult(exit_code=None, stdout="", stderr="")
"""What became of a command on a host."""


@dataclass(slots=True, kw_only=True)
class FakeHost:
    """One host as it is now; a test may change everything behind the product's back.

    Attributes:
        files: every file of the host by absolute path; sysctl files among them are read.
        modes: permission bits of files that are not 0644.
        persistence: without files: those are found among ``files``.
        on_tool: carries out a call of a tool, or says why not; the default has no tools.
        down: reason why it cannot be reached, or None.
        refuse: given a change, why the host refuses it, or None.
        on_run: carries out commands; the default answers exit code 0 to everything.
        applied: every change carried out, oldest first.
        commands: every command run, oldest first.
    """

    interfaces: dict[str, str]
    addresses: list[HostAddress]
    sysctls: dict[str, int]
    files: dict[str, str] = field(default_factory=dict)
    sockets: list[Socket] = field(default_factory=list)
    sysctls6: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    rules: list[PolicyRule] = field(default_factory=list)
    release: Release = field(default_factory=Release)
    persistence: Persistence = field(default_factory=Persistence)
    arptables: Arptables = field(default_factory=Arptables)
    firewalld: Firewalld = field(default_factory=Firewalld)
    on_tool: Callable[[CallTool], str | None] = lambda call: f"there is no {call.argv[0]}"
    down: str | None = None
    refuse: Callable[[NetChange], str | None] = lambda change: None
    on_run: Callable[[Sequence[str]], CommandResult] = lambda argv: OK
    applied: list[NetChange] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def boot(self) -> None:
        """Restart: live state is gone, the files say what comes back."""
        self.addresses = [one for one in self.addresses if one.prefix != 32]
        self.sockets = []
        for key in self.sysctls:
            self.sysctls[key] = 0
        for line in lines_about_arp(
            {path: text for path, text in self.files.items() if path != "/etc/sysctl.conf"}
        ):
            if line.key in self.sysctls and line.value:
                self.sysctls[line.key] = int(line.value)


def plain_host(host: Host, *, mac: str = "02:00:00:00:00:01", sysctl: int = 0) -> FakeHost:
    """Return a host with its own address and nothing of ours."""
    return FakeHost(
        interfaces={"lo": "", host.interface: mac},
        addresses=[
            HostAddress(address="127.0.0.1", prefix=8, interface="lo"),
            HostAddress(address=host.address, prefix=24, interface=host.interface),
        ],
        sysctls={
            f"conf/{name}/{key}": sysctl
            for name in ("all", "default", "lo", host.interface)
            for key in ("arp_ignore", "arp_announce", "rp_filter")
        },
    )


class FakeHostDriver:
    """A HostDriver over FakeHost objects, by the host's name."""

    def __init__(self, hosts: Mapping[str, FakeHost] | None = None) -> None:
        self.hosts: dict[str, FakeHost] = dict(hosts or {})
        self._lock = threading.RLock()

    def add(self, host: Host, fake: FakeHost | None = None) -> FakeHost:
        """Make the host exist (a plain one unless given) and return it."""
        self.hosts[host.name] = fake or plain_host(host)
        return self.hosts[host.name]

    def _reach(self, host: Host) -> FakeHost:
        fake = self.hosts.get(host.name)
        if fake is None:
            raise HostUnreachable(f"{host.name}: no such host")
        if fake.down is not None:
            raise HostUnreachable(f"{host.name}: {fake.down}")
        return fake

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        with self._lock:
            fake = self._reach(host)
            return NetState(
                interfaces=dict(fake.interfaces),
                addresses=tuple(fake.addresses),
                sysctls=dict(fake.sysctls),
                sysctls6=dict(fake.sysctls6),
                persistent_sysctls=lines_about_arp(fake.files),
                files={path: fake.files[path] for path in MANAGED_FILES if path in fake.files},
                sockets=tuple(fake.sockets),
                mtus=dict.fromkeys(fake.interfaces, 1500),
                routes=tuple(fake.routes),
                rules=tuple(fake.rules),
                hostname=host.name,
                release=fake.release,
                user="root",
                read_at="2026-01-01T00:00:00Z",
                persistence=_persistence(fake) if Section.PERSISTENCE in sections else None,
                arptables=_arptables(fake) if Section.ARPTABLES in sections else None,
                firewalld=fake.firewalld if Section.FIREWALLD in sections else None,
            )

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        done: list[str] = []
        for change in changes:
            with self._lock:
                fake = self._reach(host)
                reason = fake.refuse(change) or _carry_out(fake, change)
                if reason is not None:
                    raise HostChangeFailed(
                        f"{host.name}: could not {describe(change)}: {reason}", done=done
                    )
                fake.applied.append(change)
            done.append(describe(change))

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        self.apply(host, changes)
        return self.read(host, sections)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        with self._lock:
            fake = self._reach(host)
            fake.commands.append(tuple(argv))
        return fake.on_run(argv)


def _persistence(fake: FakeHost) -> Persistence:
    files = {
        path: HostFile(
            content=text, mode=fake.modes.get(path, 0o644), owner=fake.owners.get(path, 0)
        )
        for path, text in fake.files.items()
        if path not in (*MANAGED_FILES, ARPTABLES_FILE)
    }
    # systemctl is-enabled looks at the files, whatever systemd has read.
    units = {
        unit: word
        for unit, word in fake.persistence.units.items()
        if not unit.startswith("kemp-") or f"/etc/systemd/system/{unit}.service" in files
    }
    return replace(fake.persistence, files=files, units=units)


def _arptables(fake: FakeHost) -> Arptables:
    text = fake.files.get(ARPTABLES_FILE)
    if text is None:
        return fake.arptables
    mode, owner = fake.modes.get(ARPTABLES_FILE, 0o644), fake.owners.get(ARPTABLES_FILE, 0)
    return replace(fake.arptables, saved=HostFile(content=text, mode=mode, owner=owner))


def _carry_out(fake: FakeHost, change: NetChange) -> str | None:
    match change:
        case SetSysctl():
            if change.key not in fake.sysctls:
                return "there is no such sysctl"
            fake.sysctls[change.key] = change.value
        case WriteFile(content=None):
            fake.files.pop(change.path, None)
            fake.modes.pop(change.path, None)
        case WriteFile(path=path, content=str(content)):
            if not path.startswith("/") or ".." in path.split("/") or "\0" in path:
                return "not a path below the host's root"
            fake.files[path] = content
            if change.mode is not None:
                fake.modes[path] = change.mode
        case AddAddress(address=address):
            if address.interface not in fake.interfaces:
                return f"there is no interface {address.interface}"
            if address.label is not None and len(address.label) > 15:
                return "the label is longer than 15 bytes"
            fake.addresses = [*_others(fake, address), address]
        case RemoveAddress(address=address):
            fake.addresses = _others(fake, address)
        case SetRoute(route=route):
            if route.interface and route.interface not in fake.interfaces:
                return f"there is no interface {route.interface}"
            fake.routes = [*_other_routes(fake, route), route]
        case RemoveRoute(route=route):
            fake.routes = _other_routes(fake, route)
        case AddRule(rule=rule):
            fake.rules = [*(one for one in fake.rules if one != rule), rule]
        case RemoveRule(rule=rule):
            fake.rules = [one for one in fake.rules if one != rule]
        case CallTool():
            return fake.on_tool(change)
    return None


def _other_routes(fake: FakeHost, route: Route) -> list[Route]:
    def place(one: Route) -> tuple[int, str, str, int]:
        return (one.version, one.destination, one.table, one.metric)

    return [one for one in fake.routes if place(one) != place(route)]


def _others(fake: FakeHost, address: HostAddress) -> list[HostAddress]:
    same = (address.address, address.prefix, address.interface)
    return [one for one in fake.addresses if (one.address, one.prefix, one.interface) != same]
