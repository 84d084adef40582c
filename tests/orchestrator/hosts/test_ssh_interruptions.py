"""A change over ssh that breaks off anywhere: what is left is named, and the next plan mends it."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.changes import AddAddress, WriteFile, describe
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE, NetState
from tests.orchestrator.hosts.by_loopback import plan_remove
from tests.orchestrator.hosts.reached import Reached, full, mounted
from tests.orchestrator.hosts.segment import VIP, VIP_ON_LO
from tests.patience import until
from tests.processes import gone

pytestmark = pytest.mark.kernel


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
            reached.apply(reached.to_add(state))
    finally:
        helper.join()
        go_on.touch()
        (reached.sshd.tools / "ip").unlink()
    assert len(caught.value.done) == len(reached.to_add(state)) - 1
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
    assert [one.id for one in reached.wrong(after)] == ["vip-missing"]
    left = reached.to_add(after)
    assert left == (AddAddress(address=VIP_ON_LO),)
    reached.apply(left)
    assert reached.wrong() == ()


def test_a_host_whose_connection_is_cut_does_not_go_on_to_the_next_change(
    reached: Reached,
) -> None:
    arrived, go_on = reached.sshd.folder / "arrived", reached.sshd.folder / "go-on"
    reached.sshd.tool(
        "sync",
        f"[ -e {go_on} ] || {{ echo $PPID >{arrived}.new; mv {arrived}.new {arrived}; }}\n"
        f'while [ ! -e {go_on} ]; do sleep 0.05; done\nexec {shutil.which("sync")} "$@"',
    )
    changes = reached.to_add()
    helper = once_there(arrived, reached.sshd.cut)
    try:
        with pytest.raises(
            HostChangeFailed, match=f"0 of {len(changes)} changes are known"
        ) as caught:
            reached.apply(changes)
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
    reached.apply(reached.to_add(state))
    assert reached.wrong() == ()


def test_wherever_it_stops_the_next_plan_names_the_rest_and_mends_it(reached: Reached) -> None:
    before = reached.read()
    changes = reached.to_add(before)
    for count in range(len(changes)):
        reached.apply(changes[:count])
        state = reached.read()
        assert reached.wrong(state) != ()
        # The VIP is never there before the host is silent.
        assert VIP not in {one.address for one in state.addresses}
        again = reached.to_add(state)
        # As lines: the record says when it was planned.
        assert [*map(describe, again)] == [*map(describe, changes[count:])]
    reached.apply(changes[-1:])
    assert reached.wrong() == ()


def test_a_command_outlives_its_connection_by_its_own_time_only(reached: Reached) -> None:
    pid_file = reached.sshd.folder / "pid"
    before = set(Path("/run").glob("kemp.*"))
    helper = once_there(pid_file, reached.sshd.cut)
    script = f"echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60"
    with pytest.raises(HostUnreachable, match="may still be running, for at most 2 s"):
        reached.run(["sh", "-c", script], timeout_s=2)
    helper.join()
    assert gone(int(pid_file.read_text()))
    until(lambda: set(Path("/run").glob("kemp.*")) <= before, within_s=5)


def test_a_host_that_does_not_go_on_is_left_in_time(reached: Reached) -> None:
    with SshDriver(
        config_file=reached.sshd.config, connect_timeout_s=1, answer_timeout_s=1
    ) as driver:
        impatient = replace(reached, driver=driver)
        message = in_the_middle(impatient, reached.read(), lambda: None)
        assert "no answer in time" in message
        assert driver.read(reached.host).interfaces


def test_a_full_disk_stops_before_anything_is_live_and_is_mended(reached: Reached) -> None:
    empty = reached.settled()
    changes = reached.to_add(empty)
    with full(reached.member.root) as ballast:
        with pytest.raises(
            HostChangeFailed, match=r"write the file .*: the disk is full"
        ) as caught:
            reached.apply(changes)
        assert caught.value.done == ()
        assert reached.settled() == empty
        assert [one.name for one in reached.member.root.rglob("*.kemp.*")] == []
        ballast.unlink()
        again = reached.to_add()
        assert [*map(describe, again)] == [*map(describe, changes)]
        reached.apply(changes)
        assert reached.wrong() == ()


def test_a_full_disk_leaves_the_old_file(reached: Reached) -> None:
    with mounted(reached.member.root, "size=64k"):
        reached.apply([WriteFile(path=SYSCTL_FILE, content="# old\n", before=None)])
        with pytest.raises(HostChangeFailed, match="the disk is full"):
            reached.apply([WriteFile(path=SYSCTL_FILE, content="x" * 99_999, before="# old\n")])
        assert reached.read().files == {SYSCTL_FILE: "# old\n"}
        names = os.listdir(reached.member.root / "etc/sysctl.d")  # noqa: PTH208 - names
        assert names == [SYSCTL_FILE.rpartition("/")[2]]


def test_a_read_only_file_system_is_named(reached: Reached) -> None:
    with mounted(reached.member.root, "size=64k") as remount:
        (reached.member.root / "var/lib/kemp").mkdir(parents=True)
        remount("ro")
        with pytest.raises(HostChangeFailed, match=r"dsr\.json.*the file system is read-only"):
            reached.apply(reached.to_add())
        assert reached.settled().files == {}


@pytest.mark.parametrize(
    ("path", "finding"), [(SYSCTL_FILE, "arp-ignore-persistent"), (RECORD_FILE, None)]
)
def test_a_half_written_file_is_named(reached: Reached, path: str, finding: str | None) -> None:
    reached.apply(reached.to_add())
    file = reached.member.root / path[1:]
    whole = file.read_text()
    # Half of it: behind the header, where that is what makes it ours.
    file.write_text(whole[: whole.index("\n") + 5])
    state = reached.read()
    if finding is None:
        with pytest.raises(HostChangeFailed, match="cannot be understood"):
            plan_remove(state, host=reached.host, vip=VIP)
        return
    assert finding in [one.id for one in reached.wrong(state)]
    reached.apply(reached.to_add(state))
    assert file.read_text() == whole
    assert reached.wrong() == ()
