"""The firewalld method: planned in memory, and on a host that boots a real firewalld."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from kempsdk import VsRef
from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.carrying import Part, plan_add
from orchestrator.hosts.changes import CallTool, NetChange, WriteFile, describe
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.firewall_rules import direct_redirect, is_in, redirect
from orchestrator.hosts.methods.firewalld import Redirect
from orchestrator.hosts.methods.method import MethodName, Wanted
from orchestrator.hosts.methods.record_file import read_record
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.sections import Firewalld, Section, Zone
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, HostAddress, NetState, Release
from orchestrator.hosts.undo_record import UndoRecord
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions
from orchestrator.lab.topology import BRIDGE
from orchestrator.probes.arp import ArpWatch, ask_who_has
from orchestrator.probes.service import http_answers
from orchestrator.probes.vip_request import FrameOutcome, answers_vip_frame
from tests.orchestrator.lab.systemd_lab import need_systemd

VIP = "203.0.113.250"
WEB, TLS = VsRef.parse(f"tcp/{VIP}:80"), VsRef.parse(f"tcp/{VIP}:443")
HOST = Host(name="web1", address="203.0.113.11", interface="eth0")
METHOD = Redirect()


def state(*, release: str = "9", **firewall: object) -> NetState:
    zone = Zone(name="public", services=("ssh",))
    plain = Firewalld(
        version="1.3.4",
        running=True,
        service="enabled",
        zone="public",
        runtime=zone,
        permanent=zone,
    )
    return NetState(
        interfaces={"lo": "", "eth0": "02:00:00:00:00:11"},
        addresses=(HostAddress(address=HOST.address, prefix=24, interface="eth0"),),
        sysctls={},
        release=Release(id="centos", version_id=release),
        firewalld=replace(plain, **firewall),  # type: ignore[arg-type] # the tests' own fields
    )


def wanted(*services: VsRef, keep: tuple[VsRef, ...] = (), adopt: bool = False) -> Wanted:
    return Wanted(host=HOST, services=services or (WEB,), keep=keep, adopt=adopt)


def ids(findings: tuple[Finding, ...]) -> set[str]:
    return {one.id for one in findings}


def test_both_sides_get_the_port_first_and_then_the_redirect() -> None:
    calls = [one for one in METHOD.plan_add(state(), wanted()) if isinstance(one, CallTool)]
    assert [(call.argv[1] == "--permanent", call.argv[-1].split("=")[0]) for call in calls] == [
        (True, "--add-port"),
        (False, "--add-port"),
        (True, "--add-rich-rule"),
        (False, "--add-rich-rule"),
    ]
    assert "running firewall in zone public" in describe(calls[1])


def test_what_is_there_is_not_added_again_however_it_is_spelled() -> None:
    rule = (
        f"rule family=ipv4 destination address={VIP} forward-port port=80 protocol=tcp to-port=80"
    )
    zone = Zone(name="public", ports=("79-81/tcp",), rich_rules=(rule,))
    right = state(runtime=zone, permanent=zone)
    assert METHOD.plan_add(right, wanted()) == ()
    assert METHOD.verify(right, wanted()) == ()


def test_right_now_and_after_a_boot_are_told_apart() -> None:
    rule = redirect(WEB, "public").words[0]
    zone = Zone(name="public", ports=("80/tcp",), rich_rules=(rule,))
    assert ids(METHOD.verify(state(runtime=zone), wanted())) == {
        "redirect-missing-persistent",
        "port-closed-persistent",
    }
    assert ids(METHOD.verify(state(permanent=zone), wanted())) == {
        "redirect-missing-live",
        "port-closed-live",
    }
    stopped = state(running=False, service="disabled", runtime=None, permanent=zone)
    assert ids(METHOD.verify(stopped, wanted())) == {"firewalld-live", "firewalld-persistent"}


def test_el7_gets_the_rule_of_the_direct_interface() -> None:
    old = state(release="7")
    calls = [one.argv for one in METHOD.plan_add(old, wanted()) if isinstance(one, CallTool)]
    words = f"ipv4 nat PREROUTING 0 -d {VIP} -p tcp --dport 80 -j REDIRECT".split()
    assert calls[-1] == ("firewall-cmd", "--direct", "--add-rule", *words)
    line = f"ipv4 nat PREROUTING 0 -d {VIP}/32 -p tcp --dport 80 -j REDIRECT"
    assert is_in(direct_redirect(WEB), None, [line])


def test_two_services_on_one_port_are_refused() -> None:
    other = VsRef.parse("tcp/203.0.113.251:80")
    for asked in (wanted(WEB, other), wanted(WEB, keep=(other,))):
        with pytest.raises(HostChangeFailed, match="want one port of the host"):
            METHOD.plan_add(state(), asked)
    with pytest.raises(HostChangeFailed, match="has every port"):
        METHOD.plan_add(state(), wanted(VsRef.parse(f"tcp/{VIP}:*")))
    with pytest.raises(HostChangeFailed, match="install the package firewalld"):
        METHOD.plan_add(state(version=""), wanted())


def test_the_form_of_many_guides_is_found_explained_and_taken_away_when_asked() -> None:
    loop = f"port=80:proto=tcp:toport=80:toaddr={VIP}"
    zone = Zone(name="public", masquerade=True, forward_ports=(loop,))
    wrong = state(runtime=zone, permanent=zone)
    found = [one for one in METHOD.verify(wrong, wanted()) if one.id == "redirect-sent-round"]
    assert len(found) == 2
    assert "health check's included" in found[0].message
    assert f"--remove-forward-port={loop}" in found[0].cure
    assert "redirect-sent-round" in ids(METHOD.not_mended(wrong, wanted()))
    assert not any("forward-port=port" in describe(one) for one in METHOD.plan_add(wrong, wanted()))
    adopted = METHOD.plan_add(wrong, wanted(adopt=True))
    assert any(loop in describe(one) and "take off" in describe(one) for one in adopted)
    assert "redirect-sent-round" not in ids(METHOD.not_mended(wrong, wanted(adopt=True)))


def test_a_masquerade_that_came_with_it_is_shown_and_goes_only_when_asked_for() -> None:
    loop = f"port=80:proto=tcp:toport=80:toaddr={VIP}"
    zone = Zone(name="public", masquerade=True, forward_ports=(loop,))
    wrong = state(runtime=zone, permanent=replace(zone, masquerade=False))
    (found,) = [one for one in METHOD.verify(wrong, wanted()) if one.id == "masquerade-on"]
    assert not found.blocks
    assert "in zone public right now:" in found.message
    assert "--mend masquerade-on web1" in found.cure
    assert "firewall-cmd --permanent --zone=public --remove-masquerade" in found.cure
    adopted = METHOD.plan_add(wrong, wanted(adopt=True))
    assert not any("masquerade" in describe(one) for one in adopted)
    assert "masquerade-on" in ids(METHOD.not_mended(wrong, wanted(adopt=True)))

    # After the forward-port was replaced the record still knows why it is on.
    written = next(one for one in adopted if isinstance(one, WriteFile))
    rule = redirect(WEB, "public").words[0]
    left = Zone(name="public", masquerade=True, ports=("80/tcp",), rich_rules=(rule,))
    after = replace(state(runtime=left, permanent=left), files={RECORD_FILE: written.content or ""})
    assert ids(METHOD.verify(after, wanted())) == {"masquerade-on"}
    assert METHOD.plan_add(after, wanted(adopt=True)) == ()
    asked = replace(wanted(), mend=frozenset({"masquerade-on"}))
    assert [one.argv for one in METHOD.plan_add(after, asked) if isinstance(one, CallTool)] == [
        ("firewall-cmd", "--permanent", "--zone=public", "--remove-masquerade"),
        ("firewall-cmd", "--zone=public", "--remove-masquerade"),
    ]
    assert "masquerade-on" not in ids(METHOD.not_mended(after, asked))

    # One that has nothing to do with it is nobody's business.
    routing = replace(left, masquerade=True)
    assert METHOD.verify(state(runtime=routing, permanent=routing), wanted()) == ()


def test_a_vip_on_the_host_is_wrong_with_this_method() -> None:
    with_vip = state()
    with_vip = replace(
        with_vip,
        addresses=(
            *with_vip.addresses,
            HostAddress(address=VIP, prefix=32, interface="lo"),
        ),
    )
    assert "vip-astray" in ids(METHOD.verify(with_vip, wanted()))


def test_what_was_open_before_us_stays_open() -> None:
    zone = Zone(name="public", ports=("80/tcp",))
    before = state(runtime=zone, permanent=zone)
    changes = METHOD.plan_add(before, wanted())
    written = next(one for one in changes if isinstance(one, WriteFile))
    rule = redirect(WEB, "public").words[0]
    carried = replace(zone, rich_rules=(rule,))
    after = replace(
        state(runtime=carried, permanent=carried), files={RECORD_FILE: written.content or ""}
    )
    away = METHOD.plan_remove(after, wanted())
    assert all("port=80/tcp" not in describe(one) for one in away)
    assert sum(isinstance(one, CallTool) for one in away) == 2
    left = METHOD.left_alone(after, wanted())
    assert [one.message for one in left] == ["80/tcp stays: it was there before us"]


def test_the_port_stays_open_for_the_method_that_takes_over() -> None:
    before = state()
    changes = METHOD.plan_add(before, wanted())
    record = UndoRecord().noting(changes).carrying(VIP, "firewalld", before)
    rule = redirect(WEB, "public").words[0]
    zone = Zone(name="public", ports=("80/tcp",), rich_rules=(rule,))

    opened = replace(zone, rich_rules=())

    def on_host(record: UndoRecord, zone: Zone = zone) -> NetState:
        files = {RECORD_FILE: record.render()}
        return replace(state(runtime=zone, permanent=zone), files=files)

    # Carried by this method to the end, both go; carried on by another, the port stays.
    assert options(METHOD.plan_remove(on_host(record), wanted())) == ["rich-rule", "port"]
    taken_over = record.handed_over([VIP], "loopback", before)
    assert options(METHOD.plan_remove(on_host(taken_over), wanted())) == ["rich-rule"]
    assert METHOD.plan_close(on_host(record), wanted()) == ()
    assert options(METHOD.plan_close(on_host(taken_over, opened), wanted())) == ["port"]
    needed = wanted(keep=(VsRef.parse("tcp/203.0.113.251:80"),))
    assert METHOD.plan_close(on_host(taken_over, opened), needed) == ()


def options(changes: Iterable[NetChange]) -> list[str]:
    """Return what is taken off the firewall, each kind once."""
    found = [
        one.argv[-1].partition("=")[0].removeprefix("--remove-")
        for one in changes
        if isinstance(one, CallTool)
    ]
    return list(dict.fromkeys(found))


def test_its_cost_is_said() -> None:
    assert "redirect-costs" in ids(METHOD.not_mended(state(), wanted()))


def test_ipv6() -> None:
    service = VsRef.parse("tcp/[2001:db8::250]:80")
    assert (
        'family="ipv6" destination address="2001:db8::250/128"'
        in (redirect(service, "public").words[0])
    )


# -- a real one


class Asked:
    """A client that asks for the VIP again and again, each time by a new connection."""

    def __init__(self, mac: str) -> None:
        self._mac = mac
        self._counts = threading.Event()
        self.end = threading.Event()
        self.count = 0
        self.missed: list[FrameOutcome] = []

    def from_now_on(self) -> None:
        """From here on every request must be answered."""
        self._counts.set()

    def run(self) -> None:
        while not self.end.wait(0.2):
            counts = self._counts.is_set()
            found = answers_vip_frame(
                interface=BRIDGE, server_mac=self._mac, vip=VIP, port=80, attempts=1
            )
            self.count += counts
            if counts and found.outcome is not FrameOutcome.OPEN:
                self.missed.append(found.outcome)


def comparable(state: NetState) -> NetState:
    """Return the state without what is another one at every look."""
    persistence, arptables = state.persistence, state.arptables
    assert persistence is not None
    assert arptables is not None
    rules = [one for one in arptables.rules.splitlines() if one.startswith("-A")]
    return replace(
        state,
        sockets=(),
        addresses=tuple(sorted(state.addresses, key=repr)),
        persistence=replace(persistence, profiles=()),
        arptables=replace(arptables, rules="\n".join(rules)),
    )


class Real:
    """A host that boots firewalld, and the operator's ways to it."""

    def __init__(self, lab: Lab, driver: SshDriver) -> None:
        self.lab, self.driver = lab, driver
        self.host = lab.hosts[0]
        self.machine: SystemdHost = lab.machines["web1"]

    def wanted(self, *services: VsRef, keep: tuple[VsRef, ...] = (), adopt: bool = False) -> Wanted:
        return Wanted(host=self.host, services=services or (WEB,), keep=keep, adopt=adopt)

    def read(self) -> NetState:
        return self.driver.read(self.host, METHOD.sections | SECTIONS)

    def add(self, wanted: Wanted) -> None:
        self.driver.apply(self.host, METHOD.plan_add(self.read(), wanted))

    def remove(self, wanted: Wanted) -> None:
        self.driver.apply(self.host, METHOD.plan_remove(self.read(), wanted))

    # -- by whatever method

    def part(self, method: MethodName) -> Part:
        return Part(method=method, wanted=self.wanted())

    def read_all(self) -> NetState:
        return self.driver.read(self.host, list(Section))

    def carry(self, method: MethodName, state: NetState) -> NetState:
        """Have the host carry the VIP by this method, and look at it from outside.

        Args:
            state: all of it, as it is now; what comes back is how it is then.
        """
        part = self.part(method)
        after = self.driver.apply_and_read(self.host, plan_add(state, [part]), list(Section))
        assert blocking(part.how.verify(after, part.wanted)) == ()
        assert plan_add(after, [part]) == ()
        assert {how.method for how in read_record(after, self.host).vips.values()} == {method}
        assert any(one.address == VIP for one in after.addresses) == part.how.vip_on_host
        assert self.clients() is FrameOutcome.OPEN
        assert self.arp() == frozenset()
        return after

    def arp(self) -> frozenset[str]:
        """Return the MACs that answer ARP for the VIP."""
        return ask_who_has(VIP, BRIDGE, window_s=0.1, unicast_to=[self.lab.macs["web1"]]).macs

    @contextmanager
    def asked_all_the_time(self) -> Iterator["Asked"]:
        asked = Asked(self.lab.macs["web1"])
        thread = threading.Thread(target=self._inside, args=(asked.run,))
        thread.start()
        try:
            yield asked
        finally:
            asked.end.set()
            thread.join()

    def _inside(self, work: Callable[[], None]) -> None:
        with self.lab.namespaces["admin"].entered():
            work()

    # -- from outside

    def clients(self, port: int = 80) -> FrameOutcome:
        """Return what a client's packet for the VIP meets, as the LoadMaster hands it over."""
        mac = self.lab.macs["web1"]
        found = answers_vip_frame(interface=BRIDGE, server_mac=mac, vip=VIP, port=port)
        return found.outcome

    def health(self) -> bool:
        return http_answers(self.host.address, 80, "/health").healthy

    def tool(self, *argv: str) -> str:
        done = self.machine.run(argv)
        assert done.exit_code == 0, done
        return done.stdout


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    need_systemd()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(hosts=1, systemd=SystemdOptions(firewalld=True)))
        stack.enter_context(lab.namespaces["admin"].entered())
        yield Real(lab, stack.enter_context(SshDriver(config_file=str(lab.ssh_config))))


