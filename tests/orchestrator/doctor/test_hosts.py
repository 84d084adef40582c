"""What a host's facts say, as data: each fault is found by its id, and only that."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kempsdk import VsRef
from orchestrator.doctor.diagnosis import CONSEQUENCES, Check, Verdict
from orchestrator.doctor.extras import Extras, read_extras
from orchestrator.doctor.hosts import Examined, compare_mtus, examine_host
from orchestrator.hosts.driver import CommandResult
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.sections import Arptables, Firewalld, Persistence, Zone
from orchestrator.hosts.state import PolicyRule, Route, Socket
from orchestrator.inventory import parse_spec
from orchestrator.rules import Severity
from tests.fakes.host import FakeHostDriver

VIP, OWN, ROUTER, LOADMASTER = "203.0.113.250", "203.0.113.11", "203.0.113.1", "203.0.113.10"
EVERYWHERE = ".".join("0000")
ROOT = Path(__file__).parents[3]
SPEC = parse_spec(
    """\
loadmasters: {lb: {url: "https://192.0.2.10"}}
services: {web: {loadmaster: lb, service: "tcp/203.0.113.250:80", method: loopback}}
hosts:
  web1: {address: 203.0.113.11, interface: eth0}
  web2: {address: 203.0.113.12, interface: eth0}
