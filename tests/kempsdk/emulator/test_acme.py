"""ACME accounts and certificates, under both sets of names."""

import base64
import time

import pytest

from tests.kempsdk.emulator.wire import Wire

OLD = {"register": "registerleaccount", "info": "leaccountinfo", "stem": "le"}
NEW = {"register": "registeracmeaccount", "info": "acmeaccountinfo", "stem": "acme"}


@pytest.mark.parametrize("names", [OLD, NEW])
def test_from_account_to_certificate(
    wire: Wire, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stem = names["stem"]
    wire.fresh()
    request = {"cert": "one", "cn": "www.example.com", "vid": "1", "acmetype": "1"}
    assert wire.v2(names["info"], acmetype="1").status == 422
    assert wire.v2(f"add{stem}cert", **request).status == 422
    assert wire.v2(names["register"], acmetype="1", email="a@example.com").status == 200
    account = wire.v2(names["info"], acmetype="1").json["Data"]
    assert account["AccountEmail"] == "a@example.com"
    assert account["AccountDirectory"].startswith("https://acme-v02")
    assert wire.v2(f"add{stem}cert", **request, san1="b.example.com", key_size=4096).status == 200
    assert wire.v2(f"add{stem}cert", **request).status == 422
    shown = wire.v2(f"get{stem}cert", cert="one", acmetype="1").json["Data"]
    assert (shown["Identifier"], shown["DomainName"]) == ("one", "www.example.com")
    assert (shown["SubjectAlternateNames"], shown["KeySize"]) == ("b.example.com", "4096")
    assert wire.v1(f"get{stem}cert", cert="one").data.findtext("Type") == "RSA"
    assert len(wire.v2(f"list{stem}cert").json["Data"]) == 1
    before = shown["ExpiryDate"]
    later = time.time() + 86400
    with monkeypatch.context() as patch:
        patch.setattr("kempsdk.emulator.acme.time.time", lambda: later)
        assert wire.v2(f"renew{stem}cert", cert="one").status == 200
    assert wire.v2(f"get{stem}cert", cert="one").json["Data"]["ExpiryDate"] != before
    unknown = (422, "Unknown ACME cert")
    assert wire.v2(f"get{stem}cert", cert="two").error == unknown
    assert wire.v2("delacmeconfig", acmetype="1").status == 422
    assert wire.v2(f"del{stem}cert", cert="one").status == 200
    assert wire.v2(f"del{stem}cert", cert="one").error == unknown
    assert wire.v2("delacmeconfig", acmetype="1").status == 200


def test_providers_have_their_own_settings(wire: Wire) -> None:
    wire.v2("setacmedirectoryurl", acmetype="2", directoryurl="https://acme.example.com/dir")
    wire.v2("setacmerenewperiod", acmetype="2", renewperiod=10)
    assert wire.v2("setacmerenewperiod", acmetype="2", renewperiod=61).status == 422
    assert wire.v2("setacmekid", acmetype="2", kid="k").status == 200
    assert wire.v2("setacmehmac", acmetype="2", hmac="verysecret").status == 200
    url = wire.v2("getacmedirectoryurl", acmetype="2").json["directoryurl"]
    assert url == "https://acme.example.com/dir"
    assert wire.v2("getacmerenewperiod", acmetype="2").json["renewperiod"] == 10
    assert wire.v2("getacmerenewperiod", acmetype="1").json["renewperiod"] == 30
    assert wire.v2("acmeaccountinfo", acmetype="3").status == 400
    assert "verysecret" not in repr(wire.box.calls)


def test_what_is_refused(wire: Wire) -> None:
    wire.v2("registerleaccount")
    wire.fresh()
    assert wire.v2("addlecert", cert="one", cn="b@d", vid=1).status == 422
    assert wire.v2("addlecert", cert="one", cn="a.example.com", vid=9).error == (422, "Unknown VS")
    assert wire.v2("fetchleaccount", password="x").status == 400
    key = base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()
    assert wire.v2("fetchleaccount", password="x", data=key).status == 200
