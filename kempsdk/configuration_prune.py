"""Deleting what somebody asked for by kind and name, and nothing else."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from kempsdk.access_lists import AccessList
from kempsdk.configuration_file import Wanted
from kempsdk.configuration_registry import THINGS
from kempsdk.configuration_things import deletions
from kempsdk.desired_state import (
    RULE_LISTS,
    Action,
    Change,
    Kind,
    SubVsSpec,
    VirtualServiceSpec,
)
from kempsdk.errors import InvalidRequest
from kempsdk.managers import Managers
from kempsdk.models import VirtualService
from kempsdk.references import AnyVsRef, RsRef, VsRef
from kempsdk.rule_models import OnServer, OnService, OnSubService, Rule, RulePlace
from kempsdk.sub_service_keys import SubKey, keys_of, sub_keys

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

Thing = tuple[Kind, str]

_ORDER: Final = (
    Kind.ATTACHMENT,
    Kind.SERVER,
    Kind.SUB_SERVICE,
    Kind.SERVICE,
    Kind.RULE,
    Kind.ACCESS_ENTRY,
    *(one.kind for one in reversed(THINGS) if one.delete is not None),
)
"""What is deleted first: what others hold."""


def entry_name(vs: VsRef | SubKey | None, which: AccessList, network: str) -> str:
    """Return how changes name an entry of an access list."""
    place = "global" if vs is None else vs.name if isinstance(vs, SubKey) else str(vs)
    return f"{place} {which.value} {network}"


def plan_prune(
    lm: "LoadMaster",
    wanted: Wanted,
    services: tuple[VirtualService, ...],
    rules: Mapping[str, Rule],
    asked: Collection[str],
) -> list[Change]:
    """Return the deletions that were asked for, of what is there.

    Raises:
        InvalidRequest: a kind that there is not, a name that cannot be, or a thing that is
            wanted.
    """
    if not asked:
        return []
    things = [_thing(text) for text in asked]
    mentioned = set(_mentioned(wanted))
    for (kind, name), text in zip(things, asked, strict=True):
        if (kind, name) in mentioned:
            raise InvalidRequest(
                f"{text} is to be pruned, and the file mentions it", field="prune", value=text
            )
    there = dict(_there(services, rules))
    if any(kind is Kind.ACCESS_ENTRY for kind, _ in things):
        there.update(_entries_there(lm, services, [name for _, name in things]))
    for each in THINGS:
        if names := [name for kind, name in things if kind is each.kind]:
            there.update(((each.kind, one.name), one) for one in deletions(lm, each, names))
    return [there[one] for one in sorted(set(things), key=_rank) if one in there]


def _rank(thing: Thing) -> tuple[int, str]:
    return _ORDER.index(thing[0]), thing[1]


def _thing(text: str) -> Thing:
    word, separator, name = text.partition("/")
    kinds = {one.value: one for one in _ORDER}
    if not separator or not name or word not in kinds:
        allowed = ", ".join(kinds)
        raise InvalidRequest(
            f"prune: {text!r} is not KIND/NAME with one of {allowed}",
            field="prune",
            value=text,
            allowed=allowed,
        )
    kind = kinds[word]
    # As a file may spell it: what is only spelled differently is not gone.
    spell = next((one.name for one in THINGS if one.kind is kind), str)
    return kind, spell(name)


def _mentioned(wanted: Wanted) -> Iterator[Thing]:
    for rule in wanted.rules:
        yield Kind.RULE, rule.name
    for spec in wanted.services:
        yield Kind.SERVICE, str(spec.ref)
        yield from _mentioned_within(str(spec.ref), spec)
        for key, sub in zip(sub_keys(spec), spec.sub_services, strict=True):
            yield Kind.SUB_SERVICE, key.name
            yield from _mentioned_within(key.name, sub)
            yield from _mentioned_rules(f"{key.name} match_rules", sub.match_rules)
    for access in wanted.access_lists:
        for network in access.entries:
            yield Kind.ACCESS_ENTRY, entry_name(access.vs, access.which, network)
    for specs in wanted.things.values():
        for thing in specs:
            yield thing.things.kind, thing.name


def _mentioned_within(name: str, spec: VirtualServiceSpec | SubVsSpec) -> Iterator[Thing]:
    for attribute, phase in RULE_LISTS.items():
        yield from _mentioned_rules(f"{name} {attribute}", spec.rules.get(phase, ()))
    for server in spec.real_servers:
        yield Kind.SERVER, f"{name} {server.ref}"
        yield from _mentioned_rules(f"{name} {server.ref} match_rules", server.match_rules)


def _mentioned_rules(name: str, rules: Collection[str]) -> Iterator[Thing]:
    for rule in rules:
        yield Kind.ATTACHMENT, f"{name} {rule}"
        yield Kind.RULE, rule


def _there(
    services: tuple[VirtualService, ...], rules: Mapping[str, Rule]
) -> Iterator[tuple[Thing, Change]]:
    for name in rules:
        yield _deletion(Kind.RULE, name, partial(_delete_rule, name))
    for one in services:
        ref = one.ref
        assert isinstance(ref, VsRef)  # noqa: S101 - SubVSs are below their parents
        yield _deletion(Kind.SERVICE, str(ref), partial(_delete_service, ref))
        yield from _within(str(ref), one)
        keys = keys_of(ref, [sub.name for sub in one.sub_services])
        for key, sub in zip(keys, one.sub_services, strict=True):
            # By slots, which stay: a deletion changes which one is the second of a name.
            yield _deletion(Kind.SUB_SERVICE, key.name, partial(_delete_service, sub.ref))
            yield from _rules_there(
                f"{key.name} match_rules", OnSubService(sub.ref), sub.match_rules
            )
            if sub.service is not None:
                yield from _within(key.name, sub.service)


def _within(name: str, one: VirtualService) -> Iterator[tuple[Thing, Change]]:
    for attribute, phase in RULE_LISTS.items():
        place = OnService(one.ref, phase)
        yield from _rules_there(f"{name} {attribute}", place, getattr(one, attribute))
    for server in one.real_servers:
        at = f"{name} {server.ref}"
        yield _deletion(Kind.SERVER, at, partial(_delete_server, one.ref, server.ref))
        place_there = OnServer(one.ref, server.ref)
        yield from _rules_there(f"{at} match_rules", place_there, server.match_rules)


def _rules_there(
    name: str, place: RulePlace, rules: Collection[str]
) -> Iterator[tuple[Thing, Change]]:
    for rule in rules:
        yield _deletion(Kind.ATTACHMENT, f"{name} {rule}", partial(_detach, place, rule))


def _entries_there(
    lm: "LoadMaster", services: tuple[VirtualService, ...], names: Collection[str]
) -> Iterator[tuple[Thing, Change]]:
    places: list[tuple[VsRef | SubKey | None, AnyVsRef | None]] = [(None, None)]
    for one in services:
        assert isinstance(one.ref, VsRef)  # noqa: S101 - SubVSs are below their parents
        places.append((one.ref, one.ref))
        keys = keys_of(one.ref, [sub.name for sub in one.sub_services])
        places += zip(keys, (sub.ref for sub in one.sub_services), strict=True)
    for vs, ref in places:
        for which in AccessList:
            # Lists are two calls for each service, so only those that are named are read.
            if not any(one.startswith(entry_name(vs, which, "")) for one in names):
                continue
            for entry in lm.access_lists.list(which, vs=ref):
                name = entry_name(vs, which, entry.network)
                run = partial(_remove_entry, which, entry.network, ref)
                yield _deletion(Kind.ACCESS_ENTRY, name, run)


def _deletion(kind: Kind, name: str, run: Callable[[Managers], object]) -> tuple[Thing, Change]:
    return (kind, name), Change(kind=kind, name=name, action=Action.DELETE, run=run)


def _delete_rule(name: str, hands: Managers) -> None:
    hands.rules.delete(name)


def _delete_service(ref: AnyVsRef, hands: Managers) -> None:
    hands.virtual_services.delete(ref)


def _delete_server(vs: AnyVsRef, rs: RsRef, hands: Managers) -> None:
    hands.real_servers.delete(vs, rs)


def _detach(place: RulePlace, rule: str, hands: Managers) -> None:
    hands.rule_attachments.detach(place, rule)


def _remove_entry(which: AccessList, network: str, vs: AnyVsRef | None, hands: Managers) -> None:
    hands.access_lists.remove(which, network, vs=vs)
