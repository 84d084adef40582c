"""A virtual LoadMaster with something of everything on it, to read on both wires."""

import base64
from typing import Final

from tests.kempsdk.emulator.certificate_files import key_pem, pem
from tests.kempsdk.emulator.wire import Wire


def _data(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


_KUBERNETES: Final = _data(b"contexts: [{name: one}]")
_FQDN: Final = "www.example.com"
_WEB_IN_LISTS: Final = {"vsip": "192.0.2.1", "vsport": 80, "vsprot": "tcp"}
"""A service, by the names that access lists have for its address."""

WRITES: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("installpatch", {"data": _data(b"patch to 7.2.54.13.1.RELEASE")}),
    ("reboot", {}),
    ("addvs", {"vs": "192.0.2.1", "port": 80, "prot": "tcp", "NickName": "web"}),
    (
        "modvs",
        {
            "vs": 1,
            "CheckUrl": "/a&b<c>",
            "CheckCodes": "303 404",
            "Persist": "src",
            "PersistTimeout": 300,
            "ErrorCode": 302,
            "ErrorUrl": "http://192.0.2.9/é",
            "Cookie": "SID",
            "SSLAcceleration": 1,
            "Intercept": 1,
        },
    ),
    ("addvs", {"vs": "192.0.2.2", "port": 53, "prot": "udp"}),
    ("addvs", {"vs": "192.0.2.3", "port": "*", "prot": "tcp", "ForceL4": 1, "NickName": "dsr"}),
    ("addvs", {"vs": "2001:db8::1", "port": 80, "prot": "tcp"}),
    ("addvs", {"vs": "192.0.2.4", "port": 80, "prot": "tcp", "NickName": "tree"}),
    ("modvs", {"vs": 5, "createsubvs": "", "NickName": "static"}),
    ("modvs", {"vs": 5, "createsubvs": ""}),
    ("addrs", {"vs": 1, "rs": "198.51.100.1", "rsport": 80, "weight": 7, "critical": "Y"}),
    ("addrs", {"vs": 1, "rs": "198.51.100.2", "rsport": 80, "enable": "N"}),
    ("addrs", {"vs": 3, "rs": "198.51.100.1", "rsport": 80}),
    ("modrs", {"vs": 3, "rs": "198.51.100.1", "rsport": 80, "forward": "route", "limit": 9}),
    ("addrs", {"vs": 6, "rs": "198.51.100.3", "rsport": 8080}),
    ("addrule", {"name": "match", "pattern": "/x", "nocase": 1, "onlyonflag": 3}),
    ("addrule", {"name": "put", "type": 1, "header": "X-Via", "replacement": "k"}),
    ("addrule", {"name": "cut", "type": 2, "pattern": "X-Debug"}),
    ("addrule", {"name": "swap", "type": 3, "header": "h", "pattern": "p", "replacement": "r"}),
    ("addrule", {"name": "url", "type": 4, "pattern": "/a", "replacement": "/b"}),
    ("addrule", {"name": "body", "type": 5, "pattern": "http:", "replacement": "https:"}),
    ("addprerule", {"vs": 1, "rule": "match"}),
    ("addrequestrule", {"vs": 1, "rule": "put"}),
    ("addresponserule", {"vs": 1, "rule": "cut"}),
    ("addrsrule", {"vs": 1, "rs": "!3", "rule": "match"}),
    ("addrsrule", {"vs": 5, "rs": "!1", "rule": "match"}),
    ("set", {"param": "hostname", "value": "lb"}),
    ("set", {"param": "nameserver", "value": "192.0.2.53 192.0.2.54"}),
    ("aclcontrol", {"add": "block", "addr": "203.0.113.7", "comment": "scanner"}),
    ("aclcontrol", {"add": "allow", "addr": "203.0.113.8"}),
    ("aclcontrol", {"add": "allow", "addr": "203.0.113.9", "comment": "b & c"}),
    (
        "aclcontrol",
        {"addvs": "block", "addr": "203.0.113.5", "comment": "one", **_WEB_IN_LISTS},
    ),
    ("clientcpslimitadd", {"l7addr": "192.0.2.7", "l7limit": 20}),
    ("clientrpslimitadd", {"l7addr": "192.0.2.0/24", "l7limit": 20}),
    ("clientmaxclimitadd", {"l7addr": "2001:db8::/32", "l7limit": 20}),
    ("set", {"param": "clientmaxbandwidthlimit", "value": 1000}),
    ("clientbandwidthlimitadd", {"l7addr": "192.0.2.7", "l7limit": 20}),
    ("addlimitrule", {"name": "a", "pattern": "/", "limit": 1, "match": 0}),
    ("addintermediate", {"cert": "ca", "data": _data(pem("ec"))}),
    ("addcert", {"cert": "one", "data": _data(pem("ec") + key_pem("ec"))}),
    ("registerleaccount", {"email": "ops@shop.example"}),
    ("addlecert", {"cert": "shop", "cn": "shop.example", "vid": 1, "san1": "www.shop.example"}),
    ("useraddlocal", {"user": "joe", "password": "Passw0rd, or not?"}),
    ("usersetperms", {"user": "joe", "perms": "real,vs"}),
    ("usernewcert", {"user": "joe"}),
    ("addwafcustomrule", {"filename": "mine", "data": _data(b"SecRule ARGS x id:1001")}),
    ("modvs", {"vs": 1, "InterceptMode": 1}),
    ("vsaddwafrule", {"vs": "192.0.2.1", "port": 80, "prot": "tcp", "rule": "C/mine"}),
    ("addwafcustomdata", {"filename": "bots.data", "data": _data(b"bot")}),
    ("addowaspcustomrule", {"filename": "own.conf", "data": _data(b"# none")}),
    ("addowaspcustomdata", {"filename": "own.data", "data": _data(b"bot")}),
    ("modvs", {"vs": 1, "InterceptMode": 2}),
    ("groupaddremote", {"group": "Admins"}),
    ("adddomain", {"domain": "X"}),
    ("addldapendpoint", {"name": "ad", "server": "192.0.2.99"}),
    ("addhostsentry", {"hostip": "198.51.100.7", "hostfqdn": "web.example.com"}),
    ("addroute", {"dest": "203.0.113.0/24", "gateway": "192.0.2.1"}),
    ("addadditional", {"interface": 0, "addr": "198.18.1.1/24"}),
    ("enablegeo", {}),
    ("addfqdn", {"fqdn": _FQDN}),
    ("addmap", {"fqdn": _FQDN, "ip": "192.0.2.1"}),
    ("addrr", {"fqdn": _FQDN, "type": "txt", "rdata": "v=spf1 -all"}),
    ("addrr", {"fqdn": _FQDN, "type": "cname", "name": "other.example"}),
    ("addcluster", {"ip": "192.0.2.50", "name": "east"}),
    ("addip", {"ip": "198.18.0.0/16"}),
    ("addcustomlocation", {"location": "here"}),
    ("geoacl/addcustom", {"addr": "192.0.2.1", "type": "black"}),
    ("createvpncon", {"name": "v"}),
    ("addsdncontroller", {"ipv4": "192.0.2.80", "port": 8443, "user": "u", "password": "hush"}),
    ("addlmingressk8sconf", {"data": _KUBERNETES}),
    ("cluster/create", {"SharedAddress": "192.0.2.100"}),
)

