"""The file that says how a LoadMaster is to be: plain data in, checked wishes out."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kempsdk.access_lists import AccessList
from kempsdk.configuration_registry import KEYS, THINGS, within
from kempsdk.configuration_shapes import InvalidConfiguration, Place, listed, mapping, placed
from kempsdk.configuration_things import ThingSpec, read_things
from kempsdk.desired_state import (
    RULE_LISTS,
    RealServerSpec,
    SubVsSpec,
    VirtualServiceSpec,
)
from kempsdk.feature_changes import FEATURES
from kempsdk.fields import Table, write_settings
from kempsdk.health_checks import ADAPTIVE, TIMERS
from kempsdk.parameters import Value, check_value
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_fields import RULE_TYPES, RuleType, check_rule_name
from kempsdk.service_changes import SLOT_SETTINGS
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.sub_service_keys import SubKey, sub_keys

VERSION: Final = 1
RULE_WORDS: Final = {
    "match_content": 0,
    "add_header": 1,
    "delete_header": 2,
    "replace_header": 3,
    "modify_url": 4,
    "replace_body": 5,
}
"""The types of rules in the file; the numbers are the API's."""

_TOP: Final = (
    "version",
    "defaults",
    "health_checks",
    "adaptive_check",
    "parameters",
    "rules",
    "services",
    "access_lists",
    *KEYS,
)
_DEFAULTS: Final = ("rule", "service", "sub_service", "server")
_RENUMBERED: Final = frozenset({"follow", "follow_vs_index"})
SERVICE_SETTINGS: Final = frozenset(SERVICE.by_setting) - _RENUMBERED
SERVER_SETTINGS: Final = frozenset(SERVER.by_setting) - _RENUMBERED - {"new_port"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """A content rule. ``settings``: see ``RuleSettings``; what is left out stays."""

    name: str
    type: RuleType
    settings: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSpec:
    """Entries that must be in one access list, with their comments; others stay.

    Attributes:
        vs: the service or SubVS; None for the global list.
    """

    vs: VsRef | SubKey | None
    which: AccessList
    entries: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that a file says.

    Attributes:
        places: where in the file each service stands.
        things: what else it knows by name, of each kind.
    """

    health_checks: Mapping[str, Any]
    adaptive_check: Mapping[str, Any]
    parameters: Mapping[str, Value]
    rules: tuple[RuleSpec, ...]
    services: tuple[VirtualServiceSpec, ...]
    access_lists: tuple[AccessSpec, ...]
    places: Mapping[VsRef, Place]
    things: Mapping[str, tuple[ThingSpec, ...]]


def read_wanted(data: object) -> Wanted:
    """Check plain data, as YAML or JSON gives it.

    Raises:
        InvalidConfiguration: an unknown key, a value out of its range, a name given twice.
    """
    top = mapping(data, (), allowed=_TOP)
    if top.get("version", VERSION) != VERSION:
        raise InvalidConfiguration(
            f"version {top['version']!r} is not known here",
            place=("version",),
            allowed=str(VERSION),
        )
    defaults = mapping(top.get("defaults"), ("defaults",), allowed=_DEFAULTS)
    access: list[AccessSpec] = _access(top.get("access_lists"), ("access_lists",), None)
    services: list[VirtualServiceSpec] = []
    places: dict[VsRef, Place] = {}
    reader = _ServiceReader(defaults, access)
    for name, entry in mapping(top.get("services"), ("services",)).items():
        place: Place = ("services", name)
        with placed(place):
            ref = VsRef.parse(name)
        if ref in places:
            raise InvalidConfiguration(f"{ref} is given twice", place=place)
        places[ref] = place
        services.append(reader.service(ref, entry, place))
    return Wanted(
        health_checks=_checked(top.get("health_checks"), ("health_checks",), TIMERS),
        adaptive_check=_checked(top.get("adaptive_check"), ("adaptive_check",), ADAPTIVE),
        parameters=_parameters(top.get("parameters")),
        rules=tuple(_rules(top.get("rules"), defaults)),
        services=tuple(services),
        access_lists=tuple(access),
        places=places,
        things=_things(top),
    )


def _things(top: Mapping[str, Any]) -> dict[str, tuple[ThingSpec, ...]]:
    found: dict[str, list[ThingSpec]] = {one.key: [] for one in THINGS}
    for one in THINGS:
        if one.within is None:
            for spec in read_things(top.get(one.key), one, within(one)):
                found[spec.things.key].append(spec)
    return {key: tuple(specs) for key, specs in found.items()}


class _ServiceReader:
    """Reads services; puts their access lists where those of the file are collected."""

    def __init__(self, defaults: Mapping[str, Any], access: list[AccessSpec]) -> None:
        self._service: dict[str, Any] = _settings(
            defaults.get("service"), ("defaults", "service"), _check_service
        )
        self._slot: dict[str, Any] = _settings(
            defaults.get("sub_service"), ("defaults", "sub_service"), _check_sub_service
        )
        self._server: dict[str, Any] = _settings(
            defaults.get("server"), ("defaults", "server"), _check_server
        )
        self._access = access

    def service(self, ref: VsRef, data: object, place: Place) -> VirtualServiceSpec:
        entry = mapping(data, place)
        subs = [
            (self._sub_service(one, (*place, "sub_services", n)), one)
            for n, one in enumerate(
                listed(entry.pop("sub_services", None), (*place, "sub_services"))
            )
        ]
        access = entry.pop("access_lists", None)
        features = _features(entry, place)
        rules = _attached(entry, place)
        servers = self._servers(entry, place)
        if servers and subs:
            raise InvalidConfiguration(
                "a service has servers or SubVSs, not both", place=(*place, "servers")
            )
        spec = VirtualServiceSpec(
            ref=ref,
            settings={**self._service, **_settings(entry, place, _check_service)},
            rules=rules,
            real_servers=servers,
            sub_services=tuple(spec for spec, _ in subs),
            features=features,
        )
        self._access += _access(access, (*place, "access_lists"), ref)
        for n, (key, (_, sub)) in enumerate(zip(sub_keys(spec), subs, strict=True)):
            at = (*place, "sub_services", n, "access_lists")
            self._access += _access((sub or {}).get("access_lists"), at, key)
        return spec

    def _sub_service(self, data: object, place: Place) -> SubVsSpec:
        entry = mapping(data, place)
        entry.pop("access_lists", None)
        match_rules = _names(entry.pop("match_rules", None), (*place, "match_rules"))
        features = _features(entry, place)
        rules = _attached(entry, place)
        servers = self._servers(entry, place)
        own = _settings(entry, place, _check_sub_service)
        nickname = own.pop("nickname", None)
        shared = {k: v for k, v in self._service.items() if k not in ("enable", "nickname")}
        return SubVsSpec(
            nickname=nickname,
            settings={**shared, **self._slot, **own},
            rules=rules,
            match_rules=match_rules,
            real_servers=servers,
            features=features,
        )

    def _servers(self, entry: dict[str, Any], place: Place) -> tuple[RealServerSpec, ...]:
        at = (*place, "servers")
        found: dict[RsRef, RealServerSpec] = {}
        for name, data in mapping(entry.pop("servers", None), at).items():
            here = (*at, name)
            with placed(here):
                ref = RsRef.parse(name)
            if ref in found:
                raise InvalidConfiguration(f"{ref} is given twice", place=here)
            server = mapping(data, here)
            rules = _names(server.pop("match_rules", None), (*here, "match_rules"))
            settings = {**self._server, **_settings(server, here, _check_server)}
            found[ref] = RealServerSpec(ref=ref, settings=settings, match_rules=rules)
        return tuple(found.values())


def _check_service(settings: Mapping[str, Any]) -> None:
    write_settings(SERVICE, settings, allowed=SERVICE_SETTINGS)


def _check_sub_service(settings: Mapping[str, Any]) -> None:
    allowed = SERVICE_SETTINGS | set(SLOT_SETTINGS)
    write_settings(
        SERVICE, {k: v for k, v in settings.items() if k not in SLOT_SETTINGS}, allowed=allowed
    )
    write_settings(SLOT, {k: v for k, v in settings.items() if k in SLOT_SETTINGS})


def _check_server(settings: Mapping[str, Any]) -> None:
    write_settings(SERVER, settings, allowed=SERVER_SETTINGS)


def _settings(
    data: object, place: Place, check: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    settings = mapping(data, place)
    for name, value in settings.items():
        with placed((*place, name)):
            check({name: value})
    return settings


def _features(entry: dict[str, Any], place: Place) -> dict[str, dict[str, Any]]:
    found = {}
    for name, table in FEATURES.items():
        if name in entry:
            found[name] = _checked(entry.pop(name), (*place, name), table)
            for setting in found[name]:
                if table.by_setting[setting].attribute is None:
                    raise InvalidConfiguration(
                        f"{setting} is a secret and belongs in no file",
                        place=(*place, name, setting),
                    )
    return found


def _attached(entry: dict[str, Any], place: Place) -> dict[Any, tuple[str, ...]]:
    return {
        phase: _names(entry.pop(attribute), (*place, attribute))
        for attribute, phase in RULE_LISTS.items()
        if attribute in entry
    }


def _names(data: object, place: Place) -> tuple[str, ...]:
    names: list[str] = []
    for n, name in enumerate(listed(data, place)):
        with placed((*place, n)):
            check_rule_name(name)
        if name in names:
            raise InvalidConfiguration(f"{name} is given twice", place=(*place, n))
        names.append(name)
    return tuple(names)


def _checked(data: object, place: Place, table: Table) -> dict[str, Any]:
    def check(settings: Mapping[str, Any]) -> None:
        write_settings(table, settings)

    return _settings(data, place, check)


def _parameters(data: object) -> dict[str, Value]:
    from kempsdk.catalogue import find_parameter

    found: dict[str, Value] = {}
    for name, value in mapping(data, ("parameters",)).items():
        place: Place = ("parameters", name)
        known = find_parameter(name)
        if known is not None and (known.secret or known.read_only):
            why = "is a secret and belongs in no file" if known.secret else "cannot be set"
            raise InvalidConfiguration(f"{name} {why}", place=place)
        if isinstance(value, list):
            value = tuple(str(one) for one in value)
        if not isinstance(value, str | int | bool | tuple):
            raise InvalidConfiguration(f"{value!r} is not a parameter's value", place=place)
        with placed(place):
            check_value(name, " ".join(value) if isinstance(value, tuple) else value)
        found[name] = value
    return found


def _rules(data: object, defaults: Mapping[str, Any]) -> Iterable[RuleSpec]:
    known = {name for one in RULE_TYPES for name in one.table.by_setting}
    common = mapping(defaults.get("rule"), ("defaults", "rule"), allowed=sorted(known))
    seen: set[str] = set()
    for n, one in enumerate(listed(data, ("rules",))):
        place: Place = ("rules", n)
        entry = mapping(one, place)
        word, name = entry.pop("type", None), entry.pop("name", None)
        if word not in RULE_WORDS:
            allowed = ", ".join(RULE_WORDS)
            raise InvalidConfiguration(
                f"type: {word!r} is not one of {allowed}",
                place=(*place, "type"),
                value=word,
                allowed=allowed,
            )
        kind = RULE_TYPES[RULE_WORDS[str(word)]]
        with placed((*place, "name")):
            check_rule_name(name)
        if name in seen:
            raise InvalidConfiguration(f"{name} is given twice", place=(*place, "name"))
        seen.add(name)

        def check(settings: Mapping[str, Any], kind: RuleType = kind) -> None:
            write_settings(kind.table, settings)

        shared = {k: v for k, v in common.items() if k in kind.table.by_setting}
        settings = {**shared, **_settings(entry, place, check)}
        yield RuleSpec(name=name, type=kind, settings=settings, place=place)


def _access(data: object, place: Place, vs: VsRef | SubKey | None) -> list[AccessSpec]:
    lists = mapping(data, place, allowed=[one.value for one in AccessList])
    found = []
    for word, entries in lists.items():
        networks: dict[str, str | None] = {}
        for text, comment in mapping(entries, (*place, word)).items():
            at = (*place, word, text)
            try:
                network = str(ipaddress.ip_network(text))
            except ValueError:
                raise InvalidConfiguration(
                    f"{text!r} is not an address or a network without host bits", place=at
                ) from None
            if network in networks:
                raise InvalidConfiguration(f"{network} is given twice", place=at)
            if comment is not None and not isinstance(comment, str):
                raise InvalidConfiguration(f"{comment!r} is not a comment", place=at)
            networks[network] = comment or None
        found.append(AccessSpec(vs=vs, which=AccessList(word), entries=networks))
    return found
