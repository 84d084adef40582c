"""The whole configuration as data: export it, compare an appliance with it, apply it.

::

    saved = export(lm).data
    for change in diff(lm, saved):
        print(change)
    apply(lm, saved)
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from kempsdk.configuration_export import (
    GUARDED_PARAMETERS,
    OWN_PARAMETERS,
    PARTS,
    Export,
    export,
)
from kempsdk.configuration_file import AccessSpec, RuleSpec, Wanted, read_wanted
from kempsdk.configuration_prune import entry_name, plan_prune
from kempsdk.configuration_registry import THINGS
from kempsdk.configuration_shapes import InvalidConfiguration, Place
from kempsdk.configuration_things import plan_things
from kempsdk.desired_state import (
    Action,
    Change,
    Difference,
    Kind,
    Result,
    bring_about,
    plain_value,
)
from kempsdk.errors import InvalidRequest, KempError
from kempsdk.fields import compare
from kempsdk.health_checks import ADAPTIVE, TIMERS
from kempsdk.managers import Managers
from kempsdk.models import VirtualService
from kempsdk.parameters import same_value
from kempsdk.references import AnyVsRef, VsRef
from kempsdk.rule_fields import type_of
from kempsdk.rule_models import Rule
from kempsdk.service_changes import plan_service
from kempsdk.sub_service_keys import SubKey

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

__all__ = [
    "PARTS",
    "ConfigurationMoved",
    "Export",
    "InvalidConfiguration",
    "Place",
    "apply",
    "check_allowed",
    "diff",
    "export",
]


class ConfigurationMoved(KempError):
    """The appliance is not as it was when the changes were shown; nothing was changed.

    Attributes:
        changes: what would have to be changed now.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__("the appliance is not as it was when the changes were shown")
        self.changes = tuple(changes)


def diff(
    lm: "LoadMaster", wanted: Mapping[str, Any], *, prune: Collection[str] = ()
) -> tuple[Change, ...]:
    """Return what makes an appliance as it is to be, in that order. Changes nothing.

    What the data does not mention is left as it is, and only asked for what it mentions.

    Args:
        lm: the appliance.
        wanted: like ``Export.data``, all of it or a part.
        prune: things to delete, ``KIND/NAME``, as ``service/tcp/10.0.1.250:80`` or
            ``server/tcp/10.0.1.250:80 10.0.1.11:80``; what is not there is fine.

    Raises:
        InvalidConfiguration: something that cannot be, with its place in the data.
        InvalidRequest: a thing to be pruned that there cannot be, or that the data mentions.
    """
    return tuple(_plan(lm, read_wanted(wanted), prune))


def apply(
    lm: "LoadMaster",
    wanted: Mapping[str, Any],
    *,
    prune: Collection[str] = (),
    allow: Collection[str] = (),
    expected: Sequence[Change] | None = None,
    on_change: Callable[[Change], None] = lambda _: None,
) -> Result:
    """Make an appliance as it is to be, and read it back. Changes the device.

    The order: timers, parameters, what stands for itself in the order of
    ``configuration_registry.THINGS``, rules, services with their SubVSs, servers and attached
    rules, access lists; then what is to be pruned, and at last what is the way in to the
    appliance. It stops at the first failure.

    Args:
        lm: the appliance.
        wanted: as for ``diff``.
        prune: as for ``diff``.
        allow: changes that can cut this client off and are to be made all the same,
            ``KIND/NAME``, as ``interface/0`` or ``parameter/dfltgw``.
        expected: the changes that somebody agreed to.
        on_change: told of each change after it was made and read back.

    Raises:
        InvalidConfiguration, InvalidRequest: as for ``diff``, and of ``check_allowed``.
        ConfigurationMoved: the changes are not the expected ones; nothing was changed.
        KempError: of the change that failed; those before it were made.
        WriteNotApplied: all were made, and something is different still.
    """
    checked = read_wanted(wanted)

    def plan() -> list[Change]:
        return _plan(lm, checked, prune)

    changes = plan()
    if expected is not None and tuple(expected) != tuple(changes):
        raise ConfigurationMoved(changes)
    check_allowed(changes, allow)
    return bring_about(lm, plan, changes, on_change=on_change)


