"""Requests by every name they have, the words that are taken, and what failures say."""

import base64
from typing import Any, Final

import pytest

from tests.kempsdk.emulator.certificate_files import key_pem, pem
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

WEB: Final[dict[str, object]] = {"vs": "198.18.0.1", "port": 80, "prot": "tcp"}
CERTIFICATE: Final = base64.b64encode(pem("ec") + key_pem("ec")).decode()

WORDS: Final = {
    "Schedule": "rr wrr lc wlc fixed adaptive sh dl sdn-adaptive uhash",
    "VStype": "gen http http2 ts tls log",
    "CheckType": "icmp https http tcp smtp nntp ftp telnet pop3 imap rdp bdata ldap none",
    "Persist": (
        "ssl cookie active-cookie cookie-src active-cook-src cookie-hash cookie-hash-src url"
        " query-hash host header super super-src src rdp rdp-src rdp-sb rdp-sb-src udpsip"
    ),
}
RANGES: Final = (
    ("Idletime", 1, 86400),
    ("AddVia", 0, 6),
    ("ServerInit", 0, 6),
    ("QoS", 0, 8),
    ("CheckUseGet", 0, 3),
    ("Bandwidth", 16, 99999999),
    ("ConnsPerSecLimit", 0, 100000000),
    ("RequestsPerSecLimit", 0, 1000000),
    ("MaxConnsLimit", 0, 1000000),
    ("ChkInterval", 9, 120),
    ("ChkTimeout", 4, 60),
    ("ChkRetryCount", 2, 15),
    ("CheckPort", 3, 65530),
)
SERVER_RANGES: Final = (("weight", 1, 65535), ("limit", 0, 100000))


@pytest.mark.parametrize(
    ("name", "word"), [(name, word) for name in WORDS for word in WORDS[name].split()]
)
def test_every_word_is_taken_and_none_in_another_case(wire: Wire, name: str, word: str) -> None:
    wire.fresh(port=8080, Cookie="SID")
    before = wire.v2("showvs", vs=1).json.get(name)
    if word.upper() != word:
        assert wire.change(1, **{name: word.upper()}).get(name) == before
    assert wire.change(1, **{name: word})[name] == word


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_ends_of_ranges(wire: Wire, name: str, low: int, high: int) -> None:
    wire.fresh()
    for value in (low, high):
        assert int(wire.change(1, **{name: value})[name]) == value
    for beyond in (high + 1, low - 1 if low > 1 else -1):
        assert int(wire.change(1, **{name: beyond})[name]) == high


@pytest.mark.parametrize(("name", "low", "high"), SERVER_RANGES)
def test_ends_of_ranges_of_servers(wire: Wire, name: str, low: int, high: int) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    for value, shown in ((low, low), (high, high), (high + 1, high), (low - 1, high)):
        assert wire.v2("modrs", vs=1, rs="!1", **{name: value}).status == 200
        (server,) = wire.v2("showrs", vs=1, rs="!1").json["Rs"]
        assert server[name.title()] == shown


@pytest.mark.parametrize(
    ("name", "longest"), [("CheckUrl", 126), ("CheckPostData", 2047), ("CertFile", 8099)]
)
def test_longest_texts(wire: Wire, name: str, longest: int) -> None:
    wire.fresh(SSLAcceleration=1)
    text = "/" + "x" * (longest - 1)
    assert wire.change(1, **{name: text})[name] == text
    assert wire.change(1, **{name: text + "y"})[name] == text


