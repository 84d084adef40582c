"""The two APIs over HTTP: envelopes, names, odd requests of clients that exist."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kempsdk.emulator import Switches
from kempsdk.emulator.box import VirtualLoadMaster
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


def test_content_types(wire: Wire) -> None:
    assert wire.v1("listvs").content_type == "text/xml"
    assert wire.v1("nosuch").content_type == "text/xml"
    assert wire.v2("listvs").content_type == "application/json"
    assert wire.v2("nosuch").content_type == "application/json"


def test_failures_set_the_http_status(start: Start) -> None:
    wire = start()
    for reply in (wire.v1("showvs", vs=9), wire.v2("showvs", vs=9)):
        assert reply.status == 422
        assert reply.error == (422, "Unknown VS")
    always_200 = start(switches={"v2_failures_with_http_200": True})
    reply = always_200.v2("showvs", vs=9)
    assert (reply.status, reply.error) == (200, (422, "Unknown VS"))
    assert always_200.v1("showvs", vs=9).status == 422


@pytest.mark.parametrize("code", [405, 422])
def test_unknown_commands(start: Start, code: int) -> None:
    wire = start(switches={"unknown_command_code": code})
    for reply in (wire.v1("nosuch"), wire.v1("logging/nosuch"), wire.v2("logging.nosuch")):
        assert (reply.status, reply.error[0]) == (code, code)
    # Command words are case-sensitive: a guess.
    assert wire.v1("ListVS").status == code


def test_parameter_names_are_matched_without_case_and_unknown_ones_ignored(wire: Wire) -> None:
    made = wire.v1("addvs", VS="198.18.0.1", Port=80, PROT="TCP", nickname="a", whatever="1")
    assert made.data.findtext("NickName") == "a"
    assert wire.v2("modvs", VS=1, NICKNAME="b", vstype="gen").json["NickName"] == "b"


@pytest.mark.parametrize(
    "target",
    [
        "/access/listvs?",
        "/access/listvs?&apikey={key}",
        "/access/listvs?apikey={key}&",
        "/access/listvs?apikey={key}&&timestamp=0",
        "/access/listvs/?apikey={key}",
    ],
)
def test_odd_queries(wire: Wire, target: str) -> None:
    headers = wire.basic() if "{key}" not in target else {}
    target = target.format(key=wire.box.api_key)
    assert wire.request("GET", target, headers=headers).status == 200


def test_v1_post_with_form_or_query(wire: Wire) -> None:
    form = urlencode({"vs": "198.18.0.1", "port": 80, "prot": "tcp", "nickname": "x" * 100})
    for content_type in ("application/x-www-form-urlencoded", "text/plain"):
        headers = {**wire.basic(), "Content-Type": content_type}
        assert wire.request("POST", "/access/addvs", body=form, headers=headers).status == 200
        wire.v2("delvs", vs=1)
    # The vendor's Python SDK posts with everything in the query and an empty body.
    target = f"/access/addvs?{form}"
    assert wire.request("POST", target, headers=wire.basic()).status == 200


def test_v2_ignores_what_follows_its_path_and_needs_no_content_type(wire: Wire) -> None:
    body = json.dumps({"cmd": "listvs", "apikey": wire.box.api_key})
    for target in ("/accessv2", "/accessv2/", "/accessv2/example", "/accessv2?x=1"):
        assert wire.request("POST", target, body=body).status == 200
    typed = {"Content-Type": "application/json"}
    assert wire.request("POST", "/accessv2", body=body, headers=typed).status == 200
    mixed = json.dumps({"CMD": "listvs", "ApiKey": wire.box.api_key, "vs": None})
    assert wire.request("POST", "/accessv2", body=mixed).status == 200


def test_calls_that_are_none(wire: Wire) -> None:
    assert wire.v2("").error == (400, "cmd: String Value missing")
    for body in ("", "[]", "{", "\xff"):
        reply = wire.request("POST", "/accessv2", body=body.encode("latin-1"))
        assert reply.status == 400
        assert reply.content_type.startswith("text/html")
    assert wire.request("GET", "/accessv2").status == 405
    for target in ("/", "/access", "/progs/status/logout", "/accessv22"):
        reply = wire.request("GET", target, headers=wire.basic())
        assert reply.status == 404
        assert reply.content_type.startswith("text/html")


def test_numbers_and_strings_mean_the_same_in_v2(wire: Wire) -> None:
    wire.fresh(port="80")
    for index in (1, "1", 1.0):
        assert wire.v2("showvs", vs=index).json["Index"] == 1
    assert wire.change(1, Idletime="100") == wire.change(1, Idletime=100)


def test_the_api_can_be_switched_off_and_on(wire: Wire) -> None:
    assert wire.v1("set", param="enableapi", value="no").status == 200
    for reply in (wire.v1("listvs"), wire.v2("listvs"), wire.v1("get", param="enableapi")):
        assert reply.status == 404
        assert reply.content_type.startswith("text/html")
    # Only this call gets through, with its parameters in this order.
    assert wire.v1("set", value="yes", param="enableapi").status == 404
    assert wire.request("GET", "/access/set?param=enableapi&value=yes").status == 401
    assert wire.v1("set", param="enableapi", value="yes").status == 200
    assert wire.v2("listvs").status == 200


def test_long_urls_are_answered_by_a_reset(wire: Wire) -> None:
    wire.fresh()
    assert wire.v1("modvs", vs=1, CheckPostData="x" * 500).status == 200
    with pytest.raises((ConnectionResetError, ConnectionError)):
        wire.v1("modvs", vs=1, CheckPostData="y" * 1800)
    wire.close()
    assert wire.v2("showvs", vs=1).json["CheckPostData"] == "x" * 500
    assert wire.v2("modvs", vs=1, CheckPostData="y" * 1800).status == 200


def test_the_broken_json_of_7_2_50(start: Start) -> None:
    wire = start(switches={"broken_preprocess_json": True})
    wire.fresh()
    assert wire.v2("showvs", vs=1).json["EspEnabled"] is False
    wire.v2("addrule", name="r", pattern="p")
    wire.v2("addprerule", vs=1, rule="r")
    text = wire.v2("showvs", vs=1).text
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(text)
    broken = '"r" \r\n "EspEnabled" : false,\r\n]\r\n'
    assert text.count("EspEnabled") == 1
    repaired = json.loads(text.replace(broken, '"r" \r\n]\r\n'))
    assert repaired["PreProcessRules"] == ["r"]
    assert wire.v1("showvs", vs=1).data.findtext("PreProcessRules/Name") == "r"


def test_listapi_names_every_command(wire: Wire) -> None:
    names = [one.text for one in wire.v1("listapi").data.iterfind("commands/cmd")]
    assert {"get", "addvs", "showrule", "aclcontrol"} <= set(names)
    answer = wire.v2("listapi").json
    assert len(answer["commands"]) == len(names)
    assert answer["version"].startswith("7.2.54")
    for name in names:
        # Unknown ones answer 405.
        assert wire.v1(str(name)).status in (200, 400, 422)


def test_interfaces(start: Start) -> None:
    wire = start(switches={"interfaces": ("198.51.100.1/24", "203.0.113.1/24")})
    both = wire.v2("showiface").json["Interface"]
    assert [one["IPAddress"] for one in both] == ["198.51.100.1/24", "203.0.113.1/24"]
    assert (both[0]["Id"], both[0]["Mtu"], both[0]["DefaultInterface"]) == (0, "1500", True)
    for name in ("interface", "iface"):
        assert wire.v2("showiface", **{name: 1}).json["Interface"] == [both[1]]
    assert wire.v2("showiface", interface=2).status == 422


def test_tls_with_a_self_signed_certificate() -> None:
    with VirtualLoadMaster(switches=Switches(rate_limit=False)) as box:
        pem = box.certificate_pem.decode()
        context = ssl.create_default_context(cadata=pem)
        address = ("127.0.0.1", box.port)
        with (
            socket.create_connection(address) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            der = tls.getpeercert(binary_form=True)
            assert der is not None
            assert ssl.DER_cert_to_PEM_cert(der) == pem
        # A client that does not trust it, and one that speaks no TLS, do no harm.
        with (
            socket.create_connection(address) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
            ssl.create_default_context().wrap_socket(raw, server_hostname="127.0.0.1"),
        ):
            pass
        with socket.create_connection(address) as raw:
            raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
            raw.recv(100)
        assert len(box.fingerprint) == 64


def test_start_and_stop() -> None:
    before = threading.active_count()
    box = VirtualLoadMaster(http=True)
    with pytest.raises(RuntimeError, match="not started"):
        _ = box.url
    with box:
        with pytest.raises(RuntimeError, match="already"):
            box.start()
        with pytest.raises(OSError, match="in use"):
            VirtualLoadMaster(http=True, listen=("127.0.0.1", box.port)).start()
    box.stop()
    assert threading.active_count() == before
    with pytest.raises(ValueError, match="time_scale"):
        VirtualLoadMaster(time_scale=0)


def test_ipv6(start: Start) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        return
    box = start(listen=("::1", 0)).box
    assert box.url == f"http://[::1]:{box.port}"


def test_queries_in_utf_8_and_in_latin_1(wire: Wire) -> None:
    for encoded in ("Z%C3%BCrich", "Z%FCrich"):
        target = f"/access/set?param=snmplocation&value={encoded}"
        assert wire.request("GET", target, headers=wire.basic()).status == 200
        assert wire.v2("get", param="snmplocation").json["snmplocation"] == "Zürich"


def test_names_are_imported_without_the_heavy_libraries() -> None:
    program = (
        "import sys; from kempsdk.emulator import VirtualLoadMaster, Switches; VirtualLoadMaster();"
        "sys.exit(any(name in sys.modules for name in ('aiohttp', 'cryptography', 'requests')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])
