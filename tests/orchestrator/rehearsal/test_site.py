"""What of production is rebuilt in the lab, and where: no lab is needed for this."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from orchestrator.errors import CannotRehearse
from orchestrator.inventory import parse_spec, spec_from_data
from orchestrator.rehearsal.faults import FAULTS, choose
from orchestrator.rehearsal.result import FiredGate, LowestFloor, Result, Traffic, judged
from orchestrator.rehearsal.site import lab_spec, lay_out, method_of
from orchestrator.rehearsal.trouble import FaultResult, operators_names
from orchestrator.spec import Spec

SPEC = """
loadmasters:
  lb1: {url: "https://192.0.2.10", profile: production, macs: ["02:00:00:00:00:99"]}
services:
  web: {loadmaster: lb1, service: "tcp/10.20.0.250:80", method: arptables}
  app: {loadmaster: lb1, service: "tcp/10.20.0.251:443", method: gateway, gateway: 10.20.0.1}
hosts:
  a: {address: 10.20.0.11, interface: ens192, driver: ssh, user: ops, labels: {rack: x}}
  b: {address: 10.20.0.12, interface: ens192, driver: ssh}
  z: {address: 10.20.0.99, interface: ens192, driver: ssh}
pools:
  web: {service: web, hosts: [a, b]}
  app: {service: app, hosts: [a], port: 8443}
stations:
  bastion: {address: 10.20.0.5, interface: eth0, driver: ssh}
arp_probe: {station: bastion}
rollout: {kind: drain, pools: [web, app], hosts: [a]}
"""

EXPORT: dict[str, Any] = {
    "version": 1,
    "parameters": {"finalpersist": "300", "timezone": "UTC"},
    "services": {
        "tcp/10.20.0.250:80": {
            "force_l4": True,
            "check_type": "smtp",
            "servers": {
                "10.20.0.11:80": {"forward": "route"},
                "10.20.0.77:80": {"forward": "route", "enable": False},
            },
        },
        "tcp/10.20.0.251:443": {
            "force_l7": True,
            "ssl_acceleration": True,
            "check_type": "https",
            "check_url": "/up",
            "check_port": 9000,
            "servers": {"10.20.0.11:8443": {"weight": 7}},
        },
        "tcp/10.20.0.252:80": {"servers": {"10.20.0.50:80": {}}},
    },
}


def spec(text: str = SPEC) -> Spec:
    return parse_spec(text, path="rollout.yaml")


def test_every_server_of_the_services_concerned_is_built_and_nothing_else() -> None:
    site = lay_out(spec(), {"lb1": EXPORT})
    assert {one.name for one in site.servers.values()} == {"a", "b", "10.20.0.77"}
    assert site.addresses == {
        "10.20.0.11": "203.0.113.11",
        "10.20.0.12": "203.0.113.12",
        "10.20.0.77": "203.0.113.13",
        "10.20.0.250": "203.0.113.250",
        "10.20.0.251": "203.0.113.249",
    }
    assert sorted(site.servers["10.20.0.11"].ports) == [80, 8443, 9000]


def test_what_is_not_as_in_production_is_said() -> None:
    notes = lay_out(spec(), {"lb1": EXPORT}).notes
    assert "lb1: tcp/10.20.0.251:443: not rebuilt: ssl_acceleration" in notes
    assert "lb1: tcp/10.20.0.251:443: checked by http instead of https" in notes
    assert "lb1: tcp/10.20.0.250:80: checked by tcp instead of smtp" in notes
    assert "service web: method arptables rehearsed as loopback" in notes
    assert "servers that the file does not know: 10.20.0.77" in notes


def test_the_configuration_keeps_what_the_plan_rests_on() -> None:
    site = lay_out(spec(), {"lb1": EXPORT})
    data = site.loadmasters["lb1"].data(site.addresses)
    assert data["parameters"] == {"finalpersist": "300"}
    direct = data["services"]["tcp/203.0.113.250:80"]
    assert direct["check_type"] == "tcp"
    assert direct["servers"]["203.0.113.13:80"] == {"forward": "route", "enable": False}
    carried = data["services"]["tcp/203.0.113.249:443"]
    assert (carried["check_type"], carried["check_url"]) == ("http", "/up")
    assert "ssl_acceleration" not in carried
    assert carried["servers"] == {"203.0.113.11:8443": {"weight": 7}}


def test_the_same_rollout_at_the_labs_addresses() -> None:
    site = lay_out(spec(), {"lb1": EXPORT})
    hosts = {
        one.station: {"address": one.address, "driver": "netlink", "namespace": f"/n/{one.station}"}
        for one in site.servers.values()
    }
    boxes = {"lb1": {"url": "https://203.0.113.10", "tls_pin": "ab"}}
    made = spec_from_data(lab_spec(site, gateway="203.0.113.10", loadmasters=boxes, hosts=hosts))
    assert made.rollout == spec().rollout
    assert set(made.hosts) == {"a", "b"}
    assert made.hosts["a"].driver == "netlink"
    assert made.hosts["a"].user is None
    assert made.hosts["a"].labels == {"rack": "x"}
    assert made.services["web"].method == "loopback"
    assert made.services["app"].gateway == "203.0.113.10"
    assert made.stations == {}
    # Nothing of production's is left to be reached.
    assert "10.20." not in yaml.safe_dump(lab_spec(site, gateway="x", loadmasters={}, hosts=hosts))


def test_one_that_replaces_another_is_built_though_it_is_in_no_pool() -> None:
    text = SPEC.replace(
        "{kind: drain, pools: [web, app], hosts: [a]}", "{kind: replace, replace: {a: z}}"
    )
    site = lay_out(spec(text), {"lb1": EXPORT})
    assert site.servers["10.20.0.99"].name == "z"
    # It listens where the old one does for its services.
    assert sorted(site.servers["10.20.0.99"].ports) == [80, 8443]
    hosts = {one.station: {"address": one.address} for one in site.servers.values()}
    assert "z" in lab_spec(site, gateway="x", loadmasters={}, hosts=hosts)["hosts"]


REHOME = """
loadmasters: {lb1: {url: "https://192.0.2.10"}}
services:
  FIRST
  SECOND
