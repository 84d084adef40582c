"""Reads the file a person writes and says which line is wrong.

The shape is orchestrator.spec.Spec; what the shape cannot say is checked here: names
that must exist, numbers that must fit each other, and the rules of direct return that
need no LoadMaster to be seen broken.
"""

import dataclasses
import difflib
import functools
import json
import re
import types
import typing
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kempsdk.errors import InvalidRequest
from kempsdk.references import WILDCARD_PORT, VsRef, check_address
from orchestrator.errors import SpecInvalid
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.marked_yaml import MarkedDocument, Place, parse
from orchestrator.rollout_checks import Problem, host_list, mistakes, pool_floor, unknown
from orchestrator.spec import HostSpec, LoadMasterSpec, ServiceSpec, Spec


def load_spec(path: str | Path) -> Spec:
    """Read and check an inventory with its rollout.

    Raises:
        SpecInvalid: with the line of the first mistake; further ones are listed after it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpecInvalid(f"cannot be read: {error.strerror}", path=str(path)) from None
    except UnicodeDecodeError:
        raise SpecInvalid("is not UTF-8 text", path=str(path)) from None
    return parse_spec(text, path=str(path))


def parse_spec(text: str, *, path: str) -> Spec:
    """Check a text as ``load_spec`` does a file; ``path`` is what errors name."""
    document = parse(text, path=path)
    if not isinstance(document.data, dict):
        document.fail((), "write names and values: loadmasters:, services:, hosts:, pools:")
    try:
        # As JSON, since that has a strict mode in which a list is no mistake: batch: true is no 1.
        spec = _adapter().validate_json(json.dumps(document.data, default=str), strict=True)
    except ValidationError as error:
        _refuse(document, list(_shape_problems(document, error.errors())))
    _refuse(document, list(_mistakes(spec)))
    return spec


def spec_from_data(data: Any) -> Spec:
    """Return a specification from plain data that was checked when it was read.

    Raises:
        SpecInvalid: somebody changed it since.
    """
    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecInvalid(f"{_dotted(first['loc'])}: {first['msg']}", path="plan") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_adapter().json_schema(),
        "title": "Inventory and rollout of the kemp command",
    }


@functools.cache
def _adapter() -> TypeAdapter[Spec]:
    return TypeAdapter(Spec)


def _refuse(document: MarkedDocument, problems: list[Problem]) -> None:
    if not problems:
        return
    problems = sorted(dict.fromkeys(problems), key=lambda one: document.line(one[0]) or 0)
    (place, message), *others = problems
    for other_place, other in others:
        message += f"\n  also line {document.line(other_place)}: {other}"
    document.fail(place, message)


# -- the shape ------------------------------------------------------------------------


_TEXT = "text, in quotes where YAML takes it for something else"
_AMOUNT = "a percentage such as 25%"
_WANTED = {
    "bool_type": "true or false",
    "dataclass_type": "names and values",
    "dict_type": "names and values",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "string_type": _TEXT,
    "tuple_type": "a list",
}
"""What is to be written, by how the library calls its absence."""


def _shape_problems(document: MarkedDocument, errors: Sequence[Any]) -> Iterator[Problem]:
    wanted: dict[Place, dict[str, None]] = {}
    places = [_written(document, error["loc"]) for error in errors]
    for error, place in zip(errors, places, strict=True):
        kind, message = error["type"], error["msg"]
        if kind == "missing":
            yield error["loc"][:-1], f"{_dotted(error['loc'])} is missing"
        elif kind == "unexpected_keyword_argument":
            yield place, _unknown_key(place)
        elif kind in _WANTED:
            wanted.setdefault(place, {})[_WANTED[kind]] = None
            if kind == "dataclass_type":
                wanted[place] = {f"names and values: {', '.join(_keys_at(place))}": None}
        elif kind == "too_short":
            # It is short also because of what is wrong in it, which is said of that.
            if not any(place == one[: len(place)] != one for one in places):
                yield place, f"{_dotted(place)}: write at least {error['ctx']['min_length']}"
        elif kind == "too_long":
            yield place, f"{_dotted(place)}: write at most {error['ctx']['max_length']}"
        else:
            yield place, f"{_dotted(place)}: {message[:1].lower()}{message[1:]}"
    for place, words in wanted.items():
        # A word beside a number stands for an amount: there is no other such field.
        *first, last = [_AMOUNT if one is _TEXT and len(words) > 1 else one for one in words]
        either = f"{', '.join(first)} or {last}" if first else last
        yield place, f"{_dotted(place)}: write {either}"


def _written(document: MarkedDocument, place: Place) -> Place:
    """Return the place without the name of a union's member at its end, which nobody wrote."""
    while place and place not in document.lines:
        place = place[:-1]
    return place


