"""Export, diff and apply of a whole appliance, over both interfaces."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
import yaml

from kempsdk.access_lists import AccessList
from kempsdk.client import LoadMaster
from kempsdk.configuration import (
    PARTS,
    ConfigurationMoved,
    InvalidConfiguration,
    apply,
    diff,
    export,
)
from kempsdk.configuration_registry import THINGS
from kempsdk.desired_state import Action, Changed, Kind, Unchanged
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import InvalidRequest, NotFound
from kempsdk.models import VirtualService
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_models import (
    AddHeaderRule,
    DeleteHeaderRule,
    MatchContentRule,
    MatchType,
    ModifyUrlRule,
    OnServer,
    OnService,
    OnSubService,
    Phase,
    ReplaceBodyRule,
    ReplaceHeaderRule,
)
from kempsdk.words import CheckType, Forward, Persist, Schedule, ServiceType
from tests.fakes.clock import FakeClock

WEB = VsRef.parse("tcp/10.0.1.250:80")
DSR = VsRef.parse("tcp/10.0.1.251:443")
DNS = VsRef.parse("udp/10.0.1.252:53")
PARENT = VsRef.parse("tcp/10.0.1.253:8080")
RS = RsRef.parse("10.0.1.11:80")
LOGIN = AddHeaderRule(name="login", header="Authorization", value="Basic aHVudGVyMg==")


def by_name(data: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with its rules in the order of their names."""
    return {**data, "rules": sorted(data["rules"], key=lambda one: str(one["name"]))}


@pytest.fixture
def fresh() -> Iterator[LoadMaster]:
    """Another LoadMaster, as it came out of the box."""
    with (
        VirtualLoadMaster(switches=Switches(rate_limit=False)) as box,
        box.client(clock=FakeClock()) as client,
    ):
        yield client


@pytest.fixture
def full(lm: LoadMaster) -> LoadMaster:
    """A LoadMaster with something of everything."""
    lm.health_checks.update(retry_interval_s=30, timeout_s=5, retry_count=3)
    lm.health_checks.update_adaptive(url="/load", port=8090, interval_s=11, min_percent=3)
    lm.parameters.set("conntimeout", 600)
    lm.parameters.set("emailpassword", "hunter2-mail")
    for rule in (
        MatchContentRule(
            name="images", pattern="/images/", match_type=MatchType.PREFIX, ignore_case=True
        ),
        MatchContentRule(name="videos", pattern="/videos/", set_flag=3),
        AddHeaderRule(name="via", header="X-Via", value="kemp"),
        LOGIN,
        DeleteHeaderRule(name="debug", pattern="X-Debug"),
        ReplaceHeaderRule(name="secure", header="Location", pattern="http:", replacement="https:"),
        ModifyUrlRule(name="move", pattern="^/old/(.*)", replacement="/new/\\1"),
        ReplaceBodyRule(name="body", pattern="http:", replacement="https:", ignore_case=True),
    ):
        lm.rules.create(rule)
    lm.virtual_services.create(
        WEB,
        nickname="web",
        persist=Persist.SRC,
        persist_timeout_s=300,
        check_url="/health",
        check_codes=["401", "403"],
        schedule=Schedule.LEAST_CONNECTION,
        extra_ports=["8081", "8082"],
    )
    lm.real_servers.add(WEB, RS, weight=500, limit=10)
    lm.real_servers.add(WEB, RsRef.parse("10.0.1.12:80"), enable=False)
    lm.virtual_services.create(DSR, nickname="dsr", force_l4=True, check_type=CheckType.TCP)
    lm.real_servers.add(DSR, RsRef.parse("10.0.1.11:443"), forward=Forward.ROUTE)
    lm.virtual_services.create(DNS)
    lm.virtual_services.create(
        VsRef.parse("tcp/[2001:db8::1]:*"),
        persist=Persist.COOKIE,
        cookie="SID",
        cache=True,
        connections_limit=100,
        waf=True,
        waf_options=["opblock", "auditall", "reqdataenable", "resdatadisable"],
        standby_address="10.0.1.99",
        standby_port=80,
        error_code=503,
    )
    lm.virtual_services.create(PARENT, type=ServiceType.HTTP, enable=False)
    blue = lm.sub_virtual_services.create(PARENT, nickname="blue", check_type=CheckType.ICMP)
    lm.sub_virtual_services.set_slot(blue.ref, weight=5, enable=False)
    lm.real_servers.add(blue.ref, RS)
    second = lm.sub_virtual_services.create(PARENT)
    lm.virtual_services.update(WEB, esp_enabled=True, input_auth_mode=2)
    lm.pre_authentication.update(
        WEB,
        sso_domain="OFFICE",
        allowed_hosts="web.example",
        ask_for_public_machine=False,
        logs=0,
        server_form_body="cGFzc3dvcmQ9eA==",
    )
    lm.waf_tuning.update(second.ref, blocking_paranoia=2, other_content_types=["text/csv"])
    for place, name in (
        (OnService(WEB, Phase.REQUEST), "via"),
        (OnService(WEB, Phase.REQUEST), "debug"),
        (OnService(WEB, Phase.RESPONSE), "secure"),
        (OnService(WEB, Phase.PRE), "images"),
        (OnService(WEB, Phase.RESPONSE_BODY), "body"),
        (OnServer(WEB, RS), "videos"),
        (OnSubService(blue.ref), "images"),
    ):
        lm.rule_attachments.attach(place, name)
    lm.access_lists.add(AccessList.BLOCK, "192.0.2.0/24", comment="spam")
    lm.access_lists.add(AccessList.ALLOW, "198.51.100.7", vs=WEB)
    return lm


