"""What every HostDriver does, held against the real kernel, the fake and a recording alike.

A recording cannot be changed: it is held to what it has in common with the others, reading.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostTrouble, HostUnreachable, IsolationUnavailable
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
    inverse,
)
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.recorded import RecordedHostDriver, facts_from_json, facts_to_json
from orchestrator.hosts.sections import Arptables, Firewalld, Section
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import (
    RECORD_FILE,
    SYSCTL_FILE,
    HostAddress,
    NetState,
    PersistentSysctl,
    PolicyRule,
    Route,
)
from tests.fakes.host import FakeHostDriver, plain_host
from tests.orchestrator.hosts.segment import INTERFACE, LOOK_ON, VIP_ON_LO, Segment, sysctl
from tests.orchestrator.hosts.sshd import Sshd, need_openssh

LABEL = b"staff_u:object_r:kemp_test_t:s0:c1,c2\0"
MAC = "02:00:00:00:00:01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A driver with one host that it reaches and one that it does not."""

    driver: HostDriver
    host: Host
    missing: Host
    root: Path | None

    def read(self) -> NetState:
        return self.driver.read(self.host)

    def apply(self, *changes: NetChange) -> None:
        self.driver.apply(self.host, changes)


def _shell(argv: Sequence[str]) -> CommandResult:
    """Stand in for the few commands that the contract runs."""
    exit_codes = {"true": 0, "false": 1}
    return CommandResult(exit_code=exit_codes.get(argv[0], 127), stdout="", stderr="")


CHANGING = ["fake", *(pytest.param(name, marks=pytest.mark.kernel) for name in ("netlink", "ssh"))]


@pytest.fixture(params=CHANGING)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Make a host that can be read and changed."""
    yield from _rig(request.param, tmp_path)


@pytest.fixture(params=[*CHANGING, "recorded"])
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Make a host that can be read."""
    yield from _rig(request.param, tmp_path)


def _fake_rig() -> Rig:
    host = Host(name="web1", address="198.51.100.11", interface=INTERFACE)
    fake = plain_host(host, mac=MAC)
    fake.on_run = _shell
    fake.routes = [Route(destination="default", gateway=LOOK_ON, interface=INTERFACE)]
    driver = FakeHostDriver({"web1": fake})
    return Rig(driver=driver, host=host, missing=replace(host, name="web9"), root=None)


def _rig(kind: str, tmp_path: Path) -> Iterator[Rig]:
    if kind == "fake":
        yield _fake_rig()
        return
    if kind == "recorded":
        live = _fake_rig()
        facts = facts_from_json(facts_to_json(live.driver.read(live.host, list(Section))))
        yield replace(live, driver=RecordedHostDriver({live.host.name: facts}))
        return
    if kind == "ssh":
        need_openssh()
    with ExitStack() as stack:
        try:
            segment = stack.enter_context(Segment())
        except IsolationUnavailable as error:
            pytest.skip(f"no network namespaces: {error}")
        member = segment.attach("web1")
        host = member.host
        if kind == "ssh":
            sshd = stack.enter_context(Sshd(member.namespace, host.address, tmp_path / "sshd"))
            sshd.start()
            driver = stack.enter_context(SshDriver(config_file=sshd.config))
            stack.enter_context(segment.bridge.entered())
            yield Rig(driver=driver, host=host, missing=replace(host, port=1), root=member.root)
            return
        yield Rig(
            driver=NetlinkDriver(),
            host=host,
            missing=replace(host, namespace="kemp-not-there"),
            root=member.root,
        )


def test_reads_interfaces_addresses_and_sysctls(reading: Rig) -> None:
    state = reading.read()
    assert state.interfaces == {"lo": "", INTERFACE: MAC}
    own = HostAddress(address=reading.host.address, prefix=24, interface=INTERFACE)
    assert own in state.addresses
    assert {
        f"conf/{scope}/{key}"
        for scope in ("all", "default", INTERFACE)
        for key in ("arp_ignore", "arp_announce", "rp_filter")
    } <= state.sysctls.keys()
    assert set(state.sysctls.values()) == {0}
    assert state.files == {}
    assert state.persistent_sysctls == ()


@pytest.mark.parametrize("scope", ["all", INTERFACE])
def test_sets_a_sysctl_and_only_that(rig: Rig, scope: str) -> None:
    before = rig.read().sysctls
    rig.apply(sysctl(scope, "arp_ignore", 1))
    assert rig.read().sysctls == {**before, f"conf/{scope}/arp_ignore": 1}


@pytest.mark.parametrize(
    "change",
    [
        sysctl("all", "arp_ignore", 1),
        # One that could cut us off.
        SetRoute(route=Route(destination="192.0.2.0/24", gateway=LOOK_ON), before=None),
    ],
    ids=["sysctl", "route"],
)
def test_what_is_read_with_the_changes_is_what_they_left(rig: Rig, change: NetChange) -> None:
    before = rig.read()
    found = rig.driver.apply_and_read(rig.host, [change], list(Section))
    assert found.sections() == frozenset(Section)
    after = rig.driver.read(rig.host, list(Section))
    assert replace(found, sockets=()) == replace(after, sockets=())
    back = rig.driver.apply_and_read(rig.host, [inverse(change)])
    assert replace(back, sockets=()) == replace(before, sockets=())


