"""The ssh driver beyond the contract, with a real sshd in a real network namespace."""

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.changes import AddAddress, WriteFile, describe
from orchestrator.hosts.driver import Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, NetState
from tests.orchestrator.hosts.by_loopback import METHOD, plan_add, plan_remove, verify
from tests.orchestrator.hosts.segment import LOOK_ON, VIP, VIP_ON_LO, Member, Segment, sysctl
from tests.orchestrator.hosts.sshd import Sshd, make_key, need_openssh
from tests.orchestrator.hosts.test_ssh_script import gone, readable

pytestmark = pytest.mark.kernel


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


def test_reads_what_the_netlink_driver_reads(reached: Reached) -> None:
    for directory in ("etc/sysctl.d", "usr/lib/sysctl.d"):
        (reached.member.root / directory).mkdir(parents=True)
    line = "net.ipv4.conf.all.arp_ignore = {}\n".format
    (reached.member.root / "etc/sysctl.conf").write_text(line(1))
    (reached.member.root / "etc/sysctl.d/99-sysctl.conf").symlink_to("/etc/sysctl.conf")
    (reached.member.root / "usr/lib/sysctl.d/50-default.conf").write_text(line(3))
    (reached.member.root / "etc/sysctl.d/50-default.conf").symlink_to("/dev/null")
    (reached.member.root / "etc/sysctl.d/.hidden.conf").write_text(line(2))
    (reached.member.root / "etc/sysctl.d/not.conf.bak").write_text(line(2))
    reached.member.add_address("192.0.2.77", 24, reached.host.interface)
    reached.driver.apply(
        reached.host,
        [
            AddAddress(address=VIP_ON_LO),
            WriteFile(path=RECORD_FILE, content="{}", before=None),
            sysctl("all", "rp_filter", 2),
        ],
    )
    over_ssh, here = reached.read(), NetlinkDriver().read(reached.host, METHOD.sections)
    assert over_ssh.persistent_sysctls
    assert over_ssh.default_route == (LOOK_ON, reached.host.interface)
    assert ("tcp", 22, "listen") in {
        (one.protocol, one.local_port, one.state) for one in over_ssh.sockets
    }
    assert set(over_ssh.sockets) == set(here.sockets)
    assert replace(over_ssh, sockets=()) == replace(here, sockets=())


def test_a_file_that_cannot_be_read_is_not_an_empty_one(reached: Reached) -> None:
    (reached.member.root / "etc").mkdir()
    (reached.member.root / "etc/sysctl.d").symlink_to("sysctl.d")
    with pytest.raises(HostUnreachable, match="circles"):
        reached.read()


def test_a_whole_change_is_three_round_trips_over_one_connection(
    reached: Reached, tmp_path: Path
) -> None:
    arguments = tmp_path / "arguments"
    client = tmp_path / "client"
    ssh = shlex.quote(shutil.which("ssh") or "")
    client.write_text(f'#!/bin/sh\necho "$*" >>{arguments}\nexec {ssh} "$@"\n')
    client.chmod(0o755)
    with SshDriver(config_file=reached.sshd.config, program=str(client)) as driver:
        changes = plan_add(driver.read(reached.host, METHOD.sections), host=reached.host, vip=VIP)
        driver.apply(reached.host, changes)
        after = driver.read(reached.host, METHOD.sections)
        calls = arguments.read_text().splitlines()
    assert verify(after, host=reached.host, vip=VIP) == ()
    assert plan_add(after, host=reached.host, vip=VIP) == ()
    assert len(calls) == reached.sshd.round_trips() == 3
    assert reached.sshd.logins() == 1
    assert not any(VIP in call or "arp" in call for call in calls)


def test_every_change_has_its_way_back(reached: Reached) -> None:
    before = replace(reached.read(), sockets=())
    changes = plan_add(before, host=reached.host, vip=VIP)
    reached.driver.apply(reached.host, changes)
    away = plan_remove(reached.read(), host=reached.host, vip=VIP)
    reached.driver.apply(reached.host, away)
    assert replace(reached.read(), sockets=()) == before


def test_a_changed_host_key_keeps_us_out(reached: Reached, tmp_path: Path) -> None:
    reached.sshd.trust(make_key(tmp_path / "other"))
    with pytest.raises(HostUnreachable, match="not the one in known_hosts"):
        reached.read()
    assert reached.sshd.logins() == 0