def commands(box: VirtualLoadMaster) -> list[str]:
    return [one.command for one in box.calls]


def test_round_trip(full: LoadMaster, fresh: LoadMaster) -> None:
    saved = export(full)
    read = yaml.safe_load(saved.to_yaml())
    assert read == saved.data == json.loads(json.dumps(saved.data))
    assert diff(full, read) == ()
    # A value that can be a credential is not in the file; without it there would be another rule.
    with pytest.raises(InvalidConfiguration, match="rule login is new and needs its value"):
        apply(fresh, read)
    fresh.rules.create(LOGIN)
    result = apply(fresh, read)
    assert isinstance(result, Changed)
    again = export(fresh)
    assert by_name(again.data) == by_name(saved.data)
    assert apply(fresh, read) == Unchanged()
    apart = {one.kind for one in THINGS}  # see test_configuration_things
    assert {one.kind for one in result.changes} - apart == set(Kind) - apart


def test_both_interfaces_export_the_same(full: LoadMaster, box: VirtualLoadMaster) -> None:
    texts = []
    for api in ("v1", "v2"):
        with box.client(api=api, clock=FakeClock()) as client:
            texts.append(export(client).to_yaml())
    assert texts[0] == texts[1]


def test_no_secret_and_nothing_read_only_is_in_the_file(
    full: LoadMaster, box: VirtualLoadMaster
) -> None:
    full.virtual_services.update(WEB, check_headers="Authorization:hunter2-check")
    full.virtual_services.update(DSR, check_url="/health?key=hunter2-url")
    saved = export(full)
    text = saved.to_yaml()
    for secret in ("hunter2", "aHVudGVyMg", "********", box.api_key, box.password):
        assert secret not in text
        assert secret not in "".join(saved.left_out)
    for read_only in ("boottime", "version:", "serialnumber", "status", "index"):
        assert read_only not in text.replace("version: 1", "")
    assert any(one.startswith("check_headers of") for one in saved.left_out)
    # Not mentioned: neither in the entry nor, where it would unset it, in the defaults.
    assert apply(full, saved.data) == Unchanged()
    assert full.virtual_services.get(WEB).check_headers == "Authorization:hunter2-check"


def test_what_is_not_mentioned_is_not_touched(full: LoadMaster) -> None:
    before = export(full).data
    wanted = {"services": {str(WEB): {"nickname": "shop"}}}
    (change,) = diff(full, wanted)
    assert str(change) == "update service tcp/10.0.1.250:80: nickname: 'web' -> 'shop'"
    apply(full, wanted)
    after = export(full).data
    before["services"][str(WEB)]["nickname"] = "shop"
    assert after == before