hosts:
  a: {address: 10.20.0.11, interface: eth0, driver: ssh}
  b: {address: 10.20.0.12, interface: eth0, driver: ssh}
pools:
  to: {service: to, hosts: [a, b]}
  was: {service: was, hosts: [a]}
rollout: {kind: rehome, moves_from: was, pool: to, hosts: [a]}
"""
TWICE = (
    'was: {loadmaster: lb1, service: "tcp/10.20.0.251:443", method: gateway, gateway: 10.20.0.1}',
    'to: {loadmaster: lb1, service: "tcp/10.20.0.251:443", method: none}',
)


@pytest.mark.parametrize("order", [TWICE, TWICE[::-1]])
def test_a_server_is_built_with_the_method_that_it_has_before_a_rehome(
    order: tuple[str, str],
) -> None:
    twice = spec(REHOME.replace("FIRST", order[0]).replace("SECOND", order[1]))
    ref = twice.services["to"].ref
    found = {name: method_of(twice, name, "lb1", ref) for name in ("a", "b", "unknown")}
    assert found == {"a": "gateway", "b": "none", "unknown": "gateway"}
    assert method_of(twice, "a", "lb2", ref) == "none"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"services": {}}, "has no service tcp/10.20.0.250:80"),
        (
            {
                "services": {
                    **EXPORT["services"],
                    "tcp/10.20.0.250:80": {"sub_services": [{"nickname": "s"}]},
                }
            },
            "SubVSs",
        ),
        (
            {
                "services": {
                    **EXPORT["services"],
                    "tcp/10.20.0.250:80": {"servers": {"[2001:db8::1]:80": {}}},
                }
            },
            "IPv6",
        ),
    ],
)
def test_what_cannot_be_built_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(CannotRehearse, match=words):
        lay_out(spec(), {"lb1": {**EXPORT, **change}})


def test_more_servers_than_the_lab_has_room_for() -> None:
    servers: dict[str, Any] = {f"10.30.{n // 200}.{n % 200 + 1}:80": {} for n in range(201)}
    services = {**EXPORT["services"], "tcp/10.20.0.250:80": {"servers": servers}}
    with pytest.raises(CannotRehearse, match="room for 200"):
        lay_out(spec(), {"lb1": {**EXPORT, "services": services}})


def test_faults_are_chosen_by_name_and_refused_where_they_cannot_strike() -> None:
    assert choose("slow-drain:b", kind="drain").server == "b"
    with pytest.raises(CannotRehearse, match="never-healthy"):
        choose("nonsense", kind="drain")
    with pytest.raises(CannotRehearse, match="a drain never comes"):
        choose("never-healthy", kind="drain")
    for name in ("never-healthy", "frozen-counters"):
        for kind in ("replace", "rehome"):
            assert choose(name, kind=kind).info is FAULTS[name]


def test_the_operators_commands_are_told_from_the_products() -> None:
    assert operators_names(["sh", "-c", "true"]) == {}
    assert operators_names(["env", "LC_ALL=C", "ls"]) == {}
    named = operators_names(["env", "KEMP_POINT=action", "KEMP_SERVER=a", "reboot"])
    assert named == {"KEMP_POINT": "action", "KEMP_SERVER": "a"}


def showed(
    *, state: str, lowest: int, failed: int, cut: int, struck: bool, late_ms: float = 0.0
) -> Result:
    return Result(
        kind="roll",
        state=state,
        reason="why",
        speed=1.0,
        floors=(LowestFloor(service="s", lowest=lowest, asked=2),),
        traffic=(
            Traffic(
                service="s",
                requests=10,
                failed=failed,
                downloads=2,
                cut=cut,
                failures=(),
                by_server={},
                latency_p99_ms=None,
                late_ms=late_ms,
            ),
        ),
        faults=(FaultResult(name="api-503", server="a", struck=struck),),
    )


def test_only_what_went_wrong_is_a_finding() -> None:
    assert judged(showed(state="finished", lowest=2, failed=0, cut=0, struck=True)).clean
    wrong = replace(
        showed(state="paused", lowest=1, failed=3, cut=1, struck=False),
        gates=(FiredGate(gate="floor", step="a/disable", reason="few", evidence=()),),
    )
    begun = [one.partition(":")[0] for one in judged(wrong).findings]
    assert begun == [
        "the rollout ends paused",
        "gate floor fired at a/disable",
        "s",
        "s",
        "s",
        "fault api-503 never struck a",
    ]


def test_failed_requests_of_a_load_that_was_held_up_are_told_apart() -> None:
    held_up = showed(state="finished", lowest=2, failed=3, cut=0, struck=True, late_ms=2500.0)
    (finding,) = judged(held_up).findings
    assert "3 of 10 requests failed (the load itself began requests up to 2.5 s late" in finding