@pytest.mark.parametrize("asked", ["ask", "no"])
def test_an_unknown_host_key_keeps_us_out_whatever_the_configuration_says(
    reached: Reached, asked: str
) -> None:
    reached.sshd.known_hosts.write_text("")
    with (
        reached.with_config(StrictHostKeyChecking=asked) as driver,
        pytest.raises(HostUnreachable, match="is not in known_hosts"),
    ):
        driver.read(reached.host)
    assert reached.sshd.known_hosts.read_text() == ""


def test_who_says_so_leaves_host_keys_to_the_configuration(reached: Reached) -> None:
    reached.sshd.known_hosts.write_text("")
    config = reached.sshd.write_config("trusting", {"StrictHostKeyChecking": "accept-new"})
    with SshDriver(config_file=config, strict_host_keys=False) as driver:
        assert driver.read(reached.host).interfaces
    assert "ssh-ed25519" in reached.sshd.known_hosts.read_text()


def test_a_wrong_key_is_permission_denied(reached: Reached, tmp_path: Path) -> None:
    other = str(make_key(tmp_path / "other"))
    with (
        reached.with_config(IdentityFile=other) as driver,
        pytest.raises(HostUnreachable, match="accepts none of our keys"),
    ):
        driver.read(reached.host)


def test_a_port_where_nothing_listens(reached: Reached) -> None:
    with pytest.raises(HostUnreachable, match="nothing listens there"):
        reached.driver.read(replace(reached.host, port=1))


def test_a_wrong_configuration_is_named(reached: Reached) -> None:
    with (
        reached.with_config(Nonsense="yes") as driver,
        pytest.raises(HostUnreachable, match="configuration is wrong"),
    ):
        driver.read(reached.host)


def test_the_configuration_does_not_break_our_connection(reached: Reached) -> None:
    with reached.with_config(
        RemoteCommand="echo no",
        RequestTTY="force",
        ControlMaster="no",
        ControlPath="/nowhere/socket",
        LogLevel="DEBUG",
        BatchMode="no",
        LocalForward="7777 127.0.0.1:7777",
    ) as driver:
        driver.read(reached.host)
        assert driver.read(reached.host).interfaces
    assert reached.sshd.logins() == 1


def test_an_alias_and_a_jump_host_of_the_configuration(
    segment: Segment, reached: Reached, tmp_path: Path
) -> None:
    behind = segment.attach("web2")
    with Sshd(behind.namespace, behind.host.address, tmp_path / "sshd2") as second:
        second.start()
        hosts = f"{reached.sshd.known_hosts} {second.known_hosts}"
        config = tmp_path / "with-jump"
        config.write_text(
            f"Host behind\n  HostName {behind.host.address}\n  IdentityFile {second.user_key}\n"
            f"  ProxyJump jump\n"
            f"Host jump\n  HostName {reached.host.address}\n"
            f"  IdentityFile {reached.sshd.user_key}\n"
            f"Host *\n  User root\n  IdentityAgent none\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {hosts}\n"
        )
        config.chmod(0o600)
        with SshDriver(config_file=str(config)) as driver:
            state = driver.read(replace(behind.host, ssh_host="behind"))
            assert behind.host.address in {one.address for one in state.addresses}
            assert (reached.sshd.logins(), second.logins()) == (1, 1)
            # The way to the jump host is there, the host behind it is not.
            with pytest.raises(HostUnreachable, match="jump host was reached"):
                driver.read(replace(behind.host, ssh_host="behind", port=1))


def test_what_a_login_prints_is_not_an_answer(reached: Reached, sshd: Sshd) -> None:
    sshd.stop()
    sshd.start('ForceCommand printf "== kemp-ish\\n== end\\nno end"; eval "$SSH_ORIGINAL_COMMAND"')
    assert reached.host.address in {one.address for one in reached.read().addresses}


def test_a_login_without_a_shell_is_named(reached: Reached, sshd: Sshd) -> None:
    sshd.stop()
    sshd.start("ForceCommand echo closed; exit 1")
    with pytest.raises(HostUnreachable, match="does not lead to a shell"):
        reached.read()


def test_sudo_is_used_where_it_is_asked_for(reached: Reached) -> None:
    reached.sshd.tool("sudo", 'echo "$*" >>"$0.used"; [ "$1" = -n ] && shift && exec "$@"')
    host = replace(reached.host, sudo=True)
    reached.driver.apply(host, [sysctl("all", "arp_ignore", 1)])
    assert reached.driver.run(host, ["true"], timeout_s=5).exit_code == 0
    assert (reached.sshd.tools / "sudo.used").read_text() == "-n sh -s\n" * 2
    assert reached.read().sysctls["conf/all/arp_ignore"] == 1


