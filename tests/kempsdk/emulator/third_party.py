"""How clients written for the appliance read its answers, as checks of types.

Most of them are written in Go, whose decoders refuse a whole answer when one member has
another type than expected, and are indifferent to unknown members and (in JSON) to case.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, TypeAlias

from tests.kempsdk.emulator.wire import Reply, Wire

Shape: TypeAlias = "str | Mapping[str, Shape] | list[Mapping[str, Shape]]"
Struct: TypeAlias = Mapping[str, Shape]

_ZERO: Mapping[str, Any] = {"int": 0, "float": 0.0, "string": "", "bool": False, "strings": []}
_CLASSES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "string": (str,),
    "bool": (bool,),
}


def struct(**members: str) -> dict[str, Shape]:
    """Return a Go struct: ``struct(int="Index Layer", string="NickName")``."""
    return {name: kind for kind, names in members.items() for name in names.split()}


def _value(path: str, value: object, shape: Shape) -> Any:
    if isinstance(shape, list):
        assert isinstance(value, list), f"{path}: not an array: {value!r}"
        return [_value(f"{path}[]", one, shape[0]) for one in value]
    if not isinstance(shape, str):
        assert isinstance(value, dict), f"{path}: not an object: {value!r}"
        return go_json(value, shape, path=path)
    if shape == "strings":
        assert isinstance(value, list), f"{path}: not an array: {value!r}"
        assert all(isinstance(one, str) for one in value), f"{path}: {value!r}"
        return value
    fits = isinstance(value, _CLASSES[shape]) and isinstance(value, bool) == (shape == "bool")
    assert fits, f"{path}: no {shape}: {value!r}"
    return value


def go_json(data: Mapping[str, object], fields: Struct, *, path: str = "") -> dict[str, Any]:
    """Decode as Go's ``encoding/json`` does: names match without case, the last one wins.

    Members that are missing have Go's zero value.
    """
    by_name = {name.lower(): name for name in fields}
    decoded: dict[str, Any] = {
        name: _ZERO[shape] if isinstance(shape, str) else ([] if isinstance(shape, list) else {})
        for name, shape in fields.items()
    }
    for name, value in data.items():
        field = name if name in fields else by_name.get(name.lower())
        if field is not None and value is not None:
            decoded[field] = _value(f"{path}.{name}", value, fields[field])
    return decoded


def go_xml(element: ET.Element, fields: Struct) -> dict[str, Any]:
    """Decode as Go's ``encoding/xml`` does: names with case, blanks around numbers are fine.

    A ``strings`` field ``A>B`` collects elements B within A.
    """
    decoded: dict[str, Any] = {}
    for name, shape in fields.items():
        if isinstance(shape, list):
            decoded[name] = [go_xml(one, shape[0]) for one in element.iterfind(name)]
        elif not isinstance(shape, str):
            found = element.find(name)
            decoded[name] = {} if found is None else go_xml(found, shape)
        elif shape == "strings":
            decoded[name] = [one.text or "" for one in element.iterfind(name.replace(">", "/"))]
        else:
            decoded[name] = _text(name, element, shape)
    return decoded


def _text(name: str, element: ET.Element, shape: str) -> Any:
    found = [one.text or "" for one in element if one.tag == name]
    if not found:
        return _ZERO[shape]
    text = found[-1].strip()
    if shape == "int":
        assert re.fullmatch(r"-?\d+", text), f"{name}: no int: {text!r}"
        return int(text)
    if shape == "bool":
        assert text in ("true", "false"), f"{name}: no bool: {text!r}"
        return text == "true"
    return found[-1]


def post(wire: Wire, payload: Mapping[str, object], **headers: str) -> Reply:
    """Send a v2 call as the payload says, without the headers that nobody asked for."""
    return wire.request("POST", "/accessv2", body=json.dumps(payload), headers=headers)
