"""What the LoadMaster says of a service, against the rules and the inventory: as data."""

from dataclasses import replace

import pytest

from kempsdk import (
    CheckType,
    Forward,
    Persist,
    RealServer,
    RsRef,
    RsStatus,
    VirtualService,
    VsRef,
    VsStatus,
)
from orchestrator.doctor.diagnosis import Diagnosis
from orchestrator.doctor.loadmaster import examine_service
from orchestrator.members import Member
from orchestrator.rules import Severity

VS = VsRef.parse("tcp/203.0.113.250:80")


def server(number: int, **more: object) -> RealServer:
    base = RealServer(
        ref=RsRef(f"203.0.113.{number}", 80),
        vs_index=1,
        rs_index=number,
        forward=Forward.ROUTE,
        enabled=True,
        status=RsStatus.UP,
    )
    return replace(base, **more)  # type: ignore[arg-type] # fields of a server


def service(**more: object) -> VirtualService:
    base = VirtualService(
        ref=VS,
        index=1,
        layer=4,
        force_l4=True,
        nickname="web",
        enabled=True,
        status=VsStatus.UP,
        check_type=CheckType.HTTP,
        real_servers=(server(11), server(12)),
    )
    return replace(base, **more)  # type: ignore[arg-type] # fields of a service


def member(number: int, method: str = "loopback") -> Member:
    return Member(
        pool="web",
        host=f"web{number - 10}",
        loadmaster="lb",
        vs=VS,
        rs=RsRef(f"203.0.113.{number}", 80),
        method=method,  # type: ignore[arg-type] # a word of the test
    )


BOTH = (member(11), member(12))


def findings(vs: VirtualService, *members: Member) -> tuple[Diagnosis, ...]:
    return examine_service(vs, members=members).findings


def test_a_sound_service() -> None:
    assert findings(service(), *BOTH) == ()
    assert findings(service()) == ()
    assert examine_service(service()).said == ("layer 4, 2 of 2 servers up",)


@pytest.mark.parametrize(
    ("settings", "name", "command"),
    [
        ({"layer": 7}, "dsr-needs-l4", "kemp vs set web --l4"),
        ({"ssl_acceleration": True}, "dsr-no-ssl", "kemp vs set web --set ssl_acceleration=false"),
        (
            {"persist": Persist.COOKIE},
            "dsr-no-cookie-persistence",
            "kemp vs set web --persist src",
        ),
        ({"cache": True}, "dsr-no-cache", "--set cache=false"),
        ({"check_type": CheckType.NONE}, "no-health-check", "kemp vs set web --check tcp"),
        ({"enabled": False}, "service-disabled", "kemp vs set web --enabled"),
        ({"status": VsStatus.DOWN}, "service-down", "none of them is up"),
        (
            {"real_servers": (server(11), server(12, ref=RsRef("203.0.113.12", 8080)))},
            "dsr-port-equal",
            "kemp rs set web 203.0.113.12:8080 --new-port 80",
        ),
        (
            {"real_servers": (server(11), server(12, enabled=False))},
            "server-disabled",
            "kemp rs enable web 203.0.113.12:80",
        ),
        (
            {"real_servers": (server(11), server(12, status=RsStatus.DOWN))},
            "server-down",
            "kemp vs show web",
        ),
    ],
)
def test_each_fault_with_its_command(settings: dict[str, object], name: str, command: str) -> None:
    (found,) = findings(service(**settings))
    assert found.id == name
    assert command in found.cure
    assert found.consequence


def test_a_service_without_servers() -> None:
    assert [one.id for one in findings(service(real_servers=()))] == ["no-servers"]


def test_servers_against_the_inventory() -> None:
    extra = service(real_servers=(server(11), server(12), server(13)))
    assert [(one.id, one.severity) for one in findings(extra, *BOTH)] == [
        ("server-not-in-inventory", Severity.WARNING)
    ]
    missing = service(real_servers=(server(11),))
    (found,) = findings(missing, *BOTH)
    assert (found.id, found.subject) == ("server-not-on-loadmaster", "host web2")


def test_the_way_packets_go_against_the_method() -> None:
    translated = service(real_servers=(server(11), server(12, forward=Forward.NAT)))
    (found,) = findings(translated, *BOTH)
    assert found.id == "dsr-forward-route"
    assert "kemp rs set web 203.0.113.12:80 --forward route" in found.cure
    untouched = (member(11, "none"), member(12, "none"))
    ids = {one.id for one in findings(service(), *untouched)}
    assert ids == {"forward-route-without-vip"}


def test_rules_about_drains_are_no_findings() -> None:
    """Layer 4 has no drain phase, and persistence pins: true of every such service."""
    pinned = service(layer=7, persist=Persist.SRC, real_servers=(server(11, forward=Forward.NAT),))
    assert [one.id for one in findings(pinned)] == []
    assert [one.id for one in examine_service(pinned, drain_time_s=0).findings] == [
        "drain-time-zero"
    ]