def check_allowed(changes: Sequence[Change], allow: Collection[str]) -> None:
    """Check that changes which can cut a client off are allowed by name.

    Those are of an interface's addresses and what it is the way in for, of the gateway of a
    route, and of parameters like the default gateway and the port of the API.

    Args:
        changes: as ``diff`` returns them.
        allow: as for ``apply``.

    Raises:
        InvalidRequest: one is not; nothing was changed.
    """
    refused = [
        name
        for one in changes
        if one.guarded and (name := f"{one.kind.value}/{one.name}") not in allow
    ]
    if refused:
        raise InvalidRequest(
            f"this can cut you off, and is done only if it is allowed by name: "
            f"{', '.join(refused)}",
            field="allow",
            value=refused[0],
            allowed=", ".join(refused),
        )


def _plan(lm: "LoadMaster", wanted: Wanted, prune: Collection[str]) -> list[Change]:
    parameters = list(_parameters(lm, wanted.parameters))
    last = [one for one in parameters if one.name.lower() in OWN_PARAMETERS]
    changes = [*_checks(lm, wanted), *(one for one in parameters if one not in last)]
    for things in THINGS:
        made, own = plan_things(lm, things, wanted.things[things.key])
        changes += made
        last += own
    services: tuple[VirtualService, ...] = ()
    # An appliance is asked for nothing that the file does not mention.
    if wanted.services or any(one.vs for one in wanted.access_lists) or prune:
        services = lm.virtual_services.list()
    attached = [one for one in wanted.services if _attached(one)]
    rules = {one.name: one for one in lm.rules.list()} if wanted.rules or attached or prune else {}
    changes += [change for one in wanted.rules for change in _rule(one, rules.get(one.name))]
    known = {*rules, *(one.name for one in wanted.rules)}
    now = {one.ref: one for one in services}
    for spec in wanted.services:
        for rule in _attached(spec):
            if rule not in known:
                place = wanted.places[spec.ref]
                raise InvalidConfiguration(f"there is no rule {rule} to attach", place=place)
        changes += plan_service(spec, now.get(spec.ref))
    for access in wanted.access_lists:
        changes += _access(lm, access, now)
    # The way in to the appliance is changed when there is nothing else left to do.
    return [*changes, *plan_prune(lm, wanted, services, rules, prune), *last]


def _attached(spec: Any) -> Iterator[str]:
    for one in (spec, *spec.sub_services):
        for names in one.rules.values():
            yield from names
        yield from getattr(one, "match_rules", ())
        for server in one.real_servers:
            yield from server.match_rules


def _checks(lm: "LoadMaster", wanted: Wanted) -> Iterator[Change]:
    if timers := wanted.health_checks:
        left = compare(TIMERS, timers, lm.health_checks.get())
        if left:
            asked: dict[str, Any] = {one.field: timers[one.field] for one in left}
            yield Change(
                kind=Kind.HEALTH_CHECKS,
                name="timers",
                action=Action.UPDATE,
                differences=tuple(Difference(one.field, one.got, one.asked) for one in left),
                run=lambda hands: hands.health_checks.update(**asked),
            )
    if adaptive := wanted.adaptive_check:
        left = compare(ADAPTIVE, adaptive, lm.health_checks.adaptive())
        if left:
            changed: dict[str, Any] = {one.field: adaptive[one.field] for one in left}
            yield Change(
                kind=Kind.ADAPTIVE_CHECK,
                name="adaptive check",
                action=Action.UPDATE,
                differences=tuple(Difference(one.field, one.got, one.asked) for one in left),
                run=lambda hands: hands.health_checks.update_adaptive(**changed),
            )


