"""The forms of answers, from facts that are written here: names, order, types, defaults.

The same is compared with recordings elsewhere; these tests need none.
"""

import json
from typing import Any, Final

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

FRESH: Final = """\
Status "Down"
Index 1
VSAddress "198.18.0.1"
VSPort "80"
Layer 7
Enable true
SSLReverse false
SSLReencrypt false
InterceptMode 0
Intercept false
InterceptOpts ["opnormal", "auditrelevant", "reqdatadisable", "resdatadisable"]
AlertThreshold 0
OwaspOpts ["opnormal", "auditnone", "reqdatadisable", "resdatadisable"]
BlockingParanoia 0
IPReputationBlocking false
ExecutingParanoia 0
AnomalyScoringThreshold 0
PCRELimit 0
JSONDLimit 0
BodyLimit 0
Transactionlimit 0
Transparent false
SubnetOriginating true
ServerInit 0
StartTLSMode 0
Idletime 660
Cache false
Compress false
Verify 0
UseforSnat false
ForceL4 false
ForceL7 true
MultiConnect false
ClientCert 0
SecurityHeaderOptions 0
SameSite 0
VerifyBearer false
ErrorCode "0"
CheckUse1.1 false
MatchLen 0
CheckUseGet 0
SSLRewrite "0"
VStype "http"
FollowVSID 0
Protocol "tcp"
Schedule "rr"
CheckType "http"
PersistTimeout "0"
CheckPort "0"
HTTPReschedule false
NRules 0
NRequestRules 0
NResponseRules 0
NMatchBodyRules 0
NPreProcessRules 0
EspEnabled false
InputAuthMode 0
OutputAuthMode 0
MasterVS 0
MasterVSID 0
IsTransparent 2
AddVia 0
QoS 0
TlsType "0"
NeedHostName false
OCSPVerify false
AllowHTTP2 false
PassCipher false
PassSni false
ChkInterval 0
ChkTimeout 0
ChkRetryCount 0
Bandwidth 0
ConnsPerSecLimit 0
RequestsPerSecLimit 0
MaxConnsLimit 0
RefreshPersist false
EnhancedHealthChecks false
RsMinimum 0
NumberOfRSs 0
"""
"""A fresh HTTP service of 7.2.5x as v2 shows it, in the order of the wire."""

FRESH_7_1: Final = """\
Status Index VSAddress VSPort Enable SSLReverse SSLReencrypt Intercept InterceptOpts
AlertThreshold Transactionlimit Transparent SubnetOriginating ServerInit StartTLSMode Idletime
Cache Compress Verify UseforSnat ForceL7 MultiConnect ClientCert ErrorCode CheckUse1.1 MatchLen
CheckUseGet SSLRewrite VStype FollowVSID Protocol Schedule CheckType PersistTimeout CheckPort
NRules NRequestRules NResponseRules NPreProcessRules EspEnabled InputAuthMode OutputAuthMode
MasterVS MasterVSID AddVia QoS TlsType NeedHostName OCSPVerify EnhancedHealthChecks RsMinimum
NumberOfRSs
"""

SERVER: Final = (
    "Status VSIndex RsIndex Addr Port DnsName Forward Weight Limit RateLimit Follow Enable"
    " Critical Nrules"
)
SLOT: Final = (
    "Status VSIndex RsIndex Name Forward Weight Limit RateLimit Follow Enable Critical Nrules"
)


def _fresh() -> dict[str, Any]:
    lines = (line.partition(" ") for line in FRESH.splitlines())
    return {name: json.loads(value) for name, _, value in lines}


def _names(answer: dict[str, Any]) -> list[str]:
    return [name for name in answer if name not in ("code", "status")]


def _v1(value: object) -> object:
    if isinstance(value, bool):
        return "Y" if value else "N"
    return value if isinstance(value, list) else str(value)


