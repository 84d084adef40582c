"""A whole LoadMaster as plain data, in an order that stays the same."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kempsdk.access_lists import AccessList
from kempsdk.cipher_sets import SYSTEM_CIPHER_SETS
from kempsdk.configuration_file import (
    RULE_WORDS,
    SERVER_SETTINGS,
    SERVICE_SETTINGS,
    VERSION,
)
from kempsdk.configuration_limits import CIPHER_SETS
from kempsdk.configuration_registry import KEYS, THINGS
from kempsdk.configuration_things import Things
from kempsdk.desired_state import RULE_LISTS, plain_value
from kempsdk.errors import InvalidRequest, UnknownCommand
from kempsdk.feature_changes import FEATURES, shown_features
from kempsdk.fields import Table, write_settings
from kempsdk.models import RealServer, SubVs, VirtualService
from kempsdk.parameters import check_value
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_fields import settings_of, type_of
from kempsdk.rule_models import Rule
from kempsdk.service_changes import NEW_SERVER, NEW_SERVICE, NEW_SLOT, SLOT_SETTINGS
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.sub_service_keys import keys_of

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster
    from kempsdk.references import AnyVsRef

PARTS: Final = (
    "health_checks",
    "adaptive_check",
    "parameters",
    *KEYS,
    "rules",
    "services",
    "access_lists",
)
"""What an export can hold, in its order."""

OWN_PARAMETERS: Final = frozenset(
    {
        "adminclientaccess",
        "admingw",
        "apiport",
        "dfltgw",
        "dfltgwv6",
        "enableapi",
        "hamode",
        "hostname",
        "multihomedwui",
        "sessionauthmode",
        "sessionbasicauth",
        "sessioncontrol",
        "sessionlocalauth",
        "wuiaccess",
        "wuiiface",
        "wuiport",
    }
)
"""Parameters that tell one unit from another, or are the way in to it."""

GUARDED_PARAMETERS: Final = OWN_PARAMETERS - {"hostname"}
"""Those whose change can cut off whoever makes it."""

_HIDDEN: Final = "********"
_CREDENTIAL: Final = re.compile(
    r"authorization|cookie|passw|passphrase|secret|token|api[-_]?key|credential|bearer",
    re.IGNORECASE,
)
_CREDENTIAL_IN_URL: Final = re.compile(r"[?&;][^=]*(passw|secret|token|key)[^=]*=", re.IGNORECASE)
_URLS: Final = frozenset({"check_url", "error_url"})
_FREE_TEXT: Final = frozenset(
    {"check_headers", "check_post_data", "extra_header_value", "server_form_body"}
)

_WITH_WAF: Final = frozenset({"waf_options", "owasp_options"})
"""Without the firewall they hold something, and are not taken (seen on 7.2.50 to 7.2.63)."""

_NEW_RULE: Final = {
    "add_host": False,
    "include_query": False,
    "ignore_case": False,
    "negate": False,
    "must_fail": False,
    "set_flag": 0,
    "only_on_flag": 0,
    "only_on_no_flag": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A configuration.

    Attributes:
        data: mappings, lists, texts, numbers and switches; ``configuration.diff`` and
            ``apply`` take it, and JSON and YAML can hold it.
        left_out: what is set on the appliance and not in the data, and why.
    """

    data: dict[str, Any]
    left_out: tuple[str, ...]

    def to_yaml(self) -> str:
        """Return it as YAML."""
        import yaml

        return yaml.safe_dump(self.data, sort_keys=False, allow_unicode=True, width=100)


def export(lm: "LoadMaster", parts: Collection[str] = PARTS) -> Export:
    """Read the configuration of a LoadMaster. Changes nothing.

    Secrets, files and what cannot be written are not in it, nor the parameters that tell
    one unit from another or are the way in to it (host name, HA mode, API port, ...). The
    settings of services are spelled out once, below ``defaults``; a service has those that
    are different.

    A call for each part; for access lists two more for each service and SubVS.

    Args:
        lm: the appliance.
        parts: which ones, see ``PARTS``.

    Raises:
        InvalidRequest: no such part.
        KempError: a call failed. There is never less in the data because of one; a part that
            the firmware or licence has no commands for is among ``left_out``.
    """
    if unknown := [one for one in parts if one not in PARTS]:
        raise InvalidRequest(
            f"there is no part {unknown[0]!r}",
            field="parts",
            value=unknown[0],
            allowed=", ".join(PARTS),
        )
    return _Exporter(lm).export(parts)


