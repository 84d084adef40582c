"""From how a service is and is to be, to the changes between; and making them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kempsdk.attachment_changes import attachment_changes
from kempsdk.desired_state import (
    RULE_LISTS,
    Action,
    Change,
    Changed,
    Difference,
    Kind,
    RealServerSpec,
    Result,
    SubVsSpec,
    Unchanged,
    VirtualServiceSpec,
    bring_about,
    plain_value,
)
from kempsdk.errors import InvalidRequest, NotFound
from kempsdk.feature_changes import check_features, feature_changes
from kempsdk.fields import Table, compare, write_settings
from kempsdk.managers import Managers
from kempsdk.models import RealServer, SubVs, VirtualService
from kempsdk.references import AnyVsRef
from kempsdk.rule_models import OnServer, OnService, OnSubService, Phase, RulePlace
from kempsdk.service_fields import SERVER, SERVICE, SLOT
from kempsdk.sub_service_keys import SubKey, sub_keys

if TYPE_CHECKING:
    from kempsdk.appliance import Appliance

SLOT_SETTINGS: Final = ("weight", "limit", "enable", "critical")

_Locate = Callable[[Managers], AnyVsRef]

NEW_SERVICE: Final[Mapping[str, object]] = {
    **{one.setting: one.kind.default for one in SERVICE.fields if one.setting and one.attribute},
    # What a new one has besides, whatever its port (seen on 7.2.50 to 7.2.63).
    "enable": True,
    "force_l7": True,
    "subnet_originating": True,
    "idle_timeout_s": 660,
}
"""Settings of a new service."""

_BY_PORT: Final = ("type", "check_type", "transparent")
"""Settings that depend on the port of a new service, so they are always named."""
_SURE: Final = {name: one for name, one in NEW_SERVICE.items() if name not in _BY_PORT}

NEW_SERVER: Final[Mapping[str, object]] = {
    **{one.setting: one.kind.default for one in SERVER.fields if one.setting and one.attribute},
    "enable": True,
}
"""Settings of a new server."""

NEW_SLOT: Final[Mapping[str, object]] = {name: NEW_SERVER[name] for name in SLOT_SETTINGS}
"""Settings of a new SubVS's place in its parent."""


def ensure_service(appliance: "Appliance", spec: VirtualServiceSpec, *, dry_run: bool) -> Result:
    """Make a service as it is to be; see ``VirtualServices.ensure``."""
    hands = Managers(appliance, own_key=None)

    def plan() -> list[Change]:
        return plan_service(spec, _read(hands, spec))

    return _ensure(hands, plan, dry_run=dry_run)


def ensure_server(
    appliance: "Appliance", vs: AnyVsRef, spec: RealServerSpec, *, dry_run: bool
) -> Result:
    """Make a server as it is to be; see ``RealServers.ensure``."""
    hands = Managers(appliance, own_key=None)
    check_server(spec)

    def plan() -> list[Change]:
        found = {one.ref: one for one in hands.real_servers.list(vs)}
        return _server_changes(str(vs), lambda _: vs, spec, found.get(spec.ref))

    return _ensure(hands, plan, dry_run=dry_run)


def _ensure(hands: Managers, plan: Callable[[], Sequence[Change]], *, dry_run: bool) -> Result:
    changes = plan()
    if dry_run:
        return Changed(tuple(changes), applied=False) if changes else Unchanged()
    return bring_about(hands, plan, changes)


def _read(hands: Managers, spec: VirtualServiceSpec) -> VirtualService | None:
    if spec.sub_services:  # only a list of all services holds their own settings
        services = hands.virtual_services.list()
        return next((one for one in services if one.ref == spec.ref), None)
    try:
        return hands.virtual_services.get(spec.ref)
    except NotFound:
        return None


def check_service(spec: VirtualServiceSpec) -> None:
    """Check all that a service is to be.

    Raises:
        InvalidRequest: an unknown setting, or a value out of its range.
    """
    _check(SERVICE, spec.settings, target=str(spec.ref))
    check_features(spec.features)
    for sub in spec.sub_services:
        settings, slot = sub_settings(sub)
        _check(SERVICE, settings, target=f"a SubVS of {spec.ref}")
        _check(SLOT, slot, target=f"a SubVS of {spec.ref}")
        check_features(sub.features)
    for server in (
        *spec.real_servers,
        *(one for sub in spec.sub_services for one in sub.real_servers),
    ):
        check_server(server)


def check_server(spec: RealServerSpec) -> None:
    """Check all that a server is to be.

    Raises:
        InvalidRequest: an unknown setting, or a value out of its range.
    """
    allowed = frozenset(SERVER.by_setting) - {"new_port"}
    _check(SERVER, spec.settings, target=str(spec.ref), allowed=allowed)


def _check(
    table: Table,
    settings: Mapping[str, object],
    *,
    target: str,
    allowed: frozenset[str] | None = None,
) -> None:
    try:
        write_settings(table, settings, allowed=allowed)
    except InvalidRequest as error:
        error.target = error.target or target
        raise