def _unknown_key(place: Place) -> str:
    known = _keys_at(place[:-1])
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"unknown key {place[-1]}; {hint}"


def _keys_at(place: Place) -> list[str]:
    """Return what may be written at a place, by following the types from the top."""
    kind: Any = Spec
    for step in place:
        if dataclasses.is_dataclass(kind):
            kind = typing.get_type_hints(kind)[str(step)]
        elif typing.get_origin(kind) is tuple:  # tuple[X, ...]
            kind = typing.get_args(kind)[0]
        else:  # Mapping[str, X]
            kind = typing.get_args(kind)[-1]
        if isinstance(kind, types.UnionType):  # a section that may be left out: X | None
            kind = typing.get_args(kind)[0]
    return [one.name for one in dataclasses.fields(kind)]


def _dotted(place: Place) -> str:
    return ".".join(str(step) for step in place)


# -- what the shape cannot say --------------------------------------------------------


def _mistakes(spec: Spec) -> Iterator[Problem]:
    wrong = [
        *_names(spec),
        *_loadmasters(spec),
        *_services(spec),
        *_hosts(spec),
        *_stations(spec),
        *_pools(spec),
    ]
    yield from wrong
    if spec.rollout is not None:
        yield from mistakes(spec, spec.rollout, sound=not wrong)


def _names(spec: Spec) -> Iterator[Problem]:
    for section in ("loadmasters", "services", "hosts", "stations", "pools"):
        for name in getattr(spec, section):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                yield (
                    (section, name),
                    f"{name!r} is not a name: letters, digits, '.', '_' and '-', "
                    "beginning with a letter or digit",
                )


def _loadmasters(spec: Spec) -> Iterator[Problem]:
    for name, entry in spec.loadmasters.items():
        url = urllib.parse.urlsplit(entry.url)
        place = ("loadmasters", name, "url")
        if "@" in url.netloc:
            yield place, "no credential belongs in a URL; put it into a profile"
        elif url.scheme not in ("https", "http") or not url.hostname:
            yield place, f"{entry.url!r} is not https://HOST[:PORT]"
        if entry.tls_pin is not None and not re.fullmatch(
            r"[0-9a-fA-F]{64}", entry.tls_pin.replace(":", "")
        ):
            yield (
                ("loadmasters", name, "tls_pin"),
                "a pin is the SHA-256 of the certificate: 64 hexadecimal digits",
            )
        yield from _on_the_segment(name, entry)


def _on_the_segment(name: str, entry: LoadMasterSpec) -> Iterator[Problem]:
    for position, mac in enumerate(entry.macs):
        if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", mac):
            yield (
                ("loadmasters", name, "macs", position),
                f"{mac!r} is not a MAC; write it as 00:50:56:01:02:03, in quotes",
            )
    if entry.segment_address is not None:
        try:
            check_address(entry.segment_address, field="segment_address")
        except InvalidRequest as error:
            yield ("loadmasters", name, "segment_address"), str(error)


def _services(spec: Spec) -> Iterator[Problem]:
    seen: dict[tuple[str, VsRef], str] = {}
    for name, entry in spec.services.items():
        place = ("services", name, "service")
        if entry.loadmaster not in spec.loadmasters:
            yield (
                ("services", name, "loadmaster"),
                unknown("LoadMaster", entry.loadmaster, spec.loadmasters),
            )
        try:
            ref = VsRef.parse(entry.service)
        except InvalidRequest as error:
            yield place, str(error)
            continue
        if ref.port == WILDCARD_PORT:
            yield place, "a service on every port has no port to drain; name one"
        if entry.method not in METHODS:
            yield (
                ("services", name, "method"),
                f"method {entry.method} is not there yet; there are {', '.join(METHODS)}",
            )
            continue
        yield from _gateway(name, entry)
        if entry.health is not None and not re.fullmatch(r"/[!-~]*", entry.health.path):
            yield ("services", name, "health", "path"), "a path begins with / and has no blanks"
        first = seen.setdefault((entry.loadmaster, ref), name)
        if first != name and not _changes_method(spec, first, name):
            yield place, f"{ref} is already named {first}"


