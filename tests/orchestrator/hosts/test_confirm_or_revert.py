"""Changes that could cut us off: real hosts that are confirmed, cut off, and left alone."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable
from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    SetRoute,
    SetSysctl,
    WriteFile,
)
from orchestrator.hosts.confirm_or_revert import Revert, cuts
from orchestrator.hosts.driver import Host
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.ssh_script import apply_script, confirm_script, encoded
from orchestrator.hosts.state import HostAddress, NetState, PolicyRule, Route
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdOptions
from tests.orchestrator.hosts.segment import LOOK_ON, VIP, Segment
from tests.orchestrator.hosts.sshd import Sshd, need_openssh
from tests.orchestrator.hosts.test_ssh_script import HOSTILE, sent, several_shells
from tests.orchestrator.lab.systemd_lab import need_systemd
from tests.patience import until

HOST = Host(name="web1", address="192.0.2.1", interface="eth0", ssh_host="192.0.2.9")
AFTER_S = 5
HEALED_S = 60.0
"""Far more than it takes: machines may be slow."""


def on(interface: str, address: str, prefix: int) -> HostAddress:
    return HostAddress(address=address, prefix=prefix, interface=interface)


def call(*argv: str) -> CallTool:
    return CallTool(argv=argv, says="")


@pytest.mark.parametrize(
    ("change", "cutting"),
    [
        (SetRoute(route=Route(destination="default", gateway="192.0.2.7"), before=None), True),
        (RemoveRoute(route=Route(destination="198.51.100.0/24", table="7")), True),
        (AddRule(rule=PolicyRule(priority=9, source="all", destination="all", table="7")), True),
        (RemoveAddress(address=on("eth0", "192.0.2.1", 32)), True),
        (RemoveAddress(address=on("lo", "192.0.2.9", 32)), True),
        (AddAddress(address=on("eth0", VIP, 24)), True),
        (AddAddress(address=on("eth0", VIP, 32)), False),
        (AddAddress(address=on("eth0", "2001:db8::250", 128)), False),
        (AddAddress(address=on("eth0", "2001:db8::250", 64)), True),
        (RemoveAddress(address=on("lo", VIP, 32)), False),
        (call("firewall-cmd", "--zone=public", "--add-port=80/tcp"), True),
        (call("firewall-cmd", "--reload"), True),
        (call("firewall-cmd", "--permanent", "--add-port=80/tcp"), False),
        (call("firewall-offline-cmd", "--add-port=80/tcp"), False),
        (call("nmcli", "device", "reapply", "eth0"), True),
        (call("nmcli", "connection", "up", "eth0"), True),
        (call("nmcli", "connection", "reload"), False),
        (call("systemctl", "restart", "network.service"), True),
        (call("systemctl", "enable", "kemp-vip.service"), False),
        (SetSysctl(key="conf/eth0/rp_filter", value=1, before=2), True),
        (SetSysctl(key="conf/eth0/rp_filter", value=2, before=1), False),
        (SetSysctl(key="conf/all/arp_ignore", value=1, before=0), False),
        (WriteFile(path="/etc/x", content="", before=None), False),
    ],
)
def test_what_could_cut_us_off(change: NetChange, cutting: bool) -> None:
    assert cuts(change, HOST) is cutting


def test_the_script_arms_before_the_first_change_and_takes_the_last_one_back_first() -> None:
    changes: list[NetChange] = [
        AddAddress(address=on("eth0", "192.0.2.77", 24)),
        SetRoute(route=Route(destination="default", gateway="192.0.2.7"), before=None),
    ]
    script = apply_script(HOST, changes, Revert(after_s=60, token="0a"))
    main = script[script.index("arm 0a 60 ") :]
    back, forth = main.split("step 0 add_address")
    assert back.index("remove_route") < back.index("remove_address eth0 192.0.2.77/24")
    assert "replace default" in forth
    assert "arm 0a" not in apply_script(HOST, changes)
    assert "confirm 0a\n" in confirm_script(HOST, Revert(after_s=60, token="0a"))


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 second"):
        SshDriver(revert_after_s=0)


# -- the script, in every shell


@pytest.fixture
def bare(tmp_path: Path) -> Host:
    """Return a host that is a folder, with an ip that is slow to add addresses."""
    if os.geteuid() != 0:
        pytest.skip("/run/kemp is for root only: run as root")
    (tmp_path / "root").mkdir()
    (tmp_path / "tools").mkdir()
    ip = tmp_path / "tools/ip"
    ip.write_text('#!/bin/sh\n[ "$1 $2" != "address replace" ] || sleep 3\n')
    ip.chmod(0o755)
    return replace(HOST, root=str(tmp_path / "root"))


def files_of(revert: Revert) -> list[str]:
    return [one.name for one in Path("/run/kemp").glob(f"revert-{revert.token}*")]


def wait_until_taken_back(revert: Revert) -> None:
    marker = f"revert-{revert.token}.reverted"
    until(lambda: files_of(revert) == [marker], within_s=HEALED_S, every_s=0.1)
    Path("/run/kemp", marker).unlink()


@several_shells
def test_whatever_a_file_held_comes_back(shell: list[str], bare: Host) -> None:
    (Path(bare.root) / "file").write_bytes(HOSTILE.encode())
    change = WriteFile(path="/file", content="new", before=HOSTILE)
    for revert in (Revert(after_s=60), Revert(after_s=1)):
        found = sent(shell, bare, encoded(apply_script(bare, [change], revert)))
        assert (found.failed, found.has("armed"), found.has("done")) == (None, True, True)
        if revert.after_s == 60:
            assert (Path(bare.root) / "file").read_text() == "new"
            assert Path(f"/run/kemp/revert-{revert.token}").stat().st_mode & 0o777 == 0o600
            confirm = encoded(confirm_script(bare, revert))
            assert sent(shell, bare, confirm).has("confirmed")
            assert sent(shell, bare, confirm).has("gone")
            assert files_of(revert) == []
    wait_until_taken_back(revert)
    assert (Path(bare.root) / "file").read_bytes() == HOSTILE.encode()
    assert not list(Path(bare.root).parent.rglob("owned"))


def test_changes_that_take_too_long_stop_before_they_are_taken_back(bare: Host) -> None:
    changes: list[NetChange] = [
        WriteFile(path="/first", content="", before=None),
        AddAddress(address=on("lo", VIP, 32)),
        WriteFile(path="/second", content="", before=None),
    ]
    revert = Revert(after_s=1)
    found = sent(["sh"], bare, encoded(apply_script(bare, changes, revert)))
    assert "took too long" in str(found.failed)
    assert sent(["sh"], bare, encoded(confirm_script(bare, revert))).has("reverted")
    wait_until_taken_back(revert)
    assert list(Path(bare.root).iterdir()) == []


# -- with systemd


class Booted:
    """A host that boots systemd, and the operator's way to it."""

    def __init__(self, lab: Lab, driver: SshDriver) -> None:
        self.lab, self.driver = lab, driver
        self.host, self.machine = lab.hosts[0], lab.machines["web1"]

    def network(self) -> object:
        return network(self.driver.read(self.host))

    def other_gateway(self) -> SetRoute:
        """Return a change of the default route, which keeps us connected."""
        routes = self.driver.read(self.host).routes
        default = next(one for one in routes if one.destination == "default")
        return SetRoute(route=replace(default, gateway=self.lab.lb_address), before=default)

    def lets_us_in(self) -> bool:
        """Return whether there is a way in for a new connection."""
        with SshDriver(config_file=str(self.lab.ssh_config), connect_timeout_s=2) as driver:
            try:
                driver.read(self.host)
            except HostUnreachable as error:
                assert error.reason is HostTrouble.UNREACHABLE  # noqa: PT017 - not the point
                return False
            return True

    def killed_before_it_confirms(self, changes: Sequence[NetChange]) -> None:
        """Have another process make the changes, and kill it where it would confirm them."""
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(self.lab.ssh_config), str(AFTER_S)],
            input=repr((self.host, changes)),
            text=True,
            cwd=Path(__file__).parents[3],
            capture_output=True,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr

    def left(self) -> str:
        """Return the files and timers that are there for a revert."""
        listed = "ls /run/kemp /var/lib/kemp 2>/dev/null | grep revert; "
        listed += "systemctl list-units --all --plain --no-legend 'kemp-revert-*'"
        return self.machine.run(["sh", "-c", listed]).stdout

    def wait_until_healed(self) -> None:
        until(lambda: ".reverted" in self.left(), within_s=HEALED_S, every_s=0.1)
        self.machine.run(["sh", "-c", "rm /run/kemp/revert-*.reverted"])
        until(lambda: self.left() == "", within_s=HEALED_S, every_s=0.1)


