"""OWASP rules of a service, custom files, the legacy WAF, and its settings."""

import base64

import pytest

from tests.kempsdk.emulator.wire import Reply, Wire

FILE = b'SecRule REQUEST_URI "@beginsWith /x" "id:11002,phase:2,pass"\n'
DATA = base64.b64encode(FILE).decode()


@pytest.fixture
def filled(wire: Wire) -> Wire:
    wire.fresh(VStype="http")
    wire.change(1, InterceptMode=2)
    return wire


def _rule(wire: Wire, rule: str, vs: int = 1) -> dict[str, str]:
    found = wire.v2("owasprules", vs=str(vs), rule=rule).json["Rule"]
    assert isinstance(found, dict)
    return found


def test_the_owasp_engine_must_be_on(wire: Wire) -> None:
    wire.fresh()
    assert wire.v2("owasprules", vs=1).status == 422
    rules = wire.v2("owasprules").json["Rule"]
    assert {"913100", "942100"} <= {one["Id"] for one in rules}
    assert all("Enabled" not in one for one in rules)


def test_core_rules_are_switched_one_by_one_by_set_and_by_word(filled: Wire) -> None:
    assert _rule(filled, "913100")["Type"] == "CRS"
    for word in ("no", "yes", "no"):
        assert filled.v2("owasprules", vs="1", rule="913100", enable=word).status == 200
        assert _rule(filled, "913100")["Enabled"] == word
    filled.v2("owasprules", vs=1, rule="913", enable="no")
    off = [
        one["Id"] for one in filled.v2("owasprules", vs=1).json["Rule"] if one["Enabled"] == "no"
    ]
    assert off == ["913100", "913110", "913120"]
    filled.v2("owasprules", vs=1, filter="sql", enable="no")
    assert _rule(filled, "942100")["Enabled"] == "no"
    filled.v2("owasprules", vs=1, enable="yes")
    shown = filled.v1("owasprules", vs=1).data
    assert {one.findtext("Enabled") for one in shown} == {"yes"}
    assert filled.v2("owasprules", vs=1, rule="nonsense").status == 422
    assert filled.v2("owasprules", vs=1, rule="913100", enable="maybe").status == 400


def test_custom_rules_on_a_service_and_on_a_sub_service(filled: Wire) -> None:
    filled.fresh("198.18.0.2")
    filled.sub(2)
    filled.change(3, InterceptMode=2)
    for vs in (1, 3):
        # A name that exists is taken over.
        assert filled.v2("addowaspcustomrule", filename="test", data=DATA).status == 200
        assert _rule(filled, "test", vs)["Enabled"] == "no"
        for run_first in ("1", "0"):
            reply = filled.v2("owasprules", vs=vs, rule="test", enable="yes", runfirst=run_first)
            assert reply.status == 200
            shown = _rule(filled, "test", vs)
            assert shown == {
                "Id": "test",
                "Type": "custom",
                "Name": "test",
                "Enabled": "yes",
                "Runfirst": "yes" if run_first == "1" else "no",
            }
    assert filled.v2("owasprules", vs=3, rule="test", enable="no").status == 200
    assert _rule(filled, "test", 3)["Enabled"] == "no"
    assert _rule(filled, "test", 1)["Enabled"] == "yes"
    assert filled.v2("delowaspcustomrule", filename="test").status == 200
    assert filled.v2("owasprules", vs=1, rule="test").status == 422


@pytest.mark.parametrize("kind", ["owasp", "waf"])
def test_rule_files_and_data_files(wire: Wire, kind: str) -> None:
    def call(action: str, what: str, filename: str, **more: object) -> Reply:
        return wire.v2(f"{action}{kind}custom{what}", filename=filename, **more)

    assert call("add", "rule", "one.conf", data=DATA).status == 200
    assert base64.b64decode(call("download", "rule", "one").json["data"]) == FILE
    assert call("add", "data", "words.txt", data=DATA).status == 200
    assert base64.b64decode(call("download", "data", "words.txt").json["data"]) == FILE
    assert wire.v1(f"download{kind}customdata", filename="words").body == FILE
    # Deleted by the name without its extension; one that is missing is not there.
    assert call("del", "data", "words").status == 200
    gone = call("download", "data", "words.txt")
    assert (gone.status, gone.json["code"], gone.json["status"]) == (404, 404, "fail")
    assert call("del", "data", "words").status == 422
    assert call("download", "rule", "other").status == 404
    assert call("add", "data", "words.txt").error == (400, "data: File Value missing")
    assert call("add", "data", "../words", data=DATA).status == 422


