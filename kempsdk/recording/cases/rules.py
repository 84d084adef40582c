"""Content rules, and where they are attached."""

from typing import Final

from kempsdk.recording.cases.case import Case, case, raw
from kempsdk.recording.cases.state import FIRST, RULES, TREE, WEB, with_rules
from kempsdk.references import SubVsRef
from kempsdk.rule_models import (
    AddHeaderRule,
    MatchContentRule,
    MatchType,
    OnServer,
    OnService,
    OnSubService,
    Phase,
)

_SERVER: Final = OnServer(WEB, FIRST)
_SLOT: Final = OnSubService(SubVsRef(TREE, 4))
"""The first SubVS of ``with_rules``: three servers were there before it."""

_OF_PHASES: Final = {
    Phase.REQUEST: "tag",
    Phase.RESPONSE: "untag",
    Phase.RESPONSE_BODY: "body",
}


def _phase(phase: Phase, rule: str) -> tuple[Case, Case]:
    place = OnService(WEB, phase)
    return (
        case(
            f"add{phase.value}/one",
            lambda lm: lm.rule_attachments.attach(place, rule),
            prepare=with_rules,
        ),
        case(
            f"del{phase.value}/one",
            lambda lm: lm.rule_attachments.attach(place, rule),
            lambda lm: lm.rule_attachments.detach(place, rule),
            prepare=with_rules,
        ),
    )


_PRE: Final = OnService(WEB, Phase.PRE)

CASES: Final = (
    case("addrule/six-types", *[lambda lm, one=one: lm.rules.create(one) for one in RULES]),
    # The client would not send such a name; the appliance's words for it are misleading.
    case("addrule/hyphen-in-name", raw("addrule", {"name": "not-allowed", "pattern": "a"})),
    case("showrule/none", lambda lm: lm.rules.list()),
    case("showrule/all", lambda lm: lm.rules.list(), prepare=with_rules),
    case("showrule/by-name", lambda lm: lm.rules.get("images"), prepare=with_rules),
    case("showrule/unknown", lambda lm: lm.rules.get("nosuchrule")),
    case(
        "modrule/pattern",
        lambda lm: lm.rules.update("images", pattern="/pictures"),
        prepare=with_rules,
    ),
    case(
        "modrule/ensure",
        lambda lm: lm.rules.ensure(AddHeaderRule(name="tag", header="X-Via", value="lb")),
        lambda lm: lm.rules.ensure(AddHeaderRule(name="tag", header="X-Via", value="lb")),
        prepare=with_rules,
    ),
    case(
        "modrule/replaced",
        lambda lm: lm.rules.replace(
            MatchContentRule(name="images", pattern="^/img", match_type=MatchType.REGEX)
        ),
        prepare=with_rules,
    ),
    case(
        "delrule/attached",
        lambda lm: lm.rules.delete("images"),
        lambda lm: lm.rules.list(),
        prepare=with_rules,
    ),
    case(
        "addprerule/first-of-two",
        lambda lm: lm.rule_attachments.attach(_PRE, "styles", position=1),
        prepare=with_rules,
    ),
    case(
        "delprerule/one",
        lambda lm: lm.rule_attachments.detach(_PRE, "images"),
        prepare=with_rules,
    ),
    *[one for phase, rule in _OF_PHASES.items() for one in _phase(phase, rule)],
    case(
        "addrsrule/one",
        lambda lm: lm.rule_attachments.attach(_SERVER, "images"),
        prepare=with_rules,
    ),
    case(
        "addrsrule/sub-service",
        lambda lm: lm.rule_attachments.attach(_SLOT, "images"),
        lambda lm: lm.sub_virtual_services.list(TREE),
        prepare=with_rules,
    ),
    case(
        "delrsrule/one",
        lambda lm: lm.rule_attachments.attach(_SERVER, "images"),
        lambda lm: lm.rule_attachments.detach(_SERVER, "images"),
        prepare=with_rules,
    ),
    case(
        "modvs/rule-order",
        lambda lm: lm.rule_attachments.attach(_PRE, "styles"),
        lambda lm: lm.rule_attachments.move(_PRE, "styles", 1),
        lambda lm: lm.rule_attachments.list(_PRE),
        prepare=with_rules,
    ),
)