def test_a_fresh_service_in_v2(wire: Wire) -> None:
    wire.fresh()
    shown = wire.v2("showvs", vs=1).json
    assert list(shown) == ["code", *_fresh(), "status"]
    # A state and the envelope's word, told apart by case only.
    assert (shown.pop("code"), shown.pop("status"), shown["Status"]) == (200, "ok", "Down")
    assert shown == _fresh()
    assert [type(one) for one in shown.values()] == [type(one) for one in _fresh().values()]


def test_a_fresh_service_in_v1(wire: Wire) -> None:
    wire.fresh()
    shown = [
        (one.tag, [opt.text for opt in one] if len(one) else one.text or "")
        for one in wire.v1("showvs", vs=1).data
        # Two members that come and go between the wires.
        if one.tag not in ("ResponseStatusRemap", "ResponseRemapMsgFormat")
    ]
    assert shown == [(name, _v1(value)) for name, value in _fresh().items()]


def test_a_fresh_service_of_7_1(start: Start) -> None:
    wire = start(switches={"firmware": "7.1"})
    wire.v1("addvs", vs="198.18.0.1", port=80, prot="tcp")
    shown = wire.v1("showvs", vs=1).data
    assert [one.tag for one in shown] == FRESH_7_1.split()
    values = {one.tag: one.text for one in shown}
    assert (values["Transparent"], values["SubnetOriginating"], values["Idletime"]) == (
        "Y",
        "N",
        "0",
    )


@pytest.mark.parametrize(
    ("settings", "different"),
    [
        (
            {"port": 9090},
            {
                "VSPort": "9090",
                "VStype": "gen",
                "CheckType": "tcp",
                "InterceptOpts": ["opnormal", "auditnone", "reqdatadisable", "resdatadisable"],
            },
        ),
        ({"port": 443}, {"VSPort": "443", "CheckType": "https"}),
        (
            {"ForceL4": 1},
            {
                "Layer": 4,
                "ForceL4": True,
                "ForceL7": False,
                "InterceptOpts": ["opnormal", "auditnone", "reqdatadisable", "resdatadisable"],
            },
        ),
        ({"Enable": "N"}, {"Enable": False, "Status": "Disabled"}),
    ],
)
def test_what_differs_in_other_fresh_services(
    wire: Wire, settings: dict[str, Any], different: dict[str, Any]
) -> None:
    made = wire.fresh(**settings)
    assert {name: made[name] for name in _names(made)} == {**_fresh(), **different}


def test_members_are_left_out_while_there_is_nothing_to_show(wire: Wire) -> None:
    wire.fresh()
    wire.v2("addrule", name="r", pattern="p")
    wire.v2("addrule", name="h", type=1, header="X", replacement="v")
    wire.v2("addrule", name="b", type=5, pattern="p", replacement="q")
    given: dict[str, object] = {
        "NickName": "n",
        "CheckUrl": "/c",
        "CheckHost": "h",
        "CheckPattern": "p",
        "CheckHeaders": "A:1",
        "CheckPostData": "d",
        "CheckCodes": "303",
        "Cookie": "SID",
        "QueryTag": "q",
        "DefaultGW": "192.0.2.1",
        "ExtraPorts": "8080",
        "ErrorUrl": "http://198.18.0.9",
        "StandbyAddr": "198.18.0.8",
    }
    bare = set(_names(wire.v2("showvs", vs=1).json))
    wire.change(1, **given, Persist="cookie", PersistTimeout=60, SSLAcceleration=1)
    wire.change(1, CipherSet="BestPractices")
    for kind, rule in (("pre", "r"), ("request", "h"), ("response", "h"), ("responsebody", "b")):
        assert wire.v2(f"add{kind}rule", vs=1, rule=rule).status == 200
    wire.server(1, "198.19.0.1")
    full = set(_names(wire.v2("showvs", vs=1).json))
    lists = {"PreProcessRules", "RequestRules", "ResponseRules", "MatchBodyRules", "Rs"}
    also = {"Persist", "SSLAcceleration", "CertFile", "CipherSet"}
    assert full - bare == given.keys() | lists | also
    # Cleared again, they are gone again.
    wire.change(1, **dict.fromkeys(given, ""), Persist="", SSLAcceleration=0)
    # Whether a cipher set outlives encryption is not known.
    assert set(_names(wire.v2("showvs", vs=1).json)) - bare - {"CipherSet"} == lists