@pytest.mark.kernel
def test_added_repeated_rebooted_removed(real: Real) -> None:
    before = real.read().firewalld
    assert real.clients() is FrameOutcome.SILENT
    real.add(real.wanted())
    assert METHOD.verify(real.read(), real.wanted()) == ()
    assert METHOD.plan_add(real.read(), real.wanted()) == ()
    assert real.clients() is FrameOutcome.OPEN
    assert real.health()
    assert real.tool("sysctl", "-n", "net.ipv4.ip_forward").strip() == "0"

    real.machine.reboot()
    assert METHOD.verify(real.read(), real.wanted()) == ()
    assert real.clients() is FrameOutcome.OPEN

    # A second service, and the first one away: the second one's stays.
    real.add(real.wanted(WEB, TLS))
    real.remove(real.wanted(WEB))
    state = real.read()
    assert ids(METHOD.verify(state, real.wanted(TLS))) == set()
    assert "redirect-missing-live" in ids(METHOD.verify(state, real.wanted(WEB)))
    assert METHOD.plan_remove(state, real.wanted(WEB)) == ()

    # All that is left goes back by the record alone.
    back = plan_revert(UndoRecord.parse(state.files[RECORD_FILE]), state)
    assert back.left == ()
    real.driver.apply(real.host, back.changes)
    state = real.read()
    assert (state.firewalld, state.files) == (before, {})


