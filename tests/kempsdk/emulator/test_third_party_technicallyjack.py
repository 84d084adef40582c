"""technicallyJack's Terraform provider: what its tests on 7.2.50 to 7.2.63 hold fast."""

from typing import Any

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.third_party import Shape, go_json, post, struct
from tests.kempsdk.emulator.wire import Wire

SLOT = struct(
    int="VSIndex RsIndex Weight Limit", string="Name", bool="Enable", strings="MatchRules"
)
SERVICE: dict[str, Shape] = {
    **struct(
        int=(
            "Index MasterVSID CheckUseGet ChkInterval ChkTimeout ChkRetryCount RsMinimum AddVia"
            " Idletime ClientCert"
        ),
        string=(
            "NickName VSAddress VSPort Protocol VStype Status Schedule CheckType CheckPort CheckUrl"
            " CheckHost CheckPattern CheckPostData CheckHeaders Persist PersistTimeout Cookie"
            " QueryTag CertFile TlsType CipherSet"
        ),
        bool=(
            "Enable CheckUse1.1 EnhancedHealthChecks Transparent SubnetOriginating Cache Compress"
            " ForceL7 SSLAcceleration SSLReencrypt AllowHTTP2 PassSni"
        ),
        strings="RequestRules ResponseRules PreProcessRules MatchBodyRules",
    ),
    "SubVS": [SLOT],
}


