"""The Go client of kreemer and its integration tests, which were written for an appliance.

Every one of them begins with a backup and ends with a restore of type 14.
"""

import json
from typing import Any

import pytest

from tests.kempsdk.emulator.third_party import Shape, go_json, post, struct
from tests.kempsdk.emulator.wire import Wire

ENVELOPE = struct(int="code", string="message status")
SLOT: dict[str, Shape] = {
    **struct(
        int="VSIndex Index MasterVSID",
        string="Name Forward Protocol VSAddress VSPort VStype NickName",
        bool="Enable",
        strings="MatchRules",
    ),
}
SERVICE: dict[str, Shape] = {
    **struct(
        int=(
            "Index MasterVS MasterVSID Idletime AdaptiveInterval AdaptivePort AdaptiveMinPercent"
            " ServerInit QoS StartTLSMode ClientCert SecurityHeaderOptions AddVia CachePercent"
            " PortFollow FollowVSID NRequestRules NResponseRules StandbyPort Verify"
            " ResponseRemapMsgFormat InterceptMode AlertThreshold ESPLogs InputAuthMode"
            " OutputAuthMode SameSite UserPwdExpiryWarnDays MatchLen NumberOfRSs NRules"
            " CheckUseGet RsMinimum"
        ),
        string=(
            "Protocol VSAddress VSPort VStype NickName Cookie Persist PersistTimeout QueryTag"
            " Schedule showadaptive AdaptiveUrl ExtraPorts CertFile Ciphers CipherSet"
            " Tls13CipherSet SSLRewrite ReverseSNIHostname TLSType IntermediateCerts CopyHdrFrom"
            " CopyHdrTo DefaultGW ErrorCode ErrorUrl LocalBindAddrs StandbyAddr AltAddress"
            " AllowedHosts Domain OutConf SingleSignOnDir AllowedGroups CheckType LdapEndpoint"
            " CheckHost CheckPattern CheckUrl CheckCodes CheckHeaders CheckPort CheckPostData"
            " ExtraHdrKey ExtraHdrValue Adaptive InterceptPOSTOtherContentTypes"
        ),
        bool=(
            "Enable ForceL7 SubnetOriginating Refreshpersist Transparent UseForSnat PassCipher"
            " SSLReencrypt PassSNI SSLReverse SSLAcceleration OCSPVerify NeedHostName"
            " HTTPReschedule AllowHTTP2 Cache Compress NonLocalSorryServer ResponseStatusRemap"
            " Intercept EspEnabled VerifyBearer CheckUse1.1 EnhancedHealthchecks MultiConnect"
        ),
        strings="InterceptOpts RequestRules ResponseRules MatchRules MatchBodyRules",
    ),
    "SubVS": [SLOT],
}
SERVER = struct(
    int="VSIndex RSIndex Port Weight Limit RateLimit Follow Nrules",
    string="Addr DnsName Forward",
    bool="Enable Critical",
    strings="MatchRules",
)
_FLAGS = "OnlyOnFlag OnlyOnNoFlag"
RULES: dict[str, Shape] = {
    "MatchContentRule": [
        struct(
            string="name matchtype header pattern",
            bool="addhost CaseIndependent negate IncludeQuery mustfail",
            int=f"SetFlagOnMatch {_FLAGS}",
        )
    ],
    "AddHeaderRule": [struct(string="name header HeaderValue", int=_FLAGS)],
    "DeleteHeaderRule": [struct(string="name pattern", int=_FLAGS)],
    "ReplaceHeaderRule": [struct(string="name header replacement pattern", int=_FLAGS)],
    "ModifyURLRule": [struct(string="name replacement pattern", int=_FLAGS)],
    "ReplaceBodyRule": [
        struct(string="name replacement pattern", int=_FLAGS, bool="caseindependent")
    ],
}
ACCESS: dict[str, Shape] = {**struct(string="list"), "IP": [struct(string="addr comment")]}