@pytest.mark.kernel
def test_the_form_of_many_guides_takes_the_health_check_with_it(real: Real) -> None:
    loop = f"port=80:proto=tcp:toport=80:toaddr={VIP}"
    for lasting in ([], ["--permanent"]):
        real.tool("firewall-cmd", *lasting, "--zone=public", "--add-masquerade")
        real.tool("firewall-cmd", *lasting, "--zone=public", f"--add-forward-port={loop}")
    found = real.read().firewalld
    real.add(real.wanted())
    assert not real.health()
    assert "redirect-sent-round" in ids(METHOD.verify(real.read(), real.wanted()))
    real.add(real.wanted(adopt=True))
    assert real.health()
    assert real.clients() is FrameOutcome.OPEN
    # What was switched on together with it is shown, and goes where that is asked for.
    (left,) = METHOD.verify(real.read(), real.wanted())
    assert (left.id, left.blocks) == ("masquerade-on", False)
    real.add(replace(real.wanted(), mend=frozenset({"masquerade-on"})))
    assert METHOD.verify(real.read(), real.wanted()) == ()
    for lasting in ([], ["--permanent"]):
        asked = real.machine.run(["firewall-cmd", *lasting, "--zone=public", "--query-masquerade"])
        assert (asked.exit_code, asked.stdout.strip()) == (1, "no")

    # The record gives back what was there, wrong or not.
    state = real.read()
    back = plan_revert(UndoRecord.parse(state.files[RECORD_FILE]), state)
    assert back.left == ()
    real.driver.apply(real.host, back.changes)
    state = real.read()
    assert (state.firewalld, state.files) == (found, {})
    for lasting in ([], ["--permanent"]):
        real.tool("firewall-cmd", *lasting, "--zone=public", "--remove-masquerade")
        real.tool("firewall-cmd", *lasting, "--zone=public", f"--remove-forward-port={loop}")


