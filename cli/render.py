"""Data on stdout: as a table, JSON, YAML, Markdown or bare names.

Tables are aligned with plain code: ``import rich`` alone costs more than a whole listing.
"""

import dataclasses
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import click

_COLOURS = {"up": "green", "down": "red", "disabled": "yellow"}


class Column(NamedTuple):
    """One column of a table: its heading and the key of the record shown there."""

    heading: str
    key: str
    right: bool = False


def plain(value: object) -> object:
    """Return a value as JSON can hold it: records as mappings, references as their text."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if dataclasses.is_dataclass(value) and type(value).__str__ is object.__str__:
        record: dict[str, object] = {}
        for name, item in _fields(value).items():
            record[name] = plain(item)
            if name == "ref":
                # Its parts as well, so that nobody has to take the text apart.
                record.update({part: plain(one) for part, one in _fields(item).items()})
        return record
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    # References and secrets say themselves how they are written.
    return str(value)


def _fields(value: Any) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(_cell(item) for item in value) or "-"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_cell(item)}" for key, item in value.items()) or "-"
    text = str(value)
    # A name on the appliance must not move the cursor or break a row.
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def table(
    records: Sequence[Mapping[str, object]], columns: Sequence[Column], *, colour: bool
) -> str:
    """Return records as aligned columns under headings."""
    rows = [[_cell(record.get(column.key)) for column in columns] for record in records]
    widths = [
        max([_width(column.heading), *(_width(row[at]) for row in rows)])
        for at, column in enumerate(columns)
    ]

    def line(cells: Sequence[str], *, heading: bool = False) -> str:
        parts = []
        for cell, width, column in zip(cells, widths, columns, strict=True):
            gap = " " * (width - _width(cell))
            padded = gap + cell if column.right else cell + gap
            if colour and heading:
                padded = click.style(padded, bold=True)
            elif colour and cell.lower() in _COLOURS:
                padded = click.style(padded, fg=_COLOURS[cell.lower()])
            parts.append(padded)
        return "  ".join(parts).rstrip()

    headings = line([column.heading for column in columns], heading=True)
    return "\n".join([headings, *(line(row) for row in rows)])


def markdown_table(records: Sequence[Mapping[str, object]], columns: Sequence[Column]) -> str:
    """Return records as a table of Markdown."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rows = [[markdown(_cell(record.get(one.key))) for one in columns] for record in records]
    rules = ["--:" if one.right else "---" for one in columns]
    return "\n".join(map(line, [[one.heading.capitalize() for one in columns], rules, *rows]))


def markdown(text: str) -> str:
    """Return a text so that Markdown shows it as it is, also within a table."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text).replace("\n", " ")


def details(record: Mapping[str, object], *, colour: bool) -> str:
    """Return one record as ``name  value`` lines, leaving out what is not set."""
    shown = {key: value for key, value in record.items() if value is not None and value != []}
    width = max((len(key) for key in shown), default=0)
    lines = []
    for key, value in shown.items():
        label = click.style(key.ljust(width), bold=True) if colour else key.ljust(width)
        lines.append(f"{label}  {_cell(value)}")
    return "\n".join(lines)


def as_json(value: object, *, indent: int | None = 2) -> str:
    """Return a value as JSON; without ``indent`` on one line."""
    import json

    return json.dumps(plain(value), indent=indent, ensure_ascii=False)


def as_yaml(value: object) -> str:
    """Return a value as YAML, keys in the order given."""
    import yaml

    text: str = yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True)
    return text.rstrip("\n")


def write(text: str) -> None:
    """Write a line, or several, to stdout."""
    sys.stdout.write(text + "\n")


def write_bytes(content: bytes) -> None:
    """Write raw bytes to stdout."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
