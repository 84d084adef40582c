"""The small appliance that the project's fixtures show."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.references import Protocol, RsRef, VsRef
from kempsdk.transport.call import Reply
from kempsdk.words import Forward, ServiceType

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

DSR: Final = VsRef(Protocol.TCP, "192.0.2.100", 80)
WEB: Final = VsRef(Protocol.TCP, "192.0.2.101", 80)
PLAIN: Final = VsRef(Protocol.TCP, "192.0.2.102", 9090)
TREE: Final = VsRef(Protocol.TCP, "192.0.2.103", 80)
FIRST: Final = RsRef("198.51.100.11", 80)
SECOND: Final = RsRef("198.51.100.12", 80)
SPARE: Final = RsRef("198.51.100.99", 80)

_WRAPPED: Final = {"cmd", "key"}
"""Elements that v1 has inside a wrapper where v2 has an array of texts."""


def nothing(lm: "LoadMaster") -> None:
    """Leave the appliance as it is when it is new."""


def with_services(lm: "LoadMaster") -> None:
    """One layer-4 service and one layer-7 service, without servers."""
    lm.virtual_services.create(DSR, nickname="dsr", force_l4=True, check_url="/health")
    lm.virtual_services.create(WEB, nickname="web")


def with_servers(lm: "LoadMaster") -> None:
    """The same with servers, one of which serves both."""
    with_services(lm)
    for server in (FIRST, SECOND):
        lm.real_servers.add(DSR, server, forward=Forward.ROUTE)
    lm.real_servers.add(WEB, FIRST)


def with_sub_services(lm: "LoadMaster") -> None:
    """A service with two SubVSs, one of them with a server."""
    lm.virtual_services.create(TREE, nickname="tree", type=ServiceType.HTTP)
    first = lm.sub_virtual_services.create(TREE, nickname="static")
    lm.sub_virtual_services.create(TREE, nickname="dynamic")
    lm.real_servers.add(first.ref, FIRST)


def with_rules(lm: "LoadMaster") -> None:
    """Rules, and services with servers and SubVSs to attach them to; one is attached."""
    with_servers(lm)
    with_sub_services(lm)
    for params in (
        {"name": "images", "type": "0", "pattern": "/images/*"},
        {"name": "tag", "type": "1", "header": "X-Via", "replacement": "kemp"},
        {"name": "untag", "type": "2", "pattern": "X-Debug"},
        {"name": "body", "type": "5", "pattern": "http:", "replacement": "https:"},
    ):
        lm.command("addrule", params)
    web = {"vs": WEB.address, "port": str(WEB.port), "prot": WEB.protocol.value}
    lm.command("addprerule", {**web, "rule": "images"})


def with_access_lists(lm: "LoadMaster") -> None:
    """One entry in the global block list: one looks like none of a list in v1."""
    lm.command("aclcontrol", {"add": "block", "addr": "203.0.113.7", "comment": "scanner"})


def api_keys(reply: Reply) -> list[str]:
    """Return the keys in an answer of addapikey or listapikeys."""
    keys = plain(reply.data["apikeys"])
    return [str(one) for one in keys] if isinstance(keys, list) else [str(keys)]


def raw(reply: Reply) -> object:
    """Return an answer of a command without a manager, spelled the same for both wires."""
    return reply.message or plain(reply.data)


def plain(value: object) -> object:
    """Return a value of either wire as v1 spells it; lists of one are their entry."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, Mapping) and len(value) == 1 and (inner := _WRAPPED & value.keys()):
        return plain(value[inner.pop()])
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return plain(value[0]) if len(value) == 1 else [plain(one) for one in value]
    return "" if value is None else str(value)
