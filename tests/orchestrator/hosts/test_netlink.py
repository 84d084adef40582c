"""The netlink driver beyond the contract: files of boot, sockets, commands, refusals."""

import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostUnreachable
from orchestrator.hosts import netlink_changes
from orchestrator.hosts.changes import AddAddress, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import persistent_arp
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.state import SYSCTL_FILE
from tests.fakes.clock import FakeClock
from tests.orchestrator.hosts.segment import (
    INTERFACE,
    LOOK_ON,
    VIP,
    VIP_ON_LO,
    Member,
    Segment,
    sysctl,
)
from tests.processes import gone

pytestmark = pytest.mark.kernel
DRIVER = NetlinkDriver()


@pytest.fixture
def member(segment: Segment) -> Member:
    return segment.attach("web1")


def test_reads_the_default_route(member: Member) -> None:
    assert DRIVER.read(member.host).default_route == (LOOK_ON, INTERFACE)


def test_reads_files_of_boot_with_links_and_masks(member: Member) -> None:
    for directory in ("etc/sysctl.d", "usr/lib/sysctl.d"):
        (member.root / directory).mkdir(parents=True)
    line = "net.ipv4.conf.all.arp_ignore = {}\n".format
    (member.root / "etc/sysctl.conf").write_text(line(1))
    (member.root / "etc/sysctl.d/99-sysctl.conf").symlink_to("/etc/sysctl.conf")
    (member.root / "usr/lib/sysctl.d/50-default.conf").write_text(line(3))
    (member.root / "etc/sysctl.d/50-default.conf").symlink_to("/dev/null")
    (member.root / "usr/lib/sysctl.d/10-first.conf").write_text(line(2))
    assert [(one.path, one.value) for one in DRIVER.read(member.host).persistent_sysctls] == [
        ("/usr/lib/sysctl.d/10-first.conf", "2"),
        ("/etc/sysctl.d/99-sysctl.conf", "1"),
        ("/etc/sysctl.conf", "1"),
    ]


def test_lines_with_dotted_interfaces_are_understood(member: Member) -> None:
    (member.root / "etc/sysctl.d").mkdir(parents=True)
    (member.root / "etc/sysctl.d/10.conf").write_text(
        "net.ipv4.conf.ens32/100.arp_ignore = 1\nnet.ipv4.conf.ens32/100.arp_announce = 2\n"
    )
    assert persistent_arp(DRIVER.read(member.host), INTERFACE).silent


def test_a_file_that_cannot_be_read_is_not_an_empty_one(member: Member) -> None:
    (member.root / "etc").mkdir()
    (member.root / "etc/sysctl.d").symlink_to("sysctl.d")
    with pytest.raises(HostUnreachable, match="circles"):
        DRIVER.read(member.host)


def test_reads_sockets_of_both_families(member: Member) -> None:
    DRIVER.apply(member.host, [AddAddress(address=VIP_ON_LO)])

    def listen() -> tuple[socket.socket, socket.socket, socket.socket]:
        wide = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        client = socket.create_connection((VIP, wide.getsockname()[1]))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((VIP, 0))
        return wide, client, udp

    wide, client, udp = member.namespace.run(listen)
    with wide, client, udp:
        port = wide.getsockname()[1]
        with wide.accept()[0]:
            found = {
                (one.protocol, one.local_address, one.local_port, one.peer_address, one.state)
                for one in DRIVER.read(member.host).sockets
            }
    assert ("tcp", "::", port, "::", "listen") in found
    assert ("tcp", VIP, port, VIP, "established") in found
    assert ("udp", VIP, udp_port(found), "0.0.0.0", "unconn") in found  # noqa: S104 - no binding


def udp_port(found: set[tuple[str, str, int, str, str]]) -> int:
    return next(port for protocol, _, port, _, _ in found if protocol == "udp")