class _Exporter:
    def __init__(self, lm: "LoadMaster") -> None:
        self._lm = lm
        self._left_out: list[str] = []
        self._unsaid: set[str] = set()

    def export(self, parts: Collection[str]) -> Export:
        data: dict[str, Any] = {"version": VERSION, "defaults": {}}
        lm = self._lm
        if "health_checks" in parts:
            timers = lm.health_checks.get()
            data["health_checks"] = {
                "retry_interval_s": timers.retry_interval_s,
                "timeout_s": timers.timeout_s,
                "retry_count": timers.retry_count,
            }
        if "adaptive_check" in parts:
            adaptive = lm.health_checks.adaptive()
            data["adaptive_check"] = {
                "url": adaptive.url,
                "port": adaptive.port,
                "interval_s": adaptive.interval_s,
                "min_percent": adaptive.min_percent,
            }
        if "parameters" in parts:
            data["parameters"] = self._parameters()
        if "rules" in parts:
            data["defaults"]["rule"] = dict(_NEW_RULE)
            data["rules"] = [self._rule(one) for one in lm.rules.list()]
        services: tuple[VirtualService, ...] = ()
        if {"services", "access_lists", "cipher_sets"} & set(parts):
            services = lm.virtual_services.list()
        for things in THINGS:
            if things.key in parts or (things.within and things.within[0].key in parts):
                self._things(data, things, services)
        if "services" in parts:
            data["services"] = {str(one.ref): self._service(one) for one in services}
            self._factor_out(data)
        if "access_lists" in parts:
            self._access_lists(data, services)
        if not data["defaults"]:
            del data["defaults"]
        return Export(data=data, left_out=tuple(self._left_out))

    def _parameters(self) -> dict[str, object]:
        from kempsdk.catalogue import find_parameter

        found: dict[str, object] = {}
        for name, value in self._lm.parameters.list().items():
            known = find_parameter(name)
            if known is None:
                # It could be a secret.
                self._skip(f"parameter {name}", "not known here")
            elif known.secret or value == _HIDDEN:
                self._skip(f"parameter {name}", "a secret")
            elif name.lower() in OWN_PARAMETERS:
                self._skip(f"parameter {name}", "belongs to this unit, or is the way in to it")
            elif not known.read_only and not known.deprecated:
                try:
                    check_value(name, " ".join(value) if isinstance(value, tuple) else value)
                except InvalidRequest:
                    self._skip(f"parameter {name}", f"{value!r} cannot be written")
                else:
                    found[name] = plain_value(value)
        return dict(sorted(found.items(), key=lambda one: one[0].lower()))

    def _things(
        self, data: dict[str, Any], things: Things, services: tuple[VirtualService, ...]
    ) -> None:
        if things.within and things.within[0].key not in data:
            return  # what they stand in was left out
        names = _own_cipher_sets(services) if things is CIPHER_SETS else ()
        try:
            now = things.now(self._lm, names)
        except UnknownCommand:
            self._skip(things.key, "this firmware or licence has nothing of it")
            return
        entries: dict[str, Any] = {} if things.within else data.setdefault(things.key, {})
        for name, model in now.items():
            try:
                things.name(name)
            except InvalidRequest:
                self._skip(f"{things.kind.value} {name}", "a file cannot name it")
                continue
            for setting in things.unspelled(model):
                self._skip(f"{setting} of {things.kind.value} {name}", "cannot be written")
            self._left_out += things.left_out(name, model)
            entry = things.spelled(model)
            if things.single is not None:
                entries.update(entry)
            elif things.within is None:
                entries[name] = entry
            else:
                parent, word = things.within
                holder, _, own = name.partition(" ")
                data[parent.key][holder].setdefault(word, {})[own] = entry
        for setting in sorted(things.own) if now else ():
            self._skip(f"{setting} of {things.key}", "belongs to this unit, or is the way in to it")

    def _rule(self, rule: Rule) -> dict[str, object]:
        words = {number: word for word, number in RULE_WORDS.items()}
        entry: dict[str, object] = {"name": rule.name, "type": words[type_of(rule).number]}
        for name, value in settings_of(rule).items():
            plain = plain_value(value)
            if name in ("value", "replacement") and _CREDENTIAL.search(getattr(rule, "header", "")):
                self._skip(f"{name} of rule {rule.name}", "can be a credential")
            elif name not in _NEW_RULE or plain != _NEW_RULE[name]:
                entry[name] = plain
        return entry

    def _service(self, one: VirtualService) -> dict[str, Any]:
        entry = self._settings(SERVICE, SERVICE_SETTINGS, one, str(one.ref))
        if one.follow_vs_index:
            self._skip(f"follow_vs_index of {one.ref}", "indexes change")
        self._body(entry, one, str(one.ref))
        if one.sub_services:
            keys = keys_of(_parent(one), [sub.name for sub in one.sub_services])
            entry["sub_services"] = [
                self._sub_service(sub, key.name)
                for key, sub in zip(keys, one.sub_services, strict=True)
            ]
        return entry

    def _sub_service(self, sub: SubVs, name: str) -> dict[str, Any]:
        assert sub.service is not None  # noqa: S101 - a list of all services holds it
        own = self._settings(SERVICE, SERVICE_SETTINGS - {"enable"}, sub.service, name)
        own.pop("nickname", None)
        slot = self._settings(SLOT, frozenset(SLOT_SETTINGS), sub, name)
        entry = {"nickname": sub.name, **slot, **own}
        if sub.match_rules:
            entry["match_rules"] = list(sub.match_rules)
        self._body(entry, sub.service, name)
        return entry

    def _body(self, entry: dict[str, Any], one: VirtualService, name: str) -> None:
        in_use = {"waf_tuning": one.waf, "pre_authentication": one.esp_enabled}
        for feature, settings in shown_features(one).items():
            said = self._feature(feature, settings, f"{feature} of {name}", every=in_use[feature])
            if said:
                entry[feature] = said
        for attribute in RULE_LISTS:
            if rules := getattr(one, attribute):
                entry[attribute] = list(rules)
        servers = {}
        for server in one.real_servers:
            if server.dns_name:
                self._skip(f"DNS name {server.dns_name} of {name} {server.ref}", "no setting")
            if not _usable(server.ref):
                self._skip(f"server {server.ref} of {name}", "without an address and a port")
                continue
            servers[str(server.ref)] = self._server(server, f"{name} {server.ref}")
        if servers:
            entry["servers"] = servers

    def _feature(
        self, name: str, settings: Mapping[str, object], target: str, *, every: bool
    ) -> dict[str, Any]:
        table, found = FEATURES[name], {}
        for setting, value in settings.items():
            plain = plain_value(value)
            if value in (None, ()) or (
                not every and value == table.by_setting[setting].kind.default
            ):
                continue
            if setting in _FREE_TEXT:
                self._skip(f"{setting} of {target}", "can be a credential")
            elif refused := _refused(table, setting, plain):
                if value:  # numbers that were never set read 0
                    self._skip(f"{setting} of {target}", refused)
            else:
                found[setting] = plain
        return found

    def _server(self, server: RealServer, name: str) -> dict[str, Any]:
        entry = self._settings(SERVER, SERVER_SETTINGS, server, name)
        if server.follow:
            self._skip(f"follow of {name}", "indexes change")
        if server.match_rules:
            entry["match_rules"] = list(server.match_rules)
        return entry

    def _settings(
        self, table: Table, names: Collection[str], model: object, target: str
    ) -> dict[str, Any]:
        found = {}
        for field in table.fields:
            setting = field.setting
            if setting not in names or setting is None or field.attribute is None:
                continue
            value = getattr(model, field.attribute)
            if not field.shown and value == field.kind.default:
                continue  # answers do not show it, so nothing is known of it
            if setting in _WITH_WAF and not getattr(model, "waf", False):
                continue
            plain = plain_value(value)
            said = f"{plain} {getattr(model, 'extra_header_name', '')}"
            if (setting in _FREE_TEXT and _CREDENTIAL.search(said)) or (
                setting in _URLS and _CREDENTIAL_IN_URL.search(said)
            ):
                why = "can be a credential"
            elif refused := _refused(table, setting, plain):
                why = refused
            else:
                found[setting] = plain
                continue
            self._skip(f"{setting} of {target}", why)
            # Were it among the defaults, they would unset it here.
            self._unsaid.add(setting)
        return found

    def _factor_out(self, data: dict[str, Any]) -> None:
        """Put settings that nearly all services share in one place."""
        shown = {one.setting for one in SERVICE.fields if one.shown and one.attribute}
        service = {
            name: plain_value(value)
            for name, value in NEW_SERVICE.items()
            if name in SERVICE_SETTINGS & shown - _WITH_WAF - {"nickname"}
        }
        kinds: dict[str, dict[str, Any]] = {
            "service": service,
            "sub_service": {name: plain_value(one) for name, one in NEW_SLOT.items()},
            "server": {
                name: plain_value(one)
                for name, one in NEW_SERVER.items()
                if name in SERVER_SETTINGS
            },
        }
        for settings in kinds.values():
            for name in self._unsaid & set(settings):
                del settings[name]
        data["defaults"].update(kinds)
        within = {k: v for k, v in service.items() if k != "enable"} | kinds["sub_service"]
        for entry in data["services"].values():
            _drop(entry, service)
            _drop_servers(entry, kinds["server"])
            for sub in entry.get("sub_services", ()):
                _drop(sub, within)
                _drop_servers(sub, kinds["server"])

    def _access_lists(self, data: dict[str, Any], services: tuple[VirtualService, ...]) -> None:
        data["access_lists"] = self._lists(None)
        for one in services:
            entry = data.get("services", {}).get(str(one.ref))
            if entry is None:
                break
            if found := self._lists(one.ref):
                entry["access_lists"] = found
            for n, sub in enumerate(one.sub_services):
                if found := self._lists(sub.ref):
                    entry["sub_services"][n]["access_lists"] = found

    def _lists(self, vs: "AnyVsRef | None") -> dict[str, dict[str, str | None]]:
        found = {}
        for which in AccessList:
            entries = self._lm.access_lists.list(which, vs=vs)
            if entries:
                found[which.value] = {one.network: one.comment for one in entries}
        return found

    def _skip(self, what: str, why: str) -> None:
        self._left_out.append(f"{what}: {why}")


def _own_cipher_sets(services: tuple[VirtualService, ...]) -> list[str]:
    subs = [sub.service for one in services for sub in one.sub_services]
    used = {one.cipher_set for one in (*services, *subs) if one is not None and one.cipher_set}
    return sorted(used - SYSTEM_CIPHER_SETS)


def _drop(entry: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    for name, value in defaults.items():
        if name in entry and entry[name] == value:
            del entry[name]


def _drop_servers(entry: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    for server in entry.get("servers", {}).values():
        _drop(server, defaults)


def _refused(table: Table, setting: str, value: object) -> str | None:
    try:
        write_settings(table, {setting: value})
    except InvalidRequest:
        return f"{value!r} cannot be written"
    return None


def _usable(ref: RsRef) -> bool:
    try:
        return RsRef.parse(str(ref)) == ref and ref.address != "0.0.0.0"  # noqa: S104 - stands for "none"
    except InvalidRequest:
        return False


def _parent(one: VirtualService) -> VsRef:
    assert isinstance(one.ref, VsRef)  # noqa: S101 - SubVSs have no SubVSs
    return one.ref