def _parameters(lm: "LoadMaster", wanted: Mapping[str, Any]) -> Iterator[Change]:
    if not wanted:
        return
    found = {name.lower(): value for name, value in lm.parameters.list().items()}
    for name, value in wanted.items():
        now = found.get(name.lower())
        if not same_value(value, now):
            yield _parameter(name, value, now)


def _parameter(name: str, value: Any, now: object) -> Change:
    return Change(
        kind=Kind.PARAMETER,
        name=name,
        action=Action.UPDATE,
        differences=(Difference("value", plain_value(now), plain_value(value)),),
        guarded=name.lower() in GUARDED_PARAMETERS,
        run=lambda hands: hands.parameters.set(name, value),
    )


def _rule(spec: RuleSpec, now: Rule | None) -> Iterator[Change]:
    settings: dict[str, Any] = dict(spec.settings)
    if now is None:
        model = spec.type.model
        for one in fields(model):
            # An export leaves out texts that can be credentials: a rule that is made without
            # would do something else.
            needed = one.default is MISSING and one.default_factory is MISSING
            needed = needed or one.name in ("value", "replacement")
            if needed and one.name not in {"name", *settings}:
                raise InvalidConfiguration(
                    f"rule {spec.name} is new and needs its {one.name}", place=spec.place
                )
        made: Any = model
        yield Change(
            kind=Kind.RULE,
            name=spec.name,
            action=Action.CREATE,
            differences=tuple(
                Difference(name, None, plain_value(one))
                for name, one in settings.items()
                if one not in ("", 0, False)
            ),
            run=lambda hands: hands.rules.create(made(name=spec.name, **settings)),
        )
        return
    if type_of(now) is not spec.type:
        raise InvalidConfiguration(
            f"rule {spec.name} is a {type_of(now).group} on the appliance; delete it there first",
            place=(*spec.place, "type"),
        )
    if left := compare(spec.type.table, settings, now):
        changed: dict[str, Any] = {one.field: settings[one.field] for one in left}
        yield Change(
            kind=Kind.RULE,
            name=spec.name,
            action=Action.UPDATE,
            differences=tuple(
                Difference(one.field, plain_value(one.got), plain_value(one.asked)) for one in left
            ),
            run=lambda hands: hands.rules.update(spec.name, **changed),
        )


def _access(
    lm: "LoadMaster", spec: AccessSpec, services: Mapping[Any, VirtualService]
) -> Iterator[Change]:
    there, ref = _place_of_list(spec, services)
    now: dict[str, str | None] = {}
    if there:
        now = {one.network: one.comment for one in lm.access_lists.list(spec.which, vs=ref)}
    for network, comment in spec.entries.items():
        if network not in now:
            yield _entry(spec, network, comment, None, Action.CREATE)
        elif now[network] != comment:
            yield _entry(spec, network, comment, now[network], Action.UPDATE)


def _place_of_list(
    spec: AccessSpec, services: Mapping[Any, VirtualService]
) -> tuple[bool, AnyVsRef | None]:
    if spec.vs is None:
        return True, None
    if isinstance(spec.vs, VsRef):
        return spec.vs in services, spec.vs
    parent = services.get(spec.vs.parent)
    sub = spec.vs.among(parent.sub_services) if parent else None
    return sub is not None, sub.ref if sub else None


def _entry(
    spec: AccessSpec, network: str, comment: str | None, before: str | None, action: Action
) -> Change:
    def run(hands: Managers) -> None:
        ref = spec.vs.locate(hands) if isinstance(spec.vs, SubKey) else spec.vs
        if action is Action.UPDATE:
            # An entry cannot be changed: it is out of the list for a moment.
            hands.access_lists.remove(spec.which, network, vs=ref)
        hands.access_lists.add(spec.which, network, comment=comment, vs=ref)

    differs = comment is not None or action is Action.UPDATE
    return Change(
        kind=Kind.ACCESS_ENTRY,
        name=entry_name(spec.vs, spec.which, network),
        action=action,
        differences=(Difference("comment", before, comment),) if differs else (),
        run=run,
    )