def test_an_address_is_added_once_and_removed_once(rig: Rig) -> None:
    before = rig.read().addresses
    for _ in range(2):
        rig.apply(AddAddress(address=VIP_ON_LO))
        assert sorted(rig.read().addresses, key=repr) == sorted((*before, VIP_ON_LO), key=repr)
    for _ in range(2):
        rig.apply(RemoveAddress(address=VIP_ON_LO))
        assert sorted(rig.read().addresses, key=repr) == sorted(before, key=repr)


def test_only_the_address_of_that_prefix_is_removed(rig: Rig) -> None:
    # Not of the segment: a driver that comes over it would cut itself off.
    narrow = replace(VIP_ON_LO, address="192.0.2.250")
    wide = replace(narrow, prefix=24, label="lo:1")
    rig.apply(AddAddress(address=narrow), AddAddress(address=wide))
    rig.apply(RemoveAddress(address=wide))
    assert narrow in rig.read().addresses
    assert wide not in rig.read().addresses


@pytest.mark.parametrize("interface", ["lo", INTERFACE])
def test_the_neighbours_of_a_removed_address_stay(rig: Rig, interface: str) -> None:
    first, second = (
        HostAddress(address=f"192.0.2.{number}", prefix=24, interface=interface)
        for number in (1, 2)
    )
    rig.apply(AddAddress(address=first), AddAddress(address=second))
    rig.apply(RemoveAddress(address=first))
    assert second in rig.read().addresses
    assert first not in rig.read().addresses


def test_a_file_is_written_replaced_and_removed(rig: Rig) -> None:
    rig.apply(WriteFile(path=RECORD_FILE, content="{}\n", before=None))
    assert rig.read().files == {RECORD_FILE: "{}\n"}
    rig.apply(WriteFile(path=RECORD_FILE, content='{"ü": 1}\n', before="{}\n"))
    assert rig.read().files == {RECORD_FILE: '{"ü": 1}\n'}
    for _ in range(2):
        rig.apply(WriteFile(path=RECORD_FILE, content=None, before=None))
        assert rig.read().files == {}


def test_lines_of_sysctl_files_are_read_back(rig: Rig) -> None:
    text = f"net/ipv4/conf/{INTERFACE}/arp_ignore = 1\n"
    rig.apply(WriteFile(path=SYSCTL_FILE, content=text, before=None))
    assert rig.read().persistent_sysctls == (
        PersistentSysctl(path=SYSCTL_FILE, key=f"conf/{INTERFACE}/arp_ignore", value="1"),
    )


@pytest.mark.parametrize(
    "change",
    [
        SetSysctl(key="conf/nowhere/arp_ignore", value=1, before=0),
        AddAddress(address=replace(VIP_ON_LO, interface="nowhere")),
        AddAddress(address=replace(VIP_ON_LO, label="lo:sixteen-bytes")),
        WriteFile(path="relative.conf", content="x", before=None),
        WriteFile(path="/etc/../../outside", content="x", before=None),
        WriteFile(path="/etc/\0", content="x", before=None),
    ],
    ids=["sysctl", "interface", "label", "relative", "outside", "nul"],
)
def test_stops_at_the_first_failure_and_says_what_was_done(rig: Rig, change: NetChange) -> None:
    first = sysctl("all", "arp_ignore", 1)
    never = sysctl("all", "arp_announce", 2)
    with pytest.raises(HostChangeFailed, match="web1") as caught:
        rig.apply(first, change, never)
    assert len(caught.value.done) == 1
    assert "conf/all/arp_ignore" in caught.value.done[0]
    state = rig.read()
    assert state.sysctls["conf/all/arp_ignore"] == 1
    assert state.sysctls["conf/all/arp_announce"] == 0


def test_inverse_changes_lead_back(rig: Rig) -> None:
    before = rig.read()
    changes: list[NetChange] = [
        WriteFile(path=SYSCTL_FILE, content="# x\n", before=None),
        sysctl(INTERFACE, "arp_announce", 2),
        AddAddress(address=VIP_ON_LO),
    ]
    rig.apply(*changes)
    assert rig.read() != before
    rig.apply(*(inverse(change) for change in reversed(changes)))
    assert rig.read() == before


def test_no_changes_are_no_trouble(reading: Rig) -> None:
    before = reading.read()
    reading.apply()
    assert reading.driver.apply_and_read(reading.host, []) == before


def test_a_host_that_is_not_there_is_unreachable(reading: Rig) -> None:
    with pytest.raises(HostUnreachable):
        reading.driver.read(reading.missing)
    with pytest.raises(HostUnreachable):
        reading.driver.apply(reading.missing, [sysctl("all", "arp_ignore", 1)])
    with pytest.raises(HostUnreachable):
        reading.driver.run(reading.missing, ["true"], timeout_s=5)


