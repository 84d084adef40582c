"""Content rules of the six types, and the places they are attached to.

A rule is both what the appliance says and what is asked of it. Text that is not given is
empty; flag 0 is no flag. ``extra`` holds what came besides, by its wire name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypedDict

from kempsdk.codec import nothing_else
from kempsdk.references import AnyVsRef, RsRef, SubVsRef


class MatchType(str, Enum):
    """How a match rule looks for its pattern."""

    REGEX = "regex"
    PREFIX = "prefix"
    POSTFIX = "postfix"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class _EveryRule:
    """What the six types have in common.

    Attributes:
        name: letters, digits and underscores.
        only_on_flag: run only when this flag is raised, 1 to 9.
        only_on_no_flag: run only when this flag is not raised, 1 to 9.
    """

    name: str
    only_on_flag: int = 0
    only_on_no_flag: int = 0
    extra: Mapping[str, object] = field(default_factory=nothing_else, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchContentRule(_EveryRule):
    """Chooses a server or SubVS by what a request holds (type 0).

    Attributes:
        pattern: what to look for, not empty.
        header: the header to look at; empty is the path, ``body`` the request's body.
        add_host: put the host in front of the path.
        include_query: put the query behind the path.
        negate: a request matches that does not have the pattern.
        must_fail: refuse the connection on a match.
        set_flag: flag to raise on a match, 1 to 9.
    """

    pattern: str
    match_type: MatchType = MatchType.REGEX
    header: str = ""
    add_host: bool = False
    include_query: bool = False
    ignore_case: bool = False
    negate: bool = False
    must_fail: bool = False
    set_flag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AddHeaderRule(_EveryRule):
    """Adds a header (type 1). ``value``: at most 255 characters."""

    header: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHeaderRule(_EveryRule):
    """Deletes headers (type 2). ``pattern``: which ones, not empty."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceHeaderRule(_EveryRule):
    """Changes what a header holds (type 3).

    Attributes:
        pattern: what to look for in it, not empty.
        replacement: what to write instead, at most 255 characters.
    """

    header: str
    pattern: str
    replacement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyUrlRule(_EveryRule):
    """Changes the URL of a request (type 4).

    Attributes:
        pattern: what to look for, not empty.
        replacement: what to write instead, at most 255 characters.
    """

    pattern: str
    replacement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceBodyRule(_EveryRule):
    """Changes the body of an answer (type 5).

    Attributes:
        pattern: what to look for, not empty.
        replacement: what to write instead, at most 255 characters.
    """

    pattern: str
    replacement: str = ""
    ignore_case: bool = False


Rule = (
    MatchContentRule
    | AddHeaderRule
    | DeleteHeaderRule
    | ReplaceHeaderRule
    | ModifyUrlRule
    | ReplaceBodyRule
)


class RuleSettings(TypedDict, total=False):
    """What can be changed in a rule; each type has some of them, see its class."""

    pattern: str
    match_type: MatchType
    header: str
    value: str
    replacement: str
    add_host: bool
    include_query: bool
    ignore_case: bool
    negate: bool
    must_fail: bool
    set_flag: int
    only_on_flag: int
    only_on_no_flag: int


class Phase(str, Enum):
    """When a service runs a rule; the value is the ending of the API's command."""

    PRE = "prerule"
    REQUEST = "requestrule"
    RESPONSE = "responserule"
    RESPONSE_BODY = "responsebodyrule"


@dataclass(frozen=True, slots=True)
class OnService:
    """The rules of one phase of a service or SubVS.

    ``PRE`` takes match rules, ``REQUEST`` and ``RESPONSE`` rules about headers and URLs,
    ``RESPONSE_BODY`` body rules.
    """

    vs: AnyVsRef
    phase: Phase

    def __str__(self) -> str:
        return f"{self.vs} {Phase(self.phase).value}"


@dataclass(frozen=True, slots=True)
class OnServer:
    """The match rules that send requests to one server of a service."""

    vs: AnyVsRef
    rs: RsRef

    def __str__(self) -> str:
        return f"{self.vs} {self.rs}"


@dataclass(frozen=True, slots=True)
class OnSubService:
    """The match rules that send requests to a SubVS; they belong to its slot."""

    ref: SubVsRef

    def __str__(self) -> str:
        return str(self.ref)


RulePlace = OnService | OnServer | OnSubService
"""A list of attached rules; its order is the order in which they run."""
