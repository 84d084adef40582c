"""A virtual LoadMaster with something of everything on it, to read on both wires."""

import base64
from typing import Final

from tests.kempsdk.emulator.certificate_files import key_pem, pem
from tests.kempsdk.emulator.wire import Wire

_KUBERNETES: Final = base64.b64encode(b"contexts: [{name: one}]").decode()
_FQDN: Final = "www.example.com"

WRITES: Final[tuple[tuple[str, dict[str, object]], ...]] = (
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
    ("set", {"param": "hostname", "value": "lb"}),
    ("set", {"param": "nameserver", "value": "192.0.2.53 192.0.2.54"}),
    ("aclcontrol", {"add": "block", "addr": "203.0.113.7", "comment": "scanner"}),
    ("aclcontrol", {"add": "allow", "addr": "203.0.113.8"}),
    ("aclcontrol", {"add": "allow", "addr": "203.0.113.9", "comment": "b & c"}),
    ("clientcpslimitadd", {"l7addr": "192.0.2.7", "l7limit": 20}),
    ("addlimitrule", {"name": "a", "pattern": "/", "limit": 1, "match": 0}),
    ("addintermediate", {"cert": "ca", "data": base64.b64encode(pem("ec")).decode()}),
    (
        "addcert",
        {"cert": "one", "data": base64.b64encode(pem("ec") + key_pem("ec")).decode()},
    ),
    ("useraddlocal", {"user": "joe", "password": "Passw0rd, or not?"}),
    ("usersetperms", {"user": "joe", "perms": "real,vs"}),
    ("usernewcert", {"user": "joe"}),
    ("addwafcustomrule", {"filename": "mine", "data": base64.b64encode(b"# none").decode()}),
    ("groupaddremote", {"group": "Admins"}),
    ("adddomain", {"domain": "X"}),
    ("addldapendpoint", {"name": "ad", "server": "192.0.2.99"}),
    ("addhostsentry", {"hostip": "198.51.100.7", "hostfqdn": "web.example.com"}),
    ("addroute", {"dest": "203.0.113.0/24", "gateway": "192.0.2.1"}),
    ("addadditional", {"interface": 0, "addr": "198.18.1.1/24"}),
    ("enablegeo", {}),
    ("addfqdn", {"fqdn": _FQDN}),
    ("addmap", {"fqdn": _FQDN, "ip": "192.0.2.1"}),
    ("addcluster", {"ip": "192.0.2.50", "name": "east"}),
    ("addip", {"ip": "198.18.0.0/16"}),
    ("addcustomlocation", {"location": "here"}),
    ("geoacl/addcustom", {"addr": "192.0.2.1", "type": "black"}),
    ("createvpncon", {"name": "v"}),
    ("addlmingressk8sconf", {"data": _KUBERNETES}),
)

READS: Final[dict[str, tuple[dict[str, object], ...]]] = {
    "aclcontrol?isdrop": ({"isdrop": ""},),
    "aclcontrol?isenabled": ({"isenabled": ""},),
    "aclcontrol?isifblock": ({"isifblock": ""},),
    "aclcontrol?iswuiblock": ({"iswuiblock": ""},),
    "aclcontrol?wuiaddr": ({"wuiaddr": ""},),
    "aclcontrol?list": ({"list": "block"}, {"list": "allow"}),
    "aclcontrol?listvs": ({"listvs": "block", "vsip": "192.0.2.1", "vsport": 80, "vsprot": "tcp"},),
    "exportvstmplt": ({"vs": "192.0.2.1", "port": 80, "prot": "tcp"},),
    "get": ({"param": "hostname"}, {"param": "nameserver"}, {"param": "cachesize"}),
    "getcipherset": ({"name": "Default"},),
    "getvpnstatus": ({"name": "v"},),
    "groupshow": ({"group": "Admins"},),
    "logging/ping": ({"addr": "192.0.2.10"},),
    "logging/ping6": ({"addr": "::1"},),
    "logging/traceroute": ({"addr": "198.51.100.1"},),
    "readcert": ({"cert": "one"},),
    "readintermediate": ({"cert": "ca"},),
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
}
"""What the reading commands are asked where they need an argument; the others get none."""


def fill(wire: Wire) -> None:
    """Write the state; every write must succeed."""
    for command, params in WRITES:
        reply = wire.v2(command.replace("/", "."), **params)
        assert reply.status == 200, f"{command} {params}: {reply.text}"