def test_a_closed_file_is_closed_with_its_directories(rig: Rig) -> None:
    rig.apply(WriteFile(path="/var/lib/kemp/dsr.json", content="{}\n", before=None, mode=0o600))
    assert rig.read().files == {RECORD_FILE: "{}\n"}
    if rig.root is not None:
        assert stat.S_IMODE((rig.root / RECORD_FILE[1:]).stat().st_mode) == 0o600
        assert stat.S_IMODE((rig.root / "var/lib/kemp").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root: run as root")
@pytest.mark.parametrize("rig", CHANGING[1:], indirect=True)
def test_a_replaced_file_keeps_owner_mode_and_label(rig: Rig) -> None:
    assert rig.root is not None
    rig.apply(WriteFile(path=SYSCTL_FILE, content="# old\n", before=None))
    file = rig.root / SYSCTL_FILE[1:]
    file.chmod(0o640)
    os.chown(file, 1234, 2345)
    # The kernel keeps the label as an attribute, with or without SELinux.
    os.setxattr(file, "security.selinux", LABEL)
    before = file.stat().st_ino
    rig.apply(WriteFile(path=SYSCTL_FILE, content="# new\n", before="# old\n"))
    new = file.stat()
    assert (file.read_text(), new.st_ino != before) == ("# new\n", True)
    assert (stat.S_IMODE(new.st_mode), new.st_uid, new.st_gid) == (0o640, 1234, 2345)
    assert os.getxattr(file, "security.selinux") == LABEL
    assert list(file.parent.iterdir()) == [file]


def test_the_default_route_is_replaced_in_its_place(rig: Rig) -> None:
    before = rig.read().routes
    old = rig.read().default_route_of(4)
    assert old is not None
    new = replace(old, gateway="198.51.100.77", protocol="static", options=(("mtu", 1400),))
    change = SetRoute(route=new, before=old)
    for _ in range(2):
        rig.apply(change)
        assert rig.read().default_route_of(4) == new
    rig.apply(inverse(change))
    assert sorted(rig.read().routes, key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize(
    "route",
    [
        Route(destination="192.0.2.0/24", gateway=LOOK_ON, interface=INTERFACE, metric=7),
        Route(
            version=6, destination="2001:db8:9::/64", interface=INTERFACE, metric=7, protocol="boot"
        ),
    ],
    ids=["4", "6"],
)
def test_a_route_is_set_once_and_removed_once(rig: Rig, route: Route) -> None:
    before = rig.read().routes
    for _ in range(2):
        rig.apply(SetRoute(route=route, before=None))
        assert sorted(rig.read().routes, key=repr) == sorted((*before, route), key=repr)
    for _ in range(2):
        rig.apply(RemoveRoute(route=route))
        assert sorted(rig.read().routes, key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize(
    "rule",
    [
        PolicyRule(priority=100, source="192.0.2.250", table="100"),
        PolicyRule(priority=100, source="192.0.2.0/24", mark="0x1/0xff", interface=INTERFACE),
        PolicyRule(version=6, priority=100, source="2001:db8::1", table="100"),
    ],
    ids=["4", "mark", "6"],
)
def test_a_rule_is_added_once_and_removed_once(rig: Rig, rule: PolicyRule) -> None:
    before = rig.read().rules
    for _ in range(2):
        rig.apply(AddRule(rule=rule))
        assert sorted(rig.read().rules, key=repr) == sorted((*before, rule), key=repr)
    for _ in range(2):
        rig.apply(RemoveRule(rule=rule))
        assert rig.read().rules == before


def test_a_tool_that_is_not_there_is_named_with_its_package(rig: Rig) -> None:
    call = CallTool(argv=("nmcli", "device", "reapply", "lo"), says="apply the profile of lo")
    with pytest.raises(HostChangeFailed, match=r"profile of lo.*there is no nmcli") as e:
        rig.apply(sysctl("all", "arp_ignore", 1), call)
    assert len(e.value.done) == 1
    if rig.root is not None:
        assert "the package NetworkManager" in str(e.value)
        assert e.value.reason is HostTrouble.MISSING_TOOL


def test_sections_are_read_when_they_are_asked_for(reading: Rig) -> None:
    state = reading.read()
    assert (state.persistence, state.arptables, state.firewalld) == (None, None, None)
    state = reading.driver.read(reading.host, list(Section))
    assert state.persistence is not None
    assert (state.persistence.systemd, state.persistence.nm_version) == (False, "")
    assert (state.arptables, state.firewalld) == (Arptables(), Firewalld())


@pytest.mark.parametrize(("command", "exit_code"), [("true", 0), ("false", 1), ("kemp-no", 127)])
def test_a_command_ends_with_its_exit_code(rig: Rig, command: str, exit_code: int) -> None:
    assert rig.driver.run(rig.host, [command], timeout_s=5).exit_code == exit_code