READS: Final[dict[str, tuple[dict[str, object], ...]]] = {
    "aclcontrol?isdrop": ({"isdrop": ""},),
    "aclcontrol?isenabled": ({"isenabled": ""},),
    "aclcontrol?isifblock": ({"isifblock": ""},),
    "aclcontrol?iswuiblock": ({"iswuiblock": ""},),
    "aclcontrol?wuiaddr": ({"wuiaddr": ""},),
    "aclcontrol?list": ({"list": "block"}, {"list": "allow"}),
    "aclcontrol?listvs": ({"listvs": "block", **_WEB_IN_LISTS},),
    "backupcert": ({"password": "Passw0rdOrNot"},),
    "downloadowaspcustomdata": ({"filename": "own"},),
    "downloadowaspcustomrule": ({"filename": "own"},),
    "downloadsamlspcert": ({"domain": "X"},),
    "downloadwafcustomdata": ({"filename": "bots"},),
    "exportvstmplt": ({"vs": "192.0.2.1", "port": 80, "prot": "tcp"},),
    "get": ({"param": "hostname"}, {"param": "nameserver"}, {"param": "cachesize"}),
    "getcipherset": ({"name": "Default"},),
    "getlecert": ({"cert": "shop"},),
    "getvpnstatus": ({"name": "v"},),
    "groupshow": ({"group": "Admins"},),
    "logging/ping": ({"addr": "192.0.2.10"},),
    "logging/ping6": ({"addr": "::1"},),
    "logging/traceroute": ({"addr": "198.51.100.1"},),
    "readcert": ({"cert": "one"},),
    "readintermediate": ({"cert": "ca"},),
    "sdndeviceinfo": ({"cid": 1},),
    "sdnpathinfo": ({"cid": 1},),
    "showcluster": ({"ip": "192.0.2.50"},),
    "showdomain": ({}, {"domain": "X"}),
    "showfqdn": ({"fqdn": _FQDN},),
    "showiface": ({}, {"interface": 0}),
    "showip": ({"ip": "198.18.0.0"},),
    "showldapendpoint": ({"name": "ad"},),
    "showrs": (
        {"vs": "192.0.2.1", "port": 80, "prot": "tcp", "rs": "198.51.100.1", "rsport": 80},
        {"vs": "192.0.2.4", "port": 80, "prot": "tcp", "rs": "!1"},
    ),
    "showrule": ({}, {"name": "body"}, {"type": 1}),
    "showvs": (
        {"vs": "192.0.2.1", "port": 80, "prot": "tcp"},
        {"vs": "192.0.2.4", "port": 80, "prot": "tcp"},
        {"vs": "2001:db8::1", "port": 80, "prot": "tcp"},
        {"vs": "192.0.2.2", "port": 53, "prot": "udp"},
        {"vs": "192.0.2.3", "port": "*", "prot": "tcp"},
        {"vs": 6},
        {"vs": 7},
    ),
    "ssodomain/queryall": ({"domain": "X"},),
    "ssodomain/querysessions": ({"domain": "X"},),
    "ssodomain/search": ({"domain": "X", "user": "u"},),
    "downloadwafcustomrule": ({"filename": "mine"},),
    "userdownloadcert": ({"user": "joe"},),
    "userreadcert": ({"user": "joe"},),
    "usershow": ({"user": "joe"},),
    "vslistwafruleids": ({"vs": "192.0.2.1", "port": 80, "prot": "tcp", "rule": "C/mine"},),
}
"""What the reading commands are asked where they need an argument; the others get none."""


def fill(wire: Wire) -> None:
    """Write the state; every write must succeed."""
    for command, params in WRITES:
        reply = wire.v2(command.replace("/", "."), **params)
        assert reply.status == 200, f"{command} {params}: {reply.text}"
    # Templates can be uploaded over v1 only.
    template = wire.v1("exportvstmplt", vs="192.0.2.3", port="*", prot="tcp").body
    reply = wire.request("POST", "/access/uploadtemplate", body=template, headers=wire.basic())
    assert reply.status == 200, reply.text