def test_a_value_that_does_not_stick_is_a_failure(
    member: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = tmp_path / "conf/all"
    scope.mkdir(parents=True)
    (scope / "arp_ignore").symlink_to("/dev/null")
    monkeypatch.setattr(netlink_changes, "CONF", tmp_path / "conf")
    with pytest.raises(HostChangeFailed, match="reads '' after writing 1"):
        DRIVER.apply(member.host, [sysctl("all", "arp_ignore", 1)])


@pytest.mark.parametrize("scope", ["..", ".", "../../../kernel", "a/b"])
def test_only_arp_sysctls_are_ever_written(member: Member, scope: str) -> None:
    with pytest.raises(HostChangeFailed, match="not a sysctl that is set here"):
        DRIVER.apply(member.host, [sysctl(scope, "arp_ignore", 1)])
    with pytest.raises(HostChangeFailed, match="not a sysctl that is set here"):
        DRIVER.apply(member.host, [sysctl("all", "forwarding", 1)])


def test_a_command_runs_in_the_hosts_network(member: Member) -> None:
    result = DRIVER.run(
        member.host, ["sh", "-c", "readlink /proc/self/ns/net; echo no >&2; exit 3"], timeout_s=10
    )
    inside = member.namespace.run(lambda: os.readlink("/proc/thread-self/ns/net"))  # noqa: PTH115 - an identity, not a path
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (3, inside, "no\n")


def test_a_command_that_takes_too_long_is_killed_with_its_children(member: Member) -> None:
    started = time.monotonic()
    result = DRIVER.run(member.host, ["sh", "-c", "sleep 60 & echo $!; wait"], timeout_s=1)
    assert result.exit_code is None
    assert gone(int(result.stdout))
    assert time.monotonic() - started < 30


def test_the_given_clock_bounds_a_command(member: Member) -> None:
    clock = FakeClock()
    result = NetlinkDriver(clock=clock).run(member.host, ["sleep", "60"], timeout_s=5)
    assert result.exit_code is None
    assert 5 <= sum(clock.sleeps) < 5.1


def test_a_daemon_left_behind_does_not_hold_the_command_up(member: Member) -> None:
    result = DRIVER.run(member.host, ["sh", "-c", "sleep 5 & echo $!"], timeout_s=4)
    assert result.exit_code == 0
    os.kill(int(result.stdout), 15)


def test_only_the_end_of_long_output_is_kept(member: Member) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo line$i; i=$((i+1)); done"
    result = DRIVER.run(member.host, ["sh", "-c", script], timeout_s=20)
    assert len(result.stdout) == 64 * 1024
    assert result.stdout.endswith("line19999\n")


def test_a_command_that_may_not_be_run(member: Member) -> None:
    plain = member.root / "plain"
    plain.write_text("x")
    assert DRIVER.run(member.host, [str(plain)], timeout_s=1).exit_code == 126


def test_what_is_no_namespace_is_unreachable(member: Member) -> None:
    for place in ("kemp-not-there", "/etc/passwd"):
        with pytest.raises(HostUnreachable, match="web1"):
            DRIVER.read(replace(member.host, namespace=place))


def test_this_machine_itself_can_be_read() -> None:
    own = Host(name="here", address="127.0.0.1", interface="lo")
    state = DRIVER.read(own)
    assert "lo" in state.interfaces
    assert "conf/all/arp_ignore" in state.sysctls


def test_several_hosts_at_once(segment: Segment) -> None:
    members = [segment.attach(f"web{number}") for number in range(6)]
    failures: list[Exception] = []

    def work(member: Member) -> None:
        try:
            for value in (1, 2, 0, 1):
                DRIVER.apply(member.host, [sysctl("all", "arp_ignore", value)])
                state = DRIVER.read(member.host)
                assert state.sysctls["conf/all/arp_ignore"] == value
                assert state.interfaces[INTERFACE] == member.mac
        except Exception as error:  # noqa: BLE001 - shown below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_nothing_is_written_outside_the_root(member: Member, tmp_path: Path) -> None:
    (member.root / "etc").symlink_to(tmp_path)
    DRIVER.apply(member.host, [write_file()])
    assert list(tmp_path.iterdir()) == []
    assert DRIVER.read(member.host).files == {SYSCTL_FILE: "# x\n"}


def write_file() -> WriteFile:
    return WriteFile(path=SYSCTL_FILE, content="# x\n", before=None)


def test_descriptors_and_threads_do_not_pile_up(member: Member) -> None:
    DRIVER.read(member.host)
    before = (len(os.listdir("/proc/self/fd")), threading.active_count())  # noqa: PTH208 - a count
    for _ in range(20):
        DRIVER.read(member.host)
    after = (len(os.listdir("/proc/self/fd")), threading.active_count())  # noqa: PTH208 - a count
    assert after == before
