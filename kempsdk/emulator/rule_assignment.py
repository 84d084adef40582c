"""Attaching content rules to services and servers."""

from collections.abc import Callable
from typing import Final

from kempsdk.emulator.addressing import find_backend, find_service
from kempsdk.emulator.answers import DONE, Answer, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Handler, Request, command
from kempsdk.emulator.state import Rule, VirtualService

_LISTS: Final[tuple[tuple[str, Callable[[VirtualService], list[str]], frozenset[int]], ...]] = (
    ("prerule", lambda service: service.pre_rules, frozenset({0})),
    ("requestrule", lambda service: service.request_rules, frozenset({1, 2, 3, 4})),
    ("responserule", lambda service: service.response_rules, frozenset({1, 2, 3, 4})),
    ("responsebodyrule", lambda service: service.body_rules, frozenset({5})),
)
"""Command ending, the list it acts on, and the rule types that have an effect there (as
found on 7.2.50 to 7.2.63 by the author of a client)."""


def _rule(box: Appliance, request: Request) -> Rule:
    name = request.params.need("rule")
    rule = box.state.rules.get(name)
    if rule is None:
        raise Refusal(f"Rule {name} not found")
    return rule


def _detach(names: list[str], name: str) -> None:
    if name not in names:
        # For a rule that exists and is not attached the text is a guess.
        raise Refusal(f"Rule {name} not found")
    names.remove(name)


def _adder(pick: Callable[[VirtualService], list[str]], types: frozenset[int]) -> Handler:
    def add(box: Appliance, request: Request) -> Answer:
        service = find_service(box, request.params)
        rule = _rule(box, request)
        names = pick(service)
        # QUIRK: a rule of the wrong type is accepted without effect.
        if rule.type in types and rule.name not in names:
            names.append(rule.name)
            box.changed(service)
        return DONE

    return add


def _remover(pick: Callable[[VirtualService], list[str]]) -> Handler:
    def remove(box: Appliance, request: Request) -> Answer:
        service = find_service(box, request.params)
        _detach(pick(service), _rule(box, request).name)
        box.changed(service)
        return DONE

    return remove


for _ending, _pick, _types in _LISTS:
    command(f"add{_ending}", mutates=True)(_adder(_pick, _types))
    command(f"del{_ending}", mutates=True)(_remover(_pick))


@command("addrsrule", mutates=True)
def addrsrule(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    backend = find_backend(box, service, request.params)
    rule = _rule(box, request)
    if rule.type != 0:
        # Header and body rules are refused here; the text is a guess.
        raise Refusal(f"Rule {rule.name} not found")
    if rule.name not in backend.rules:
        backend.rules.append(rule.name)
        box.changed(service)
    return DONE


@command("delrsrule", mutates=True)
def delrsrule(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    backend = find_backend(box, service, request.params)
    _detach(backend.rules, _rule(box, request).name)
    box.changed(service)
    return DONE