def test_the_legacy_waf_takes_the_triplet_only(wire: Wire) -> None:
    wire.fresh()
    service = {"vs": "198.18.0.1", "port": 80, "prot": "tcp"}
    missing = (422, "String value missing")
    assert wire.v1("vsaddwafrule", vs=1, rule="C/one").error == missing
    assert wire.v1("vsaddwafrule", **service).error == missing
    assert wire.v1("vsaddwafrule", **service, rule="").error == missing
    assert wire.v1("vsaddwafrule", **service, rule="x/one").status == 422
    assert wire.v1("vsaddwafrule", **service, rule="Custom/one G/ip_reputation").status == 200
    assert wire.v1("vsaddwafrule", **service, rule="", disablerules="2200005,2200006").status == 200
    shown = wire.v2("listwafrules").json
    assert (shown["Active1"], shown["Active2"]) == ("C/one", "G/ip_reputation")
    assert wire.v1("vsremovewafrule", **service, rule="C/one").status == 200
    assert wire.v1("vsremovewafrule", **service, rule="C/one").status == 422
    assert wire.v1("vsremovewafrule", **service).error == missing


def test_numbers_of_a_custom_rule_set(wire: Wire) -> None:
    wire.fresh()
    service = {"vs": "198.18.0.1", "port": 80, "prot": "tcp", "rule": "C/own"}
    twice = base64.b64encode(FILE + FILE.replace(b"11002", b"11003")).decode()
    wire.v2("addwafcustomrule", filename="own.conf", data=twice)
    off = wire.v2("vslistwafruleids", **service).json["own"]
    assert off == {"InactiveRule1": "11002", "InactiveRule2": "11003"}
    wire.v2("vsaddwafrule", **service, disablerules="11002")
    data = wire.v1("vslistwafruleids", **service).data.find("own")
    assert data is not None
    shown = {one.tag: one.text for one in data}
    assert shown == {"InactiveRule1": "11002", "ActiveRule1": "11003"}
    assert wire.v1("vslistwafruleids", vs=1).error == (422, "String value missing")


def test_settings(wire: Wire) -> None:
    wire.v2("setwafautoupdate", enable="1")
    wire.v2("setwafautoinstall", enable="yes")
    wire.v2("setwafinstalltime", hour="5")
    wire.v2("setwaflogformat", logformat="json")
    wire.v2("enablewafremotelogging", remoteuri="https://x", username="u", passwd="verysecret")
    shown = wire.v2("getwafsettings").json
    assert (shown["AutoUpdate"], shown["AutoInstall"], shown["InstallHour"]) == (True, True, 5)
    assert (shown["RemoteURI"], shown["LogFormat"]) == ("https://x", "json")
    assert "verysecret" not in repr(wire.box.calls)
    wire.v2("disablewafremotelogging")
    assert wire.v2("getwafsettings").json["RemoteLoggingEnabled"] is False
    assert wire.v2("setwafinstalltime", hour=24).status == 422
    assert wire.v2("setwaflogformat", logformat="xml").status == 400


def test_error_files_and_extensions(wire: Wire) -> None:
    wire.fresh()
    reply = wire.request(
        "POST", "/access/uploadvserrfile?vs=1", body=b"<html></html>", headers=wire.basic()
    )
    assert reply.status == 200
    assert wire.v2("uploadvserrfile", vs=1).error == (400, "data: File Value missing")
    for word in ("cache", "compress"):
        assert wire.v2(f"addno{word}", param=".jpg").status == 200
        assert wire.v2(f"addno{word}", param="jpg").status == 422
        assert wire.v2(f"delno{word}", param=".jpg").status == 200
        assert wire.v2(f"delno{word}", param=".jpg").status == 422
