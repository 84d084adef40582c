"""The wire's forms: XML and JSON texts to trees, trees to plain fields.

What a field means is said by the tables in the ``codec_*`` modules; this one knows how
the two interfaces write things down.
"""

import json
import math
import re
from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from types import MappingProxyType
from typing import Final, NamedTuple
from xml.etree import ElementTree

from kempsdk.transport.call import Tree

LISTS: Final = frozenset({"VS", "Rs", "SubVS", "Vs", "cert", "Interface", "cluster", "IP"})
"""Elements that repeat: in XML one of them looks like a plain member."""
_WRAPPED: Final = frozenset({"Opt", "Name"})
"""Elements that repeat inside a wrapper, which v2 writes as an array of texts."""

EMPTY: Final[Mapping[str, object]] = MappingProxyType({})


def nothing_else() -> Mapping[str, object]:
    """Return the one empty mapping: 10,000 servers need no empty dict each."""
    return EMPTY


class MalformedAnswer(ValueError):
    """Text that is not the API's XML or JSON. Stays inside kempsdk."""


class XmlTree(Mapping[str, object]):
    """An element's children by name, read when asked for.

    A leaf is its text without the white space around it; what repeats is a list, also
    when there is one entry; attributes are members with ``@`` before their name.
    """

    __slots__ = ("element",)

    def __init__(self, element: ElementTree.Element) -> None:
        self.element = element

    def __getitem__(self, name: str) -> object:
        if name.startswith("@"):
            return self.element.attrib[name[1:]]
        found = _named(self.element, name)
        if not found:
            raise KeyError(name)
        return _joined(name, found)

    def __iter__(self) -> Iterator[str]:
        yield from (f"@{name}" for name in self.element.attrib)
        yield from dict.fromkeys(one.tag for one in self.element)

    def __len__(self) -> int:
        return len(self.element.attrib) + len({one.tag for one in self.element})

    # Asked for one by one, members would cost the square of their number.

    def items(self) -> ItemsView[str, object]:
        members: dict[str, object] = {f"@{name}": one for name, one in self.element.items()}
        for name, found in _by_name(self.element).items():
            members[name] = _joined(name, found)
        return members.items()

    def values(self) -> ValuesView[object]:
        return dict(self.items()).values()

    def __repr__(self) -> str:
        return f"XmlTree({self.element.tag}: {len(self)} members)"

    def markup(self) -> str:
        """Return the content as written: a value that holds HTML is parsed as elements.

        Raises:
            MalformedAnswer: nested deeper than any text for people.
        """
        try:
            inner = "".join(ElementTree.tostring(one, encoding="unicode") for one in self.element)
        except RecursionError:
            raise MalformedAnswer("XML nested without end") from None
        return ((self.element.text or "") + inner).strip()


_SPACE: Final = " \r\n\t"
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*")


def _named(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    # A dot, as in CheckUse1.1, would be read as a path.
    if _PLAIN.fullmatch(name):
        return element.findall(name)
    return [one for one in element if one.tag == name]


def _by_name(elements: Iterable[ElementTree.Element]) -> dict[str, list[ElementTree.Element]]:
    found: dict[str, list[ElementTree.Element]] = {}
    for one in elements:
        found.setdefault(one.tag, []).append(one)
    return found


def _joined(name: str, found: Sequence[ElementTree.Element]) -> object:
    values = [_value(one) for one in found]
    return values if len(values) > 1 or name in LISTS or name in _WRAPPED else values[0]


def _value(element: ElementTree.Element) -> object:
    if not len(element) and not element.attrib:
        return (element.text or "").strip()
    if element.attrib or any(one.tag not in _WRAPPED or len(one) for one in element):
        return XmlTree(element)
    return [(one.text or "").strip() for one in element]


def flatten(tree: Tree) -> dict[str, object]:
    """Return the members of a tree as a new dict, the way that costs least.

    Texts may still have white space around them. Of members that repeat one is left; use
    ``entries`` for those.
    """
    if not isinstance(tree, XmlTree):
        return dict(tree)
    found = {one.tag: one.text for one in tree.element}
    fields: dict[str, object] = {**found}
    nested = {one.tag for one in tree.element if len(one)} - LISTS
    groups = _by_name(tree.element) if nested else {}
    for name, text in found.items():
        if not text or (text[0] in _SPACE and not text.strip()):
            # An empty leaf, or a wrapper: its text is the line end before its first child.
            fields[name] = _joined(name, groups[name]) if name in nested else ""
    return fields


def entries(tree: Tree, name: str) -> Sequence[Tree]:
    """Return the members of that name that are trees: none, one or many."""
    if isinstance(tree, XmlTree):
        return [XmlTree(one) for one in tree.element.findall(name)]
    value = tree.get(name)
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list):
        return [one for one in value if isinstance(one, Mapping)]
    return []