def test_names_of_the_request_and_of_the_answer(wire: Wire) -> None:
    made = wire.fresh("198.18.0.1", "*")
    assert (made["VSAddress"], made["VSPort"], made["Protocol"]) == ("198.18.0.1", "*", "tcp")
    moved = wire.change(1, VSAddress="198.18.0.9", VSPort=81)
    assert (moved["VSAddress"], moved["VSPort"], moved["Index"]) == ("198.18.0.9", "81", 1)
    assert wire.v2("modvs", vs=1, createsubvs=1).json["SubVS"][0]["VSIndex"] == 2
    server = wire.server(2, "198.19.0.1", 8080)
    assert (server["Addr"], server["Port"]) == ("198.19.0.1", 8080)
    wire.v2("modrs", vs=2, rs="!2", newport=8081)
    # The address of a server cannot be changed, nor its port by another name.
    wire.v2("modrs", vs=2, rs="!2", addr="198.19.0.2", port=1, rsport=1)
    (server,) = wire.v2("showrs", vs=2, rs="!2").json["Rs"]
    assert (server["Addr"], server["Port"]) == ("198.19.0.1", 8081)
    (interface,) = wire.v2("showiface", iface=0).json["Interface"]
    assert interface["Id"] == 0
    for name, value in (
        ("addr", "192.0.2.20/24"),
        ("shared", "192.0.2.21"),
        ("partner", "192.0.2.22"),
    ):
        assert wire.v2("modiface", interface=0, **{name: value}).status == 200
    (interface,) = wire.v2("showiface", interface=0).json["Interface"]
    assert (
        interface["IPAddress"],
        interface["SharedIPAddress"],
        interface["PartnerIPAddress"],
    ) == (
        "192.0.2.20/24",
        "192.0.2.21",
        "192.0.2.22",
    )
    for name, value in (("value", "lb7"), ("val", "lb8")):
        assert wire.v2("set", param="hostname", **{name: value}).status == 200
        assert wire.v2("get", param="HostName").json["hostname"] == value


def test_ipv6_and_wildcard_ports(wire: Wire) -> None:
    wire.fresh("2001:db8::1", "*")
    shown = wire.v1("showvs", vs="2001:DB8:0::1", port="*", prot="tcp").data
    assert (shown.findtext("VSAddress"), shown.findtext("VSPort")) == ("2001:db8::1", "*")
    added = wire.server(1, "2001:db8::2", 80)
    assert added["Addr"] == "2001:db8::2"
    assert wire.v1("delrs", vs=1, rs="2001:db8::2", rsport=80).status == 200


def test_words_keep_their_case_where_names_do_not(wire: Wire) -> None:
    wire.v2("addrule", name="Upper", pattern="p")
    assert wire.v2("showrule", name="upper").error == (422, "Rule not found")
    assert wire.v2("getcipherset", name="bestpractices").error == (422, "Unknown cipher set")
    assert wire.v2("restorecert", type="Full", password="hush-hush").status == 400
    wire.v2("useraddlocal", user="Joe", password="hush-hush")
    assert wire.v2("usershow", user="joe").status == 422


def _prepare(wire: Wire) -> None:
    wire.fresh()
    wire.server(1, "198.19.0.1")
    wire.fresh("198.18.0.2")
    wire.sub(2)
    wire.v2("addcert", cert="one", data=CERTIFICATE)
    wire.change(1, SSLAcceleration=1, CertFile="one")
    wire.v2("modifycipherset", name="own", value="ECDHE-RSA-AES256-GCM-SHA384")
    wire.change(1, CipherSet="own")
    wire.v2("useraddlocal", user="joe", password="hush-hush")
    wire.v2("aclcontrol", add="white", addr="203.0.113.7/32")
    wire.v2("disablegeo")


