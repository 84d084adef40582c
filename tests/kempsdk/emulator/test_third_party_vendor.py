"""The vendor's own clients: its Python SDK 0.7.43 and its PowerShell module."""

import json
import socket
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from kempsdk.emulator.values import words
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Reply, Wire


def tree(element: ET.Element) -> Any:
    """Read an element as the SDK does: a list only where a name occurs again, None for nothing."""
    if not len(element):
        return (element.text or "").strip() or None
    found: dict[str, Any] = {}
    for child in element:
        value = tree(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found


class Sdk:
    """Sends as the SDK does: the URL always ends in a question mark, POSTs are no exception."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def send(self, method: str, command: str, query: str = "", body: bytes | None = None) -> Reply:
        return self.wire.request(
            method, f"/access/{command}?{query}", body=body, headers=self.wire.basic()
        )

    def data(self, command: str, query: str = "") -> dict[str, Any]:
        found = tree(self.send("GET", command, query).xml)["Success"]["Data"]
        return found if isinstance(found, dict) else {}


@pytest.fixture
def sdk(start: Start) -> Sdk:
    # Credentials are encoded as UTF-8.
    return Sdk(start(password="Pässwörd €"))


def test_nothing_one_and_many_services(sdk: Sdk) -> None:
    assert sdk.data("listvs") == {}
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=80&prot=tcp&nickname=web")
    one = sdk.data("listvs", "timestamp=0")
    assert one["VS"]["Index"] == "1"
    assert int(one["timestamp"]) > 0
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=%2A&prot=udp")
    many = sdk.data("listvs")["VS"]
    assert [int(service["MasterVSID"]) for service in many] == [0, 0]
    # Each of these goes through int() as it is.
    for service in many:
        for name in ("AlertThreshold", "Verify", "CheckPort", "PersistTimeout", "RsMinimum"):
            int(service[name])


def test_a_sub_virtual_service_is_found_by_difference(sdk: Sdk) -> None:
    parent = sdk.data("addvs", "vs=10.0.0.5&port=443&prot=tcp")["Index"]
    assert "SubVS" not in sdk.data("showvs", f"vs={parent}")
    first = sdk.data("modvs", f"vs={parent}&createsubvs=")["SubVS"]
    assert isinstance(first, dict)
    second = sdk.data("modvs", f"vs={parent}&createsubvs=")["SubVS"]
    assert second[0]["VSIndex"] == first["VSIndex"]
    # It writes back all that it read of the slot, its name too.
    slot = "&".join(f"{key.lower()}={first[key]}" for key in ("Forward", "Weight", "Limit"))
    query = f"vs={parent}&rs=%21{first['RsIndex']}&name=-&{slot}&critical=N&enable=N"
    assert sdk.send("GET", "modrs", query).status == 200
    shown = sdk.data("showvs", f"vs={first['VSIndex']}")
    assert (shown["MasterVSID"], shown["Enable"], shown["VSPort"]) == (parent, "N", "0")


def test_a_service_can_be_written_back_as_it_was_read(sdk: Sdk) -> None:
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=80&prot=tcp&persist=src&persisttimeout=600")
    before = sdk.data("showvs", "vs=1")
    names = words(
        "Enable ForceL7 VStype Schedule Transparent UseforSnat QoS Idletime ServerInit AddVia"
        " SubnetOriginating ErrorCode MultiConnect CheckType MatchLen CheckUse1.1 CheckUseGet"
        " EnhancedHealthChecks StartTLSMode SSLRewrite SSLReverse SSLReencrypt ClientCert"
    )
    query = "&".join(f"{name.lower()}={before[name]}" for name in names)
    assert sdk.data("modvs", f"vs=1&port=80&prot=tcp&{query}") == before
    # No persistence is written as an empty mode and a time of 0.
    cleared = sdk.data("modvs", "vs=1&persist=&persisttimeout=0")
    assert "Persist" not in cleared


def test_real_servers_are_written_with_all_they_have(sdk: Sdk) -> None:
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=80&prot=tcp")
    added = sdk.data("addrs", "vs=1&rsport=8080&rs=10.0.0.10")["Rs"]
    assert (added["Addr"], added["Port"], added["DnsName"]) == ("10.0.0.10", "8080", None)
    query = (
        "vs=1&rsport=8080&rs=10.0.0.10&enable=Y&forward=nat&weight=50&limit=0&critical=N&follow=0"
    )
    assert tree(sdk.send("GET", "modrs", query).xml)["Success"] == "Command completed ok"
    assert sdk.data("showrs", "vs=1&rs=10.0.0.10&rsport=8080")["Rs"]["Weight"] == "50"
    assert sdk.send("GET", "modrs", f"{query}&newport=8081").status == 200
    assert sdk.send("GET", "delrs", "vs=1&rs=10.0.0.10&rsport=8081").status == 200


def test_rules_are_numbered_by_their_group(sdk: Sdk) -> None:
    assert sdk.data("showrule") == {}
    sdk.send("GET", "addrule", "name=r1&pattern=%2Fa%2F&type=0")
    sdk.send("GET", "addrule", "name=h1&type=1&header=X-A&replacement=b")
    assert set(sdk.data("showrule")) == {"MatchContentRule", "AddHeaderRule"}
    assert sdk.data("showrule", "name=r1")["MatchContentRule"]["Pattern"] == "/a/"
    assert sdk.send("GET", "delrule", "name=r1&pattern=%2Fa%2F").status == 200


def test_old_words_for_access_lists(sdk: Sdk) -> None:
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=80&prot=tcp")
    assert sdk.data("aclcontrol", "list=white") == {"Whitelist": None}
    sdk.send("GET", "aclcontrol", "add=black&addr=10.9.9.9&comment=bad")
    entry = sdk.data("aclcontrol", "list=black")["Blacklist"]["IP"]
    assert entry == {"addr": "10.9.9.9/32", "comment": "bad"}
    # Of a service that has an index nothing else is sent.
    assert sdk.data("aclcontrol", "vsip=1&listvs=black")["VS"]["Blacklist"] is None
    assert sdk.send("GET", "aclcontrol", "vsip=1&addvs=black&addr=10.8.0.0%2F16").status == 200
    shown = sdk.data("aclcontrol", "vsip=10.0.0.4&vsport=80&vsprot=tcp&listvs=black")["VS"]
    assert shown["Blacklist"]["IP"]["addr"] == "10.8.0.0/16"


def test_parameters_by_the_name_that_was_asked_for(sdk: Sdk) -> None:
    assert sdk.send("GET", "set", "param=hostname&value=lm1").status == 200
    assert sdk.data("get", "param=hostname") == {"hostname": "lm1"}
    # The access lists take comments from this version on, compared as texts.
    assert sdk.data("get", "param=version")["version"] >= "7.2.37.0"
    assert {name.lower() for name in sdk.data("getall")} >= {"version", "hostname"}
    timers = sdk.data("showhealth")
    assert {name.lower(): int(value) for name, value in timers.items()} == {
        "retryinterval": 9,
        "timeout": 4,
        "retrycount": 2,
    }


def test_the_licence_with_its_quotes(sdk: Sdk) -> None:
    licence = sdk.data("licenseinfo")
    assert licence["LicenseType"].startswith('"')
    assert {"Name", "Expires", "FeatureList"} <= set(licence["SubscriptionEntry1"])


def test_files_go_up_raw_beside_a_query(sdk: Sdk) -> None:
    sdk.send("GET", "addvs", "vs=10.0.0.4&port=80&prot=tcp")
    saved = sdk.send("GET", "backup")
    assert saved.content_type == "application/octet-stream"
    sdk.send("GET", "delvs", "vs=1")
    assert sdk.send("POST", "restore", "type=2", body=saved.body).status == 200
    assert sdk.data("showvs", "vs=1")["VSAddress"] == "10.0.0.4"


def test_failures_by_status_and_text(sdk: Sdk) -> None:
    assert sdk.send("GET", "showvs", "vs=9").error == (422, "Unknown VS")
    assert sdk.send("GET", "nonsense").error[0] == 405
    assert sdk.send("GET", "get").error == (400, "param: String Value missing")
    refused = sdk.wire.request("GET", "/access/listvs?", headers=sdk.wire.basic("wrong"))
    assert refused.status == 401


def test_enabling_the_api(sdk: Sdk) -> None:
    sdk.send("GET", "set", "param=enableapi&value=no")
    assert sdk.send("GET", "get", "param=version").status == 404
    target = "/access/set?param=enableapi&value=yes"
    assert sdk.wire.request("GET", target, headers=sdk.wire.basic()).status == 200
    assert sdk.data("get", "param=enableapi") == {"enableapi": "yes"}


def _exchange(wire: Wire, request: bytes, *parts: bytes) -> bytes:
    """Send parts, each after some answer to the one before; return all until the end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", wire.box.port), timeout=10) as sock:
        sock.sendall(request)
        for part in parts:
            answer += sock.recv(65536)
            sock.sendall(part)
        while chunk := sock.recv(65536):
            answer += chunk
    return answer


def test_powershell_logs_in_when_it_is_challenged(wire: Wire) -> None:
    head = "Host: lm\r\nUser-Agent: KempLoadBalancerPowershellModule\r\nConnection: Close\r\n"
    challenge = _exchange(wire, f"GET /access/listvs HTTP/1.1\r\n{head}\r\n".encode())
    assert challenge.startswith(b"HTTP/1.1 401 ")
    assert b'\r\nWWW-Authenticate: Basic realm="' in challenge
    login = f"Authorization: {wire.basic()['Authorization']}\r\n"
    answer = _exchange(wire, f"GET /access/listvs HTTP/1.1\r\n{head}{login}\r\n".encode())
    assert b"\r\nConnection: close\r\n" in answer
    # It looks for these tags in the text.
    assert b"<Success><Data></Data></Success>" in answer


def test_powershell_asks_before_it_sends_a_file(wire: Wire) -> None:
    wire.fresh()
    saved = wire.v1("backup").body
    head = (
        "POST /access/restore?type=2 HTTP/1.1\r\nHost: lm\r\nConnection: Close\r\n"
        f"Authorization: {wire.basic()['Authorization']}\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(saved)}\r\n\r\n"
    )
    answer = _exchange(wire, head.encode(), saved)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b"Command completed ok" in answer


def test_members_that_powershell_reads(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "10.0.0.9")
    apis = tree(wire.v1("listapi").data)
    assert apis["version"].startswith("7.2.54")
    assert {"addvs", "stats"} <= set(apis["commands"]["cmd"])
    assert tree(wire.v1("listapikeys").data)["apikeys"]["key"] == wire.box.api_key
    totals = tree(wire.v1("vstotals").data)
    assert set(totals) == {"VSTotals", "SUBVSTotals", "RSTotals"}
    stats = tree(wire.v1("stats").data)
    assert {"Vs", "Rs", "VStotals", "CPU", "Network", "Memory", "DiskUsage", "TPS"} <= set(stats)
    for word, group in (
        ("black", "Blacklist"),
        ("white", "Whitelist"),
        ("allow", "Allowlist"),
        ("block", "Blocklist"),
    ):
        wire.v1("aclcontrol", add=word, addr=f"10.1.1.{len(word)}")
        assert "IP" in tree(wire.v1("aclcontrol", list=word).data)[group]
        wire.v1("aclcontrol", **{"del": word}, addr=f"10.1.1.{len(word)}")
        query = {"listvs": word, "vsip": "198.18.0.1", "vsport": 80, "vsprot": "tcp"}
        shown = tree(wire.v1("aclcontrol", **query).data)["VS"]
        assert (shown["VS_IP"], shown["VS_Port"], shown["VS_Protocol"]) == (
            "198.18.0.1",
            "80",
            "tcp",
        )
    for question, member in (
        ("isenabled", "aclstatus"),
        ("isdrop", "aclmethod"),
        ("isifblock", "aclblockall"),
        ("iswuiblock", "aclwuiblock"),
        ("wuiaddr", "wuiaddr"),
    ):
        assert set(tree(wire.v1(f"aclcontrol/{question}").data)) == {member}


def test_the_drain_script(wire: Wire) -> None:
    wire.fresh("10.0.0.4")
    wire.server(1, "10.0.0.9")
    assert tree(wire.v1("get", param="finalpersist").data) == {"finalpersist": "300"}
    old = wire.v1("get", param="dropatdrainend").data.findtext("dropatdrainend")
    assert wire.v1("set", param="dropatdrainend", value="yes").status == 200
    wire.v1("modrs", vs="10.0.0.4", port=80, prot="tcp", rs="10.0.0.9", rsport=80, enable="N")
    row = tree(wire.v1("stats").data)["Rs"]
    assert (row["Addr"], row["Enable"]) == ("10.0.0.9", "0")
    assert (row["ActivConns"], row["ConnsPerSec"]) == ("0", "0")
    assert wire.v1("set", param="dropatdrainend", value=old).status == 200


def test_the_deploy_hook_of_acme_sh_can_ask(wire: Wire) -> None:
    # curl's default type for data; the token is the key; the body is JSON all the same.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = json.dumps({"cmd": "get", "apikey": wire.box.api_key, "param": "version"})
    reply = wire.request("POST", "/accessv2", body=body, headers=form)
    assert reply.json["status"] == "ok"