def network(state: NetState) -> object:
    return (set(state.addresses), set(state.routes), set(state.rules))


@pytest.fixture(scope="module")
def booted() -> Iterator[Booted]:
    need_systemd()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(hosts=1, systemd=SystemdOptions(firewalld=True)))
        stack.enter_context(lab.namespaces["admin"].entered())
        driver = SshDriver(config_file=str(lab.ssh_config), revert_after_s=AFTER_S)
        yield Booted(lab, stack.enter_context(driver))


@pytest.mark.kernel
def test_a_default_route_that_keeps_us_connected_stays(booted: Booted) -> None:
    change = booted.other_gateway()
    with SshDriver(config_file=str(booted.lab.ssh_config), revert_after_s=60) as driver:
        driver.apply(booted.host, [change])
    assert booted.left() == ""
    state = booted.driver.read(booted.host)
    assert state.default_route == (booted.lab.lb_address, "eth0")
    assert change.before is not None
    with SshDriver(config_file=str(booted.lab.ssh_config), revert_after_s=60) as driver:
        driver.apply(booted.host, [SetRoute(route=change.before, before=change.route)])


@pytest.mark.kernel
def test_its_own_address_comes_back_with_its_routes(booted: Booted) -> None:
    before = booted.network()
    state = booted.driver.read(booted.host)
    own = next(one for one in state.addresses if one.address == booted.host.address)
    with pytest.raises(HostChangeFailed) as caught:
        booted.driver.apply(booted.host, [RemoveAddress(address=own)])
    assert "takes itself back" in str(caught.value) or "took itself back" in str(caught.value)
    assert caught.value.reason is HostTrouble.BROKEN_OFF
    assert caught.value.done == ()
    booted.wait_until_healed()
    assert booted.network() == before


