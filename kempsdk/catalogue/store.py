"""The compiled catalogue, read once when somebody asks."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from kempsdk.catalogue.entries import (
    AttributeInfo,
    CommandInfo,
    ParameterInfo,
    ParamInfo,
    UnknownCommandName,
    ValueInfo,
)
from kempsdk.errors import InvalidRequest

COMPILED = Path(__file__).with_name("catalogue.json")

_Entry = TypeVar("_Entry", bound=ValueInfo)


def python_name(name: str) -> str:
    """Return a wire name as a Python identifier: ``logging/df`` is ``logging_df``."""
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)
    return "del_" if safe == "del" else safe


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three names that look like ``word``, best first, as they are spelt."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return tuple(by_lower[name] for name in found)


class Catalogue(Mapping[str, CommandInfo]):
    """All commands by name; entries are built when they are asked for.

    Args:
        data: the content of the compiled file.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._commands: dict[str, CommandInfo] = {}
        self._attributes: dict[str, Mapping[str, AttributeInfo]] = {}
        self._accepted: dict[str, Mapping[str, ValueInfo]] = {}

    def __getitem__(self, name: str) -> CommandInfo:
        info = self._commands.get(name)
        if info is None:
            info = self._commands[name] = _command(name, self._data["commands"][name])
        return info

    def __iter__(self) -> Iterator[str]:
        return iter(self._data["commands"])

    def __len__(self) -> int:
        return len(self._data["commands"])

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        """Every way to write a command's name, in lower case, to the catalogue's name."""
        known: dict[str, str] = {}
        for name in self:
            lower = name.lower()
            known[lower] = name
            if "/" in lower or "?" in lower:
                for between in "./_":
                    known[lower.replace("/", between).replace("?", between)] = name
        return known

    def find(self, name: str, params: Mapping[str, object] | None = None) -> CommandInfo:
        """Return one command; see ``kempsdk.catalogue.command``."""
        found = self._spellings.get(name.lower())
        if found is None and params:
            for key in params:
                found = found or self._spellings.get(f"{name.lower()}?{key.lower()}")
        if found is None:
            near = nearest(name, self)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise UnknownCommandName(
                f"the LoadMaster has no command {name!r}{hint}",
                field="command",
                value=name,
                allowed=", ".join(near) or None,
                command=name,
            )
        return self[found]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of objects whose attributes are known."""
        return tuple(self._data["attributes"])

    def attributes(self, kind: str) -> Mapping[str, AttributeInfo]:
        """Return the fields of one kind of object; see ``kempsdk.catalogue.attributes``."""
        if kind not in self._attributes:
            if kind not in self._data["attributes"]:
                raise InvalidRequest(
                    f"the catalogue has no object {kind!r}; it has {', '.join(self.kinds)}",
                    field="object",
                    value=kind,
                    allowed=", ".join(self.kinds),
                )
            self._attributes[kind] = {
                one["name"]: _entry(AttributeInfo, one) for one in self._data["attributes"][kind]
            }
        return self._attributes[kind]

    @cached_property
    def parameters(self) -> Mapping[str, ParameterInfo]:
        """Every global parameter of ``get`` and ``set``, by its wire name."""
        return {one["name"]: _entry(ParameterInfo, one) for one in self._data["parameters"]}

    @cached_property
    def _parameter_spellings(self) -> Mapping[str, ParameterInfo]:
        return {name.lower(): info for name, info in self.parameters.items()}

    def find_parameter(self, name: str) -> ParameterInfo | None:
        """Return one global parameter, matched without case, or None."""
        return self._parameter_spellings.get(name.lower())

    def accepted(self, name: str) -> Mapping[str, ValueInfo]:
        """Return everything a command takes; see ``kempsdk.catalogue.accepted``.

        A parameter of its own wins over an attribute of that name.
        """
        if name not in self._accepted:
            info = self[name]
            taken: dict[str, ValueInfo] = {param.name.lower(): param for param in info.params}
            if info.accepts is not None:
                for one in self.attributes(info.accepts).values():
                    if not one.read_only:
                        taken.setdefault(one.name.lower(), one)
            self._accepted[name] = taken
        return self._accepted[name]


def _command(name: str, compiled: Mapping[str, Any]) -> CommandInfo:
    raw = dict(compiled)
    for key in ("elements", "errors", "notes", "resolved", "mutates_with"):
        raw[key] = tuple(raw.get(key, ()))
    raw["params"] = tuple(_entry(ParamInfo, one) for one in raw.get("params", ()))
    wire_name, _, selector = name.partition("?")
    return CommandInfo(
        name=name,
        v2_name=name.replace("/", ".").replace("?", "."),
        python_name=python_name(name),
        wire_name=wire_name,
        selector=selector or None,
        **raw,
    )


def _entry(kind: type[_Entry], raw: Mapping[str, Any]) -> _Entry:
    return kind(**{**raw, "also": tuple(raw.get("also", ()))})


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the shipped catalogue; the first call reads it."""
    return Catalogue(json.loads(COMPILED.read_bytes()))


def accepted(name: str) -> Mapping[str, ValueInfo]:
    """Return everything a command takes, by lower-case wire name.

    That is its own parameters first and, for ``addvs`` and the like, the writable attributes
    of the object.

    Raises:
        UnknownCommandName: no such command.
    """
    known = catalogue()
    return known.accepted(known.find(name).name)
