"""Content rules: against a virtual LoadMaster, and against scripted oddities."""

import threading
from typing import Any

import pytest

from kempsdk.client import LoadMaster
from kempsdk.desired_state import Changed, Unchanged
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import (
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    WriteNotApplied,
)
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
from tests.kempsdk.test_virtual_services import DONE, scripted

SIX: tuple[Rule, ...] = (
    MatchContentRule(
        name="images",
        pattern="/images/",
        match_type=MatchType.PREFIX,
        header="Host",
        add_host=True,
        include_query=True,
        ignore_case=True,
        negate=True,
        must_fail=True,
        set_flag=3,
        only_on_flag=1,
        only_on_no_flag=2,
    ),
    AddHeaderRule(name="add", header="X-Via", value="kemp & <co>", only_on_flag=9),
    DeleteHeaderRule(name="remove", pattern="X-Debug", only_on_no_flag=9),
    ReplaceHeaderRule(name="change", header="Location", pattern="http:", replacement="https:"),
    ModifyUrlRule(name="move", pattern="^/old/(.*)", replacement="/new/\\1"),
    ReplaceBodyRule(name="body", pattern="http:", replacement="https: ", ignore_case=True),
)
SHOWN: dict[str, Any] = {
    "Name": "images",
    "Pattern": "/images/",
    "MatchType": "Regex",
    "AddHost": False,
    "Negate": False,
    "CaseIndependent": False,
    "IncludeQuery": False,
    "Header": "",
    "MustFail": False,
}


def group(**changes: object) -> dict[str, object]:
    return {"MatchContentRule": [{**SHOWN, **changes}]}


@pytest.mark.parametrize("rule", SIX, ids=lambda rule: type(rule).__name__)
def test_every_type_comes_back_as_it_was_made(lm: LoadMaster, rule: Rule) -> None:
    assert lm.rules.create(rule) == rule
    assert lm.rules.get(rule.name) == rule
    assert lm.rules.get(rule.name).extra == {}
    assert lm.rules.replace(rule) == rule
    assert lm.rules.list() == (rule,)


@pytest.mark.parametrize("rule", SIX, ids=lambda rule: type(rule).__name__)
def test_defaults_come_back_too(lm: LoadMaster, rule: Rule) -> None:
    plain: dict[type, Rule] = {
        MatchContentRule: MatchContentRule(name="a", pattern="/"),
        AddHeaderRule: AddHeaderRule(name="a", header="X"),
        DeleteHeaderRule: DeleteHeaderRule(name="a", pattern="X"),
        ReplaceHeaderRule: ReplaceHeaderRule(name="a", header="X", pattern="b"),
        ModifyUrlRule: ModifyUrlRule(name="a", pattern="/"),
        ReplaceBodyRule: ReplaceBodyRule(name="a", pattern="/"),
    }
    made = plain[type(rule)]
    assert lm.rules.create(made) == made


def test_a_life(lm: LoadMaster) -> None:
    assert lm.rules.list() == ()
    for rule in SIX:
        lm.rules.create(rule)
    assert lm.rules.list() == SIX
    with pytest.raises(CommandRejected):
        lm.rules.create(SIX[0])
    lm.rules.delete("body")
    assert lm.rules.list() == SIX[:-1]
    with pytest.raises(NotFound):
        lm.rules.get("body")
    with pytest.raises(NotFound):
        lm.rules.delete("body")
    with pytest.raises(NotFound):
        lm.rules.update("body", pattern="a")


def test_update_keeps_the_rest(lm: LoadMaster) -> None:
    lm.rules.create(SIX[0])
    now = lm.rules.update("images", pattern="/pictures/", set_flag=0)
    assert isinstance(now, MatchContentRule)
    assert (now.pattern, now.set_flag) == ("/pictures/", 0)
    # modrule replaces a whole rule: what is not sent would go back to its default.
    assert (now.match_type, now.negate, now.only_on_flag) == (MatchType.PREFIX, True, 1)
    assert lm.rules.update("images") == now


def test_update_sends_everything() -> None:
    lm, transport = scripted(showrule=[group(Negate=True), group(Negate=True)], modrule=[DONE])
    with pytest.raises(WriteNotApplied, match="pattern: asked '/b', got '/images/'"):
        lm.rules.update("images", pattern="/b")
    assert transport.commands == ["showrule", "modrule", "showrule"]
    sent = transport.calls[1].params
    assert sent["negate"] is True
    assert sent["nocase"] is False
    assert (sent["type"], sent["matchtype"], sent["pattern"]) == (0, "regex", "/b")
    assert transport.calls[1].mutates


def test_a_rule_of_another_type_is_not_replaced(lm: LoadMaster) -> None:
    lm.rules.create(SIX[1])
    with pytest.raises(InvalidRequest, match="AddHeaderRule"):
        lm.rules.replace(DeleteHeaderRule(name="add", pattern="X"))
    with pytest.raises(InvalidRequest, match="'pattern' is not a setting"):
        lm.rules.update("add", pattern="X")
    assert lm.rules.list() == (SIX[1],)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (MatchContentRule(name="not-allowed", pattern="/"), "letters, digits and underscores"),
        (MatchContentRule(name="", pattern="/"), "letters, digits and underscores"),
        (MatchContentRule(name="a", pattern=""), "not empty"),
        (MatchContentRule(name="a", pattern=" "), "not only blanks"),
        (MatchContentRule(name="a", pattern="/\n"), "no line ends"),
        (MatchContentRule(name="a", pattern="/", set_flag=10), "0, or 1 to 9"),
        (MatchContentRule(name="a", pattern="/", only_on_flag=-1), "0, or 1 to 9"),
        (MatchContentRule(name="a", pattern="/", match_type=MatchType.OTHER), "one of regex"),
        (AddHeaderRule(name="a", header=""), "not empty"),
        (AddHeaderRule(name="a", header="X", value="v" * 256), "255"),
        (ModifyUrlRule(name="a", pattern="/", replacement="v" * 256), "255"),
    ],
)
def test_out_of_range_is_not_sent(rule: Rule, hint: str) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match=hint):
        lm.rules.create(rule)
    with pytest.raises(InvalidRequest, match=hint):
        lm.rules.replace(rule)
    assert transport.calls == []