def test_a_real_server(wire: Wire) -> None:
    wire.fresh()
    added = wire.server(1, "198.19.0.1", 8080)
    assert list(added) == SERVER.split()
    assert added == {
        "Status": "Down",
        "VSIndex": 1,
        "RsIndex": 1,
        "Addr": "198.19.0.1",
        "Port": 8080,
        "DnsName": "",
        "Forward": "nat",
        "Weight": 1000,
        "Limit": 0,
        "RateLimit": 0,
        "Follow": 0,
        "Enable": True,
        "Critical": False,
        "Nrules": 0,
    }
    (element,) = wire.v1("showrs", vs=1, rs="!1").data
    assert element.tag == "Rs"
    assert [one.tag for one in element] == SERVER.split()
    assert element.find("DnsName") is not None
    assert not element.findtext("DnsName")


def test_a_parent_and_its_sub_services(wire: Wire) -> None:
    wire.fresh()
    slot = wire.sub(1)
    assert list(slot) == SLOT.split()
    assert (slot["Name"], slot["VSIndex"], slot["RsIndex"]) == ("-", 2, 1)
    assert (slot["Forward"], slot["Weight"], slot["Enable"]) == ("nat", 1000, True)
    wire.change(2, NickName="static")
    parent = wire.v2("showvs", vs=1).json
    assert [one["Name"] for one in parent["SubVS"]] == ["static"]
    assert (parent["MasterVS"], parent["MasterVSID"], parent["NumberOfRSs"]) == (1, 0, 1)
    child = wire.v2("showvs", vs=2).json
    assert (child["MasterVS"], child["MasterVSID"], child["NumberOfRSs"]) == (0, 1, 0)
    assert "VSAddress" not in child
    assert (child["VSPort"], child["Protocol"], child["VStype"]) == ("0", "tcp", "http")
    assert child["InterceptOpts"][1] == "auditnone"
    assert set(child) - {"NickName"} == set(
        wire.v2("addvs", vs="198.18.0.2", port=80, prot="tcp").json
    ) - {"VSAddress"}


def test_one_entry_looks_like_a_scalar_in_v1_and_none_like_nothing(wire: Wire) -> None:
    assert list(wire.v1("listvs").data) == []
    assert _names(wire.v2("listvs").json) == []
    wire.fresh()
    assert [one.tag for one in wire.v1("listvs").data] == ["VS"]
    assert len(wire.v2("listvs").json["VS"]) == 1
    wire.fresh("198.18.0.2")
    assert [one.tag for one in wire.v1("listvs").data] == ["VS", "VS"]


def test_envelopes_to_the_byte(wire: Wire) -> None:
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n'
    ok = f'{head}<Response stat="200" code="ok">\r\n'
    assert wire.v1("showrule").text == f"{ok}<Success><Data></Data></Success>\r\n</Response>\r\n"
    wire.fresh()
    assert wire.v1("delvs", vs=1).text == (
        f"{ok}<Success>Command completed ok</Success>\r\n</Response>\r\n"
    )
    assert wire.v1("showvs", vs=1).text == (
        f'{head}<Response stat="422" code="fail">\r\n<Error>Unknown VS</Error>\r\n</Response>\r\n'
    )
    wire.fresh()
    done = '{ "code": 200,\r\n  "message": "Command completed ok",\r\n  "status": "ok"\r\n}\r\n'
    assert wire.v2("delvs", vs=1).text == done
    failed = '{ "code": 422,\r\n  "message": "Unknown VS",\r\n  "status": "fail"\r\n}\r\n'
    assert wire.v2("showvs", vs=1).text == failed


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("backup", "application/octet-stream"),
        ("exportvstmplt?vs=1", "application/octet-stream"),
        ("userdownloadcert?user=joe", "application/x509-cert"),
        ("tcpdump", "application/vnd.tcpdump.pcap"),
        ("logging/ping?addr=192.0.2.10", "text/plain"),
        ("logging/df", "text/plain"),
        ("listvs", "text/xml"),
    ],
)
def test_content_types_of_v1(wire: Wire, command: str, kind: str) -> None:
    wire.fresh()
    wire.v2("useraddlocal", user="joe", password="hush-hush")
    wire.v2("usernewcert", user="joe")
    reply = wire.request("GET", f"/access/{command}", headers=wire.basic())
    assert (reply.status, reply.content_type) == (200, kind)