def test_only_what_is_mentioned_is_asked_for(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    assert diff(lm, {}) == ()
    assert diff(lm, {"health_checks": {"retry_count": 2}}) == ()
    assert set(commands(box)) <= {"showhealth", "listapi"}


def test_the_way_in_is_changed_last(full: LoadMaster) -> None:
    wanted = {
        "parameters": {"WUIport": 8443, "conntimeout": 500},
        "services": {str(WEB): {"nickname": "shop"}},
    }
    changes = diff(full, wanted, prune=["rule/move"])
    assert [one.name for one in changes] == ["conntimeout", str(WEB), "move", "WUIport"]
    assert "wuiport" not in {name.lower() for name in export(full).data["parameters"]}


def test_parts(full: LoadMaster) -> None:
    assert set(export(full, ["rules"]).data) == {"version", "defaults", "rules"}
    assert set(export(full).data) == {"version", "defaults", *PARTS}
    with pytest.raises(InvalidRequest, match="no part"):
        export(full, ["servcies"])


def test_prune_only_by_kind_and_name(full: LoadMaster) -> None:
    foreign = f"server/{WEB} 10.0.1.12:80"
    wanted = export(full).data
    del wanted["services"][str(WEB)]["servers"]["10.0.1.12:80"]
    del wanted["services"][str(DNS)]
    wanted["services"][str(WEB)]["request_rules"].remove("debug")
    del wanted["access_lists"]["block"]
    assert diff(full, wanted) == ()
    prune = [
        foreign,
        f"attachment/{WEB} request_rules debug",
        "access_entry/global block 192.0.2.0/24",
    ]
    result = apply(full, wanted, prune=prune)
    assert [(one.action, one.kind) for one in result.changes] == [
        (Action.DELETE, Kind.ATTACHMENT),
        (Action.DELETE, Kind.SERVER),
        (Action.DELETE, Kind.ACCESS_ENTRY),
    ]
    assert full.virtual_services.get(DNS)
    with pytest.raises(NotFound):
        full.real_servers.get(WEB, RsRef.parse("10.0.1.12:80"))
    assert full.rule_attachments.list(OnService(WEB, Phase.REQUEST)) == ("via",)
    assert full.access_lists.list(AccessList.BLOCK) == ()
    assert apply(full, wanted, prune=prune) == Unchanged()


def test_prune_services_and_rules(full: LoadMaster) -> None:
    prune = [f"sub_service/{PARENT}/-", f"service/{DNS}", "rule/move", "service/tcp/10.9.9.9:1"]
    apply(full, {}, prune=prune)
    assert DNS not in [one.ref for one in full.virtual_services.list()]
    assert [one.name for one in full.sub_virtual_services.list(PARENT)] == ["blue"]
    assert "move" not in [one.name for one in full.rules.list()]
    assert apply(full, {}, prune=prune) == Unchanged()


@pytest.mark.parametrize(
    ("prune", "said"),
    [
        ("service", "KIND/NAME"),
        ("services/tcp/10.0.1.250:80", "KIND/NAME"),
        (f"service/{WEB}", "the file mentions it"),
        ("rule/via", "the file mentions it"),
    ],
)
def test_prune_refuses(full: LoadMaster, prune: str, said: str) -> None:
    wanted = {"services": {str(WEB): {"request_rules": ["via"]}}}
    with pytest.raises(InvalidRequest, match=said):
        diff(full, wanted, prune=[prune])


def test_what_a_new_type_drops_is_put_back(full: LoadMaster) -> None:
    # The appliance takes body rules away and resets the cache when the type changes.
    full.virtual_services.update(WEB, cache=True)
    wanted = {"services": {str(WEB): {"type": "http2", "cache": True, "body_rules": ["body"]}}}
    result = apply(full, wanted)
    assert [one.kind for one in result.changes] == [Kind.SERVICE, Kind.ATTACHMENT]
    now = full.virtual_services.get(WEB)
    assert (now.type, now.cache, now.body_rules) == (ServiceType.HTTP2, True, ("body",))


def test_nothing_is_done_when_the_appliance_moved(full: LoadMaster) -> None:
    wanted = {"services": {str(WEB): {"nickname": "shop"}}}
    shown = diff(full, wanted)
    full.virtual_services.update(WEB, nickname="other")
    with pytest.raises(ConfigurationMoved) as caught:
        apply(full, wanted, expected=shown)
    assert caught.value.changes == diff(full, wanted) != shown
    assert full.virtual_services.get(WEB).nickname == "other"


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        ([], (), "not a mapping"),
        ({"service": {}}, ("service",), "no 'service' here"),
        ({"version": 2}, ("version",), "not known"),
        ({"defaults": {"vs": {}}}, ("defaults", "vs"), "no 'vs'"),
        ({"services": {"web": {}}}, ("services", "web"), "not a service"),
        ({"services": {str(WEB): {"nick": 1}}}, ("services", str(WEB), "nick"), "not a setting"),
        ({"services": {str(WEB): {"enable": "on"}}}, ("services", str(WEB), "enable"), "True"),
        ({"services": {str(WEB): {"follow_vs_index": 1}}}, None, "not a setting"),
        ({"services": {str(WEB): {"servers": {"10.0.0.1": {}}}}}, None, "ADDRESS:PORT"),
        (
            {"services": {str(WEB): {"servers": {"10.0.0.1:80": {"weight": 0}}}}},
            ("services", str(WEB), "servers", "10.0.0.1:80", "weight"),
            "1 to 65535",
        ),
        (
            {"services": {str(WEB): {"servers": {"10.0.0.1:80": {}}, "sub_services": [{}]}}},
            ("services", str(WEB), "servers"),
            "not both",
        ),
        (
            {"services": {str(WEB): {"sub_services": [{}, {"limit": -1}]}}},
            ("services", str(WEB), "sub_services", 1, "limit"),
            "limit",
        ),
        ({"services": {str(WEB): {"request_rules": ["a-b"]}}}, None, "not a rule's name"),
        ({"services": {str(WEB): {"request_rules": "a"}}}, None, "not a list"),
        ({"services": {str(WEB): {"request_rules": ["a", "a"]}}}, None, "twice"),
        ({"services": {str(WEB): {"request_rules": ["nosuch"]}}}, None, "no rule nosuch"),
        ({"rules": [{"name": "a", "type": "match"}]}, ("rules", 0, "type"), "match_content"),
        ({"rules": [{"name": "a", "type": "match_content"}]}, ("rules", 0), "needs its pattern"),
        ({"rules": [{"name": "via", "type": "match_content"}]}, ("rules", 0, "type"), "delete it"),
        ({"rules": [{"name": "a", "type": "add_header", "pattern": "b"}]}, None, "not a setting"),
        ({"parameters": {"emailpassword": "x"}}, ("parameters", "emailpassword"), "secret"),
        ({"parameters": {"version": "x"}}, ("parameters", "version"), "cannot be set"),
        ({"parameters": {"sshport": 0}}, ("parameters", "sshport"), "sshport"),
        ({"parameters": {"motd": None}}, ("parameters", "motd"), "not a parameter's value"),
        ({"access_lists": {"black": {}}}, ("access_lists", "black"), "no 'black'"),
        ({"access_lists": {"block": {"10.0.0.1/8": None}}}, None, "host bits"),
        ({"access_lists": {"block": {"10.0.0.1": 1}}}, None, "not a comment"),
        ({"health_checks": {"retry_count": 99}}, ("health_checks", "retry_count"), "2 to 15"),
    ],
)
def test_wrong_files(
    full: LoadMaster, data: Mapping[str, Any], place: tuple[str | int, ...] | None, said: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=said) as caught:
        diff(full, data)
    if place is not None:
        assert caught.value.place == place