def test_sudo_that_is_refused_is_named_and_nothing_is_done(reached: Reached) -> None:
    reached.sshd.tool("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    host = replace(reached.host, sudo=True)
    before = replace(reached.read(), sockets=())
    with pytest.raises(HostUnreachable, match=r"sudo was refused.*a password is required"):
        reached.driver.read(host)
    with pytest.raises(HostUnreachable, match="sudo was refused"):
        reached.driver.apply(host, plan_add(before, host=host, vip=VIP))
    assert replace(reached.read(), sockets=()) == before


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Callable[[str], None]]:
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        yield lambda change: subprocess.run(
            ["mount", "-o", f"remount,{change}", str(place)], check=True
        ).check_returncode()
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_stops_before_anything_is_live_and_is_mended(reached: Reached) -> None:
    empty = replace(reached.read(), sockets=())
    changes = plan_add(empty, host=reached.host, vip=VIP)
    with mounted(reached.member.root, "size=64k"):
        ballast = reached.member.root / "ballast"
        # The directories fit, the first file does not.
        for path in (RECORD_FILE, SYSCTL_FILE):
            (reached.member.root / path[1:]).parent.mkdir(parents=True)
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"x" * 99_999)
        with pytest.raises(
            HostChangeFailed, match=r"write the file .*: the disk is full"
        ) as caught:
            reached.driver.apply(reached.host, changes)
        assert caught.value.done == ()
        assert replace(reached.read(), sockets=()) == empty
        assert [one.name for one in reached.member.root.rglob("*.kemp.*")] == []
        ballast.unlink()
        again = plan_add(reached.read(), host=reached.host, vip=VIP)
        assert [*map(describe, again)] == [*map(describe, changes)]
        reached.driver.apply(reached.host, changes)
        assert verify(reached.read(), host=reached.host, vip=VIP) == ()


def test_a_full_disk_leaves_the_old_file(reached: Reached) -> None:
    with mounted(reached.member.root, "size=64k"):
        reached.driver.apply(
            reached.host, [WriteFile(path=SYSCTL_FILE, content="# old\n", before=None)]
        )
        with pytest.raises(HostChangeFailed, match="the disk is full"):
            reached.driver.apply(
                reached.host, [WriteFile(path=SYSCTL_FILE, content="x" * 99_999, before="# old\n")]
            )
        assert reached.read().files == {SYSCTL_FILE: "# old\n"}
        names = os.listdir(reached.member.root / "etc/sysctl.d")  # noqa: PTH208 - names
        assert names == [SYSCTL_FILE.rpartition("/")[2]]


def test_a_read_only_file_system_is_named(reached: Reached) -> None:
    with mounted(reached.member.root, "size=64k") as remount:
        (reached.member.root / "var/lib/kemp").mkdir(parents=True)
        remount("ro")
        with pytest.raises(HostChangeFailed, match=r"dsr\.json.*the file system is read-only"):
            reached.driver.apply(reached.host, plan_add(reached.read(), host=reached.host, vip=VIP))
        assert replace(reached.read(), sockets=()).files == {}