KILLED = """
import os, signal, sys
from orchestrator.hosts.changes import *
from orchestrator.hosts.driver import Host
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import Route

SshDriver._confirm = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
host, changes = eval(sys.stdin.read())
driver = SshDriver(config_file=sys.argv[1], revert_after_s=int(sys.argv[2]))
driver.apply(host, changes)
"""


@pytest.mark.kernel
def test_killed_before_the_confirmation_the_host_heals_itself(booted: Booted) -> None:
    before = booted.network()
    booted.killed_before_it_confirms([booted.other_gateway()])
    assert "kemp-revert-" in booted.left()
    assert booted.driver.read(booted.host).default_route == (booted.lab.lb_address, "eth0")
    booted.wait_until_healed()
    assert booted.network() == before


CLOSE_SSH = CallTool(
    argv=("firewall-cmd", "--zone=public", "--remove-service=ssh"),
    says="close ssh",
    undo=CallTool(argv=("firewall-cmd", "--zone=public", "--add-service=ssh"), says="open ssh"),
)


@pytest.mark.kernel
def test_a_firewall_that_lets_nobody_in_opens_again(booted: Booted) -> None:
    assert booted.lets_us_in()
    # The connection that we have goes on: only a new one shows what has happened.
    # On a busy machine that one may get through just after the host has opened again.
    with pytest.raises(HostChangeFailed, match=r"could not be confirmed over|confirmed too late"):
        booted.driver.apply(booted.host, [CLOSE_SSH])
    booted.wait_until_healed()
    assert booted.lets_us_in()


@pytest.mark.kernel
def test_a_firewall_that_lets_nobody_in_opens_again_though_we_were_killed(booted: Booted) -> None:
    booted.killed_before_it_confirms([CLOSE_SSH])
    assert not booted.lets_us_in()
    booted.wait_until_healed()
    assert booted.lets_us_in()


