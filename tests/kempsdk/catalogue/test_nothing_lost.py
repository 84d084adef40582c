"""The project's catalogue holds every fact of the one that it was made from.

The source stands outside the project and may be absent; then the comparison is skipped.
The counts are asserted always.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from kempsdk.catalogue import (
    AttributeInfo,
    CommandInfo,
    ParameterInfo,
    ParamInfo,
    ValueInfo,
    attributes,
    commands,
    kinds,
    parameters,
)
from kempsdk.catalogue.compiler import read_areas

SOURCE = Path(__file__).resolve().parents[4] / "shared/loadmaster-api/catalogue"

ADDRESSES = {"address", "network", "host", "service", "server"}
KINSHIP = {
    "boolean": {"boolean"},
    "integer": {"integer"},
    "file": {"file"},
    "address": ADDRESSES,
    # The source writes "string" for what it does not check, and "enum" for any closed set.
    "string": {"string", "integer", *ADDRESSES},
    "enum": {"string", "integer", "boolean"},
}
# Types that the source took over from misprints of the vendor's tables, or that its own note
# contradicts (lists of addresses, interface names, base64 text).
OTHER_TYPE = {
    "tcpdump": {"interface"},
    "virtual_service": {"LocalBindAddrs"},
    "sso_domain": {"server2"},
    "parameters": {
        "ShareSubVSPersist",
        "backupident",
        "geoclients",
        "geopartners",
        "nameserver",
        "syslogcritical",
        "syslogemergency",
        "syslogerror",
        "sysloginfo",
        "syslognone",
        "syslognotice",
        "syslogwarn",
    },
}


@pytest.fixture(scope="module")
def source() -> list[dict[str, Any]]:
    files = sorted(SOURCE.glob("*.yaml"))
    if not files:
        pytest.skip("recordings absent: no source catalogue beside the project")
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]


def source_commands(source: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], CommandInfo]]:
    for area in source:
        for command in area.get("commands") or []:
            yield command, commands()[command["name"]]


def same_value(facts: Mapping[str, Any], info: ValueInfo, where: str) -> list[str]:
    """Return what of a source value is neither in ours nor settled as a contradiction."""
    if info.resolved:
        return []
    lost = []
    if info.type not in KINSHIP[facts["type"]] and info.name not in OTHER_TYPE.get(where, ()):
        lost.append(f"type {facts['type']} became {info.type}")
    if facts.get("range") and [info.low, info.high] != facts["range"]:
        lost.append(f"range {facts['range']} became {info.low} to {info.high}")
    for word in facts.get("enum") or {}:
        if not has_word(info, str(word)):
            lost.append(f"word {word}")
    for key in ("unit", "min_length", "max_length"):
        if facts.get(key) is not None and getattr(info, key) != facts[key]:
            lost.append(f"{key} {facts[key]}")
    if facts.get("requires") and not info.requires:
        lost.append(f"requires {facts['requires']}")
    if facts.get("read_only", False) != getattr(info, "read_only", False):
        lost.append("read_only")
    if facts.get("deprecated", False) != getattr(info, "deprecated", False):
        lost.append("deprecated")
    if info.origin != "documented":
        lost.append("origin")
    return [f"{where}.{info.name}: {one}" for one in lost]


def has_word(info: ValueInfo, word: str) -> bool:
    if word in ("<unset>", ""):
        return "" in info.words or "" in info.also
    if info.bits and word not in info.words:
        bits = [int(bit) for bit in info.words]
        sums = {sum(some) for n in range(len(bits) + 1) for some in combinations(bits, n)}
        return int(word) in sums
    return word.replace("%20", " ") in info.words


def test_counts() -> None:
    rows = [
        entry
        for area in read_areas()
        for values in area.get("attributes", {}).values()
        for entry in values.values()
        if entry.get("origin") != "seen"
    ]
    assert len(commands()) == 356
    assert len(rows) == 364
    assert len([one for one in parameters().values() if one.origin == "documented"]) == 246


def test_every_command(source: list[dict[str, Any]]) -> None:
    assert {facts["name"] for facts, _ in source_commands(source)} == set(commands())
    for facts, info in source_commands(source):
        assert info.mutates == facts["mutates"], info.name
        assert info.method == facts["method"], info.name
        assert info.v2_name == facts.get("v2", facts["name"]), info.name
        assert info.summary.endswith("."), info.name


def test_every_parameter_of_every_command(source: list[dict[str, Any]]) -> None:
    lost: list[str] = []
    for facts, info in source_commands(source):
        ours = {param.name: param for param in info.params}
        for param in facts["params"]:
            found = ours[param["name"]]
            lost.extend(same_value(param, found, info.name))
            if param["required"] and not (found.required or found.required_with_address):
                lost.append(f"{info.name}.{found.name}: required")
            if not param["required"] and found.required:
                lost.append(f"{info.name}.{found.name}: not required")
    assert lost == []


def test_every_answer_and_error(source: list[dict[str, Any]]) -> None:
    for facts, info in source_commands(source):
        answer = facts["response"]
        if answer["shape"] != "none":
            assert info.returns == answer["shape"], info.name
        assert set(facts.get("errors") or []) <= set(info.errors), info.name
        if answer.get("root") not in (None, "Success", "Data"):
            assert info.root == answer["root"], info.name
        known = {part for path in info.elements for part in path.split("/")}
        for element in answer.get("elements") or []:
            wanted = {element, *element.split("/")}
            # One is a placeholder with an example in it, in place of a name.
            assert wanted & known or element.startswith(("<", "InactiveRule")), (info.name, element)
        for name in tree_names(answer.get("tree") or []):
            assert name in known, (info.name, name)


def tree_names(tree: list[dict[str, Any]]) -> Iterator[str]:
    for node in tree:
        if "name" in node:
            yield node["name"]
        yield from tree_names(node.get("children") or [])


def test_every_attribute(source: list[dict[str, Any]]) -> None:
    lost: list[str] = []
    seen = set()
    for area in source:
        for kind, rows in (area.get("attributes") or {}).items():
            known: Mapping[str, AttributeInfo] = attributes(kind)
            for facts in rows:
                seen.add((kind, facts["name"]))
                lost.extend(same_value(facts, known[facts["name"]], kind))
    assert lost == []
    ours = {(k, a.name) for k in kinds() for a in attributes(k).values() if a.origin != "seen"}
    assert ours == seen


def test_every_global_parameter(source: list[dict[str, Any]]) -> None:
    lost: list[str] = []
    known: Mapping[str, ParameterInfo] = parameters()
    for area in source:
        for facts in area.get("get_set_parameters") or []:
            info = known[facts["name"]]
            assert info.area == area["area"]
            lost.extend(same_value(facts, info, "parameters"))
    assert lost == []


def test_defaults_are_kept(source: list[dict[str, Any]]) -> None:
    lost = []
    for facts, command in source_commands(source):
        params: Mapping[str, ParamInfo] = {param.name: param for param in command.params}
        for param in facts["params"]:
            if lost_default(param, params[param["name"]]):
                lost.append(f"{command.name}.{param['name']}")
    for area in source:
        for kind, rows in (area.get("attributes") or {}).items():
            for row in rows:
                if lost_default(row, attributes(kind)[row["name"]]):
                    lost.append(f"{kind}.{row['name']}")
        for row in area.get("get_set_parameters") or []:
            if lost_default(row, parameters()[row["name"]]):
                lost.append(row["name"])
    assert lost == []


def lost_default(facts: Mapping[str, Any], info: ValueInfo) -> bool:
    default = facts.get("default")
    # Unset has no value; words in place of a value say only where it comes from.
    if default in (None, "", "None", "<unset>") or info.resolved:
        return False
    if str(default).startswith("<") or " " in str(default):
        return info.default is None and str(default) != "Default assignment"
    return info.default != str(default)
