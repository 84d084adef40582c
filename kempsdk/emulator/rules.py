"""addrule, modrule, delrule, showrule: content rules of the six types."""

import re
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.state import Rule
from kempsdk.emulator.values import Params

GROUPS: Final = (
    "MatchContentRule",
    "AddHeaderRule",
    "DeleteHeaderRule",
    "ReplaceHeaderRule",
    "ModifyURLRule",
    "ReplaceBodyRule",
)
"""Name of the group that rules of a type are shown in, by type."""

_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_MATCH_TYPES: Final = {"regex": "Regex", "prefix": "prefix", "postfix": "postfix"}
_LONGEST_REPLACEMENT: Final = 255


def rule_named(box: Appliance, name: str) -> Rule:
    """Return the rule of this name; names are case-sensitive.

    Raises:
        Refusal: there is none.
    """
    rule = box.state.rules.get(name)
    if rule is None:
        raise Refusal("Rule not found")
    return rule


def _flag_number(params: Params, name: str) -> int:
    # QUIRK: 10 and more are dropped silently (7.2.50 to 7.2.63).
    number = params.number(name)
    return number if number is not None and 1 <= number <= 9 else 0


def _ignores_case(params: Params) -> bool:
    # Documented as nocase for type 0 and caseindependent for type 5; a client that was tested
    # on 7.2.63 sends nocase for both. That type 0 takes both is a guess.
    return bool(params.flag("nocase") or params.flag("caseindependent"))


def _build(name: str, rule_type: int, params: Params) -> Rule:
    """Return a rule made of a call's parameters; what is not given has its default.

    Raises:
        Refusal: the pattern is missing, or the replacement is too long (a guess).
    """
    pattern = "" if rule_type == 1 else params.need("pattern")
    replacement = params.get("replacement")
    if len(replacement) > _LONGEST_REPLACEMENT:
        raise Refusal("replacement: String Value too long")
    rule = Rule(
        name=name,
        type=rule_type,
        pattern=pattern,
        replacement=replacement,
        header=params.get("header"),
        only_on_flag=_flag_number(params, "onlyonflag"),
        only_on_no_flag=_flag_number(params, "onlyonnoflag"),
    )
    if rule_type == 0:
        match_type = params.get("matchtype").lower()
        rule.match_type = match_type if match_type in _MATCH_TYPES else "regex"
        rule.add_host = bool(params.flag("inchost"))
        rule.negate = bool(params.flag("negate"))
        rule.case_independent = _ignores_case(params)
        rule.include_query = bool(params.flag("incquery"))
        rule.must_fail = bool(params.flag("mustfail"))
        rule.set_flag = _flag_number(params, "setonmatch")
    elif rule_type == 5:
        rule.case_independent = _ignores_case(params)
    return rule


def _members(rule: Rule) -> Members:
    members: Members = [("Name", rule.name)]
    if rule.type == 0:
        members += [
            ("Pattern", rule.pattern),
            ("MatchType", _MATCH_TYPES[rule.match_type]),
            ("AddHost", rule.add_host),
            ("Negate", rule.negate),
            ("CaseIndependent", rule.case_independent),
            ("IncludeQuery", rule.include_query),
            ("Header", rule.header),
            ("MustFail", rule.must_fail),
        ]
    elif rule.type == 1:
        members += [("Header", rule.header), ("HeaderValue", rule.replacement)]
    elif rule.type == 2:
        members += [("Pattern", rule.pattern)]
    elif rule.type == 3:
        members += [
            ("Header", rule.header),
            ("Replacement", rule.replacement),
            ("Pattern", rule.pattern),
        ]
    else:
        members += [("Pattern", rule.pattern), ("Replacement", rule.replacement)]
        if rule.type == 5:
            members += [("CaseIndependent", rule.case_independent)]
    flags = (
        ("SetFlagOnMatch", rule.set_flag),
        ("OnlyOnFlag", rule.only_on_flag),
        ("OnlyOnNoFlag", rule.only_on_no_flag),
    )
    return members + [(name, number) for name, number in flags if number]


def _grouped(rules: list[Rule]) -> Answer:
    members: Members = []
    for rule_type, group in enumerate(GROUPS):
        found = [_members(one) for one in rules if one.type == rule_type]
        if found:
            members.append((group, Many(found)))
    return Answer(members=members)


def _type_given(params: Params) -> int | None:
    number = params.number("type")
    return number if number is not None and number < len(GROUPS) else None


@command("addrule", mutates=True)
def addrule(box: Appliance, request: Request) -> Answer:
    params = request.params
    name = params.need("name")
    if not _NAME.fullmatch(name):
        # QUIRK: a misleading text for a character that is not allowed, such as a hyphen.
        raise Refusal("Cannot read rules")
    if name in box.state.rules:
        # The text is a guess.
        raise Refusal("Rule already exists")
    rule = _build(name, _type_given(params) or 0, params)
    box.state.rules[name] = rule
    box.changed()
    return _grouped([rule])


@command("modrule", mutates=True)
def modrule(box: Appliance, request: Request) -> Answer:
    params = request.params
    old = rule_named(box, params.need("name"))
    given = _type_given(params)
    # QUIRK: the whole rule is replaced; what is left out goes back to its default.
    rule = _build(old.name, old.type if given is None else given, params)
    box.state.rules[rule.name] = rule
    box.changed()
    return _grouped([rule])


@command("showrule")
def showrule(box: Appliance, request: Request) -> Answer:
    name = request.params.get("name")
    if name:
        return _grouped([rule_named(box, name)])
    wanted = _type_given(request.params)
    return _grouped(
        [one for one in box.state.rules.values() if wanted is None or one.type == wanted]
    )


@command("delrule", mutates=True)
def delrule(box: Appliance, request: Request) -> Answer:
    rule = rule_named(box, request.params.need("name"))
    del box.state.rules[rule.name]
    for service in box.state.services.values():
        lists = (
            service.pre_rules,
            service.request_rules,
            service.response_rules,
            service.body_rules,
            *(one.rules for one in service.backends()),
        )
        for names in lists:
            if rule.name in names:
                names.remove(rule.name)
                box.changed(service)
    box.changed()
    return DONE
