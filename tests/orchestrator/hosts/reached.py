"""A host that is reached over ssh: a real sshd in a real network namespace."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, NetState
from tests.orchestrator.hosts.by_loopback import METHOD, plan_add, verify
from tests.orchestrator.hosts.segment import VIP, Member, Segment
from tests.orchestrator.hosts.sshd import Sshd, need_openssh


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A host with a server, and the driver that gets there, once we are on the segment."""

    member: Member
    sshd: Sshd
    driver: SshDriver

    @property
    def host(self) -> Host:
        return self.member.host

    def read(self) -> NetState:
        return self.driver.read(self.host, METHOD.sections)

    def settled(self) -> NetState:
        """Return what is there but for sockets, which come and go."""
        return replace(self.read(), sockets=())

    def apply(self, changes: Sequence[NetChange]) -> None:
        self.driver.apply(self.host, changes)

    def run(self, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        return self.driver.run(self.host, argv, timeout_s=timeout_s)

    def to_add(self, state: NetState | None = None) -> tuple[NetChange, ...]:
        """Return what makes it carry the VIP, from a state or from what is there."""
        return plan_add(state or self.read(), host=self.host, vip=VIP)

    def wrong(self, state: NetState | None = None) -> tuple[Finding, ...]:
        """Return what keeps it from carrying the VIP."""
        return verify(state or self.read(), host=self.host, vip=VIP)

    def with_config(self, **changes: str) -> SshDriver:
        return SshDriver(config_file=self.sshd.write_config("changed", changes))


@pytest.fixture
def member(segment: Segment) -> Member:
    need_openssh()
    return segment.attach("web1")


@pytest.fixture
def sshd(member: Member, tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(member.namespace, member.host.address, tmp_path / "sshd") as server:
        yield server


@pytest.fixture
def reached(segment: Segment, member: Member, sshd: Sshd) -> Iterator[Reached]:
    sshd.start()
    with SshDriver(config_file=sshd.config) as driver, segment.bridge.entered():
        yield Reached(member=member, sshd=sshd, driver=driver)


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Callable[[str], None]]:
    """Mount memory there; what is given can mount it again with other options."""
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        yield lambda change: subprocess.run(
            ["mount", "-o", f"remount,{change}", str(place)], check=True
        ).check_returncode()
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def full(root: Path) -> Iterator[Path]:
    """Make a host's disk full: directories are there, files do not fit while the ballast is."""
    with mounted(root, "size=64k"):
        for path in (RECORD_FILE, SYSCTL_FILE):
            (root / path[1:]).parent.mkdir(parents=True)
        ballast = root / "ballast"
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"x" * 99_999)
        yield ballast
