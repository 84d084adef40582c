"""Each trouble on the way to a host has its own error, and the next plan mends what is left.

With a real sshd. Half-written files and a connection that is cut in the middle of a change
are in test_ssh_interruptions.py.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.changes import CallTool, NetChange, describe
from orchestrator.hosts.driver import Host
from orchestrator.hosts.ssh import SshDriver
from tests.orchestrator.hosts.reached import Reached, full, mounted
from tests.orchestrator.hosts.sshd import make_key

pytestmark = pytest.mark.kernel

NMCLI = CallTool(argv=("nmcli", "connection", "reload"), says="have NetworkManager read it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is wrong for a while, and what must be said of it."""

    reason: HostTrouble
    says: str
    strike: Callable[[Reached, Path], AbstractContextManager[tuple[SshDriver, Host]]]
    first: Sequence[NetChange] = ()
    error: type[HostUnreachable | HostChangeFailed] = HostUnreachable


@contextmanager
def gone(reached: Reached, _folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    reached.sshd.stop()
    yield reached.driver, reached.host
    reached.sshd.start()


@contextmanager
def other_host_key(reached: Reached, folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    reached.sshd.trust(make_key(folder / "other-host"))
    yield reached.driver, reached.host
    reached.sshd.trust(reached.sshd.host_key)


@contextmanager
def refused_key(reached: Reached, folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    with reached.with_config(IdentityFile=str(make_key(folder / "other-user"))) as driver:
        yield driver, reached.host


@contextmanager
def refused_sudo(reached: Reached, _folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    reached.sshd.tool("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    yield reached.driver, replace(reached.host, sudo=True)


@contextmanager
def no_tool(reached: Reached, _folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    (reached.member.root / "etc").mkdir()
    (reached.member.root / "etc/os-release").write_text('ID="centos"\nVERSION_ID="9"\n')
    yield reached.driver, reached.host
    (reached.member.root / "etc/os-release").unlink()


@contextmanager
def read_only(reached: Reached, _folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    with mounted(reached.member.root, "size=64k") as remount:
        (reached.member.root / "var/lib/kemp").mkdir(parents=True)
        remount("ro")
        yield reached.driver, reached.host


@contextmanager
def full_disk(reached: Reached, _folder: Path) -> Iterator[tuple[SshDriver, Host]]:
    with full(reached.member.root):
        yield reached.driver, reached.host


FAULTS = {
    "unreachable": Fault(
        reason=HostTrouble.UNREACHABLE, says="nothing listens there: does sshd run", strike=gone
    ),
    "host key": Fault(
        reason=HostTrouble.HOST_KEY,
        says=r"not the one in known_hosts.*ssh-keygen -R",
        strike=other_host_key,
    ),
    "permission": Fault(
        reason=HostTrouble.PERMISSION, says=r"none of our keys.*ssh-add -l", strike=refused_key
    ),
    "sudo": Fault(
        reason=HostTrouble.SUDO,
        says=r"sudo was refused.*NOPASSWD.*a password is required",
        strike=refused_sudo,
    ),
    "missing tool": Fault(
        reason=HostTrouble.MISSING_TOOL,
        says=r"no nmcli on the host: install the package NetworkManager$",
        strike=no_tool,
        first=[NMCLI],
        error=HostChangeFailed,
    ),
    "read-only": Fault(
        reason=HostTrouble.READ_ONLY,
        says=r"the file system is read-only: mend it",
        strike=read_only,
        error=HostChangeFailed,
    ),
    "disk full": Fault(
        reason=HostTrouble.DISK_FULL,
        says=r"the disk is full.*make room",
        strike=full_disk,
        error=HostChangeFailed,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_has_its_own_error_and_the_next_plan_mends_it(
    reached: Reached, tmp_path: Path, name: str
) -> None:
    fault = FAULTS[name]
    before = reached.read()
    changes = reached.to_add(before)
    # So that nothing goes over a connection from before.
    reached.sshd.cut()
    with fault.strike(reached, tmp_path) as (driver, host):
        with pytest.raises(fault.error, match=fault.says) as caught:
            driver.apply(host, [*fault.first, *changes])
        assert isinstance(caught.value, HostUnreachable | HostChangeFailed)
        assert caught.value.reason is fault.reason
        assert str(caught.value).startswith("web1: ")
    state = reached.read()
    assert replace(state, sockets=()) == replace(before, sockets=())
    assert "vip-missing" in [one.id for one in reached.wrong(state)]
    again = reached.to_add(state)
    assert [*map(describe, again)] == [*map(describe, changes)]
    reached.apply(again)
    after = reached.read()
    assert reached.wrong(after) == ()
    assert reached.to_add(after) == ()


def test_no_two_troubles_are_told_alike() -> None:
    assert len({fault.reason for fault in FAULTS.values()}) == len(FAULTS)
    assert {fault.reason for fault in FAULTS.values()} | {
        HostTrouble.BROKEN_OFF,
        HostTrouble.OTHER,
    } == set(HostTrouble)