def _changes_method(spec: Spec, one: str, other: str) -> bool:
    """Return whether a service is there twice because a rehome changes its method."""
    rollout = spec.rollout
    if rollout is None or rollout.kind != "rehome":
        return False
    pools = (rollout.pool, rollout.moves_from)
    named = {entry.service for name, entry in spec.pools.items() if name in pools}
    return {one, other} == named


def _gateway(name: str, entry: ServiceSpec) -> Iterator[Problem]:
    place: Place = ("services", name, "gateway")
    if (entry.method == "gateway") is not (entry.gateway is not None):
        yield (
            place if entry.gateway else ("services", name),
            "gateway is the LoadMaster's address on the servers' segment: method gateway needs "
            "it, and no other method has it",
        )
    elif entry.gateway is not None:
        try:
            check_address(entry.gateway, field="gateway")
        except InvalidRequest as error:
            yield place, str(error)


def _hosts(spec: Spec) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    vips = {
        ref.address: name for name, entry in spec.services.items() if (ref := _ref(entry.service))
    }
    machines = [
        *(("hosts", name, entry) for name, entry in spec.hosts.items()),
        *(("stations", name, entry) for name, entry in spec.stations.items()),
    ]
    for section, name, entry in machines:
        place = (section, name, "address")
        try:
            address = check_address(entry.address, field="address")
        except InvalidRequest as error:
            yield place, str(error)
            continue
        first = seen.setdefault(address, name)
        if first != name:
            yield place, f"duplicate host: {first} has the address {address} too"
        if address in vips:
            yield (
                place,
                f"{address} is the address of service {vips[address]}; a server's own address "
                "cannot be the service's (vip-is-server-address)",
            )
        if entry.interface in ("", "lo"):
            yield (
                (section, name, "interface"),
                "name the device that has the address and hears ARP, for example eth0",
            )

        yield from _way_in(section, name, entry)


def _way_in(section: str, name: str, entry: HostSpec) -> Iterator[Problem]:
    """Find settings of a driver that the host does not use: they would do nothing."""
    given = {
        "namespace": ("netlink", entry.namespace),
        "user": ("ssh", entry.user),
        "port": ("ssh", entry.port),
        "ssh_host": ("ssh", entry.ssh_host),
        "sudo": ("ssh", entry.sudo),
    }
    for key, (driver, value) in given.items():
        if value and driver != entry.driver:
            yield (
                (section, name, key),
                f"{key} is for driver: {driver}, but {name} is reached by {entry.driver}",
            )


def _stations(spec: Spec) -> Iterator[Problem]:
    yield from (
        (("stations", name), f"{name} is a host already; a station is no server")
        for name in spec.stations
        if name in spec.hosts
    )
    yield from host_list(spec.routers, spec.stations, ("routers",), "stations")
    probe = spec.arp_probe
    if probe is None:
        return
    if (probe.interface is None) is (probe.station is None):
        yield ("arp_probe",), "say interface, a device of this machine, or station, and not both"
    elif probe.station is not None and probe.namespace is not None:
        yield ("arp_probe", "namespace"), "a namespace goes with interface, not with station"
    elif probe.station is not None and probe.station not in spec.stations:
        yield ("arp_probe", "station"), unknown("station", probe.station, spec.stations)


def _pools(spec: Spec) -> Iterator[Problem]:
    allow = spec.rollout.allow if spec.rollout is not None else ()
    for name, pool in spec.pools.items():
        if pool.service not in spec.services:
            place: Place = ("pools", name, "service")
            yield place, unknown("service", pool.service, spec.services)
        yield from pool_floor(spec, name)
        if not pool.hosts:
            yield ("pools", name, "hosts"), "a pool without hosts"
        yield from host_list(pool.hosts, spec.hosts, ("pools", name, "hosts"), "the inventory")
        entry = spec.services.get(pool.service)
        ref = _ref(entry.service) if entry else None
        if (
            entry is not None
            and ref is not None
            and entry.method in METHODS
            and METHODS[entry.method].direct_return
            and pool.port not in (None, ref.port)
            and "dsr-port-equal" not in allow
        ):
            yield (
                ("pools", name, "port"),
                f"direct return does not rewrite ports: the service has port {ref.port}, "
                f"so the servers need {ref.port}, not {pool.port} (dsr-port-equal)",
            )


def _ref(text: str) -> VsRef | None:
    try:
        return VsRef.parse(text)
    except InvalidRequest:
        return None  # reported where the service stands