TEXTS: Final[tuple[tuple[str, dict[str, Any], int, str], ...]] = (
    *(
        (command, {"vs": 99, "rs": "198.19.0.9", "rsport": 80, "rule": "r"}, 422, "Unknown VS")
        for command in ("showvs", "modvs", "delvs", "addrs", "modrs", "showrs", "delrs")
    ),
    *(
        (command, {"vs": 1, "rs": "!99"}, 422, "Unknown RS")
        for command in ("showrs", "modrs", "delrs")
    ),
    *((command, {"name": "no"}, 422, "Rule not found") for command in ("showrule", "delrule")),
    ("addprerule", {"vs": 1, "rule": "no"}, 422, "Rule no not found"),
    ("addrsrule", {"vs": 1, "rs": "!1", "rule": "no"}, 422, "Rule no not found"),
    ("addrule", {"name": "a-b", "pattern": "p"}, 422, "Cannot read rules"),
    ("addrule", {"name": "a"}, 400, "pattern: String Value missing"),
    ("get", {}, 400, "param: String Value missing"),
    ("set", {"value": "x"}, 400, "param: String Value missing"),
    ("addvs", {}, 400, "vs: Address Value missing"),
    ("addvs", {"vs": "198.18.0.7"}, 400, "port: String Value missing"),
    ("addvs", {"vs": "198.18.0.7", "port": 80}, 400, "prot: String Value missing"),
    ("showvs", {"vs": "!12"}, 400, "port: String Value missing"),
    ("vsaddwafrule", {"vs": 1}, 422, "String value missing"),
    ("vsremovewafrule", WEB, 422, "String value missing"),
    ("get", {"param": "nonsense"}, 422, "Unknown parameter value nonsense"),
    ("set", {"param": "nonsense", "value": 1}, 422, "Unknown parameter value nonsense"),
    ("addrs", {"vs": 2, "rs": "198.19.0.1", "rsport": 80}, 422, "Couldn't create RS"),
    ("modiface", {"interface": 0, "mtu": 1500}, 422, "Nothing Modified"),
    ("readcert", {"cert": "no"}, 422, "Unknown certificate"),
    ("delcert", {"cert": "no"}, 422, "Unknown certificate"),
    ("readintermediate", {"cert": "no"}, 422, "Unknown certificate"),
    ("getcipherset", {"name": "no"}, 422, "Unknown cipher set"),
    ("delcipherset", {"name": "no"}, 422, "Unknown cipher set"),
    ("getlecert", {"cert": "no"}, 422, "Unknown ACME cert"),
    ("delcert", {"cert": "one"}, 422, "Certfile still associated with a VS"),
    ("delcipherset", {"name": "own"}, 422, "Cipher set in use"),
    ("modifycipherset", {"name": "new", "value": "no:such"}, 422, "Invalid Cipher list"),
    ("useraddlocal", {"user": "joe", "password": "hush-hush"}, 422, "User already exists."),
    ("cluster/status", {}, 422, "Command not available."),
    (
        "aclcontrol",
        {"add": "white", "addr": "203.0.113.0/33"},
        422,
        "addr: CIDR format out of range",
    ),
    ("aclcontrol", {"add": "white", "addr": "nowhere"}, 422, "addr: Invalid address format"),
    (
        "aclcontrol",
        {"add": "white", "addr": "203.0.113.7"},
        422,
        "203.0.113.7/32 is already present in the white list",
    ),
    ("listfqdns", {}, 422, "No geo data found"),
)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_what_failures_say(wire: Wire, api: str) -> None:
    _prepare(wire)
    for command, params, code, text in TEXTS:
        word = command.replace("/", ".") if api == "v2" else command
        reply = wire.v2(word, **params) if api == "v2" else wire.v1(word, **params)
        assert reply.status == code, (command, params, reply.text)
        assert reply.error == (code, text), (command, params)


def test_what_the_steps_to_a_licence_say(start: Start) -> None:
    wire = start(switches={"unlicensed": True})
    early = "Attempt to license called out of sequence. EULA not accepted"
    assert wire.v2("alsilicense", kempid="k", password="p").error == (422, early)
    late = "Accepteula2 called out of sequence"
    assert wire.v2("accepteula2", magic="m", accept="yes").error == (422, late)
    magic = wire.v2("readeula").json["Magic"]
    unknown = wire.v2("accepteula", magic=magic, type="nonsense")
    assert unknown.error == (422, "Unknown license model")


def test_what_successes_say(wire: Wire) -> None:
    def said(command: str, **params: object) -> str:
        answer = wire.v2(command, **params)
        assert answer.status == 200, answer.text
        return str(answer.json["message"])

    wire.fresh()
    template = wire.v1("exportvstmplt", vs=1).body
    uploaded = wire.request("POST", "/access/uploadtemplate", template, wire.basic())
    # Of the vendor's own it says "5 new Kemp certified templates".
    assert uploaded.xml.findtext("Success") == "Installed 1 new templates."
    name = wire.v2("listtemplates").json["template"][0]["name"]
    assert said("addvs", **{**WEB, "port": 81, "template": name}) == "Template VS added"
    value = "ECDHE-RSA-AES256-GCM-SHA384"
    assert said("modifycipherset", name="own", value=value) == "Cipher set updated"
    assert said("adddomain", domain="example") == "Domain 'EXAMPLE' created"
    assert said("delvs", vs=1) == "Command completed ok"
    # A value, not a failure.
    assert wire.v2("get", param="admincert").json["admincert"] == "No Admin Certificate assigned"
