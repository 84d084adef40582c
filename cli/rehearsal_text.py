"""A rehearsal's result as text and as a document, from its plain data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from cli.render import Column, markdown, markdown_table, table

Data = Mapping[str, Any]

_TRAFFIC = (
    Column("SERVICE", "service"),
    Column("REQUESTS", "requests", right=True),
    Column("FAILED", "failed", right=True),
    Column("DOWNLOADS", "downloads", right=True),
    Column("CUT", "cut", right=True),
    Column("P99 MS", "latency_p99_ms", right=True),
)
_FLOORS = (
    Column("SERVICE", "service"),
    Column("LOWEST HEALTHY", "lowest", right=True),
    Column("ASKED", "asked", right=True),
)
_GATES = (
    Column("GATE", "gate"),
    Column("STEP", "step"),
    Column("REASON", "reason"),
)
_FAULTS = (
    Column("FAULT", "name"),
    Column("SERVER", "server"),
    Column("STRUCK", "struck"),
)
_ADDRESSES = (Column("PRODUCTION", "production"), Column("LAB", "lab"))
_SECTIONS: Sequence[tuple[str, str, tuple[Column, ...]]] = (
    ("Healthy servers", "floors", _FLOORS),
    ("Traffic", "traffic", _TRAFFIC),
    ("Gates that fired", "gates", _GATES),
    ("Faults", "faults", _FAULTS),
)


def rehearsal_text(result: Data, *, colour: bool) -> str:
    """Return it for people at a terminal."""
    return "\n".join(_lines(result, colour=colour))


def _lines(result: Data, *, colour: bool) -> Iterator[str]:
    yield _verdict(result)
    for finding in result["findings"]:
        line = f"finding: {finding}"
        yield click.style(line, fg="red") if colour else line
    yield _duration(result)
    for title, key, columns in _SECTIONS:
        if result[key]:
            yield f"\n{title}"
            yield table(result[key], columns, colour=colour)
    yield "\nAddresses"
    yield table(_addresses(result), _ADDRESSES, colour=colour)
    for note in result["notes"]:
        yield f"not as in production: {note}"


def rehearsal_document(result: Data) -> str:
    """Return it as Markdown."""
    parts = [f"# Rehearsal of a rollout: {result['kind']}", _verdict(result)]
    if result["findings"]:
        parts.append("\n".join(f"* {markdown(one)}" for one in result["findings"]))
    parts.append(_duration(result))
    for title, key, columns in _SECTIONS:
        if result[key]:
            parts += [f"## {title}", markdown_table(result[key], columns)]
    parts += ["## Addresses", markdown_table(_addresses(result), _ADDRESSES)]
    if result["notes"]:
        parts.append("## Not as in production")
        parts.append("\n".join(f"* {markdown(one)}" for one in result["notes"]))
    return "\n\n".join(parts)


def _verdict(result: Data) -> str:
    if not result["findings"]:
        return f"rehearsal of {result['kind']}: clean ({result['state']})"
    return f"rehearsal of {result['kind']}: {len(result['findings'])} findings ({result['state']})"


def _duration(result: Data) -> str:
    if result["seconds"] is None:
        return "nothing was run"
    servers = ", ".join(f"{name} {outcome}" for name, outcome in result["servers"].items())
    return f"expected duration {result['seconds']:.0f} s; {servers}"


def _addresses(result: Data) -> list[dict[str, str]]:
    return [{"production": one, "lab": lab} for one, lab in result["addresses"].items()]
