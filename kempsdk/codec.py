"""The wire's forms: XML and JSON texts to trees, trees to plain fields.

What a field means is said by the tables in the ``codec_*`` modules; this one knows how
the two interfaces write things down.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final
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
        values = [_value(one) for one in found]
        return values if len(values) > 1 or name in LISTS or name in _WRAPPED else values[0]

    def __iter__(self) -> Iterator[str]:
        yield from (f"@{name}" for name in self.element.attrib)
        yield from dict.fromkeys(one.tag for one in self.element)

    def __len__(self) -> int:
        return len(self.element.attrib) + len({one.tag for one in self.element})

    def __repr__(self) -> str:
        return f"XmlTree({self.element.tag}: {len(self)} members)"

    def markup(self) -> str:
        """Return the content as written: a value that holds HTML is parsed as elements."""
        inner = "".join(ElementTree.tostring(one, encoding="unicode") for one in self.element)
        return ((self.element.text or "") + inner).strip()


_SPACE: Final = " \r\n\t"
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*")


def _named(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    # A dot, as in CheckUse1.1, would be read as a path.
    if _PLAIN.fullmatch(name):
        return element.findall(name)
    return [one for one in element if one.tag == name]


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
    for name, text in found.items():
        if not text or (text[0] in _SPACE and not text.strip()):
            # An empty leaf, or a wrapper: its text is the line end before its first child.
            first = None if name in LISTS else tree.element.find(name)
            fields[name] = tree[name] if first is not None and len(first) else ""
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
    """Return a list of words however it came: list, wrapper, or one text."""
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if isinstance(value, list | tuple):
        return tuple(str(one) for one in value)
    return ()


# What the appliance declares, and what clients and tests of it are written in.
_ENCODINGS: Final = frozenset({"iso-8859-1", "utf-8", "us-ascii", "windows-1252"})
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)["']""")


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
# comma before it, when a service has such rules.
_STRAY_MEMBER: Final = re.compile(
    r'("PreProcessRules"\s*:\s*\[[^\]]*?)\s*("EspEnabled"\s*:\s*(?:true|false))\s*,\s*\]'
)


def parse_json(body: bytes) -> dict[str, object]:
    """Return the object in an answer.

    Raises:
        MalformedAnswer: not JSON, or no object.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("iso-8859-1")
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = json.loads(_STRAY_MEMBER.sub(r"\1], \2", text))
        except (ValueError, RecursionError):
            raise MalformedAnswer("broken or incomplete JSON") from None
    if not isinstance(value, dict):
        raise MalformedAnswer("JSON that is no object")
    return value
