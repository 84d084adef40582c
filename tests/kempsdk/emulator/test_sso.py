"""SSO domains, image sets and LDAP end points."""

import base64
import io
import tarfile
from pathlib import Path

from kempsdk.secret import MASK
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire, recorded_xml


def test_a_domain_is_named_in_upper_case_and_has_the_recorded_members(wire: Wire) -> None:
    made = wire.v1("adddomain", domain="clientdomainname")
    assert made.xml.findtext("Success") == "Domain 'CLIENTDOMAINNAME' created"
    (shown,) = wire.v1("showdomain", domain="ClientDomainName").data
    recorded = recorded_xml("showdomain.xml").find("Success/Data/Domain")
    assert recorded is not None
    ours = {one.tag: one.text for one in shown}
    for one in recorded:
        if one.tag != "Id":
            assert ours[one.tag] == one.text, one.tag
    order = [one.tag for one in shown if recorded.find(one.tag) is not None]
    assert order == [one.tag for one in recorded]
    member = wire.v2("showdomain").json["Domain"][0]
    assert (member["Id"], member["Name"]) == (1, "CLIENTDOMAINNAME")
    assert type(member["max_failed_auths"]) is int


def test_changing_a_domain(wire: Wire) -> None:
    wire.v2("adddomain", domain="x")
    (changed,) = wire.v2(
        "moddomain",
        domain="X",
        auth_type="RADIUS and LDAP-LDAPS",
        max_failed_auths=5,
        server_side=True,
        testpass="verysecret",
        sess_tout_type="max duration",
        sess_tout_idle_pub=1,
    ).json["Domain"]
    assert changed["auth_type"] == "RADIUS and LDAP-LDAPS"
    assert (changed["max_failed_auths"], changed["server_side"]) == (5, 1)
    assert changed["testpass"] == MASK
    assert changed["sess_tout_type"] == "max duration"
    # Out of range, so ignored.
    assert changed["sess_tout_idle_pub"] == 900
    # The counter has to be reset before the account is unblocked.
    (same,) = wire.v2("moddomain", domain="X", reset_fail_tout=1800).json["Domain"]
    assert same["reset_fail_tout"] == 60
    wire.v2("moddomain", domain="X", oidc_redirect_uri="https://x/")
    (kept,) = wire.v2("moddomain", domain="X", oidc_redirect_uri="").json["Domain"]
    assert kept["oidc_redirect_uri"] == "https://x/"
    assert "verysecret" not in repr(wire.box.calls)


def test_what_is_refused(wire: Wire) -> None:
    wire.v2("adddomain", domain="x")
    assert wire.v2("adddomain", domain="X").status == 422
    assert wire.v2("adddomain", domain="x" * 65).status == 422
    for command in ("moddomain", "deldomain", "showdomain", "unlockdomainusers"):
        assert wire.v2(command, domain="y", users="u").status == 422
    for number in range(127):
        assert wire.v2("adddomain", domain=f"d{number}").status == 200
    assert wire.v2("adddomain", domain="onemore").status == 422


def test_a_used_domain_stays(wire: Wire) -> None:
    wire.v2("adddomain", domain="x")
    wire.fresh(EspEnabled=1, Domain="X")
    assert wire.v2("deldomain", domain="x").status == 422
    wire.v2("delvs", vs=1)
    assert wire.v2("deldomain", domain="x").status == 200
    assert wire.v2("showdomain").json == {"code": 200, "status": "ok"}


def test_there_are_no_sessions(wire: Wire) -> None:
    wire.v2("adddomain", domain="x")
    assert wire.v2("ssodomain.queryall", domain="x").json["Users"] == 0
    assert wire.v2("ssodomain.querysessions", domain="x").status == 200
    assert wire.v1("ssodomain/search", domain="x", user="u").status == 200
    assert wire.v1("ssodomain/search", domain="x").status == 400
    assert wire.v1("ssodomain/killallsessions", domain="x").status == 200
    assert wire.v1("ssodomain/killsession", domain="x", key="u,192.0.2.1").status == 422
    assert wire.v2("showdomainlockedusers").status == 200


