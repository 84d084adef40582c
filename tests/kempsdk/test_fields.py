"""Ranges are checked before anything is sent; values are compared as the appliance means them."""

from dataclasses import fields
from typing import get_type_hints

import pytest

from kempsdk.errors import InvalidRequest
from kempsdk.fields import Table, compare, write_settings
from kempsdk.models import RealServer, SubVs, VirtualService
from kempsdk.references import RsRef, VsRef
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.settings import RsSettings, SlotSettings, VsSettings
from kempsdk.words import CheckMethod, Forward, Persist, Schedule, SslRewrite

REF = VsRef.parse("tcp/10.0.0.1:80")


@pytest.mark.parametrize(
    ("table", "model"), [(SERVICE, VirtualService), (SERVER, RealServer), (SLOT, SubVs)]
)
def test_a_table_fits_its_model(table: Table, model: type) -> None:
    names = {one.name for one in fields(model)}
    attributes = {one.attribute for one in table.fields if one.attribute is not None}
    apart = {"vs_index"} if model is SubVs else set()
    assert attributes - names == apart
    assert names - attributes <= {
        "ref",
        "index",
        "extra",
        "real_servers",
        "sub_services",
        "service",
    }
    wires = [one.wire for one in table.fields]
    assert len(wires) == len(set(wires))


@pytest.mark.parametrize(("table", "settings"), [(SERVICE, VsSettings), (SERVER, RsSettings)])
def test_every_setting_is_a_keyword(table: Table, settings: type) -> None:
    assert set(get_type_hints(settings)) == set(table.by_setting)


def test_slot_settings_are_keywords() -> None:
    assert set(get_type_hints(SlotSettings)) <= set(SLOT.by_setting)


REFUSED: list[tuple[Table, str, object, str]] = [
    (SERVER, "weight", 0, "1 to 65535"),
    (SERVER, "weight", 65536, "1 to 65535"),
    (SERVER, "weight", "10", "1 to 65535"),
    (SERVER, "weight", True, "1 to 65535"),
    (SERVER, "limit", 100001, "0 to 100000"),
    (SERVER, "limit", -1, "0 to 100000"),
    (SERVER, "new_port", 2, "3 to 65535"),
    (SERVER, "forward", "tunnel", "nat, route"),
    (SERVER, "forward", Forward.OTHER, "nat, route"),
    (SERVER, "enable", "yes", "True or False"),
    (SERVICE, "idle_timeout_s", 86401, "0 to 86400"),
    (SERVICE, "persist_timeout_s", 2419260, "0 to 2419200"),
    (SERVICE, "persist_timeout_s", 90, "steps of 60"),
    (SERVICE, "check_port", 2, "0, or 3 to 65530"),
    (SERVICE, "check_interval_s", 8, "0, or 9 to 120"),
    (SERVICE, "check_timeout_s", 61, "4 to 60"),
    (SERVICE, "check_retries", 1, "2 to 15"),
    (SERVICE, "check_url", "/" + "x" * 126, "126"),
    (SERVICE, "check_codes", ["200"], "300 to 599"),
    (SERVICE, "check_codes", "301", "list"),
    (SERVICE, "check_method", "put", "head, get, post, options"),
    (SERVICE, "schedule", "random", "rr, wrr"),
    (SERVICE, "schedule", Schedule.OTHER, "rr, wrr"),
    (SERVICE, "qos", 3, "16"),
    (SERVICE, "nickname", "-web", "letters"),
    (SERVICE, "nickname", "a b", "letters"),
    (SERVICE, "nickname", 5, "text"),
    (SERVICE, "error_code", 100, "200 to 505"),
    (SERVICE, "bandwidth_limit_kbit_s", 15, "16 to"),
    (SERVICE, "standby_address", "lb.example", "address"),
    (SERVICE, "colour", "red", "nickname"),
    (SERVICE, "status", "Up", "nickname"),
]


@pytest.mark.parametrize(("table", "name", "value", "hint"), REFUSED)
def test_out_of_range(table: Table, name: str, value: object, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        write_settings(table, {name: value})
    assert caught.value.field == name
    assert hint in str(caught.value)


def test_the_wire_spells_them_its_own_way() -> None:
    assert write_settings(
        SERVICE,
        {
            "check_method": CheckMethod.POST,
            "schedule": "wlc",
            "ssl_rewrite": SslRewrite.HTTPS,
            "check_codes": ["301", "302"],
            "waf_options": ["opblock", "auditall"],
            "extra_ports": ["8080", "8081"],
            "check_use_http11": True,
            "nickname": None,
            "check_port": 0,
        },
    ) == {
        "CheckUseGet": "2",
        "Schedule": "wlc",
        "SSLRewrite": "https",
        "CheckCodes": "301 302",
        "InterceptOpts": "opblock;auditall",
        "ExtraPorts": "8080,8081",
        "CheckUse1.1": True,
        "NickName": "",
        "CheckPort": 0,
    }
    assert write_settings(SERVER, {"forward": Forward.ROUTE, "new_port": 81}) == {
        "forward": "route",
        "newport": 81,
    }


def service(**values: object) -> VirtualService:
    return VirtualService(ref=REF, index=1, **values)  # type: ignore[arg-type]  # each test names its fields


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ({"idle_timeout_s": 0}, {"idle_timeout_s": 660}),
        ({"rs_minimum": 1}, {"rs_minimum": 0}),
        ({"nickname": None}, {"nickname": None}),
        ({"nickname": ""}, {"nickname": None}),
        ({"schedule": "wlc"}, {"schedule": Schedule.WEIGHTED_LEAST_CONNECTION}),
        ({"persist": Persist.NONE}, {"persist": Persist.NONE}),
        ({"check_headers": "A:1|B:2"}, {"check_headers": "A:1 B:2"}),
        ({"check_codes": ["302", "301"]}, {"check_codes": ("301", "302")}),
        ({"ssl_rewrite": "https"}, {"ssl_rewrite": SslRewrite.HTTP}),
        ({"standby_address": "2001:DB8::1"}, {"standby_address": "2001:db8::1"}),
        ({"cert_files": ["a", "b"]}, {"cert_files": ("a", "b")}),
        ({"ciphers": ["AES"]}, {}),
        ({"ldap_endpoint": "dc1"}, {}),
    ],
)
def test_the_same_in_other_words(asked: dict[str, object], got: dict[str, object]) -> None:
    assert compare(SERVICE, asked, service(**got)) == ()


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ({"idle_timeout_s": 30}, {"idle_timeout_s": 660}),
        ({"rs_minimum": 2}, {"rs_minimum": 0}),
        ({"enable": False}, {"enabled": True}),
        ({"nickname": "web"}, {}),
        ({"ssl_rewrite": "http"}, {}),
        ({"cert_files": ["a", "b"]}, {"cert_files": ("b", "a")}),
        ({"ldap_endpoint": "dc1"}, {"ldap_endpoint": "dc2"}),
    ],
)
def test_something_else(asked: dict[str, object], got: dict[str, object]) -> None:
    (difference,) = compare(SERVICE, asked, service(**got))
    assert difference.field == next(iter(asked))
    assert difference.asked == next(iter(asked.values()))


def test_a_server_is_compared_by_its_keywords() -> None:
    server = RealServer(ref=RsRef.parse("10.0.0.9:80"), vs_index=1, rs_index=2, enabled=True)
    (difference,) = compare(SERVER, {"enable": False, "weight": 1000}, server)
    assert str(difference) == "enable: asked False, got True"
