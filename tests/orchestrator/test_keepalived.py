"""A service as keepalived.conf, held against keepalived itself."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pyroute2 import IPRoute  # type: ignore[import-untyped] # it ships no types

from kempsdk import (
    CheckMethod,
    CheckType,
    Forward,
    HealthCheckTimers,
    Persist,
    RealServer,
    RsRef,
    Schedule,
    SubVs,
    SubVsRef,
    VirtualService,
    VsRef,
)
from kempsdk.errors import InvalidRequest
from orchestrator.errors import IsolationUnavailable
from orchestrator.keepalived import Exported, keepalived_conf
from orchestrator.network_namespace import NetworkNamespace
from tests.programs import need

VIP = "203.0.113.250"
TIMERS = HealthCheckTimers(retry_interval_s=9, timeout_s=4, retry_count=2)


def server(number: int, **more: object) -> RealServer:
    base = RealServer(
        ref=RsRef(f"203.0.113.{number}", 80),
        vs_index=1,
        rs_index=number,
        forward=Forward.ROUTE,
        enabled=True,
    )
    return replace(base, **more)  # type: ignore[arg-type] # the fields of a server, as a test writes them


def service(**more: object) -> VirtualService:
    base = VirtualService(
        ref=VsRef.parse(f"tcp/{VIP}:80"),
        index=1,
        layer=4,
        nickname="web",
        enabled=True,
        real_servers=(server(11), server(12, weight=500)),
    )
    return replace(base, **more)  # type: ignore[arg-type] # as above


def export(vs: VirtualService) -> Exported:
    return keepalived_conf(vs, timers=TIMERS, interface="eth0")


def test_a_direct_return_service_word_by_word() -> None:
    made = export(service())
    assert made.notes == ()
    assert made.text == (
        """\
# tcp/203.0.113.250:80 (web), written by kemp vs export for keepalived 2.2.
# Try it with: keepalived -t -f FILE

vrrp_instance web {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {
        203.0.113.250/32
    }
}