class Provider:
    """The requests of the provider: JSON with its content type, indices as texts."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def call(self, command: str, **members: object) -> dict[str, Any]:
        payload = {"cmd": command, "apikey": self.wire.box.api_key, **members}
        reply = post(self.wire, payload, **{"Content-Type": "application/json"})
        answer = go_json(reply.json, {**struct(int="code", string="message status"), **SERVICE})
        if answer["code"] != 200 or answer["status"].lower() != "ok":
            raise LookupError(answer["code"], answer["message"])
        return answer

    def add(self, **settings: object) -> str:
        target = {"vs": "10.0.0.1", "port": "18080", "prot": "tcp", "VStype": "http"}
        return str(self.call("addvs", **{**target, **settings})["Index"])

    def change(self, index: str, **settings: object) -> dict[str, Any]:
        """Change a service as each apply does: its address and port are sent along."""
        return self.call("modvs", vs=index, VSAddress="10.0.0.1", VSPort="18080", **settings)


@pytest.fixture
def provider(wire: Wire) -> Provider:
    return Provider(wire)


def test_not_found_and_refused(provider: Provider) -> None:
    for command, members, text in (
        ("showvs", {"vs": "9"}, "Unknown VS"),
        ("showrule", {"name": "gone"}, "Rule not found"),
    ):
        with pytest.raises(LookupError) as failed:
            provider.call(command, **members)
        code, message = failed.value.args
        # A 422 whose text begins with unknown or holds "not found" means: gone.
        assert (code, message) == (422, text)
    with pytest.raises(LookupError, match="Cannot read rules"):
        provider.call("addrule", name="tfacc-bad", type="0", pattern="/x/")


def test_persistence(provider: Provider) -> None:
    index = provider.add(Persist="cookie", PersistTimeout="1800", Cookie="JSESSIONID", QueryTag="")

    def persistence(**settings: object) -> tuple[str, str, str, str]:
        shown = provider.change(index, **settings)
        return shown["Persist"], shown["PersistTimeout"], shown["Cookie"], shown["QueryTag"]

    assert persistence() == ("cookie", "1800", "JSESSIONID", "")
    # The header's name is kept where the cookie's is.
    header = {"Persist": "header", "PersistTimeout": "360", "Cookie": "X-User", "QueryTag": ""}
    assert persistence(**header) == ("header", "360", "X-User", "")
    query = {"Persist": "query-hash", "PersistTimeout": "360", "Cookie": "", "QueryTag": "session"}
    assert persistence(**query) == ("query-hash", "360", "", "session")
    # Only cookie and cookie-src need a name.
    for mode in ("active-cookie", "active-cook-src", "cookie-hash", "cookie-hash-src"):
        assert persistence(Persist=mode, PersistTimeout="360", Cookie="")[0] == mode
    assert persistence(Persist="none", Cookie="", QueryTag="") == ("", "0", "", "")
    assert persistence(Persist="cookie", PersistTimeout="0", Cookie="")[0] == ""


def test_health_checks(provider: Provider) -> None:
    index = provider.add(CheckType="http", CheckUrl="/")
    for port in ("18090", "18091"):
        provider.call("addrs", vs=index, rs="10.0.254.250", rsport=port)
    timers = {"ChkInterval": "9", "ChkTimeout": "4", "ChkRetryCount": "2"}
    set_ = provider.change(
        index,
        **timers,
        CheckUseGet="1",
        CheckPattern="padding",
        CheckHeaders="X-Env:test|X-Probe:kemp",
        **{"CheckUse1.1": True},
    )
    assert (set_["ChkInterval"], set_["ChkTimeout"], set_["ChkRetryCount"]) == (9, 4, 2)
    assert (set_["CheckUseGet"], set_["CheckPattern"], set_["CheckUse1.1"]) == (1, "padding", True)
    assert set_["CheckHeaders"] == "X-Env:test X-Probe:kemp"
    both = provider.change(index, EnhancedHealthChecks=True, RsMinimum="2", CheckHeaders="")
    assert (both["EnhancedHealthChecks"], both["RsMinimum"], both["CheckHeaders"]) == (True, 2, "")
    provider.change(index, RsMinimum="0")
    off = provider.change(index, EnhancedHealthChecks=False, CheckPattern="")
    assert (off["EnhancedHealthChecks"], off["RsMinimum"], off["ChkInterval"]) == (False, 0, 9)


def test_settings_that_go_with_the_type(provider: Provider) -> None:
    index = provider.add(AddVia="5", SubnetOriginating=False, Compress=True, Idletime="120")
    first = provider.change(index)
    assert (first["AddVia"], first["Compress"], first["Idletime"]) == (5, True, 120)
    # The type goes first and alone, because it resets AddVia and Cache.
    assert provider.change(index, VStype="gen")["AddVia"] == 0
    second = provider.change(index, AddVia="3", Cache=True, Idletime="3600")
    assert (second["AddVia"], second["Cache"], second["SubnetOriginating"]) == (3, True, False)
    back = provider.change(index, AddVia="0", Cache=False, Idletime="660", ForceL7=True)
    assert (back["AddVia"], back["Idletime"], back["ForceL7"]) == (0, 660, True)


def test_ssl_on_changed_and_off(provider: Provider) -> None:
    index = provider.add()
    on = provider.change(
        index,
        SSLAcceleration=True,
        CertFile="tfacc_a tfacc_b",
        TlsType="7",
        CipherSet="Default",
        SSLReencrypt=True,
        AllowHTTP2=True,
        ClientCert="1",
    )
    assert on["CertFile"].split() == ["tfacc_a", "tfacc_b"]
    assert (on["TlsType"], on["CipherSet"], on["ClientCert"]) == ("7", "Default", 1)
    # SNI is passed on only with re-encryption, so it goes on last and off first.
    assert provider.change(index, PassSni=True)["PassSni"] is True
    assert provider.change(index, PassSni=False)["PassSni"] is False
    reset = provider.change(index, SSLReencrypt=False, AllowHTTP2=False, ClientCert="0")
    assert (reset["SSLReencrypt"], reset["AllowHTTP2"], reset["ClientCert"]) == (False, False, 0)
    off = provider.change(index, SSLAcceleration=False)
    assert (off["SSLAcceleration"], off["CertFile"], off["TlsType"]) == (False, "", "7")


def test_rule_lists_and_what_they_take(provider: Provider) -> None:
    def rule(name: str, kind: int, **settings: object) -> None:
        provider.call("addrule", name=name, type=str(kind), **settings)

    rule("tfacc_api", 0, pattern="/api/", matchtype="prefix", nocase="1", setonmatch="0")
    rule("tfacc_add", 1, header="X-Env", replacement="test")
    rule("tfacc_rewrite", 4, pattern="^/old/", replacement="/new/")
    rule("tfacc_body", 5, pattern="padding", replacement="PADDED", nocase="1")
    body = provider.wire.v2("showrule", name="tfacc_body").json["ReplaceBodyRule"][0]
    assert body["CaseIndependent"] is True
    index = provider.add()
    for name in ("tfacc_add", "tfacc_rewrite"):
        provider.call("addrequestrule", vs=index, rule=name)
        provider.call("addresponserule", vs=index, rule=name)
    provider.call("addprerule", vs=index, rule="tfacc_api")
    provider.call("addresponsebodyrule", vs=index, rule="tfacc_body")
    # The wrong kind is taken and does nothing.
    for command in ("addrequestrule", "addresponserule", "addresponsebodyrule"):
        provider.call(command, vs=index, rule="tfacc_api")
    shown = provider.call("showvs", vs=index)
    assert shown["RequestRules"] == shown["ResponseRules"] == ["tfacc_add", "tfacc_rewrite"]
    assert shown["PreProcessRules"] == ["tfacc_api"]
    assert shown["MatchBodyRules"] == ["tfacc_body"]
    # Another order is made by taking away and attaching again at the end.
    provider.call("delrequestrule", vs=index, rule="tfacc_add")
    provider.call("addrequestrule", vs=index, rule="tfacc_add")
    reordered = provider.call("showvs", vs=index)
    assert reordered["RequestRules"] == ["tfacc_rewrite", "tfacc_add"]
    # The body rules do not survive a new type.
    assert provider.change(index, VStype="http2")["MatchBodyRules"] == []
    # A rule may become one of another kind under its name.
    provider.call(
        "modrule", name="tfacc_add", type="3", header="Host", pattern="a", replacement="b"
    )
    kept = provider.wire.v2("showrule", name="tfacc_add").json["ReplaceHeaderRule"]
    assert kept[0]["Replacement"] == "b"
    provider.call("delrule", name="tfacc_rewrite")
    assert provider.call("showvs", vs=index)["RequestRules"] == ["tfacc_add"]


def test_sub_virtual_services_and_their_slots(provider: Provider) -> None:
    parent = provider.add()
    before = {one["VSIndex"] for one in provider.call("showvs", vs=parent)["SubVS"]}
    after = provider.call("modvs", vs=parent, CreateSubVS="1")["SubVS"]
    (new,) = [one for one in after if one["VSIndex"] not in before]
    sub, slot = str(new["VSIndex"]), {"vs": parent, "rs": f"!{new['RsIndex']}"}
    changed = provider.call("modvs", vs=sub, NickName="sub", Persist="src", PersistTimeout="600")
    assert (changed["MasterVSID"], changed["PersistTimeout"]) == (int(parent), "600")
    provider.call("modrs", **slot, Weight="500", Limit="10", Enable=False)
    (shown,) = provider.call("showvs", vs=parent)["SubVS"]
    assert (shown["Weight"], shown["Limit"], shown["Enable"]) == (500, 10, False)
    provider.call("addrule", name="tfacc_api", type="0", pattern="/api/")
    provider.call("addrsrule", **slot, rule="tfacc_api")
    assert provider.call("showvs", vs=parent)["SubVS"][0]["MatchRules"] == ["tfacc_api"]
    with pytest.raises(LookupError, match="Couldn't create RS"):
        provider.call("addrs", vs=parent, rs="10.0.0.9", rsport="80")
    provider.call("delvs", vs=parent)
    with pytest.raises(LookupError, match="Unknown VS"):
        provider.call("showvs", vs=sub)


def test_indices_change_and_slots_do_not(provider: Provider) -> None:
    wire = provider.wire
    parent = provider.add(NickName="parent")
    sub = provider.wire.sub(int(parent), NickName="sub")
    server = wire.server(sub["VSIndex"], "10.0.254.250", 18080)
    provider.add(port="18082", NickName="other")
    # A change of global configuration; the provider uses a cipher set for it.
    wire.v2("set", param="finalpersist", value="120")
    listed = {one["NickName"]: one for one in wire.v2("listvs").json["VS"]}
    assert listed["sub"]["Index"] != sub["VSIndex"]
    assert listed["other"]["Index"] == sub["VSIndex"]
    assert listed["parent"]["SubVS"][0]["RsIndex"] == sub["RsIndex"]
    assert listed["sub"]["Rs"][0]["RsIndex"] == server["RsIndex"]


def test_the_json_that_has_to_be_repaired(start: Start) -> None:
    wire = start(switches={"broken_preprocess_json": True})
    wire.fresh()
    wire.v2("addrule", name="tfacc_flag", pattern="/beta/", setonmatch="1")
    wire.v2("addprerule", vs=1, rule="tfacc_flag")
    with pytest.raises(ValueError, match="delimiter"):
        wire.v2("showvs", vs=1).json  # noqa: B018 - reading it fails