def test_a_subscription_is_quoted_and_ends_a_line(wire: Wire) -> None:
    # With a trailing line end, which clients of the appliance cut off.
    assert wire.v1("licenseinfo").data.findtext("LicenseType") == '"perm"\n'
    assert "SubscriptionEntry1" in wire.v2("licenseinfo").json


STATS: Final = (
    "CPU Memory Network DiskUsage ClientLimits CountryCounts VStotals Vs Rs TPS Timestamp"
    " ChangeTime"
)
SERVICE_ROW: Final = (
    "VSAddress VSPort VSProt Index Status ErrorCode Enable TotalConns TotalPkts TotalBytes"
    " TotalBits ActiveConns BytesRead BytesWritten ConnsPerSec ConnsRateBlocked"
    " RequestsRateBlocked MaxConnsBlocked WafEnable InterceptMode"
)
SERVER_ROW: Final = (
    "VSIndex RSIndex Addr Port Enable Weight ActivConns Persist Conns Pkts Bytes Bits BytesRead"
    " BytesWritten ConnsPerSec"
)
WAF_ROW: Final = "Requests Incidents Incidents_Hour Incidents_Day Incidents_Dayover"


def test_counters(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    data = wire.v1("stats").data
    assert [one.tag for one in data] == STATS.split()
    for name, members in (
        ("CPU/total", "User System Idle IOWaiting"),
        ("CPU/cpu0", "User System HWInterrupts SWInterrupts Idle IOWaiting"),
        ("Memory", "MBtotal memused MBused percentmemused memfree MBfree percentmemfree"),
        ("Network/eth0", "ifaceID speed in inbytes inbytesTotal out outbytes outbytesTotal"),
        ("DiskUsage/partition", "name GBtotal GBused percentused GBfree percentfree"),
        (
            "VStotals",
            "ConnsPerSec TotalConns BitsPerSec TotalBits BytesPerSec TotalBytes PktsPerSec"
            " TotalPackets",
        ),
        ("Vs", SERVICE_ROW),
        ("Rs", SERVER_ROW),
        ("TPS", "Total SSL"),
        ("Timestamp", "Sec Usec Period"),
    ):
        found = data.find(name)
        assert found is not None, name
        assert [one.tag for one in found] == members.split(), name


def test_counters_in_v2_have_lists_where_v1_has_names(wire: Wire) -> None:
    wire.fresh(InterceptMode=2)
    wire.server(1, "198.19.0.1")
    stats = wire.v2("stats").json
    assert _names(stats) == STATS.split()
    assert stats["CPU"]["cpu"][0]["cpu"] == 0
    assert stats["Network"]["Interface"][0]["Name"] == "eth0"
    assert type(stats["Network"]["Interface"][0]["in"]) is float
    assert type(stats["DiskUsage"]["partition"]) is list
    (service,), (server,) = stats["Vs"], stats["Rs"]
    # With the firewall on there are five members more.
    assert list(service) == [*SERVICE_ROW.split(), *WAF_ROW.split()]
    assert list(server) == SERVER_ROW.split()
    # A number here, and the state in lower case, unlike everywhere else.
    assert (service["VSPort"], service["Status"], service["Enable"]) == (80, "down", 1)
    assert (server["RSIndex"], server["Enable"], "Status" in server) == (1, 1, False)