def once_there(path: Path, action: Callable[[], None]) -> threading.Thread:
    """Start a thread that does something as soon as the file is there."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def in_the_middle(reached: Reached, state: NetState, action: Callable[[], None]) -> str:
    """Apply a plan, do something while the host is at the address; return what was said."""
    arrived, go_on = reached.sshd.folder / "arrived", reached.sshd.folder / "go-on"
    real = shutil.which("ip")
    reached.sshd.tool(
        "ip",
        f'[ "$1 $2" = "address replace" ] || exec {real} "$@"\n'
        f": >{arrived}\nwhile [ ! -e {go_on} ]; do sleep 0.05; done\nexit 1",
    )

    helper = once_there(arrived, action)
    try:
        with pytest.raises(HostChangeFailed) as caught:
            reached.driver.apply(reached.host, plan_add(state, host=reached.host, vip=VIP))
    finally:
        helper.join()
        go_on.touch()
        (reached.sshd.tools / "ip").unlink()
    assert len(caught.value.done) == len(plan_add(state, host=reached.host, vip=VIP)) - 1
    assert caught.value.reason is HostTrouble.BROKEN_OFF
    return str(caught.value)


def test_a_connection_cut_between_two_changes_is_named_and_mended(reached: Reached) -> None:
    before = reached.read()
    message = in_the_middle(reached, before, reached.sshd.cut)
    assert "web1: the connection broke off" in message
    assert "not known whether this one is: add 198.51.100.250/32 to lo" in message
    # A new connection, without being told to; and the plan has what is left to do.
    after = reached.read()
    assert reached.sshd.logins() == 2
    assert [one.id for one in verify(after, host=reached.host, vip=VIP)] == ["vip-missing"]
    left = plan_add(after, host=reached.host, vip=VIP)
    assert left == (AddAddress(address=VIP_ON_LO),)
    reached.driver.apply(reached.host, left)
    assert verify(reached.read(), host=reached.host, vip=VIP) == ()


def test_a_host_whose_connection_is_cut_does_not_go_on_to_the_next_change(
    reached: Reached,
) -> None:
    arrived, go_on = reached.sshd.folder / "arrived", reached.sshd.folder / "go-on"
    reached.sshd.tool(
        "sync",
        f"[ -e {go_on} ] || {{ echo $PPID >{arrived}.new; mv {arrived}.new {arrived}; }}\n"
        f'while [ ! -e {go_on} ]; do sleep 0.05; done\nexec {shutil.which("sync")} "$@"',
    )
    changes = plan_add(reached.read(), host=reached.host, vip=VIP)
    helper = once_there(arrived, reached.sshd.cut)
    try:
        with pytest.raises(
            HostChangeFailed, match=f"0 of {len(changes)} changes are known"
        ) as caught:
            reached.driver.apply(reached.host, changes)
    finally:
        helper.join()
        step = int(arrived.read_text())
        shell = int(Path(f"/proc/{step}/stat").read_text().rpartition(")")[2].split()[1])
        go_on.touch()
    assert caught.value.done == ()
    assert gone(shell)
    state = reached.read()
    assert list(state.files) == [RECORD_FILE]
    assert set(state.sysctls.values()) == {0}
    reached.driver.apply(reached.host, plan_add(state, host=reached.host, vip=VIP))
    assert verify(reached.read(), host=reached.host, vip=VIP) == ()


def test_wherever_it_stops_the_next_plan_names_the_rest_and_mends_it(reached: Reached) -> None:
    before = reached.read()
    changes = plan_add(before, host=reached.host, vip=VIP)
    for count in range(len(changes)):
        reached.driver.apply(reached.host, changes[:count])
        state = reached.read()
        assert verify(state, host=reached.host, vip=VIP) != ()
        # The VIP is never there before the host is silent.
        assert VIP not in {one.address for one in state.addresses}
        again = plan_add(state, host=reached.host, vip=VIP)
        # As lines: the record says when it was planned.
        assert [*map(describe, again)] == [*map(describe, changes[count:])]
    reached.driver.apply(reached.host, changes[-1:])
    assert verify(reached.read(), host=reached.host, vip=VIP) == ()


def test_a_command_outlives_its_connection_by_its_own_time_only(reached: Reached) -> None:
    pid_file = reached.sshd.folder / "pid"
    before = set(Path("/run").glob("kemp.*"))
    helper = once_there(pid_file, reached.sshd.cut)
    script = f"echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60"
    with pytest.raises(HostUnreachable, match="may still be running, for at most 2 s"):
        reached.driver.run(reached.host, ["sh", "-c", script], timeout_s=2)
    helper.join()
    assert gone(int(pid_file.read_text()))
    deadline = time.monotonic() + 5
    while not set(Path("/run").glob("kemp.*")) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_host_that_does_not_go_on_is_left_in_time(reached: Reached) -> None:
    with SshDriver(
        config_file=reached.sshd.config, connect_timeout_s=1, answer_timeout_s=1
    ) as driver:
        impatient = replace(reached, driver=driver)
        message = in_the_middle(impatient, reached.read(), lambda: None)
        assert "no answer in time" in message
        assert driver.read(reached.host).interfaces


@pytest.mark.parametrize(
    ("path", "finding"), [(SYSCTL_FILE, "arp-ignore-persistent"), (RECORD_FILE, None)]
)
def test_a_half_written_file_is_named(reached: Reached, path: str, finding: str | None) -> None:
    reached.driver.apply(reached.host, plan_add(reached.read(), host=reached.host, vip=VIP))
    file = reached.member.root / path[1:]
    whole = file.read_text()
    # Half of it: behind the header, where that is what makes it ours.
    file.write_text(whole[: whole.index("\n") + 5])
    state = reached.read()
    if finding is None:
        with pytest.raises(HostChangeFailed, match="cannot be understood"):
            plan_remove(state, host=reached.host, vip=VIP)
        return
    assert finding in [one.id for one in verify(state, host=reached.host, vip=VIP)]
    reached.driver.apply(reached.host, plan_add(state, host=reached.host, vip=VIP))
    assert file.read_text() == whole
    assert verify(reached.read(), host=reached.host, vip=VIP) == ()


def test_only_arp_sysctls_are_ever_written(reached: Reached) -> None:
    for change in (sysctl("../..", "arp_ignore", 1), sysctl("all", "forwarding", 1)):
        with pytest.raises(HostChangeFailed, match="not a sysctl that is set here"):
            reached.driver.apply(reached.host, [change])


def test_a_command_runs_on_the_host(reached: Reached) -> None:
    script = "readlink /proc/self/ns/net; echo no >&2; exit 3"
    result = reached.driver.run(reached.host, ["sh", "-c", script], timeout_s=10)
    inside = reached.member.namespace.run(lambda: os.readlink("/proc/thread-self/ns/net"))  # noqa: PTH115 - an identity, not a path
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (3, inside, "no\n")


def test_a_command_that_takes_too_long_is_killed_with_its_children(reached: Reached) -> None:
    started = time.monotonic()
    result = reached.driver.run(
        reached.host, ["sh", "-c", "sleep 60 & echo $!; wait"], timeout_s=0.5
    )
    assert result.exit_code is None
    assert gone(int(result.stdout))
    assert time.monotonic() - started < 30


def test_a_daemon_left_behind_keeps_nobody_waiting(reached: Reached) -> None:
    started = time.monotonic()
    result = reached.driver.run(
        reached.host, ["sh", "-c", "setsid sleep 60 & echo $!"], timeout_s=50
    )
    pid = int(result.stdout)
    try:
        assert result.exit_code == 0
        assert time.monotonic() - started < 30
        os.kill(pid, 0)
    finally:
        os.kill(pid, 9)


def test_output_is_cut_to_its_end(reached: Reached) -> None:
    script = "head -c 200000 /dev/zero | tr '\\0' x; echo end"
    result = reached.driver.run(reached.host, ["sh", "-c", script], timeout_s=20)
    assert len(result.stdout) == 64 * 1024
    assert result.stdout.endswith("xend\n")


def test_nothing_of_the_connections_is_left(reached: Reached) -> None:
    driver = SshDriver(config_file=reached.sshd.config)
    driver.read(reached.host)
    masters = connections_from_here()
    assert len(masters) == 1
    driver.close()
    assert all(gone(pid) for pid in masters)
    with pytest.raises(HostUnreachable, match="closed"):
        driver.read(reached.host)


def test_a_driver_that_is_dropped_closes_its_connections(reached: Reached) -> None:
    driver = SshDriver(config_file=reached.sshd.config)
    driver.read(reached.host)
    masters = connections_from_here()
    del driver
    assert all(gone(pid) for pid in masters)


def connections_from_here() -> list[int]:
    """Return the clients' background processes that hold connections from this namespace."""
    found = [
        int(process.parent.name)
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if readable(process).startswith(b"ssh: ") and b"[mux]" in readable(process)
    ]
    here = Path("/proc/thread-self/ns/net")
    return [pid for pid in found if here.samefile(f"/proc/{pid}/ns/net")]


def test_several_hosts_at_once(segment: Segment, reached: Reached, tmp_path: Path) -> None:
    behind = segment.attach("web2")
    with Sshd(behind.namespace, behind.host.address, tmp_path / "sshd2") as second:
        second.start()
        second.user_key.write_bytes(reached.sshd.user_key.read_bytes())
        (second.folder / "authorized_keys").write_text(
            (reached.sshd.folder / "authorized_keys").read_text()
        )
        with reached.sshd.known_hosts.open("a") as known:
            known.write(second.known_hosts.read_text())
        found: dict[str, list[NetState]] = {"web1": [], "web2": []}

        def work(host: Host) -> None:
            # A thread of its own starts where the one that made it is: on the segment.
            found[host.name] += [reached.driver.read(host) for _ in range(3)]

        threads = [
            threading.Thread(target=work, args=[one.host]) for one in (reached.member, behind)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for host in (reached.host, behind.host):
        assert len(found[host.name]) == 3
        for state in found[host.name]:
            assert host.address in {one.address for one in state.addresses}
