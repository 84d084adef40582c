"""Any models, and how an appliance would write them."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from hypothesis import strategies as st

from kempsdk.emulator import render_v1, render_v2
from kempsdk.emulator.answers import Answer, Many, Members, Value, Words
from kempsdk.fields import Address, Field, Number, Switch, Table, Word
from kempsdk.fields import Words as WordsKind
from kempsdk.models import RealServer, SubVs, VirtualService
from kempsdk.references import Protocol, RsRef, SubVsRef, VsRef
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from kempsdk.words import SslRewrite
from tests.fuzz.readings import DIALECTS

_STRINGS_IN_V2: Final = frozenset(
    {"VSPort", "PersistTimeout", "CheckPort", "ErrorCode", "SSLRewrite", "TlsType"}
)
_REWRITES: Final = {SslRewrite.OFF: "0", SslRewrite.HTTP: "1", SslRewrite.HTTPS: "2"}
_TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8)
_TEXTS = st.none() | _TEXT.filter(lambda one: one == one.strip() and one != "-")
_WORDS = st.lists(st.from_regex(r"[A-Za-z0-9_.:-]{1,9}", fullmatch=True), max_size=3).map(tuple)
_NUMBERS = st.integers(0, 2**63)
_ADDRESSES = st.ip_addresses().map(str)
_PORTS = st.integers(1, 65535)
VS_REFS = st.builds(VsRef, st.sampled_from(Protocol), _ADDRESSES, st.integers(0, 65535))
RS_REFS = st.builds(RsRef, _ADDRESSES, _PORTS)


def _value(field: Field) -> st.SearchStrategy[object]:
    kind = field.kind
    if isinstance(kind, Switch):
        return st.booleans()
    if isinstance(kind, Number):
        return _NUMBERS
    if isinstance(kind, Word):
        return st.sampled_from([one for one in type(kind.other) if one is not kind.other])
    if isinstance(kind, Address):
        return st.none() | _ADDRESSES
    return _WORDS if isinstance(kind, WordsKind) else _TEXTS


def values(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Return values for every attribute of a table."""
    return st.fixed_dictionaries(
        {one.attribute: _value(one) for one in table.fields if one.attribute is not None}
    )


def members(table: Table, given: Mapping[str, Any], api: str) -> Members:
    """Return the members that an appliance writes for such values; unset ones are missing."""
    found: Members = []
    for field in table.fields:
        value = given.get(field.attribute) if field.attribute is not None else None
        if value not in (None, ()):
            found.append((field.wire, _spell(field, value, api)))
    return found


def _spell(field: Field, value: Any, api: str) -> Value:
    if isinstance(value, SslRewrite):
        return _REWRITES[value]
    if isinstance(value, Enum):
        spelled = field.kind.write(value, name=field.wire)
        return int(spelled) if api == "v2" and str(spelled).isdigit() else spelled
    if isinstance(value, tuple):
        listed = field.wire.endswith(("Rules", "Opts"))
        return (
            Words("Opt" if field.wire.endswith("Opts") else "Name", value)
            if listed
            else " ".join(value)
        )
    if api == "v2" and field.wire in _STRINGS_IN_V2:
        return str(value)
    found: Value = value
    return found


@st.composite
def servers(draw: st.DrawFn) -> RealServer:
    """Return any real server."""
    return RealServer(**draw(values(SERVER)), ref=draw(RS_REFS))


@st.composite
def services(draw: st.DrawFn) -> tuple[VirtualService, ...]:
    """Return any list of services, with servers and SubVSs."""
    refs = draw(st.lists(VS_REFS, max_size=3, unique=True))
    indices = iter(draw(st.lists(_NUMBERS.filter(bool), min_size=9, max_size=9, unique=True)))
    return tuple(_service(draw, ref, indices) for ref in refs)


def _service(draw: st.DrawFn, ref: VsRef, indices: Any) -> VirtualService:
    top = VirtualService(
        **{**draw(values(SERVICE)), "index": next(indices), "master_index": 0}, ref=ref
    )
    slots = draw(st.lists(_NUMBERS, max_size=2, unique=True))
    if not slots:
        return replace(top, real_servers=tuple(draw(st.lists(servers(), max_size=2))))
    subs = []
    for slot in slots:
        own = {**draw(values(SLOT)), "rs_index": slot}
        own.pop("vs_index")
        index, sub = next(indices), SubVsRef(ref, slot)
        inner = VirtualService(
            **{**draw(values(SERVICE)), "index": index, "master_index": top.index},
            ref=sub,
            real_servers=tuple(draw(st.lists(servers(), max_size=2))),
        )
        subs.append(SubVs(**own, ref=sub, index=index, service=inner))
    return replace(top, sub_services=tuple(subs))


def _fields(table: Table, model: object) -> dict[str, Any]:
    names = [one.attribute for one in table.fields if one.attribute is not None]
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def _server(one: RealServer, api: str) -> Members:
    return [
        *members(SERVER, _fields(SERVER, one), api),
        ("Addr", one.address),
        ("Port", one.port),
    ]


def _slot(one: SubVs, api: str) -> Members:
    given = {**_fields(SLOT, one), "vs_index": one.index, "name": one.name or "-"}
    return members(SLOT, given, api)


def _entry(one: VirtualService, api: str) -> Members:
    found = members(SERVICE, _fields(SERVICE, one), api)
    found.append(("Protocol", one.protocol.value))
    if isinstance(one.ref, VsRef):
        found.append(("VSAddress", one.address))
    found.append(("VSPort", "*" if one.port == 0 and one.address else str(one.port)))
    if one.sub_services:
        found.append(("SubVS", Many([_slot(sub, api) for sub in one.sub_services])))
    if one.real_servers:
        found.append(("Rs", Many([_server(rs, api) for rs in one.real_servers])))
    return found


def service_list(listed: tuple[VirtualService, ...], api: str) -> Members:
    """Return the members of a list of services."""
    inner = [sub.service for one in listed for sub in one.sub_services if sub.service is not None]
    rows = [_entry(one, api) for one in (*listed, *inner)]
    return [("VS", Many(rows))] if rows else []


def over_the_wire(written: Members, api: str) -> Reply:
    """Return what a client reads of an answer with these members."""
    body = (render_v1 if api == "v1" else render_v2).success(Answer(members=written))
    answer = HttpAnswer(status=200, content_type="", body=body)
    return DIALECTS[api].read(answer, Call(command="read", mutates=False))