def test_two_spellings_of_one_thing_are_refused(lm: LoadMaster) -> None:
    two: dict[str, Any] = {"services": {"tcp/10.0.0.1:80": {}, "tcp/[10.0.0.1]:80": {}}}
    with pytest.raises(InvalidConfiguration, match="twice"):
        diff(lm, two)


def test_what_cannot_be_written_is_left_out_and_told(lm: LoadMaster, web: VsRef) -> None:
    wrong = {"Schedule": "quantum"}

    class Newer:
        """A LoadMaster whose firmware has a schedule that this version does not know."""

        def __getattr__(self, name: str) -> Any:
            return getattr(lm, name)

        class virtual_services:  # noqa: N801 - stands for an attribute
            @staticmethod
            def list() -> tuple[VirtualService, ...]:
                (service,) = lm.virtual_services.list()
                return (replace(service, schedule=Schedule.OTHER, extra=wrong),)

    saved = export(cast(LoadMaster, Newer()), ["services"])
    assert saved.left_out == ("schedule of tcp/10.0.1.250:80: 'other' cannot be written",)
    assert "schedule" not in str(saved.data)


def test_features_are_drift_too(full: LoadMaster) -> None:
    saved = export(full)
    web = saved.data["services"][str(WEB)]
    assert web["pre_authentication"]["sso_domain"] == "OFFICE"
    assert web["pre_authentication"]["ask_for_public_machine"] is False
    assert any(one.startswith("server_form_body of pre_auth") for one in saved.left_out)
    assert "waf_tuning" not in web
    subs = saved.data["services"][str(PARENT)]["sub_services"]
    assert subs[1]["waf_tuning"] == {"blocking_paranoia": 2, "other_content_types": ["text/csv"]}
    full.pre_authentication.update(WEB, sso_domain="OTHER", logs=7)
    (change,) = diff(full, saved.data)
    assert (change.kind, change.name) == (Kind.FEATURE, f"{WEB} pre_authentication")
    assert {str(one) for one in change.differences} == {
        "sso_domain: 'OTHER' -> 'OFFICE'",
        "logs: 7 -> 0",
    }
    apply(full, saved.data)
    assert full.pre_authentication.get(WEB).sso_domain == "OFFICE"


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ({"waf_tuning": {"blocking_paranoia": 9}}, "1 to 4"),
        ({"waf_tuning": {"paranoia": 1}}, "not a setting here"),
        ({"pre_authentication": {"captcha_private_key": "x"}}, "belongs in no file"),
        ({"pre_authentication": ["x"]}, "not a mapping"),
    ],
)
def test_wrong_features(lm: LoadMaster, feature: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidConfiguration, match=said):
        diff(lm, {"services": {str(WEB): feature}})