pools: {web: {service: web, hosts: [web1, web2]}}
""",
    path="test.yaml",
)
ARPTABLES = """\
loadmasters: {lb: {url: "https://192.0.2.10"}}
services: {web: {loadmaster: lb, service: "tcp/203.0.113.250:80", method: arptables}}
hosts: {web1: {address: 203.0.113.11, interface: eth0}}
pools: {web: {service: web, hosts: [web1]}}
"""
PLACE = SPEC.member("web", "web1")


def listener(address: str = EVERYWHERE, port: int = 80) -> Socket:
    return Socket(
        protocol="tcp",
        local_address=address,
        local_port=port,
        peer_address=EVERYWHERE,
        peer_port=0,
        state="listen",
    )


@pytest.fixture
def sound() -> Examined:
    """Give a host that is right in every way."""
    driver, host = FakeHostDriver(), SPEC.host("web1")
    fake = driver.add(host)
    fake.persistence = Persistence(units={"network": "enabled"}, network_scripts=True)
    wanted = Wanted(host=host, services=(VsRef.parse(f"tcp/{VIP}:80"),))
    method = METHODS["loopback"]
    driver.apply(host, method.plan_add(driver.read(host, method.sections), wanted))
    fake.sockets.append(listener())
    state = replace(
        driver.read(host, method.sections),
        routes=(Route(destination="default", gateway=ROUTER, interface="eth0"),),
        mtus={"eth0": 1500, "lo": 65536},
        firewalld=Firewalld(),
    )
    return Examined(place=PLACE, state=state, extras=Extras(nft="", lro=False))


def examine(one: Examined) -> list[Check]:
    return list(examine_host(SPEC, one, loadmaster_addresses=[LOADMASTER]))


def ids(one: Examined) -> list[str]:
    return [found.id for check in examine(one) for found in check.findings]


def changed(one: Examined, **state: object) -> Examined:
    return replace(one, state=replace(one.state, **state))  # type: ignore[arg-type] # fields of the state


def test_a_sound_host_has_no_findings_and_says_what_was_seen(sound: Examined) -> None:
    checks = {one.name: one for one in examine(sound)}
    assert {one.verdict for one in checks.values()} == {Verdict.GOOD}
    assert set(checks) == {
        "host-state", "arp-settings", "routes", "listening", "firewall", "offloads",
    }  # fmt: skip
    ignore, announce = checks["arp-settings"].said
    assert ignore.startswith("arp_ignore is 1, after a boot 1, after sysctl --system 1 (/etc/sys")
    assert announce.startswith("arp_announce is 2, after a boot 2")


def test_what_the_method_finds_is_a_finding(sound: Examined) -> None:
    sysctls = {**sound.state.sysctls, "conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}
    (found,) = [
        each for check in examine(changed(sound, sysctls=sysctls)) for each in check.findings
    ]
    assert (found.id, found.severity, found.subject) == (
        "arp-ignore-live",
        Severity.ERROR,
        "host web1",
    )
    assert found.cure.endswith("or let it be done: kemp host apply web1")


def test_a_service_that_flushes_the_rules_is_found_with_what_switches_it_off() -> None:
    driver, host = FakeHostDriver(), SPEC.host("web1")
    fake = driver.add(host)
    fake.on_tool = lambda _call: None
    fake.arptables = Arptables(version="arptables 0.0.4 (legacy)", service="enabled")
    spec = parse_spec(ARPTABLES, path="test.yaml")
    method = METHODS["arptables"]
    wanted = Wanted(host=host, services=(VsRef.parse(f"tcp/{VIP}:80"),))
    driver.apply(host, method.plan_add(driver.read(host, method.sections), wanted))
    state = replace(driver.read(host, method.sections), firewalld=Firewalld())
    one = Examined(place=spec.member("web", "web1"), state=state)
    found = {
        each.id: each
        for check in examine_host(spec, one, loadmaster_addresses=[])
        for each in check.findings
    }
    flushes = found["arptables-flushes"]
    assert (flushes.severity, flushes.subject) == (Severity.WARNING, "host web1")
    assert flushes.cure.startswith("kemp host apply --mend arptables-flushes web1:")


def test_what_applying_cannot_mend_is_not_offered(sound: Examined) -> None:
    nobody = Persistence(units={}, network_scripts=False, systemd=False)
    (found,) = [
        each for check in examine(changed(sound, persistence=nobody)) for each in check.findings
    ]
    assert (found.id, found.severity) == ("vip-not-persistent", Severity.WARNING)
    assert "kemp host apply" not in found.cure


@pytest.mark.parametrize("gateway", [LOADMASTER, VIP])
def test_the_way_out_through_the_loadmaster(sound: Examined, gateway: str) -> None:
    route = Route(destination="default", gateway=gateway, interface="eth0")
    assert ids(changed(sound, routes=(route,))) == ["default-route-through-loadmaster"]
    # Replies from the VIP have a table of their own.
    rule = PolicyRule(priority=100, source=VIP, table="100")
    assert ids(changed(sound, routes=(route,), rules=(rule,))) == []


def test_no_way_out(sound: Examined) -> None:
    assert ids(changed(sound, routes=())) == ["no-default-route"]


@pytest.mark.parametrize(
    ("all_value", "own_value", "way_out", "found"),
    [
        (0, 0, "eth1", []),
        (1, 0, "eth1", ["rp-filter-drops"]),
        (0, 1, "eth1", ["rp-filter-drops"]),
        (1, 1, "eth0", []),
        # The larger counts, and 2 only asks for some way back.
        (1, 2, "eth1", []),
        (2, 1, "eth1", []),
    ],
)
def test_the_reverse_path(
    sound: Examined, all_value: int, own_value: int, way_out: str, found: list[str]
) -> None:
    one = changed(
        sound,
        sysctls={
            **sound.state.sysctls,
            "conf/all/rp_filter": all_value,
            "conf/eth0/rp_filter": own_value,
        },
        routes=(Route(destination="default", gateway=ROUTER, interface=way_out),),
    )
    assert ids(one) == found


@pytest.mark.parametrize(
    ("sockets", "found"),
    [
        ((), ["not-listening"]),
        ((listener(port=8080),), ["not-listening"]),
        ((listener(OWN),), ["listens-elsewhere"]),
        ((listener(VIP),), []),
    ],
)
def test_listening(sound: Examined, sockets: tuple[Socket, ...], found: list[str]) -> None:
    assert ids(changed(sound, sockets=sockets)) == found


@pytest.mark.parametrize(
    ("runtime", "permanent", "found"),
    [
        (("80/tcp",), ("80/tcp",), []),
        ((), ("80/tcp",), ["firewall-closed"]),
        (("80/tcp",), (), ["firewall-closed-after-reload"]),
        ((), (), ["firewall-closed"]),
    ],
)
def test_firewalld(
    sound: Examined, runtime: tuple[str, ...], permanent: tuple[str, ...], found: list[str]
) -> None:
    firewalld = Firewalld(
        version="1.3",
        running=True,
        service="enabled",
        zone="public",
        runtime=Zone(name="public", ports=runtime),
        permanent=Zone(name="public", ports=permanent),
    )
    assert ids(changed(sound, firewalld=firewalld)) == found


def test_other_filters(sound: Examined) -> None:
    rules = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; "
    rules += "policy drop;\n\t}\n}\n"
    assert ids(replace(sound, extras=Extras(nft=rules, lro=False))) == ["packet-filter"]


def test_offloads(sound: Examined) -> None:
    joins = Extras(nft="", lro=True)
    assert ids(replace(sound, extras=joins)) == []
    forwards = changed(sound, sysctls={**sound.state.sysctls, "ip_forward": 1})
    assert ids(replace(forwards, extras=joins)) == ["lro-forwarding"]


def test_what_cannot_be_read_is_said_and_is_no_finding(sound: Examined) -> None:
    for extras in (None, Extras()):
        checks = {one.name: one for one in examine(replace(sound, extras=extras))}
        assert checks["firewall"].verdict is Verdict.NOT_MADE
        assert checks["offloads"].verdict is Verdict.NOT_MADE
        assert "dnf install ethtool" in checks["offloads"].said[0]
    assert ids(replace(sound, extras=None)) == []


def test_mtus(sound: Examined) -> None:
    other = replace(changed(sound, mtus={"eth0": 9000}), place=SPEC.member("web", "web2"))
    same = compare_mtus(SPEC, [sound], loadmaster={"eth0": 1500})
    assert same.verdict is Verdict.GOOD
    (found,) = compare_mtus(SPEC, [sound, other], loadmaster={"eth0": 1500}).findings
    assert found.message == "web2's eth0 has an MTU of 9000, the others have 1500"
    assert compare_mtus(SPEC, [], loadmaster={}).verdict is Verdict.GOOD


def test_every_consequence_is_said_by_somebody() -> None:
    """An id that nobody uses is a promise to scripts that nobody keeps."""
    folder = ROOT / "orchestrator" / "doctor"
    code = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "diagnosis.py")
    assert [name for name in CONSEQUENCES if f'"{name}"' not in code] == []


def test_every_finding_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "pages" / "doctor.md").read_text()
    missing = [name for name, text in CONSEQUENCES.items() if f"| `{name}` | {text} |" not in page]
    assert missing == []


# -- what the doctor reads besides -----------------------------------------------------


def reading(said: str) -> Extras:
    driver, host = FakeHostDriver(), SPEC.host("web1")
    asked: list[Sequence[str]] = []

    def answer(argv: Sequence[str]) -> CommandResult:
        asked.append(argv)
        return CommandResult(exit_code=0, stdout=said, stderr="")

    driver.add(host).on_run = answer
    extras = read_extras(driver, host)
    assert asked[0][-1] == "eth0"
    return extras


def test_extras() -> None:
    nothing = reading("== nft\n== iptables\n== ethtool\n== end\n")
    assert nothing == Extras()
    assert reading("") == Extras()
    whole = reading(
        "== nft\ntable inet x {\n}\n== nft read\n== iptables\n*filter\n== ethtool\n"
        "Features for eth0:\nlarge-receive-offload: on\n== end\n"
    )
    assert whole == Extras(nft="table inet x {\n}\n", iptables="*filter\n", lro=True)
    fixed = reading("== ethtool\nlarge-receive-offload: off [fixed]\n== end\n")
    assert fixed.lro is False