def test_names_that_no_rule_has_are_not_sent() -> None:
    lm, transport = scripted()
    for act in (lm.rules.get, lm.rules.update, lm.rules.delete):
        with pytest.raises(InvalidRequest, match="letters, digits"):
            act("a-b")
    assert transport.calls == []


def test_a_dropped_flag_is_an_error() -> None:
    lm, _ = scripted(addrule=[group()], showrule=[group()])
    with pytest.raises(WriteNotApplied, match="set_flag: asked 4, got 0"):
        lm.rules.create(MatchContentRule(name="images", pattern="/images/", set_flag=4))


def test_a_rule_of_the_same_name_and_another_type_is_an_error() -> None:
    lm, _ = scripted(addrule=[DONE], showrule=[group()])
    with pytest.raises(WriteNotApplied, match="type: asked 'AddHeaderRule'"):
        lm.rules.create(AddHeaderRule(name="images", header="X"))


def test_what_a_newer_firmware_knows_is_missed_when_it_is_lost() -> None:
    lm, _ = scripted(showrule=[group(Log="yes"), group(Negate=True)], modrule=[DONE])
    with pytest.raises(WriteNotApplied, match=r"extra: asked .'Log': 'yes'."):
        lm.rules.update("images", negate=True)


def test_the_right_one_is_picked_whatever_else_is_answered() -> None:
    other = {**SHOWN, "Name": "other"}
    lm, _ = scripted(showrule=[{"MatchContentRule": [other, SHOWN]}])
    assert lm.rules.get("images").name == "images"
    with pytest.raises(NotFound):
        lm.rules.get("third")


def test_answers_that_are_no_rules() -> None:
    lm, _ = scripted(showrule=[{"VS": [{"Index": 1}]}])
    with pytest.raises(BadAnswer, match="no rules"):
        lm.rules.list()
    lm, _ = scripted(showrule=[group(SetFlagOnMatch="many")])
    with pytest.raises(BadAnswer, match="SetFlagOnMatch"):
        lm.rules.list()


def test_an_unknown_word_is_kept_and_not_overwritten() -> None:
    lm, transport = scripted(showrule=[group(MatchType="glob")])
    rule = lm.rules.get("images")
    assert isinstance(rule, MatchContentRule)
    assert rule.match_type is MatchType.OTHER
    assert rule.extra == {"MatchType": "glob"}
    with pytest.raises(InvalidRequest, match="match_type"):
        lm.rules.update("images", negate=True)
    assert not any(one.mutates for one in transport.calls)


def test_a_rule_that_stays_is_an_error() -> None:
    lm, _ = scripted(delrule=[DONE], showrule=[group()])
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.rules.delete("images")


def test_an_unknown_outcome_is_not_repeated() -> None:
    lm, transport = scripted(addrule=[OutcomeUnknown("lost", command="addrule")])
    with pytest.raises(OutcomeUnknown):
        lm.rules.create(SIX[0])
    assert transport.commands == ["addrule"]
    assert transport.calls[0].mutates


def test_writes_of_threads_come_one_after_another(box: VirtualLoadMaster, lm: LoadMaster) -> None:
    def make(number: int) -> None:
        lm.rules.create(MatchContentRule(name=f"r{number}", pattern="/"))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert sorted(rule.name for rule in lm.rules.list()) == [f"r{n}" for n in range(6)]
    words = [one.command for one in box.calls if one.command in ("addrule", "showrule")]
    assert words[:12] == ["addrule", "showrule"] * 6


def test_ensure(box: VirtualLoadMaster, lm: LoadMaster) -> None:
    rule = AddHeaderRule(name="via", header="X-Via", value="a")
    would = lm.rules.ensure(rule, dry_run=True)
    assert isinstance(would, Changed)
    assert not would.applied
    assert lm.rules.list() == ()
    made = lm.rules.ensure(rule)
    assert str(made.changes[0]).startswith("create rule via: header: None -> 'X-Via'")
    assert lm.rules.ensure(rule) == Unchanged()
    changed = lm.rules.ensure(AddHeaderRule(name="via", header="X-Via", value="b"))
    assert [str(one) for one in changed.differences] == ["value: 'a' -> 'b'"]
    assert lm.rules.get("via") == AddHeaderRule(name="via", header="X-Via", value="b")
    writes = len([one for one in box.calls if one.command in ("addrule", "modrule")])
    with pytest.raises(InvalidRequest, match="delete it first"):
        lm.rules.ensure(DeleteHeaderRule(name="via", pattern="X-Via"), dry_run=True)
    with pytest.raises(InvalidRequest):
        lm.rules.ensure(AddHeaderRule(name="v-ia", header="X-Via"))
    assert len([one for one in box.calls if one.command in ("addrule", "modrule")]) == writes
    # What it returned can be run by others.
    lm.rules.delete("via")
    made.changes[0].run(lm)
    assert lm.rules.get("via") == rule