def texts(value: object) -> tuple[str, ...]:
    """Return a list of words however it came: list, wrapper, or one text.

    Raises:
        MalformedAnswer: something nested in the list.
    """
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if isinstance(value, list | tuple):
        if not all(isinstance(one, str | int | float) for one in value):
            raise MalformedAnswer("something nested where words are expected")
        return tuple(str(one) for one in value)
    return ()


# What the appliance declares, and what clients and tests of it are written in.
_ENCODINGS: Final = frozenset({"iso-8859-1", "utf-8", "us-ascii", "windows-1252"})
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)["']""")


# An element costs a hundred times its bytes. A list of 1,000 services with 10 servers each
# has 0.6 million tags, and as JSON 14,000 objects and arrays.
_MOST_TAGS: Final = 2_500_000
_MOST_GROUPS: Final = 500_000


def parse_xml(body: bytes) -> ElementTree.Element:
    """Return the root element of an answer.

    Raises:
        MalformedAnswer: not well-formed, in an odd encoding, or with a document type
            (the API never sends one; entities in it can expand without bound).
    """
    declared = _DECLARED.match(body)
    encoding = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        raise MalformedAnswer("XML in an unexpected encoding")
    # A byte-order mark would bring in UTF-16 whatever is declared, past the next check.
    if b"\0" in body:
        raise MalformedAnswer("XML in an unexpected encoding")
    if body.count(b"<") > _MOST_TAGS:
        raise MalformedAnswer("XML of more elements than an appliance has")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise MalformedAnswer("XML with a document type")
    parser = ElementTree.XMLParser(encoding=encoding)  # noqa: S314 - no DTD gets this far
    try:
        parser.feed(body)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError):
        raise MalformedAnswer("broken or incomplete XML") from None
    return root


# QUIRK: 7.2.50.0 prints EspEnabled inside the array of pre-process rules, without the
# comma before it, when a service has such rules. No sound JSON looks like this.
_STRAY_MEMBER: Final = re.compile(r'("EspEnabled"\s*:\s*(?:true|false))\s*,\s*\]')
_HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character outside the first 65,536, or the beginning of a whole one."""


class TwoStates(NamedTuple):
    """The values of a ``status`` that an object has twice."""

    own: object
    of_answer: object


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) != len(members):
        twice = {name for name, times in Counter(name for name, _ in members).items() if times > 1}
        # An object with a status of its own has that of the answer besides, as the last one.
        own, *others = [value for name, value in members if name == "status"] or [None]
        if twice != {"status"} or len(others) != 1 or own == "fail":
            raise MalformedAnswer("JSON that names a member twice")
        found["status"] = TwoStates(own, others[0])
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedAnswer("JSON with a number that is none")
    return number


def _load(text: str) -> object:
    return json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)


def parse_json(body: bytes) -> dict[str, object]:
    """Return the object in an answer.

    Raises:
        MalformedAnswer: not JSON, or no object, or one that contradicts itself.
    """
    if body.count(b"{") + body.count(b"[") > _MOST_GROUPS:
        raise MalformedAnswer("JSON of more parts than an appliance has")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("iso-8859-1")
    try:
        value = _load(text)
    except MalformedAnswer:
        raise
    except (ValueError, RecursionError):
        try:
            value = _load(_STRAY_MEMBER.sub(r"], \1", text))
        except MalformedAnswer:
            raise
        except (ValueError, RecursionError):
            raise MalformedAnswer("broken or incomplete JSON") from None
    if _HALF_CHARACTER.search(text):
        # A text with half a character could be neither printed nor sent back.
        whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        value = json.loads(whole)
    if not isinstance(value, dict):
        raise MalformedAnswer("JSON that is no object")
    return value
