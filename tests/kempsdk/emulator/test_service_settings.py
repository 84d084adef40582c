"""Coercions and silent ignores of addvs and modvs: the call succeeds, the value differs."""

from typing import Any

import pytest

from tests.kempsdk.emulator.wire import Wire


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"Idletime": 0}, {"Idletime": 660}),
        ({"Idletime": "86400"}, {"Idletime": 86400}),
        ({"Idletime": 86401}, {"Idletime": 660}),
        ({"PersistTimeout": 59}, {"PersistTimeout": "0", "Persist": None}),
        ({"PersistTimeout": 60}, {"PersistTimeout": "60", "Persist": "src"}),
        ({"PersistTimeout": 179}, {"PersistTimeout": "120", "Persist": "src"}),
        ({"Persist": "ssl", "PersistTimeout": "300"}, {"Persist": "ssl", "PersistTimeout": "300"}),
        ({"Persist": "cookie"}, {"Persist": None, "PersistTimeout": "0"}),
        ({"Persist": "cookie", "Cookie": "SID", "PersistTimeout": 60}, {"Persist": "cookie"}),
        ({"Persist": "nonsense"}, {"Persist": None}),
        ({"CheckPort": 2}, {"CheckPort": "0"}),
        ({"CheckPort": 8080}, {"CheckPort": "8080"}),
        ({"CheckHeaders": "A:1|B:2|C:3|D:4|E:5"}, {"CheckHeaders": "A:1 B:2 C:3 D:4"}),
        ({"CheckUseGet": 4}, {"CheckUseGet": 0}),
        ({"CheckUse1.1": "Y"}, {"CheckUse1.1": True}),
        ({"checkuse1.1": 1}, {"CheckUse1.1": True}),
        ({"CheckUrl": "/" + "x" * 126}, {"CheckUrl": None}),
        ({"CheckUrl": "/" + "x" * 125}, {"CheckUrl": "/" + "x" * 125}),
        ({"ChkInterval": 8}, {"ChkInterval": 0}),
        ({"ChkInterval": 9}, {"ChkInterval": 9}),
        ({"ChkTimeout": 61}, {"ChkTimeout": 0}),
        ({"ChkRetryCount": 15}, {"ChkRetryCount": 15}),
        ({"Schedule": "WRR"}, {"Schedule": "rr"}),
        ({"ErrorCode": 503}, {"ErrorCode": "503"}),
        ({"ErrorCode": 600}, {"ErrorCode": "0"}),
        ({"NickName": "-web"}, {"NickName": None}),
        ({"NickName": "a b"}, {"NickName": None}),
        ({"nickname": "w.e@b-1_"}, {"NickName": "w.e@b-1_"}),
        ({"Bandwidth": 15}, {"Bandwidth": 0}),
        ({"Transparent": "y"}, {"Transparent": True, "SubnetOriginating": False}),
        ({"SSLRewrite": "http"}, {"SSLRewrite": "0"}),
        ({"CertFile": "one"}, {"CertFile": None}),
        ({"TlsType": 2}, {"TlsType": "0"}),
        ({"RsMinimum": 2}, {"RsMinimum": 0}),
        ({"EnhancedHealthChecks": 1, "RsMinimum": 2}, {"RsMinimum": 0}),
        ({"enhancedhealthchecks": "Y"}, {"EnhancedHealthChecks": True}),
        ({"Refreshpersist": True}, {"RefreshPersist": True}),
        ({"NoSuchThing": 1}, {}),
        ({"Schedule": "adaptive"}, {"Adaptive": "http_rs"}),
        ({"Schedule": "sdn-adaptive"}, {"Adaptive": "sdn_gstats"}),
        ({"InterceptOpts": "opblock"}, {"InterceptMode": 0, "Intercept": False}),
    ],
)
def test_value_as_stored(wire: Wire, given: dict[str, Any], shown: dict[str, Any]) -> None:
    wire.fresh()
    changed = wire.change(1, **given)
    assert {name: changed.get(name) for name in shown} == shown


def test_what_modvs_does_not_name_stays(wire: Wire) -> None:
    before = wire.fresh(NickName="web", Schedule="lc", CheckUrl="/health")
    after = wire.change(1, Idletime=100)
    assert {**before, "Idletime": 100} == after


def test_texts_are_cleared_by_an_empty_value(wire: Wire) -> None:
    wire.fresh(NickName="web", CheckUrl="/health", Persist="src", PersistTimeout=300)
    cleared = wire.change(1, NickName="", CheckUrl="", Persist="", PersistTimeout=0)
    assert not {"NickName", "CheckUrl", "Persist"} & set(cleared)
    assert cleared["PersistTimeout"] == "0"


def test_a_cookie_name_outlives_its_mode(wire: Wire) -> None:
    wire.fresh(Cookie="SID", Persist="active-cookie", PersistTimeout=60)
    assert wire.change(1, Persist="src")["Cookie"] == "SID"


def test_check_timers_do_not_go_back_to_the_global_ones(wire: Wire) -> None:
    wire.fresh(ChkInterval=20, ChkTimeout=5, ChkRetryCount=3)
    kept = wire.change(1, ChkInterval=0, ChkTimeout=0, ChkRetryCount=0)
    assert (kept["ChkInterval"], kept["ChkTimeout"], kept["ChkRetryCount"]) == (20, 5, 3)