virtual_server 203.0.113.250 80 {
    lb_algo rr
    lb_kind DR
    protocol TCP
    delay_loop 9
    real_server 203.0.113.11 80 {
        weight 1000
        TCP_CHECK {
            connect_timeout 4
            retry 1
        }
    }
    real_server 203.0.113.12 80 {
        weight 500
        TCP_CHECK {
            connect_timeout 4
            retry 1
        }
    }
}
"""
    )


@pytest.mark.parametrize(
    ("schedule", "algorithm", "note"),
    [
        (Schedule.ROUND_ROBIN, "rr", None),
        (Schedule.WEIGHTED_ROUND_ROBIN, "wrr", None),
        (Schedule.LEAST_CONNECTION, "lc", None),
        (Schedule.WEIGHTED_LEAST_CONNECTION, "wlc", None),
        (Schedule.FIXED, "fo", None),
        (Schedule.SOURCE_HASH, "sh", "other servers than by the LoadMaster's hash"),
        (Schedule.ADAPTIVE, "wlc", "schedule adaptive needs the load"),
        (Schedule.RESPONSE_TIME, "wlc", "schedule dl"),
    ],
)
def test_schedules(schedule: Schedule, algorithm: str, note: str | None) -> None:
    made = export(service(schedule=schedule))
    assert f"    lb_algo {algorithm}\n" in made.text
    assert [note in one for one in made.notes] == ([True] if note else []) if note else True
    assert bool(made.notes) is (note is not None)


@pytest.mark.parametrize(
    ("persist", "seconds", "line", "noted"),
    [
        (Persist.SRC, 300, "persistence_timeout 300", False),
        (Persist.SRC, 0, None, False),
        (Persist.NONE, 0, None, False),
        (Persist.COOKIE_SRC, 600, "persistence_timeout 600", True),
    ],
)
def test_persistence(persist: Persist, seconds: int, line: str | None, *, noted: bool) -> None:
    made = export(service(persist=persist, persist_timeout_s=seconds))
    assert ("persistence_timeout" in made.text) is (line is not None)
    assert line is None or line in made.text
    assert any("by source address instead" in one for one in made.notes) is noted


def test_a_disabled_server_gets_no_new_connections_and_keeps_its_weight_in_words() -> None:
    made = export(service(real_servers=(server(11, enabled=False, weight=700),)))
    assert "weight 0  # disabled on the LoadMaster, where its weight is 700" in made.text


def test_servers_by_another_way_and_with_limits() -> None:
    servers = (
        server(11),
        server(12, forward=Forward.NAT, limit=20, rate_limit=3, critical=True, follow=11),
    )
    made = export(service(real_servers=servers))
    assert "lb_kind NAT" in made.text
    assert made.text.count("lvs_method DR") == 1
    assert "uthreshold 20" in made.text
    said = "\n".join(made.notes)
    for word in ("3 connections per second", "is critical", "follows another", "default gateway"):
        assert word in said
    for note in made.notes:
        assert f"#  - {note}\n" in made.text


def test_an_http_check_with_everything() -> None:
    made = export(
        service(
            check_type=CheckType.HTTPS,
            check_port=8443,
            check_url='/a b?"#!{}',
            check_host="www.example.com",
            check_use_http11=True,
            check_method=CheckMethod.GET,
            check_pattern='^\\d+ "ok"',
            check_codes=("404",),
            check_timeout_s=7,
            check_interval_s=20,
            check_retries=4,
        )
    )
    assert made.notes == ()
    for line in (
        "delay_loop 20",
        "SSL_GET {",
        "connect_timeout 7",
        "connect_port 8443",
        "retry 3",
        "http_protocol 1.1",
        "enable_sni",
        'path "/a%20b?%22#!{}"',
        "status_code 200-299 301 302 401 404",
        'virtualhost "www.example.com"',
        r'regex "^\\d+ \\x22ok\\x22"',
    ):
        assert line in made.text, line


def test_a_check_that_keepalived_makes_otherwise_is_said() -> None:
    made = export(service(check_type=CheckType.HTTP, check_headers="X:1", check_pattern="x"))
    assert any("asks with HEAD: GET instead" in one for one in made.notes)
    assert any("further headers" in one for one in made.notes)
    assert "regex" not in made.text  # a pattern counts after GET and POST only
    made = export(service(check_type=CheckType.LDAP))
    assert any("only that the port opens" in one for one in made.notes)
    made = export(service(check_type=CheckType.NONE))
    assert "CHECK" not in made.text
    assert any("no health check" in one for one in made.notes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layer": 7}, "layer 7"),
        ({"ssl_acceleration": True}, "TLS"),
        ({"cache": True}, "caching"),
        ({"request_rules": ("r",)}, "content rules"),
        ({"extra_ports": ("81",)}, "further ports"),
        ({"connections_limit": 5}, "limits"),
        ({"error_code": 503}, "no server is left"),
        ({"idle_timeout_s": 660}, "ipvsadm --set 660 0 0"),
        ({"enabled": False}, "disabled on the LoadMaster"),
        ({"enhanced_health_checks": True, "rs_minimum": 2}, "quorum counts weights"),
        ({"standby_address": "203.0.113.9"}, "needs the VIP on lo"),
        ({"standby_address": "203.0.113.9", "standby_port": 81}, "reached by NAT"),
    ],
)
def test_what_has_no_equivalent(settings: dict[str, object], said: str) -> None:
    made = export(service(**settings))
    assert [one for one in made.notes if said in one] == list(made.notes)
    assert len(made.notes) == 1


def test_a_name_cannot_break_the_file() -> None:
    made = export(service(nickname='x"\n}\ninclude /etc/passwd #'))
    assert "\ninclude" not in made.text
    assert "vrrp_instance x" in made.text


def test_refusals() -> None:
    sub = SubVs(ref=SubVsRef(VsRef.parse(f"tcp/{VIP}:80"), 5), index=2, rs_index=5)
    with pytest.raises(InvalidRequest, match="SubVSs choose by content"):
        export(service(sub_services=(sub,)))
    with pytest.raises(InvalidRequest, match="has no servers"):
        export(service(real_servers=()))
    with pytest.raises(InvalidRequest, match="1 to 255"):
        keepalived_conf(service(), timers=TIMERS, interface="eth0", router_id=0)
    with pytest.raises(InvalidRequest, match="not the name of a network device"):
        keepalived_conf(service(), timers=TIMERS, interface="eth0\n}")


# -- keepalived's own word -------------------------------------------------------------


def _make_device() -> None:
    with IPRoute() as netlink:
        netlink.link("add", ifname="eth0", kind="veth", peer={"ifname": "peer"})


def accepted(text: str, folder: Path) -> str:
    """Return what keepalived says of a file, where it has the interface; "" is all good."""
    keepalived = need("keepalived")
    file = folder / "keepalived.conf"
    file.write_text(text)
    try:
        namespace = NetworkNamespace()
    except IsolationUnavailable as error:
        pytest.skip(f"no network namespaces: {error}")
    with namespace:
        namespace.run(_make_device)
        done = namespace.run(
            lambda: subprocess.run(
                [keepalived, "-t", "-f", str(file)],
                capture_output=True,
                text=True,
                timeout=30,
            )
        )
    return done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


EVERYTHING: dict[str, dict[str, object]] = {
    "plain": {},
    "named-by-no-one": {"nickname": None},
    "odd-name": {"nickname": 'x"\n}\n# !'},
    "persistence": {"persist": Persist.SRC, "persist_timeout_s": 3600},
    "sorry": {"standby_address": "203.0.113.9"},
    "sorry-elsewhere": {"standby_address": "203.0.113.9", "standby_port": 8080},
    "quorum": {
        "enhanced_health_checks": True,
        "rs_minimum": 2,
        "real_servers": (server(11), server(12)),
    },
    "http": {
        "check_type": CheckType.HTTP,
        "check_url": '/a b?"#!{}\\',
        "check_method": CheckMethod.GET,
        "check_pattern": '^\\d+ "ok" {#!}\\\\',
        "check_codes": ("404", "503"),
        "check_port": 81,
    },
    "https": {
        "check_type": CheckType.HTTPS,
        "check_host": "www.example.com",
        "check_use_http11": True,
    },
    "ping": {"check_type": CheckType.ICMP, "check_port": 81},
    "smtp": {"check_type": CheckType.SMTP, "check_port": 25},
    "unchecked": {"check_type": CheckType.NONE},
    "name-server": {
        "ref": VsRef.parse(f"udp/{VIP}:53"),
        "check_type": CheckType.DNS,
        "real_servers": (server(11, ref=RsRef("203.0.113.11", 53)),),
    },
    "every-port": {"ref": VsRef.parse(f"tcp/{VIP}:*")},
    "ipv6": {
        "ref": VsRef.parse("tcp/[2001:db8::fa]:80"),
        "real_servers": (server(11, ref=RsRef("2001:db8::b", 80)),),
    },
    "nat": {"real_servers": (server(11, forward=Forward.NAT), server(12, enabled=False, limit=7))},
    "heaviest": {"real_servers": (server(11, weight=65535),)},
    **{f"schedule-{one.value}": {"schedule": one} for one in Schedule},
}


@pytest.mark.kernel
@pytest.mark.parametrize("settings", EVERYTHING.values(), ids=EVERYTHING)
def test_keepalived_accepts_it(settings: dict[str, object], tmp_path: Path) -> None:
    assert accepted(export(service(**settings)).text, tmp_path) == ""


@pytest.mark.kernel
def test_keepalived_would_refuse_a_bad_one(tmp_path: Path) -> None:
    text = export(service()).text.replace("lb_kind DR", "lb_kind D")
    assert "exit code" in accepted(text, tmp_path)