def test_image_sets(wire: Wire) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("blue/logo.png")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"png"))
    data = base64.b64encode(buffer.getvalue()).decode()
    assert wire.v2("ssoimages", data=data).status == 200
    assert wire.v2("listssoimages").json["Image"] == [{"Name": "blue"}]
    assert wire.v2("delssoimage", name="blue").status == 200
    assert wire.v2("delssoimage", name="blue").status == 422
    assert wire.v2("ssoimages", data="bm9uc2Vuc2U=").status == 422


def test_ldap_endpoints(wire: Wire) -> None:
    assert wire.v1("showldapendpoint", name="ad").status == 422
    made = wire.v2("addldapendpoint", name="ad", server="192.0.2.3", adminpass="verysecret")
    assert made.status == 200
    assert wire.v2("addldapendpoint", name="ad").status == 422
    assert wire.v2("addldapendpoint", name="a d").status == 422
    assert wire.v2("modifyldapendpoint", name="ad", ldaptype="2", vinterval=5).status == 200
    shown = wire.v2("showldapendpoint", name="ad").json["Data"]
    assert (shown["ldaptype"], shown["vinterval"], shown["timeout"]) == ("2", 60, 5)
    assert shown["adminpass"] == MASK
    data = wire.v1("showldapendpoint", name="ad").data
    assert (data.findtext("name"), data.findtext("server")) == ("ad", "192.0.2.3")
    assert len(wire.v2("showldaplist").json["EndPoint"]) == 1
    wire.fresh(CheckType="ldap", LdapEndpoint="ad")
    assert wire.v2("deleteldapendpoint", name="ad").status == 422
    wire.v2("delvs", vs=1)
    assert wire.v2("deleteldapendpoint", name="ad").status == 200


def test_no_secret_in_the_state_file(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    wire = start(state_file=state)
    wire.v2("adddomain", domain="x")
    wire.v2("moddomain", domain="x", testpass="verysecret", oidc_secret="verysecret")
    wire.v2("addldapendpoint", name="ad", adminpass="verysecret")
    wire.v2("createvpncon", name="v")
    wire.v2("setvpnsecret", name="v", localid="a", remoteid="b", key="verysecret-verysecret")
    assert "verysecret" not in state.read_text()
    wire.box.stop()
    again = start(state_file=state)
    assert again.v2("showdomain", domain="x").json["Domain"][0]["testpass"] == MASK


METADATA = """<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">
 <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <md:SingleLogoutService Binding="b" Location="https://idp.example/out"/>
  <md:SingleSignOnService Binding="b" Location="https://idp.example/in"/>
 </md:IDPSSODescriptor>
</md:EntityDescriptor>"""


def test_metadata_of_an_identity_provider(wire: Wire) -> None:
    wire.v2("adddomain", domain="x")
    wire.v2("moddomain", domain="X", auth_type="SAML")
    for bad in ("no XML", "<a/>", METADATA.replace("IDPSSO", "SPSSO")):
        data = base64.b64encode(bad.encode()).decode()
        refused = wire.v2("uploadsamlidpmd", domain="X", data=data)
        assert refused.error == (422, "Invalid metadata")
    raw = wire.request("POST", "/access/uploadsamlidpmd?domain=X", METADATA, wire.basic())
    assert raw.status == 200
    (shown,) = wire.v2("showdomain", domain="X").json["Domain"]
    assert (shown["idp_entity_id"], shown["idp_sso_url"], shown["idp_logoff_url"]) == (
        "https://idp.example",
        "https://idp.example/in",
        "https://idp.example/out",
    )
    first = wire.v1("downloadsamlspcert", domain="X")
    assert first.body.startswith(b"-----BEGIN CERTIFICATE-----")
    assert wire.v1("downloadsamlspcert", domain="X").body == first.body
    assert wire.v1("downloadsamlspcert", domain="Y").status == 422