class Kreemer:
    """The requests of the client: key last, indices as texts, nothing that is unset."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def call(self, command: str, shape: dict[str, Shape], **members: object) -> dict[str, Any]:
        """Decode a success; the client reads bodies of 200, 204 and 422 only."""
        payload = {"cmd": command, "apikey": self.wire.box.api_key, **members}
        reply = post(self.wire, payload)
        assert reply.status in (200, 204, 422)
        answer = go_json(reply.json, {**ENVELOPE, **shape})
        if answer["code"] not in (200, 204):
            raise LookupError(answer["message"])
        assert answer["status"] == "ok"
        return answer


@pytest.fixture
def client(wire: Wire) -> Kreemer:
    return Kreemer(wire)


def test_backup_first_and_restore_last(client: Kreemer) -> None:
    for _ in range(2):
        saved = client.call("backup", struct(string="data"))["data"]
        assert saved
        made = client.call("addvs", SERVICE, vs="10.0.0.4", port="30500", prot="tcp", VStype="http")
        client.call("addrs", {"Rs": [SERVER]}, vs=str(made["Index"]), rs="10.0.0.100", rsport="80")
        client.call("addrule", RULES, type="0", name="rule1", pattern="^/test")
        assert client.call("restore", {}, data=saved, type="14")["code"] == 200
        assert client.call("listvs", {"VS": [SERVICE]})["VS"] == []
        assert client.call("showrule", RULES)["MatchContentRule"] == []


def test_services(client: Kreemer) -> None:
    def add(port: str, **settings: object) -> dict[str, Any]:
        made = client.call("addvs", SERVICE, vs="10.0.0.4", port=port, prot="tcp", **settings)
        assert (made["VSAddress"], made["VSPort"], made["Protocol"]) == ("10.0.0.4", port, "tcp")
        return made

    assert add("20001")["VStype"] == "gen"
    assert add("20002", VStype="http")["VStype"] == "http"
    assert add("20003", NickName="test3")["NickName"] == "test3"
    fresh = add("20004")
    assert (fresh["NickName"], fresh["Enable"]) == ("", True)
    index = str(fresh["Index"])
    changed = client.call("modvs", SERVICE, vs=index, Enable=False, NickName="test4")
    assert (changed["NickName"], changed["Enable"]) == ("test4", False)
    gone = add("20005")
    client.call("delvs", {}, vs=str(gone["Index"]))
    assert "20005" not in {one["VSPort"] for one in client.call("listvs", {"VS": [SERVICE]})["VS"]}
    shown = client.call("showvs", SERVICE, vs=str(add("20006")["Index"]))
    assert shown["VSPort"] == "20006"
    assert add("9090", Enable=False)["Enable"] is False
    with pytest.raises(LookupError, match="Unknown VS"):
        client.call("showvs", SERVICE, vs="99")


def test_sub_virtual_services(client: Kreemer) -> None:
    parent = client.call("addvs", SERVICE, vs="10.0.0.4", port="30000", prot="tcp")
    index = str(parent["Index"])

    def add(**settings: object) -> int:
        answer = client.call("modvs", SERVICE, vs=index, createsubvs="", **settings)
        assert (answer["VSAddress"], answer["VSPort"]) == ("10.0.0.4", "30000")
        assert answer["VStype"] == "gen"
        number = answer["SubVS"][-1]["VSIndex"]
        assert number not in (0, parent["Index"])
        return int(number)

    add()
    assert client.call("showvs", SERVICE, vs=str(add(VStype="http")))["VStype"] == "http"
    third = str(add(NickName="subvs1", VStype="gen"))
    changed = client.call("modvs", SERVICE, vs=third, NickName="subvs2", VStype="http")
    assert (changed["Protocol"], changed["VStype"], changed["NickName"]) == (
        "tcp",
        "http",
        "subvs2",
    )
    client.call("delvs", {}, vs=str(add()))
    assert client.call("showvs", SERVICE, vs=str(add()))["MasterVSID"] == parent["Index"]


def test_match_content_rules_with_every_flag(client: Kreemer) -> None:
    def add(name: str, **settings: object) -> dict[str, Any]:
        made = client.call("addrule", RULES, type="0", name=name, pattern="^/test", **settings)
        (rule,) = made["MatchContentRule"]
        assert (rule["name"], rule["pattern"]) == (name, "^/test")
        assert isinstance(rule, dict)
        return rule

    url = add(
        "rule1",
        matchtype="regex",
        inchost=True,
        incquery=True,
        nocase=True,
        negate=False,
        setonmatch=4,
        mustfail=False,
    )
    assert url["matchtype"] == "Regex"
    assert (url["addhost"], url["IncludeQuery"], url["CaseIndependent"]) == (True, True, True)
    assert (url["negate"], url["mustfail"]) == (False, False)
    assert url["SetFlagOnMatch"] == 4
    header = add("rule2", matchtype="prefix", header="X-Header", nocase=True, negate=True)
    assert (header["matchtype"], header["header"], header["negate"]) == ("prefix", "X-Header", True)
    flags = {"setonmatch": 8, "onlyonflag": 2, "onlyonnoflag": 3}
    body = add("rule3", matchtype="postfix", header="body", mustfail=True, **flags)
    assert (body["SetFlagOnMatch"], body["OnlyOnFlag"], body["OnlyOnNoFlag"]) == (8, 2, 3)
    # The client holds these as pointers that must be there, set or not.
    shown = client.wire.v2("showrule", name="rule2").json["MatchContentRule"][0]
    assert {"AddHost", "Negate", "CaseIndependent", "IncludeQuery", "MustFail"} <= set(shown)


@pytest.mark.parametrize(
    ("kind", "group", "given", "shown"),
    [
        (
            "1",
            "AddHeaderRule",
            {"header": "X-H", "replacement": "v"},
            {"header": "X-H", "HeaderValue": "v"},
        ),
        ("2", "DeleteHeaderRule", {"pattern": "X-H"}, {"pattern": "X-H"}),
        (
            "3",
            "ReplaceHeaderRule",
            {"header": "X-H", "replacement": "n", "pattern": "o"},
            {"header": "X-H", "replacement": "n", "pattern": "o"},
        ),
        (
            "4",
            "ModifyURLRule",
            {"replacement": "n", "pattern": "o"},
            {"replacement": "n", "pattern": "o"},
        ),
        (
            "5",
            "ReplaceBodyRule",
            {"replacement": "n", "pattern": "o", "caseindependent": True},
            {"replacement": "n", "pattern": "o", "caseindependent": True},
        ),
    ],
)
def test_the_other_rules(
    client: Kreemer, kind: str, group: str, given: dict[str, object], shown: dict[str, object]
) -> None:
    flags = {"onlyonflag": 1, "onlyonnoflag": 2}
    (made,) = client.call("addrule", RULES, type=kind, name="rule4", **given, **flags)[group]
    assert made == {"name": "rule4", **shown, "OnlyOnFlag": 1, "OnlyOnNoFlag": 2}
    # modrule names no type, and replaces what it does not name.
    changed = client.call("modrule", RULES, name="rule4", **given, onlyonnoflag=5)[group]
    assert changed == [{"name": "rule4", **shown, "OnlyOnFlag": 0, "OnlyOnNoFlag": 5}]
    assert client.call("showrule", RULES, name="rule4")[group] == changed
    assert "OnlyOnFlag" not in client.wire.v2("showrule", name="rule4").json[group][0]
    client.call("delrule", {}, name="rule4")
    with pytest.raises(LookupError):
        client.call("showrule", RULES, name="rule4")


def test_rules_of_servers_and_slots(client: Kreemer) -> None:
    service = client.call("addvs", SERVICE, vs="10.0.0.4", port="30501", prot="tcp", VStype="http")
    parent = client.call("addvs", SERVICE, vs="10.0.0.4", port="30500", prot="tcp", VStype="http")
    slot = client.wire.sub(parent["Index"])
    made = client.call(
        "addrs", {"Rs": [SERVER]}, vs=str(service["Index"]), rs="10.0.0.101", rsport="80"
    )
    client.call("addrule", RULES, type="0", name="rule1", pattern="old-body")
    client.call("addrule", RULES, type="1", name="rule2", header="X-HEADER", replacement="V")
    client.call("addrule", RULES, type="5", name="rule3", pattern="X", replacement="V")
    server = {"vs": str(service["Index"]), "rs": f"!{made['Rs'][0]['RSIndex']}"}
    client.call("addrsrule", {}, rule="rule1", **server)
    shown = client.call("showrs", {"Rs": [SERVER]}, **server)
    assert shown["Rs"][-1]["MatchRules"] == ["rule1"]
    client.call("delrsrule", {}, rule="rule1", **server)
    assert client.call("showrs", {"Rs": [SERVER]}, **server)["Rs"][-1]["MatchRules"] == []
    for refused in ("rule2", "rule3"):
        with pytest.raises(LookupError):
            client.call("addrsrule", {}, rule=refused, **server)
    place = {"vs": str(parent["Index"]), "rs": f"!{slot['RsIndex']}"}
    client.call("addrsrule", {}, rule="rule1", **place)
    shown = client.call("showrs", {"SubVS": [SLOT]}, **place)
    assert shown["SubVS"][-1]["MatchRules"] == ["rule1"]


def test_real_servers(client: Kreemer) -> None:
    made = client.call("addvs", SERVICE, vs="10.0.0.4", port="9090", prot="tcp")
    index = str(made["Index"])
    added = client.call("addrs", {"Rs": [SERVER]}, vs=index, rs="10.0.0.99", rsport="80")
    server = f"!{added['Rs'][0]['RSIndex']}"
    client.call("modrs", {"Rs": [SERVER]}, vs=index, rs=server, Weight=7, Enable=False)
    shown = client.call("showrs", {"Rs": [SERVER]}, vs=index, rs=server)["Rs"][0]
    assert (shown["Addr"], shown["Port"], shown["Weight"], shown["Enable"]) == (
        "10.0.0.99",
        80,
        7,
        False,
    )
    client.call("delrs", {"Rs": [SERVER]}, vs=index, rs=server)
    with pytest.raises(LookupError, match="Unknown RS"):
        client.call("showrs", {"Rs": [SERVER]}, vs=index, rs=server)


@pytest.mark.parametrize("word", ["allow", "block"])
def test_access_lists(client: Kreemer, word: str) -> None:
    made = client.call("addvs", SERVICE, vs="10.0.0.4", port="30600", prot="tcp", VStype="http")
    index = str(made["Index"])
    for add, remove, ask in (
        # The client sends an empty address when it asks for the global list.
        ({"add": word}, {"del": word}, {"list": word, "addr": ""}),
        (
            {"addvs": word, "vsip": index},
            {"delvs": word, "vsip": index},
            {"listvs": word, "vs": index},
        ),
    ):

        def entries(ask: dict[str, str] = ask) -> list[str]:
            answer = client.call("aclcontrol", ACCESS, **ask)
            assert answer["list"] == word
            return [one["addr"] for one in answer["IP"]]

        assert client.call("aclcontrol", {}, **add, addr="192.168.1.100/32")["code"] == 200
        client.call("aclcontrol", {}, **add, addr="192.168.1.101/32")
        client.call("aclcontrol", {}, **remove, addr="192.168.1.101/32")
        assert entries() == ["192.168.1.100/32"]


def test_api_keys_and_the_other_login(client: Kreemer) -> None:
    keys = struct(strings="apikeys")
    assert client.call("listapikeys", keys)["apikeys"] == [client.wire.box.api_key]
    made = client.call("addapikey", keys)["apikeys"]
    assert len(made) == 2
    assert len(client.call("delapikey", keys, key=made[-1])["apikeys"]) == 1
    login = {"apiuser": client.wire.box.user, "apipass": client.wire.box.password}
    body = json.dumps({"cmd": "listvs", **login})
    assert client.wire.request("POST", "/accessv2", body=body).json["code"] == 200
