"""Lint rules: each breaks alone, by name, and a good service breaks none."""

from typing import Any

import pytest

from kempsdk import (
    CheckType,
    Forward,
    Persist,
    Protocol,
    RealServer,
    RsRef,
    SubVs,
    SubVsRef,
    VirtualService,
    VsRef,
)
from orchestrator.errors import RuleViolated
from orchestrator.rules import (
    RULES,
    Severity,
    check_real_server,
    check_service,
    enforce,
    finding,
)

VS = VsRef.parse("tcp/203.0.113.250:80")
RS = RsRef("203.0.113.11", 80)


def service(**changes: Any) -> VirtualService:
    return VirtualService(
        **{"ref": VS, "index": 1, "layer": 4, "force_l4": True, "enabled": True, **changes}
    )


def ids(findings: Any) -> set[str]:
    return {one.id for one in findings}


def errors(findings: Any) -> set[str]:
    return {one.id for one in findings if one.severity is Severity.ERROR}


def server(**changes: Any) -> RealServer:
    return RealServer(
        **{"ref": RS, "vs_index": 1, "rs_index": 2, "forward": Forward.ROUTE, **changes}
    )


def test_a_good_direct_return_service_breaks_nothing() -> None:
    vs = service(real_servers=(server(),))
    assert ids(check_service(vs)) == {"l4-has-no-drain"}
    assert not errors(check_service(vs))
    assert not check_real_server(vs, RS, Forward.ROUTE, carries_vip=True)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"layer": 7, "force_l4": False, "force_l7": True}, "dsr-needs-l4"),
        ({"ssl_acceleration": True}, "dsr-no-ssl"),
        ({"persist": Persist.ACTIVE_COOKIE}, "dsr-no-cookie-persistence"),
        ({"persist": Persist.HEADER}, "dsr-no-cookie-persistence"),
        ({"cache": True}, "dsr-no-cache"),
        ({"compress": True}, "dsr-no-cache"),
        ({"pre_process_rules": ("r",)}, "dsr-no-content-rules"),
        ({"real_servers": (server(match_rules=("r",)),)}, "dsr-no-content-rules"),
    ],
)
def test_direct_return(changes: dict[str, Any], rule: str) -> None:
    vs = service(**changes)
    assert errors(check_service(vs, direct_return=True)) == {rule}
    assert errors(check_real_server(vs, RS, Forward.ROUTE)) == {rule}
    assert not errors(check_service(vs, direct_return=False))
    assert not errors(check_real_server(vs, RS, Forward.NAT))


def test_source_persistence_is_fine_at_layer_4() -> None:
    assert not errors(check_service(service(persist=Persist.SRC), direct_return=True))


def test_direct_return_is_known_by_the_servers() -> None:
    layer_7 = {"layer": 7, "force_l4": False}
    assert "dsr-needs-l4" in ids(check_service(service(real_servers=(server(),), **layer_7)))
    nat = server(forward=Forward.NAT)
    assert "dsr-needs-l4" not in ids(check_service(service(real_servers=(nat,), **layer_7)))


def test_port() -> None:
    found = check_real_server(service(), RsRef(RS.address, 8080), Forward.ROUTE)
    assert ids(found) == {"dsr-port-equal"}
    assert "8080" in found[0].message
    assert "80" in found[0].cure
    assert not check_real_server(service(), RsRef(RS.address, 8080), Forward.NAT)


def test_server_with_the_address_of_the_service() -> None:
    found = check_real_server(service(), RsRef("203.0.113.250", 80), Forward.NAT)
    assert ids(found) == {"vip-is-server-address"}


def test_a_host_with_the_vip_needs_unchanged_packets() -> None:
    found = check_real_server(service(), RS, Forward.NAT, carries_vip=True)
    assert ids(found) == {"dsr-forward-route"}


def test_service_with_subvs() -> None:
    slot = SubVs(ref=SubVsRef(VS, 5), index=3, rs_index=5)
    found = check_real_server(service(sub_services=(slot,)), RS, Forward.NAT)
    assert ids(found) == {"service-has-subvs"}


@pytest.mark.parametrize(
    ("changes", "more", "rule"),
    [
        (
            {"ref": VsRef(Protocol.UDP, "203.0.113.250", 53), "layer": 7, "force_l7": True},
            {},
            "udp-needs-l4",
        ),
        (
            {"layer": 7, "transparent": True, "subnet_originating": True},
            {},
            "transparent-subnet-originating",
        ),
        ({"layer": 7, "transparent": True}, {}, "transparent-needs-gateway"),
        ({"check_type": CheckType.NONE}, {}, "no-health-check"),
        ({"layer": 7}, {"drain_time_s": 0}, "drain-time-zero"),
        ({"layer": 7, "persist": Persist.COOKIE}, {"drain_time_s": 300}, "persistence-pins"),
    ],
)
def test_general(changes: dict[str, Any], more: dict[str, Any], rule: str) -> None:
    found = check_service(service(**changes), direct_return=False, **more)
    assert rule in ids(found)
    assert all(one.severity is RULES[one.id].severity for one in found)


def test_allowed_by_name() -> None:
    found = check_service(service(ssl_acceleration=True, cache=True), direct_return=True)
    with pytest.raises(RuleViolated, match=r"dsr-no-ssl.*dsr-no-cache") as violated:
        enforce(found)
    assert violated.value.rules == ("dsr-no-ssl", "dsr-no-cache")
    with pytest.raises(RuleViolated) as violated:
        enforce(found, allow=["dsr-no-ssl"])
    assert violated.value.rules == ("dsr-no-cache",)
    enforce(found, allow=["dsr-no-ssl", "dsr-no-cache"])


def test_warnings_do_not_refuse() -> None:
    enforce([finding("l4-has-no-drain", "x", "y")])


def test_table() -> None:
    assert all(rule.id == name and rule.summary for name, rule in RULES.items())
