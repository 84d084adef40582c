"""What the fields of content rules mean.

Ranges are from the vendor's interface description of 2022. Flags of 10 and more were seen
to be dropped silently on 7.2.50 to 7.2.63, and a hyphen in a name to give a misleading
error.
"""

import re
from dataclasses import dataclass
from typing import Final

from kempsdk.codec import MalformedAnswer, entries, flatten
from kempsdk.errors import InvalidRequest, will_not_do
from kempsdk.fields import Field, Number, Switch, Table, Text, Word, field, write_settings
from kempsdk.rule_models import (
    AddHeaderRule,
    DeleteHeaderRule,
    MatchContentRule,
    MatchType,
    ModifyUrlRule,
    ReplaceBodyRule,
    ReplaceHeaderRule,
    Rule,
)
from kempsdk.transport.call import ParamValue, Tree

_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_SWITCH: Final = Switch()


@dataclass(frozen=True, slots=True)
class _RuleText:
    """A text whose blanks count: a pattern or replacement can end in one.

    Attributes:
        needed: whether it may not be empty.
    """

    longest: int = 8099
    needed: bool = False
    default: object = ""

    def read(self, raw: object) -> str:
        return str(raw).strip("\r\n")

    def write(self, value: object, *, name: str) -> str:
        if not isinstance(value, str) or len(value) > self.longest:
            allowed = f"a text of at most {self.longest} characters"
        elif self.needed and not value:
            allowed = "not empty"
        elif value and not value.strip():
            allowed = "not only blanks: v1 could not tell them from nothing"
        elif value != self.read(value):
            allowed = "no line ends around it"
        else:
            return value
        raise will_not_do(name, value, allowed)

    def same(self, asked: object, got: object) -> bool:
        return asked == got


_ANY: Final = _RuleText()
_NEEDED: Final = _RuleText(needed=True)
_REPLACEMENT: Final = _RuleText(longest=255)


class _MatchType(Word):
    """Written in lower case; the default comes back with a capital letter."""

    def read(self, raw: object) -> MatchType:
        found = super().read(str(raw).strip().lower())
        assert isinstance(found, MatchType)  # noqa: S101 - it knows no other words
        return found


def _flag(wire: str, attribute: str, request: str) -> Field:
    return field(wire, attribute, Number(low=1, high=9, also=(0,)), request=request)


_NAMED: Final = field("Name", "name", Text(), read_only=True)
_PATTERN: Final = field("Pattern", "pattern", _NEEDED, request="pattern")
_REPLACED: Final = field("Replacement", "replacement", _REPLACEMENT, request="replacement")
_FLAGS: Final = (
    _flag("OnlyOnFlag", "only_on_flag", "onlyonflag"),
    _flag("OnlyOnNoFlag", "only_on_no_flag", "onlyonnoflag"),
)


@dataclass(frozen=True, slots=True)
class RuleType:
    """One of the six types.

    Attributes:
        number: what a request calls it.
        group: what an answer calls it.
        model: its class here.
        table: its fields.
    """

    number: int
    group: str
    model: type[Rule]
    table: Table


RULE_TYPES: Final = (
    RuleType(
        0,
        "MatchContentRule",
        MatchContentRule,
        Table(
            [
                _NAMED,
                _PATTERN,
                field(
                    "MatchType",
                    "match_type",
                    _MatchType(MatchType, default=MatchType.REGEX, other=MatchType.OTHER),
                    request="matchtype",
                ),
                field("Header", "header", _ANY, request="header"),
                field("AddHost", "add_host", _SWITCH, request="inchost"),
                field("IncludeQuery", "include_query", _SWITCH, request="incquery"),
                field("CaseIndependent", "ignore_case", _SWITCH, request="nocase"),
                field("Negate", "negate", _SWITCH, request="negate"),
                field("MustFail", "must_fail", _SWITCH, request="mustfail"),
                _flag("SetFlagOnMatch", "set_flag", "setonmatch"),
                *_FLAGS,
            ]
        ),
    ),
    RuleType(
        1,
        "AddHeaderRule",
        AddHeaderRule,
        Table(
            [
                _NAMED,
                field("Header", "header", _NEEDED, request="header"),
                field("HeaderValue", "value", _REPLACEMENT, request="replacement"),
                *_FLAGS,
            ]
        ),
    ),
    RuleType(2, "DeleteHeaderRule", DeleteHeaderRule, Table([_NAMED, _PATTERN, *_FLAGS])),
    RuleType(
        3,
        "ReplaceHeaderRule",
        ReplaceHeaderRule,
        Table(
            [
                _NAMED,
                field("Header", "header", _NEEDED, request="header"),
                _PATTERN,
                _REPLACED,
                *_FLAGS,
            ]
        ),
    ),
    RuleType(4, "ModifyURLRule", ModifyUrlRule, Table([_NAMED, _PATTERN, _REPLACED, *_FLAGS])),
    RuleType(
        5,
        "ReplaceBodyRule",
        ReplaceBodyRule,
        Table(
            [
                _NAMED,
                _PATTERN,
                _REPLACED,
                field("CaseIndependent", "ignore_case", _SWITCH, request="caseindependent"),
                *_FLAGS,
            ]
        ),
    ),
)
_BY_MODEL: Final = {one.model: one for one in RULE_TYPES}


def type_of(rule: Rule) -> RuleType:
    """Return the type of a rule."""
    return _BY_MODEL[type(rule)]


def read_rules(tree: Tree) -> tuple[Rule, ...]:
    """Return the rules of an answer, by type and then in its order.

    Raises:
        MalformedAnswer: a rule that cannot be understood, or something else than rules.
    """
    found: list[Rule] = []
    for one in RULE_TYPES:
        for entry in entries(tree, one.group):
            fields = flatten(entry)
            values = one.table.read(fields)
            found.append(one.model(**values, extra=fields))
    if not found and any(tree.values()):
        raise MalformedAnswer("no rules in the answer")
    return tuple(found)


def settings_of(rule: Rule) -> dict[str, object]:
    """Return everything a rule says but its name, by keyword."""
    return {name: getattr(rule, name) for name in type_of(rule).table.by_setting}


def write_rule(rule: Rule) -> dict[str, ParamValue]:
    """Return the parameters that make a rule what it is, checked.

    What is empty is left out: for a whole rule that means the default.

    Raises:
        InvalidRequest: a value out of its range.
    """
    check_rule_name(rule.name)
    params = write_settings(type_of(rule).table, settings_of(rule))
    return {
        "name": rule.name,
        "type": type_of(rule).number,
        **{name: one for name, one in params.items() if one is False or one not in ("", 0)},
    }


def check_rule_name(name: str) -> str:
    """Return a name that a rule can have.

    Raises:
        InvalidRequest: characters other than letters, digits and underscores.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} is not a rule's name: letters, digits and underscores",
            field="name",
            value=name,
            allowed="A-Z a-z 0-9 _",
        )
    return name
