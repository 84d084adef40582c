"""YAML that remembers on which line everything stood."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from orchestrator.errors import SpecInvalid

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a value, from the top of the document."""

_MAX_NODES = 200_000
"""An alias may repeat a large part; without a limit a small file can fill the memory."""

_CREDENTIALS = re.compile(
    r"passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|credentials?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedDocument:
    """Plain data and the line of every value and key.

    Attributes:
        lines: 1-based line by place; a value below a key has the line of the key.
    """

    path: str
    data: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int | None:
        """Return the line of a place, or of the nearest one above it that was written."""
        for length in range(len(place), -1, -1):
            if (line := self.lines.get(place[:length])) is not None:
                return line
        return None

    def fail(self, place: Place, message: str) -> NoReturn:
        """Refuse the file because of what stands at a place."""
        raise SpecInvalid(message, path=self.path, line=self.line(place))


def parse(text: str, *, path: str) -> MarkedDocument:
    """Read a YAML document.

    Raises:
        SpecInvalid: not YAML (tabs, bad indentation), a key given twice, more than one
            document, or a credential.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecInvalid(f"unreadable character: {error.reason}", path=path, line=line) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, path) from None
    if node is None:
        raise SpecInvalid("the file is empty", path=path)
    builder = _Builder(path)
    data = builder.build(node, ())
    return MarkedDocument(path=path, data=data, lines=builder.lines)


def _syntax_error(error: yaml.MarkedYAMLError, text: str, path: str) -> SpecInvalid:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else None
    lines = text.splitlines()
    written = lines[line - 1] if line is not None and line <= len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return SpecInvalid("indented with a tab; YAML takes blanks only", path=path, line=line)
    if "\t" in written:
        return SpecInvalid("a tab; YAML takes blanks only", path=path, line=line)
    context = f" {error.context}" if error.context else ""
    return SpecInvalid(f"not YAML:{context} {error.problem}", path=path, line=line)


class _Builder:
    def __init__(self, path: str) -> None:
        self.lines: dict[Place, int] = {}
        self._path = path
        self._open: set[int] = set()
        self._count = 0
        self._scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, place: Place) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        if id(node) in self._open:
            raise SpecInvalid("an alias refers to itself", path=self._path, line=line)
        if self._count > _MAX_NODES:
            raise SpecInvalid(
                f"more than {_MAX_NODES} values; aliases multiply what they stand for",
                path=self._path,
                line=line,
            )
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.ScalarNode):
            try:
                return self._scalars.construct_object(node)
            except (yaml.MarkedYAMLError, ValueError):
                message = f"{node.value!r} is not a value of its kind"
                raise SpecInvalid(message, path=self._path, line=line) from None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*place, n)) for n, item in enumerate(node.value)]
            return self._mapping(node, place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise SpecInvalid("a key must be a plain word", path=self._path, line=line)
            # The text, not the value: YAML reads the bare word "on" as true.
            key = key_node.value
            if _CREDENTIALS.fullmatch(key):
                raise SpecInvalid(
                    f"{key}: no credential belongs in this file; put it into a profile "
                    "(kemp config profile) or the environment (KEMP_API_KEY)",
                    path=self._path,
                    line=line,
                )
            at = (*place, key)
            if key in built:
                first = self.lines[at]
                raise SpecInvalid(
                    f"{key} is given twice (first on line {first})", path=self._path, line=line
                )
            self.lines[at] = line
            built[key] = self.build(value_node, at)
        return built