# -- with at


@pytest.fixture
def with_at(booted: Booted) -> Iterator[Booted]:
    """Give the host a running atd, and take systemd-run from it."""
    if not any(Path(place, "atd").exists() for place in ("/usr/sbin", "/sbin")):
        pytest.skip("no atd on this machine: apt-get install at, or dnf install at")
    program = booted.machine.root / "usr/bin/systemd-run"
    aside = program.with_name("systemd-run.aside")
    program.rename(aside)
    started = booted.machine.run(["systemctl", "start", "atd"])
    assert started.exit_code == 0, started
    yield booted
    booted.machine.run(["systemctl", "stop", "atd"])
    aside.rename(program)


@pytest.mark.kernel
def test_without_systemd_run_at_waits(with_at: Booted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "orchestrator.hosts.ssh")
    before = with_at.network()
    change = with_at.other_gateway()
    with SshDriver(config_file=str(with_at.lab.ssh_config)) as driver:
        driver.apply(with_at.host, [change])
    assert "at takes it back" in caplog.text
    assert with_at.left() == ""
    assert change.before is not None
    with SshDriver(config_file=str(with_at.lab.ssh_config)) as driver:
        driver.apply(with_at.host, [SetRoute(route=change.before, before=change.route)])

    began_s = time.monotonic()
    with_at.killed_before_it_confirms([CLOSE_SSH])
    assert not with_at.lets_us_in()
    with_at.wait_until_healed()
    assert time.monotonic() - began_s >= AFTER_S
    assert with_at.lets_us_in()
    assert with_at.network() == before


@pytest.mark.kernel
def test_where_nobody_runs_jobs_of_at_a_shell_waits(
    with_at: Booted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "orchestrator.hosts.ssh")
    with_at.machine.run(["systemctl", "stop", "atd"])
    change = with_at.other_gateway()
    with SshDriver(config_file=str(with_at.lab.ssh_config)) as driver:
        driver.apply(with_at.host, [change])
        assert "shell takes it back" in caplog.text
        assert change.before is not None
        driver.apply(with_at.host, [SetRoute(route=change.before, before=change.route)])
    assert with_at.left() == ""


# -- without systemd


@pytest.mark.kernel
def test_without_systemd_a_shell_waits(
    segment: Segment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_openssh()
    # Bare hosts share this machine's files: only those of this test are looked at.
    revert = Revert(after_s=AFTER_S)
    monkeypatch.setattr(
        "orchestrator.hosts.confirm_or_revert.secrets.token_hex", lambda _: revert.token
    )
    member = segment.attach("web1")
    host = member.host
    with (
        Sshd(member.namespace, host.address, tmp_path / "sshd") as sshd,
        SshDriver(config_file=sshd.start().config, revert_after_s=AFTER_S) as driver,
        segment.bridge.entered(),
    ):
        before = network(driver.read(host))
        away = Route(destination=f"{LOOK_ON}/32", kind="blackhole")
        with pytest.raises(HostChangeFailed):
            driver.apply(host, [SetRoute(route=away, before=None)])
        wait_until_taken_back(revert)
        assert network(driver.read(host)) == before

    with (
        Sshd(member.namespace, host.address, tmp_path / "sshd2") as sshd,
        SshDriver(config_file=sshd.start().config) as driver,
        segment.bridge.entered(),
    ):
        # A change fails, and we can still get in: what was done before it stays.
        good = SetRoute(route=Route(destination="203.0.113.0/24", gateway=LOOK_ON), before=None)
        bad = SetRoute(route=Route(destination="203.0.113.0/25", gateway="233.0.0.1"), before=None)
        with pytest.raises(HostChangeFailed, match="could not ") as caught:
            driver.apply(host, [good, bad])
        assert len(caught.value.done) == 1
        assert (sshd.round_trips(), sshd.logins()) == (2, 2)
        assert files_of(revert) == []
        assert any(one.destination == "203.0.113.0/24" for one in driver.read(host).routes)
