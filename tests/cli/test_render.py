"""Data as tables, JSON, YAML."""

from dataclasses import dataclass, field
from enum import Enum

from cli.render import Column, as_json, as_yaml, details, markdown_table, plain, table
from kempsdk.references import RsRef, SubVsRef, VsRef
from kempsdk.secret import Secret


class Colour(str, Enum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    ref: VsRef
    colour: Colour = Colour.RED
    servers: tuple[RsRef, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)
    secret: Secret | None = None


VS = VsRef.parse("tcp/10.0.0.1:80")


def test_records_become_plain() -> None:
    thing = Thing(
        ref=VS, servers=(RsRef("::1", 80),), extra={"a": (1, None)}, secret=Secret("hush")
    )
    assert plain(thing) == {
        "ref": "tcp/10.0.0.1:80",
        "protocol": "tcp",
        "address": "10.0.0.1",
        "port": 80,
        "colour": "red",
        "servers": ["[::1]:80"],
        "extra": {"a": [1, None]},
        "secret": "********",
    }
    assert plain(SubVsRef(VS, 5)) == "tcp/10.0.0.1:80#5"
    assert type(plain(Colour.RED)) is str


def test_forms() -> None:
    assert as_json({"a": 1}) == '{\n  "a": 1\n}'
    assert as_json({"a": "é"}, indent=None) == '{"a": "é"}'
    assert as_yaml({"b": [1], "a": None}) == "b:\n- 1\na: null"


def test_tables_align_and_say_what_is_missing() -> None:
    columns = (Column("NAME", "name"), Column("N", "n", right=True), Column("ON", "on"))
    rows: list[dict[str, object]] = [
        {"name": "a", "n": 100, "on": True},
        {"name": None, "n": 5, "on": False},
    ]
    assert table(rows, columns, colour=False) == ("NAME    N  ON\na     100  yes\n-       5  no")
    assert table([], columns, colour=False) == "NAME  N  ON"


def test_wide_and_invisible_letters_break_no_table() -> None:
    columns = (Column("NAME", "name"), Column("ON", "on"))
    rows: list[dict[str, object]] = [
        {"name": "負荷", "on": True},
        {"name": "cafe\u0301", "on": True},
        {"name": "a\x1b[2J\nb", "on": True},
    ]
    assert table(rows, columns, colour=False).splitlines() == [
        "NAME         ON",
        "負荷         yes",
        "cafe\u0301         yes",
        "a\\x1b[2J\\nb  yes",
    ]


def test_colour_marks_states_only_when_asked() -> None:
    columns = (Column("STATUS", "status"),)
    assert "\x1b[" in table([{"status": "Down"}], columns, colour=True)
    assert "\x1b[" not in table([{"status": "Down"}], columns, colour=False)


def test_details_leave_out_what_is_not_set() -> None:
    text = details({"name": "web", "limit": None, "rules": [], "up": True}, colour=False)
    assert text == "name  web\nup    yes"


def test_a_markdown_table_shows_what_looks_like_markup_as_it_is() -> None:
    columns = (Column("NAME", "name"), Column("N", "n", right=True))
    rows: list[dict[str, object]] = [{"name": "a|b *c* <d>", "n": 1}, {"name": None, "n": 2}]
    assert markdown_table(rows, columns).splitlines() == [
        "| Name | N |",
        "| --- | --: |",
        r"| a\|b \*c\* \<d\> | 1 |",
        "| - | 2 |",
    ]
