"""Answers about services as models: which entry is a SubVS of which, and in which slot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kempsdk.codec import EMPTY, MalformedAnswer, entries, flatten
from kempsdk.errors import InvalidRequest
from kempsdk.models import RealServer, SubVs, VirtualService
from kempsdk.references import (
    WILDCARD_PORT,
    AnyVsRef,
    Protocol,
    RsRef,
    SubVsRef,
    VsRef,
    check_address,
)
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.transport.call import Tree

_PROTOCOLS: Final[dict[object, Protocol]] = {one.value: one for one in Protocol}

_HIGHEST_PORT: Final = 65535


@dataclass(slots=True)
class _Entry:
    """One service of an answer, before it is known what it belongs to."""

    ref: AnyVsRef | None
    values: dict[str, Any]
    extra: Mapping[str, object]
    servers: tuple[RealServer, ...]
    slots: list[dict[str, Any]]


def read_service_list(tree: Tree) -> tuple[VirtualService, ...]:
    """Return the services of a ``listvs`` answer, SubVSs below their parents.

    Raises:
        MalformedAnswer: an entry that cannot be understood.
    """
    found = [_entry(one) for one in entries(tree, "VS")]
    by_index = {one.values["index"]: one for one in found}
    return tuple(_service(one, by_index) for one in found if one.values["master_index"] == 0)


def read_service(tree: Tree, *, ref: AnyVsRef | None = None) -> VirtualService:
    """Return the service of a ``showvs``, ``addvs`` or ``modvs`` answer.

    Its SubVSs are those of the answer: their place in the parent, not their settings.

    Args:
        tree: the answer.
        ref: the name of a SubVS, which its own answer does not tell.

    Raises:
        MalformedAnswer: no service in it.
    """
    listed = entries(tree, "VS")
    entry = _entry(listed[0] if listed else tree)
    if isinstance(ref, SubVsRef) and entry.ref is None:
        entry.ref = ref
    return _service(entry, {})


def read_servers(tree: Tree) -> tuple[RealServer, ...]:
    """Return the real servers of an answer."""
    return tuple([_server(one) for one in entries(tree, "Rs")])


def _entry(tree: Tree) -> _Entry:
    servers = read_servers(tree)
    slots = [_slot(one) for one in entries(tree, "SubVS")]
    fields = flatten(tree)
    fields.pop("Rs", None)
    fields.pop("SubVS", None)
    if "Index" not in fields:
        raise MalformedAnswer("no virtual service in the answer")
    ref = _service_ref(fields)
    return _Entry(ref, SERVICE.read(fields), _extra(fields), servers, slots)


def _service_ref(fields: dict[str, object]) -> VsRef | None:
    address = str(fields.pop("VSAddress", None) or "").strip()
    protocol = str(fields.pop("Protocol", None) or "tcp").strip()
    port = str(fields.pop("VSPort", None) or "0").strip()
    if not address:
        return None  # a SubVS
    try:
        number = WILDCARD_PORT if port == "*" else int(port)
        return VsRef(_PROTOCOLS[protocol], address, number)
    except (KeyError, ValueError, InvalidRequest):
        raise MalformedAnswer("a service without protocol, address and port") from None


def _extra(fields: dict[str, object]) -> Mapping[str, object]:
    return fields or EMPTY


def _service(entry: _Entry, by_index: Mapping[int, _Entry]) -> VirtualService:
    if entry.ref is None:
        raise MalformedAnswer("a service without an address")
    ref = entry.ref
    subs = []
    for slot in entry.slots:
        if not isinstance(ref, VsRef):
            break  # a SubVS has none of its own
        sub_ref = SubVsRef(ref, slot["rs_index"])
        inner = by_index.get(slot["index"])
        if inner is not None:
            inner.ref = sub_ref
        subs.append(
            SubVs(**slot, ref=sub_ref, service=_service(inner, {}) if inner is not None else None)
        )
    return VirtualService(
        **entry.values,
        ref=ref,
        real_servers=entry.servers,
        sub_services=tuple(subs),
        extra=entry.extra,
    )


def _slot(tree: Tree) -> dict[str, Any]:
    fields = flatten(tree)
    values = SLOT.read(fields)
    values["index"] = values.pop("vs_index")
    if values["name"] == "-":
        values["name"] = None  # how a SubVS without nickname is printed
    return {**values, "extra": _extra(fields)}


def _server(tree: Tree) -> RealServer:
    fields = flatten(tree)
    ref = _server_ref(fields.pop("Addr", None), fields.pop("Port", None))
    values = SERVER.read(fields)
    return RealServer(**values, ref=ref, extra=_extra(fields))


def _server_ref(address: object, port: object) -> RsRef:
    text = str(address or "").strip()
    try:
        number = int(str(port or 0).strip().replace("*", "0"))
        # A server known by a name that does not resolve has no address.
        known = check_address(text, field="Addr") if ":" in text else text or "0.0.0.0"  # noqa: S104 - stands for "none", nothing listens on it
    except (ValueError, InvalidRequest):
        raise MalformedAnswer("a real server without address and port") from None
    if not 0 <= number <= _HIGHEST_PORT:
        raise MalformedAnswer("a real server without address and port")
    # Not by RsRef(...): its checks are for what people type, and 10,000 servers are usual.
    ref = object.__new__(RsRef)
    object.__setattr__(ref, "address", known)
    object.__setattr__(ref, "port", number)
    return ref
