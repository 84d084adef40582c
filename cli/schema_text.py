"""The file of a rollout as tables for people: every key, what it takes, and its default."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.render import Column, as_json, markdown, markdown_table

_COLUMNS = (
    Column("KEY", "key"),
    Column("TAKES", "takes"),
    Column("LEFT OUT", "default"),
    Column("MEANING", "meaning"),
)
_REF = "#/$defs/"


def schema_page(schema: Mapping[str, Any]) -> str:
    """Return a JSON Schema as a page of Markdown, a table for each section."""
    sections = dict(_sections(schema, schema["$defs"], ""))
    # What stands in two places is told where it stands first.
    places = {id(section): place for place, section in reversed(sections.items())}
    where = {name: places[id(section)] for name, section in schema["$defs"].items()}
    parts = [
        "# Every key of the file",
        "The file of [a rollout](rollouts.md), key by key, as `kemp config schema -o md` prints "
        "it. A name in capitals is yours. Times are in seconds.",
    ]
    for place, section in sections.items():
        if places[id(section)] == place:
            about = " ".join(section["description"].split()) if place else "What stands at the top."
            rows = [
                {
                    "key": key,
                    "takes": _takes(one, where),
                    "default": _default(one, required=key in section.get("required", ())),
                    "meaning": " ".join(one["description"].split()),
                }
                for key, one in section["properties"].items()
            ]
            parts += [f"## {place or 'The whole file'}", markdown(about)]
            parts.append(markdown_table(rows, _COLUMNS))
    return "\n\n".join(parts)


def _sections(
    section: Mapping[str, Any], definitions: Mapping[str, Any], place: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every section by where it stands, ``hosts.NAME`` or ``rollout.hooks[]``."""
    yield place, section
    for key, one in section["properties"].items():
        there = f"{place}.{key}" if place else key
        for form in one.get("anyOf", (one,)):
            ends = (
                ("", form),
                ("[]", form.get("items")),
                (".NAME", form.get("additionalProperties")),
            )
            for end, inner in ends:
                if isinstance(inner, dict) and "$ref" in inner:
                    named = definitions[inner["$ref"].removeprefix(_REF)]
                    yield from _sections(named, definitions, f"{there}{end}")


def _takes(one: Mapping[str, Any], where: Mapping[str, str]) -> str:
    if "anyOf" in one:
        forms = [_takes(form, where) for form in one["anyOf"] if form.get("type") != "null"]
        # Text beside a number stands for an amount: there is no other such key.
        return " or ".join("percentage" if form == "text" and forms[1:] else form for form in forms)
    if "$ref" in one:
        return f"as {where[one['$ref'].removeprefix(_REF)]}"
    if "enum" in one:
        return ", ".join(one["enum"])
    match one["type"]:
        case "array":
            return f"list: {_takes(one['items'], where)}"
        case "object":
            return f"by name: {_takes(one['additionalProperties'], where)}"
        case "boolean":
            return "true, false"
        case "string":
            return "text"
        case kind:
            words = ["whole number" if kind == "integer" else "number"]
            bounds = {"exclusiveMinimum": "more than", "minimum": "at least", "maximum": "at most"}
            words += [f"{text} {one[key]:g}" for key, text in bounds.items() if key in one]
            return ", ".join(words)


def _default(one: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "must be there"
    match one.get("default"):
        case None | [] | {}:
            return ""
        case bool() | list() as given:
            return as_json(given, indent=None)
        case float() as given:
            return f"{given:g}"
        case given:
            return str(given)