@pytest.mark.kernel
def test_a_vip_moves_from_method_to_method_and_is_served_all_the_time(real: Real) -> None:
    before = real.read_all()
    assert real.clients() is FrameOutcome.SILENT
    with ArpWatch(BRIDGE, VIP) as watch:
        with real.asked_all_the_time() as asked:
            # The redirect opens the port; under the others it stays open.
            state = real.carry("firewalld", before)
            asked.from_now_on()
            state = real.carry("arptables", state)
            state = real.carry("firewalld", state)
            state = real.carry("loopback", state)
        assert asked.missed == []
        assert asked.count > 5
        # Undone: the record still knows the way back to the beginning.
        back = plan_revert(read_record(state, real.host), state)
        assert back.left == ()
        real.driver.apply(real.host, back.changes)
        assert real.clients() is FrameOutcome.SILENT
        assert real.arp() == frozenset()
        seen = watch.evidence()
    assert (dict(seen.answers), dict(seen.claims)) == ({}, {})
    assert comparable(real.read_all()) == comparable(before)


@pytest.mark.kernel
def test_while_firewalld_is_down_the_lasting_side_is_set(real: Real) -> None:
    real.tool("systemctl", "stop", "firewalld")
    try:
        real.add(real.wanted())
        assert ids(METHOD.verify(real.read(), real.wanted())) == {"firewalld-live"}
        real.tool("firewall-offline-cmd", "--check-config")
    finally:
        real.tool("systemctl", "start", "firewalld")
    assert METHOD.verify(real.read(), real.wanted()) == ()
    assert real.clients() is FrameOutcome.OPEN
