"""From the YAML files, which people edit, to the one JSON file that is loaded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kempsdk.errors import KempError

HERE = Path(__file__).parent

_VALUE_KEYS = {
    "also",
    "bits",
    "default",
    "max_length",
    "min_length",
    "note",
    "open",
    "origin",
    "range",
    "requires",
    "resolved",
    "secret",
    "separator",
    "since",
    "type",
    "unit",
    "words",
}
_TYPES = {"boolean", "integer", "string", "address", "network", "host", "service", "server", "file"}
_KEYS = {
    "area file": {"area", "title", "notes", "commands", "attributes", "parameters"},
    "command": {
        "accepts",
        "answer",
        "errors",
        "mutates",
        "mutates_with",
        "notes",
        "params",
        "resolved",
        "since",
        "summary",
        "takes_file",
    },
    "answer": {"returns", "root", "elements"},
    "param": _VALUE_KEYS | {"required"},
    "attribute": _VALUE_KEYS | {"read_only", "group"},
    "parameter": _VALUE_KEYS | {"read_only", "deprecated"},
}
_REQUIRED = {"with-vs-address": "vs", "with-rs-address": "rs"}


class CatalogueMistake(KempError):
    """A catalogue file does not have the form it should have; says where."""


def read_areas(folder: Path = HERE) -> list[dict[str, Any]]:
    """Return all area files, sorted by name.

    Raises:
        CatalogueMistake: a key or type that does not exist.
    """
    areas = []
    for path in sorted(folder.glob("*.yaml")):
        area = yaml.safe_load(path.read_text(encoding="utf-8"))
        _check_area(area, path.name)
        areas.append(area)
    return areas


def _check_keys(kind: str, entry: Mapping[str, Any], where: str) -> None:
    wrong = set(entry) - _KEYS[kind]
    if wrong:
        raise CatalogueMistake(f"{where}: a {kind} has no {', '.join(sorted(wrong))}")
    if "type" in entry and entry["type"] not in _TYPES:
        raise CatalogueMistake(f"{where}: there is no type {entry['type']!r}")


def _check_area(area: Mapping[str, Any], file: str) -> None:
    _check_keys("area file", area, file)
    for name, command in area.get("commands", {}).items():
        where = f"{file}: {name}"
        _check_keys("command", command, where)
        _check_keys("answer", command["answer"], where)
        for param, value in command.get("params", {}).items():
            _check_keys("param", value, f"{where}: {param}")
    for kind, values in area.get("attributes", {}).items():
        for name, value in values.items():
            _check_keys("attribute", value, f"{file}: {kind}.{name}")
    for name, value in area.get("parameters", {}).items():
        _check_keys("parameter", value, f"{file}: {name}")


def compile_catalogue(areas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what goes into the compiled file.

    A field that stands in two areas (the virtual service's are spread over several) becomes
    one entry; the later area fills in what the earlier one leaves out.
    """
    commands: dict[str, Any] = {}
    attributes: dict[str, dict[str, Any]] = {}
    parameters: list[dict[str, Any]] = []
    for area in areas:
        for name, command in area.get("commands", {}).items():
            if name in commands:
                raise CatalogueMistake(f"{area['area']}: {name} stands in two areas")
            commands[name] = _command(area["area"], command)
        for kind, values in area.get("attributes", {}).items():
            merged = attributes.setdefault(kind, {})
            for name, value in values.items():
                merged[name] = {**_value(name, value), **merged.get(name, {})}
        for name, value in area.get("parameters", {}).items():
            parameters.append({**_value(name, value), "area": area["area"]})
    return {
        "commands": dict(sorted(commands.items())),
        "attributes": {kind: list(merged.values()) for kind, merged in attributes.items()},
        "parameters": parameters,
    }


def _command(area: str, command: Mapping[str, Any]) -> dict[str, Any]:
    compiled = {key: value for key, value in command.items() if key not in ("params", "answer")}
    compiled.update(command["answer"])
    compiled["area"] = area
    compiled["method"] = "POST" if "takes_file" in command else "GET"
    compiled["params"] = [_param(name, value) for name, value in command.get("params", {}).items()]
    return compiled


def _param(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    compiled = _value(name, value)
    required = compiled.pop("required", False)
    if required in _REQUIRED:
        compiled["required_with_address"] = _REQUIRED[required]
    elif required:
        compiled["required"] = True
    return compiled


def _value(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    compiled = {"name": name, **value}
    low, high = compiled.pop("range", (None, None))
    if low is not None:
        compiled["low"] = low
    if high is not None:
        compiled["high"] = high
    return compiled


def as_json(compiled: Mapping[str, Any]) -> str:
    """Return the compiled file's text: small, and one command to a line so that it diffs."""

    def line(entry: object) -> str:
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))

    commands = ",\n".join(f"{line(k)}:{line(v)}" for k, v in compiled["commands"].items())
    attributes = ",\n".join(f"{line(k)}:{line(v)}" for k, v in compiled["attributes"].items())
    return (
        f'{{"commands":{{\n{commands}\n}},\n"attributes":{{\n{attributes}\n}},\n'
        f'"parameters":{line(compiled["parameters"])}}}\n'
    )