def test_minimum_of_servers(wire: Wire) -> None:
    wire.fresh(EnhancedHealthChecks=True)
    for host in (1, 2, 3):
        wire.server(1, f"198.19.0.{host}")
    assert wire.change(1, RsMinimum=1)["RsMinimum"] == 0
    assert wire.change(1, RsMinimum=4)["RsMinimum"] == 0
    assert wire.change(1, RsMinimum=3)["RsMinimum"] == 3
    # Off only after the minimum is gone.
    assert wire.change(1, EnhancedHealthChecks=0)["EnhancedHealthChecks"] is True
    off = wire.change(1, EnhancedHealthChecks=0, RsMinimum=0)
    assert (off["EnhancedHealthChecks"], off["RsMinimum"]) == (False, 0)


def test_a_new_type_clears_what_belonged_to_the_old_one(wire: Wire) -> None:
    wire.fresh(AddVia=3, Cache=True)
    wire.v2("addrule", name="body", type=5, pattern="a", replacement="b")
    wire.v2("addresponsebodyrule", vs=1, rule="body")
    assert wire.v2("showvs", vs=1).json["MatchBodyRules"] == ["body"]
    same = wire.change(1, VStype="http")
    assert (same["AddVia"], same["NMatchBodyRules"]) == (3, 1)
    other = wire.change(1, VStype="gen")
    assert (other["AddVia"], other["Cache"], other["NMatchBodyRules"]) == (0, False, 0)
    assert "MatchBodyRules" not in other


def test_ssl_switched_on_and_off(wire: Wire) -> None:
    wire.fresh(port=443)
    on = wire.change(1, SSLAcceleration=1)
    assert on["SSLAcceleration"] is True
    assert on["TlsType"] == "3"
    assert len(on["CertFile"]) == 32
    int(on["CertFile"], 16)
    set_ = wire.change(1, CertFile="a b", SSLRewrite="https", PassSni=1, TlsType=7)
    assert (set_["CertFile"], set_["SSLRewrite"], set_["TlsType"]) == ("a b", "2", "7")
    assert set_["PassSni"] is False
    assert wire.change(1, SSLReencrypt=1, PassSNI=1)["PassSni"] is True
    assert wire.change(1, SSLRewrite="")["SSLRewrite"] == "0"
    off = wire.change(1, SSLAcceleration=0)
    assert not {"SSLAcceleration", "CertFile"} & set(off)
    # The rest cannot be changed now and is back with SSL.
    assert (off["TlsType"], off["PassSni"]) == ("7", True)
    assert wire.change(1, TlsType=0, PassSni=0)["TlsType"] == "7"
    again = wire.change(1, SSLAcceleration=1)
    assert (again["TlsType"], again["PassSni"], again["SSLReencrypt"]) == ("7", True, True)
    assert len(again["CertFile"]) == 32


@pytest.mark.parametrize(
    "prevents",
    [
        {"Persist": "active-cookie", "Cookie": "SID", "PersistTimeout": 60},
        {"SSLAcceleration": 1},
        {"Bandwidth": 1000},
    ],
)
def test_layer_4_is_not_to_be_had_with_these(wire: Wire, prevents: dict[str, Any]) -> None:
    wire.fresh(ForceL4=1)
    changed = wire.change(1, **prevents)
    assert (changed["Layer"], changed["ForceL4"], changed["ForceL7"]) == (7, False, True)
    assert wire.change(1, ForceL4=1)["Layer"] == 7


def test_layers_exclude_each_other(wire: Wire) -> None:
    wire.fresh()
    four = wire.change(1, ForceL4="y")
    assert (four["Layer"], four["ForceL4"], four["ForceL7"]) == (4, True, False)
    seven = wire.change(1, ForceL7="y")
    assert (seven["Layer"], seven["ForceL4"], seven["ForceL7"]) == (7, False, True)


def test_waf_options_replace_within_their_group(wire: Wire) -> None:
    wire.fresh()
    changed = wire.change(1, Intercept=1, InterceptOpts="opblock;auditall;reqdataenable;jsonenable")
    assert changed["InterceptOpts"] == [
        "opblock",
        "auditall",
        "reqdataenable",
        "resdatadisable",
        "jsonenable",
    ]


def test_verify_is_refused_and_nothing_changes(wire: Wire) -> None:
    before = wire.fresh()
    refused = wire.v2("modvs", vs=1, Verify=8, Schedule="lc", VSPort=81)
    assert refused.status == 422
    assert wire.v2("showvs", vs=1).json == before


def test_enable_of_a_subvs_belongs_to_its_slot(wire: Wire) -> None:
    wire.fresh()
    slot = wire.sub(1)
    assert wire.change(slot["VSIndex"], Enable=0)["Enable"] is True
    wire.v2("modrs", vs=1, rs=f"!{slot['RsIndex']}", enable="n")
    assert wire.v2("showvs", vs=slot["VSIndex"]).json["Enable"] is False
    assert wire.v2("showvs", vs=1).json["SubVS"][0]["Enable"] is False


@pytest.mark.parametrize("yes", ["Y", "y", "1", 1, True, "true"])
@pytest.mark.parametrize("no", ["N", "n", "0", 0, False, "false"])
def test_booleans_of_all_clients(wire: Wire, yes: object, no: object) -> None:
    wire.fresh()
    assert wire.change(1, Cache=yes)["Cache"] is True
    assert wire.change(1, Cache=no)["Cache"] is False


def test_encryption_towards_servers_excludes_transparency(wire: Wire) -> None:
    wire.fresh(SSLAcceleration=1, Transparent=1)
    assert wire.change(1, SSLReencrypt=1)["Transparent"] is False
    assert wire.change(1, Transparent=1)["Transparent"] is False
    wire.change(1, SSLReencrypt=0)
    assert wire.change(1, Transparent=1)["Transparent"] is True