def sub_settings(spec: SubVsSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of a SubVS itself and those of its slot."""
    slot = {name: one for name, one in spec.settings.items() if name in SLOT_SETTINGS}
    own = {name: one for name, one in spec.settings.items() if name not in SLOT_SETTINGS}
    return ({"nickname": spec.nickname, **own} if spec.nickname else own), slot


def plan_service(spec: VirtualServiceSpec, now: VirtualService | None) -> list[Change]:
    """Return what makes a service as it is to be. Pure.

    Args:
        spec: how it is to be.
        now: how it is, with the settings of its SubVSs where the spec has some; None if it
            is not there.

    Raises:
        InvalidRequest: a setting that there is not, or a value out of its range.
    """
    check_service(spec)
    name, settings = str(spec.ref), dict(spec.settings)
    changes: list[Change] = []
    if now is None:
        first = _unlike(settings, _SURE)

        def create(hands: Managers) -> None:
            hands.virtual_services.create(spec.ref, **first)
            _settle(hands, spec.ref, settings)

        changes.append(
            Change(
                kind=Kind.SERVICE,
                name=name,
                action=Action.CREATE,
                differences=_new(first),
                run=create,
            )
        )
    elif differences := _differences(SERVICE, settings, now):
        changes.append(
            Change(
                kind=Kind.SERVICE,
                name=name,
                action=Action.UPDATE,
                differences=differences,
                run=lambda hands: _settle(hands, spec.ref, settings),
            )
        )
    for key, sub in zip(sub_keys(spec), spec.sub_services, strict=True):
        changes += _sub_changes(key, sub, key.among(now.sub_services if now else ()))
    changes += _inner_changes(name, lambda _: spec.ref, spec, now.real_servers if now else (), now)
    return changes


def _sub_changes(key: SubKey, spec: SubVsSpec, now: SubVs | None) -> list[Change]:
    settings, slot = sub_settings(spec)

    def settle(hands: Managers) -> None:
        ref = key.locate(hands)
        _settle(hands, ref, settings)
        left = compare(
            SLOT,
            slot,
            next(one for one in hands.sub_virtual_services.list(key.parent) if one.ref == ref),
        )
        if left:
            changed: dict[str, Any] = {one.field: slot[one.field] for one in left}
            hands.sub_virtual_services.set_slot(ref, **changed)

    def create(hands: Managers) -> None:
        named: dict[str, Any] = {"nickname": spec.nickname} if spec.nickname else {}
        hands.sub_virtual_services.create(key.parent, **named)
        settle(hands)

    changes: list[Change] = []
    inner = now.service if now is not None else None
    if now is None:
        wanted = {**_unlike(settings, _SURE), **_unlike(slot, NEW_SLOT)}
        changes.append(
            Change(
                kind=Kind.SUB_SERVICE,
                name=key.name,
                action=Action.CREATE,
                differences=_new(wanted),
                run=create,
            )
        )
    else:
        assert inner is not None  # noqa: S101 - a list of all services holds it
        differences = (*_differences(SERVICE, settings, inner), *_differences(SLOT, slot, now))
        if differences:
            changes.append(
                Change(
                    kind=Kind.SUB_SERVICE,
                    name=key.name,
                    action=Action.UPDATE,
                    differences=differences,
                    run=settle,
                )
            )
    changes += _inner_changes(
        key.name, key.locate, spec, inner.real_servers if inner else (), inner
    )
    changes += attachment_changes(
        f"{key.name} match_rules",
        lambda hands: OnSubService(key.locate(hands)),
        spec.match_rules,
        now.match_rules if now else (),
    )
    return changes


def _inner_changes(
    name: str,
    locate: _Locate,
    spec: VirtualServiceSpec | SubVsSpec,
    servers: Sequence[RealServer],
    now: VirtualService | None,
) -> list[Change]:
    found = {one.ref: one for one in servers}
    changes: list[Change] = []
    for server in spec.real_servers:
        changes += _server_changes(name, locate, server, found.get(server.ref))
    for attribute, phase in RULE_LISTS.items():
        changes += attachment_changes(
            f"{name} {attribute}",
            partial(_on_service, locate, phase),
            spec.rules.get(phase, ()),
            getattr(now, attribute) if now else (),
        )
    return changes + feature_changes(name, locate, spec.features, now)


def _on_service(locate: _Locate, phase: Phase, hands: Managers) -> RulePlace:
    return OnService(locate(hands), phase)


def _server_changes(
    service: str, locate: _Locate, spec: RealServerSpec, now: RealServer | None
) -> list[Change]:
    name, settings = f"{service} {spec.ref}", dict(spec.settings)
    changes: list[Change] = []
    if now is None:
        first = _unlike(settings, NEW_SERVER)
        changes.append(
            Change(
                kind=Kind.SERVER,
                name=name,
                action=Action.CREATE,
                differences=_new(first),
                run=lambda hands: hands.real_servers.add(locate(hands), spec.ref, **settings),
            )
        )
    elif differences := _differences(SERVER, settings, now):
        changed: dict[str, Any] = {one.field: settings[one.field] for one in differences}
        changes.append(
            Change(
                kind=Kind.SERVER,
                name=name,
                action=Action.UPDATE,
                differences=differences,
                run=lambda hands: hands.real_servers.update(locate(hands), spec.ref, **changed),
            )
        )
    changes += attachment_changes(
        f"{name} match_rules",
        lambda hands: OnServer(locate(hands), spec.ref),
        spec.match_rules,
        now.match_rules if now else (),
    )
    return changes


def _settle(hands: Managers, ref: AnyVsRef, settings: Mapping[str, Any]) -> None:
    # Twice: a new type resets others, such as the Via header and the cache.
    for _ in range(2):
        differences = compare(SERVICE, settings, hands.virtual_services.get(ref))
        changed: dict[str, Any] = {one.field: settings[one.field] for one in differences}
        if not changed:
            return
        hands.virtual_services.update(ref, **changed)


def _unlike(settings: Mapping[str, Any], new: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: one
        for name, one in settings.items()
        if name not in new or plain_value(one) != plain_value(new[name])
    }


def _new(settings: Mapping[str, object]) -> tuple[Difference, ...]:
    return tuple(Difference(name, None, plain_value(one)) for name, one in settings.items())


def _differences(
    table: Table, settings: Mapping[str, object], now: object
) -> tuple[Difference, ...]:
    return tuple(
        Difference(one.field, plain_value(one.got), plain_value(one.asked))
        for one in compare(table, settings, now)
    )
