"""The Go clients of mathlu (both APIs), giantswarm (v1), scotta01 and pier62350 (v2)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.third_party import Shape, go_json, go_xml, post, struct
from tests.kempsdk.emulator.wire import Reply, Wire

MATHLU = struct(
    int="Index Layer",
    string=(
        "VSAddress VSPort NickName VStype Protocol DefaultGW CheckType CheckHost CheckUrl"
        " CheckCodes CheckPort"
    ),
    bool="Enable ForceL4 ForceL7",
)
MATHLU_SERVER = struct(
    int="VSIndex RsIndex Port Weight Limit RateLimit Follow Nrules", string="Addr DnsName Forward"
)
MATHLU_NEW = {"NickName": "web", "VStype": "http", "Enable": "Y", "CheckPort": "8080"}


def _xml_with_booleans(reply: Reply) -> Reply:
    """Do as the client does: turn Y and N between tags into words of Go."""
    body = reply.body.replace(b">Y<", b">true<").replace(b">N<", b">false<")
    return Reply(reply.status, body, reply.content_type)


def _mathlu(wire: Wire, version: int, command: str, **params: object) -> dict[str, Any]:
    """Return the decoded answer; the client takes anything but 200 and 204 for a failure."""
    key = {"apikey": wire.box.api_key}
    if version == 2:
        reply = post(wire, {"cmd": command, **key, **params})
        assert reply.status == 200, reply.text
        return go_json(reply.json, {**MATHLU, "Rs": [MATHLU_SERVER], "VS": [MATHLU]})
    reply = wire.request("GET", f"/access/{command}?{urlencode({**key, **params})}")
    assert reply.status == 200, reply.text
    data = _xml_with_booleans(reply).xml.find("Success/Data")
    if data is None:
        return {}
    return {
        **go_xml(data, MATHLU),
        "Rs": [go_xml(one, MATHLU_SERVER) for one in data.iterfind("Rs")],
        "VS": [go_xml(one, struct(int="Index", string="NickName")) for one in data.iterfind("VS")],
    }


@pytest.mark.parametrize("version", [1, 2])
def test_mathlu(wire: Wire, version: int) -> None:
    # v1 sends both layer switches, v2 the one that is on.
    layer4: dict[str, object] = {"ForceL4": 1, **({"ForceL7": 0} if version == 1 else {})}
    layer7: dict[str, object] = {"ForceL7": 1, **({"ForceL4": 0} if version == 1 else {})}
    target: dict[str, object] = {"vs": "10.0.0.1", "port": "80", "prot": "tcp"}
    made = _mathlu(wire, version, "addvs", **target, **MATHLU_NEW, **layer4)
    assert (made["Layer"], made["ForceL4"], made["ForceL7"]) == (4, True, False)
    index = made["Index"]
    shown = _mathlu(wire, version, "showvs", vs=index)
    assert (shown["NickName"], shown["VStype"], shown["CheckPort"]) == ("web", "http", "8080")
    assert [one["NickName"] for one in _mathlu(wire, version, "listvs")["VS"]] == ["web"]
    # The address and ports that nobody set come as empty texts and 0, and change nothing.
    unset: dict[str, object] = {"vsaddress": "", "port": ""}
    if version == 2:
        unset["vsport"] = 0
    changed = _mathlu(wire, version, "modvs", vs=index, **unset, NickName="b", Enable="N", **layer7)
    assert (changed["NickName"], changed["Enable"], changed["Layer"]) == ("b", False, 7)
    assert (changed["VSAddress"], changed["VSPort"]) == ("10.0.0.1", "80")
    moved = _mathlu(wire, version, "modvs", vs=index, vsaddress="10.0.0.2", vsport=81, prot="tcp")
    assert (moved["VSAddress"], moved["VSPort"]) == ("10.0.0.2", "81")
    (server,) = _mathlu(wire, version, "addrs", vs=index, rs="10.0.0.9", rsport=8080)["Rs"]
    assert (server["Port"], server["Weight"], server["VSIndex"]) == (8080, 1000, index)
    named = {"vs": index, "rs": f"!{server['RsIndex']}"}
    _mathlu(wire, version, "modrs", **named, newport="8081")
    assert _mathlu(wire, version, "showrs", **named)["Rs"][0]["Port"] == 8081
    _mathlu(wire, version, "delrs", **named)
    _mathlu(wire, version, "delvs", vs=index)
    assert _mathlu(wire, version, "listvs")["VS"] == []


GIANTSWARM: dict[str, Shape] = {
    **struct(
        int="Index FollowVSID MasterVSID",
        string="NickName VSAddress VSPort Protocol Status Enable Transparent SSLAcceleration"
        " CheckType CheckUrl CheckUse1.1 CertFile NumberOfRSs",
        strings="InterceptOpts>Opt",
    ),
    "Rs": [struct(string="RsIndex Status Addr Port Forward Weight Limit Enable")],
}
GIANTSWARM_STATS: dict[str, Shape] = {
    "VStotals": struct(int="ConnsPerSec BitsPerSec BytesPerSec PktsPerSec"),
    "Vs": [
        struct(
            int=(
                "Index VSPort TotalConns TotalPkts TotalBytes TotalBits ActiveConns ConnsPerSec"
                " BytesRead BytesWritten Enable WafEnable ErrorCode"
            ),
            string="VSAddress VSProt",
        )
    ],
    "Rs": [
        struct(
            int=(
                "VSIndex RSIndex Port Conns Pkts Bytes Bits ActivConns ConnsPerSec BytesRead"
                " BytesWritten Enable Weight Persist"
            ),
            string="Addr",
        )
    ],
    "TPS": struct(int="Total SSL"),
    "CPU": {"total": struct(int="User System Idle IOWaiting")},
    "Memory": struct(int="memused percentmemused memfree percentmemfree"),
}


def test_giantswarm(wire: Wire) -> None:
    def call(command: str, **params: object) -> Reply:
        # Always a question mark, parameters in the order of their names.
        query = urlencode(sorted(params.items()))
        return wire.request("GET", f"/access/{command}?{query}", headers=wire.basic())

    settings = {"nickname": "web", "transparent": "N", "sslacceleration": "N", "addvia": "5"}
    call("addvs", vs="10.0.0.1", port="80", prot="tcp", checktype="http", **settings)
    call("addrs", vs="10.0.0.1", port="80", prot="tcp", rs="10.0.0.9", rsport="8080")
    # Every child of Data is taken for a service.
    (listed,) = [go_xml(one, GIANTSWARM) for one in call("listvs").data]
    assert (listed["NickName"], listed["VSPort"], listed["NumberOfRSs"]) == ("web", "80", "1")
    assert listed["InterceptOpts>Opt"][:2] == ["opnormal", "auditrelevant"]
    assert listed["Rs"][0]["Addr"] == "10.0.0.9"
    moved = call("modvs", vs=1, vsaddress="10.0.0.2", vsport="443", prot="udp", **settings)
    shown = go_xml(moved.data, GIANTSWARM)
    assert (shown["VSAddress"], shown["VSPort"], shown["Protocol"]) == ("10.0.0.2", "443", "udp")
    failed = call("showvs", vs=9)
    assert (failed.status, failed.error) == (422, (422, "Unknown VS"))
    stats = go_xml(call("stats").data, GIANTSWARM_STATS)
    assert (stats["Vs"][0]["VSPort"], stats["Rs"][0]["Port"]) == (443, 8080)


def test_decoders_of_stats_survive_a_service_on_every_port(wire: Wire) -> None:
    wire.fresh(port="*")
    v1 = wire.v1("stats").data
    assert go_xml(v1, GIANTSWARM_STATS)["Vs"][0]["VSPort"] == 0
    assert go_json(wire.v2("stats").json, SCOTTA_STATS)["Vs"][0]["VSPort"] == 0


SCOTTA = struct(
    int=(
        "Index Layer InterceptMode AlertThreshold BlockingParanoia ExecutingParanoia"
        " AnomalyScoringThreshold PCRELimit JSONDLimit BodyLimit Transactionlimit ServerInit"
        " StartTLSMode Idletime Verify ClientCert SecurityHeaderOptions SameSite MatchLen"
        " CheckUseGet FollowVSID NRules NRequestRules NResponseRules NMatchBodyRules"
        " NPreProcessRules InputAuthMode OutputAuthMode MasterVS MasterVSID IsTransparent AddVia"
        " QoS ChkInterval ChkTimeout ChkRetryCount Bandwidth ConnsPerSecLimit"
        " RequestsPerSecLimit MaxConnsLimit ResponseRemapMsgFormat RsMinimum NumberOfRSs"
    ),
    string=(
        "Status VSAddress VSPort NickName ErrorCode SSLRewrite VStype Protocol Schedule CheckType"
        " PersistTimeout CheckPort TlsType"
    ),
    bool=(
        "Enable SSLReverse SSLReencrypt Intercept IPReputationBlocking Transparent"
        " SubnetOriginating Cache Compress UseforSnat ForceL4 ForceL7 MultiConnect VerifyBearer"
        " CheckUse1.1 HTTPReschedule EspEnabled NeedHostName OCSPVerify AllowHTTP2 PassCipher"
        " PassSni RefreshPersist ResponseStatusRemap EnhancedHealthChecks"
    ),
    strings="InterceptOpts OwaspOpts",
)
SCOTTA_SERVER = struct(
    string="Status Addr DnsName Forward",
    int="VSIndex RsIndex Port Weight Limit RateLimit Follow Nrules",
    bool="Enable Critical",
)
SCOTTA_STATS: dict[str, Shape] = {
    **struct(int="code ChangeTime", string="status"),
    "CPU": {
        "total": struct(int="User System Idle IOWaiting"),
        "cpu": [struct(int="cpu User System HWInterrupts SWInterrupts Idle IOWaiting")],
    },
    "Memory": struct(
        int="MBtotal memused MBused percentmemused memfree MBfree percentmemfree",
    ),
    "Network": {
        "Interface": [
            struct(
                string="Name",
                int="ifaceID speed inbytes inbytesTotal outbytes outbytesTotal",
                float="in out",
            )
        ]
    },
    "DiskUsage": {
        "partition": [
            struct(string="name", float="GBtotal GBused GBfree", int="percentused percentfree")
        ]
    },
    "ClientLimits": {"Totals": struct(int="CurrentConnections MatchedRulesBlocked")},
    "VStotals": struct(
        int=(
            "ConnsPerSec TotalConns BitsPerSec TotalBits BytesPerSec TotalBytes PktsPerSec"
            " TotalPackets"
        )
    ),
    "Vs": [
        struct(
            string="VSAddress VSProt Status",
            int=(
                "VSPort Index ErrorCode Enable TotalConns TotalPkts TotalBytes TotalBits"
                " ActiveConns BytesRead BytesWritten ConnsPerSec ConnsRateBlocked"
                " RequestsRateBlocked MaxConnsBlocked WafEnable InterceptMode"
            ),
        )
    ],
    "TPS": struct(int="Total SSL"),
    "Timestamp": struct(int="Sec Usec Period"),
}


def _every_name(struct_: dict[str, Shape], answer: dict[str, Any]) -> set[str]:
    return {name for name in struct_ if name not in answer}


def test_scotta01(wire: Wire) -> None:
    target = {"vs": "10.0.0.1", "port": "80", "prot": "tcp"}
    # It says gen under a name of its own case, and the layer by one switch.
    layer4 = wire.v2("addvs", **target, NickName="web", VSType="gen", ForceL7="0").json
    assert (layer4["Layer"], layer4["ForceL4"], layer4["VStype"]) == (4, True, "gen")
    decoded = go_json(layer4, SCOTTA)
    # The envelope's status comes last, and its name differs in case only.
    assert decoded["Status"] == "ok"
    # All that the client knows is there, but for what v1 alone prints on this firmware.
    assert _every_name(SCOTTA, layer4) == {"ResponseStatusRemap", "ResponseRemapMsgFormat"}
    server = wire.v2("addrs", **target, rs="10.0.0.9", rsport="8080").json["Rs"][0]
    assert _every_name(SCOTTA_SERVER, server) == set()
    go_json(server, SCOTTA_SERVER)
    (listed,) = go_json(wire.v2("listvs").json, {"VS": [{**SCOTTA, "Rs": [SCOTTA_SERVER]}]})["VS"]
    assert (listed["Status"], listed["Rs"][0]["Port"]) == ("Down", 8080)
    stats = wire.v2("stats").json
    assert _every_name(SCOTTA_STATS, stats) == set()
    assert go_json(stats, SCOTTA_STATS)["Vs"][0]["Status"] == "down"
    interface = struct(
        int="Id", string="IPAddress Mtu InterfaceType", bool="GeoTrafficEnable DefaultInterface"
    )
    (shown,) = wire.v2("showiface", interface="0").json["Interface"]
    assert _every_name(interface, shown) == set()
    go_json(shown, interface)
    wire.v2("delrs", **target, rs="10.0.0.9", rsport="8080")
    assert wire.v2("delvs", **target).json["message"] == "Command completed ok"


def test_pier62350(start: Start) -> None:
    wire = start()
    made = wire.v2("addvs", vs="10.0.0.1", port="80", prot="tcp", NickName="web", Bandwidth=0)
    known = struct(
        int="Index Idletime ServerInit Verify ClientCert AddVia RsMinimum Bandwidth ChkInterval",
        string="VSAddress VSPort Protocol VStype NickName TlsType Schedule CheckPort",
        bool="Enable ForceL7 ForceL4 Transparent PassSni CheckUse1.1 EnhancedHealthChecks",
    )
    index = str(go_json(made.json, known)["Index"])
    assert wire.v2("showvs", vs=f"!{index}").error == (400, "port: String Value missing")
    # Not found is told by these texts, exactly.
    assert wire.v2("showvs", vs="9").error[1] == "Unknown VS"
    assert wire.v2("showrs", vs=index, rs="!9").error[1] == "Unknown RS"
    wire.v2("addrs", vs=index, rs="10.0.0.9", rsport="80", Weight=5, Enable=False)
    server = wire.v2("showrs", vs=index, rs="!1").json["Rs"][-1]
    assert (server["Weight"], server["Enable"]) == (5, False)
    # It looks at the body as well when a failure comes with HTTP status 200.
    tolerant = start(switches={"v2_failures_with_http_200": True})
    reply = tolerant.v2("showvs", vs=1)
    assert (reply.status, reply.json["status"]) == (200, "fail")
