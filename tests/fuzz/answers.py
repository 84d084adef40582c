"""Answers that are nearly right, or not at all: real ones, damaged."""

import json
import random
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kempsdk.catalogue import commands
from kempsdk.emulator import Switches, coverage
from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.transport.dialect import HttpAnswer
from tests.fakes.rich_appliance import READS, fill
from tests.kempsdk.emulator.wire import Reply, Wire

_NEVER: Final = frozenset({"backup", "tcpdump", "listapi", "logging/top"})
"""Large answers, or files, of which one more teaches nothing."""
_KINDS: Final = ("text/xml", "application/json", "", "text/html", "application/octet-stream")
_STATUSES: Final = (200, 200, 200, 200, 200, 201, 302, 400, 401, 404, 422, 503)

BOMB: Final = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (one, b"&a;" * 10) for one in range(9))
    + b']><Response stat="200" code="ok"><Success><Data><x>&a8;</x></Data></Success></Response>'
)
_TEXTS: Final = (
    *(b"", b" ", b"-1", b"1_0", b"0x10", b"1.5", b"1e999", b"NaN", b"Infinity", b"9" * 5000),
    *(
        b"18446744073709551616",
        b"\xb2",
        "\u00b2".encode(),
        b"\xe9",
        "é".encode(),
        b"\0",
        b"\x1b[2J",
    ),
    *(b"Y", b"N", b"true", b"nonsense", b"x" * 5000, b"&#0;", b"&lol;", b"&amp;&lt;", b"::", b"*"),
)
_VALUES: Final = (
    *(b"null", b"true", b"false", b"[]", b"{}", b"[[]]", b"[null]", b'[{"a": [1]}]', b"-1", b"1.5"),
    *(b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"9" * 5000, b'"\\ud800"', b'"\\u0000"', b'""'),
    *(b'"\xe9"', b'"18446744073709551616"', b'"\\u00b2"', b'{"a": ' * 90 + b"1" + b"}" * 90),
    *(b"[" * 900 + b"]" * 900, b"[" * 5000, b'"ok"', b'"fail"', b"422", b'"200"', b"200.0"),
)
_XML_LEAF: Final = re.compile(rb"(?<=>)[^<>]*(?=</)")
_XML_ELEMENT: Final = re.compile(rb"<([A-Za-z]\w*)>[^<>]*</\1>")
_XML_WORD: Final = re.compile(rb"(?<=\")[^\"<>]*(?=\")|(?<=<)\w+|(?<=</)\w+")
_JSON_VALUE: Final = re.compile(rb"(?<=: )(?:\"[^\"]*\"|[\w.+-]+)|(?<= : )(?:\"[^\"]*\"|[\w.+-]+)")
_JSON_MEMBER: Final = re.compile(rb"\"\w+\" ?: (?:\"[^\"]*\"|[\w.+-]+),")


@dataclass(frozen=True, slots=True)
class Damaged:
    """An answer to read.

    Attributes:
        api: the interface it is an answer of.
    """

    api: str
    answer: HttpAnswer


@lru_cache(maxsize=1)
def sound_answers() -> dict[str, tuple[bytes, ...]]:
    """Return what a virtual LoadMaster with something of everything answers, by interface."""
    switches = Switches(rate_limit=False, renumber_services=False)
    found: dict[str, tuple[bytes, ...]] = {}
    with (
        VirtualLoadMaster(http=True, health="down", switches=switches) as box,
        closing(Wire(box)) as wire,
    ):
        fill(wire)
        for api, ask in (("v1", wire.v1), ("v2", wire.v2)):
            found[api] = tuple(_bodies(ask, slash="/" if api == "v1" else "."))
    return found


def _bodies(ask: Callable[..., Reply], *, slash: str) -> list[bytes]:
    bodies = []
    for name, how in coverage().items():
        info = commands()[name]
        if how == "not emulated" or info.mutates or name in _NEVER or info.returns_file:
            continue
        for params in READS.get(name, ({},)):
            reply = ask(info.wire_name.replace("/", slash), **params)
            bodies.append(reply.body)
    return bodies


def _swap(
    pattern: re.Pattern[bytes], body: bytes, new: Callable[[bytes], bytes], r: random.Random
) -> bytes:
    found = list(pattern.finditer(body))
    if not found:
        return body
    one = r.choice(found)
    return body[: one.start()] + new(one.group()) + body[one.end() :]


def _slice(body: bytes, r: random.Random) -> tuple[int, int]:
    start = r.randrange(len(body) + 1)
    return start, min(len(body), start + r.randrange(1, 200))


def _damage(api: str, body: bytes, r: random.Random) -> bytes:
    xml = api == "v1"
    start, end = _slice(body, r)
    kind = r.randrange(12)
    if kind == 0:
        return body[:start]
    if kind == 1:
        flipped = bytearray(body or b"\0")
        for _ in range(r.randrange(1, 9)):
            flipped[r.randrange(len(flipped))] ^= 1 << r.randrange(8)
        return bytes(flipped)
    if kind == 2:
        return body[:start] + body[end:]
    if kind == 3:
        return body[:end] + body[start:]
    if kind == 4:
        other = r.choice(sound_answers()[api])
        return body[:start] + other[r.randrange(len(other)) :]
    if kind == 5:
        return body[:start] + r.randbytes(r.randrange(40)) + body[end:]
    if kind in (6, 7, 8):
        texts = _TEXTS if xml else _VALUES
        return _swap(_XML_LEAF if xml else _JSON_VALUE, body, lambda _: r.choice(texts), r)
    if kind == 9:
        return _swap(_XML_ELEMENT if xml else _JSON_MEMBER, body, lambda one: one * 2, r)
    if kind == 10:
        if not xml:
            return _swap(_JSON_VALUE, body, lambda one: b"[" + one + b"]", r)
        return _swap(_XML_LEAF, body, lambda one: b"<VS><Rs>" + one + b"</Rs></VS>", r)
    if not xml:
        return _swap(re.compile(rb"\"\w+\"(?= ?:)"), body, lambda _: r.choice(_NAMES), r)
    return _swap(_XML_WORD, body, lambda _: r.choice((b"", b"fail", b"200", b"9" * 5000, b"VS")), r)


_NAMES: Final = (b'"code"', b'"status"', b'"message"', b'"data"', b'"VS"', b'"Rs"', b'"\\u0063ode"')


def _scratch(r: random.Random) -> bytes:
    """Return something that no appliance said."""
    return r.choice(
        (
            lambda: r.randbytes(r.randrange(200)),
            lambda: BOMB,
            lambda: b"<html><body>Please log in</body></html>",
            lambda: b'<Response stat="200" code="ok"><Success><Data>' + b"<a>" * r.randrange(3000),
            lambda: json.dumps({"code": 200, "data": "%%", "status": "ok"}).encode(),
            lambda: b'{"code": 200, "VS": ' + b"[" * r.randrange(3000),
            lambda: b'{"code": 200, "status": "ok"}'.ljust(r.randrange(2000), b" "),
        )
    )()


def damaged(number: int) -> Damaged:
    """Return the damaged answer of that number; the same one for the same number."""
    r = random.Random(number)
    api = r.choice(("v1", "v2"))
    if r.random() < 0.1:
        body = _scratch(r)
    else:
        body = r.choice(sound_answers()[api])
        for _ in range(r.choice((0, 1, 1, 1, 2, 3))):
            body = _damage(api, body, r)
    kind = _KINDS[api == "v2"] if r.random() < 0.9 else r.choice(_KINDS)
    status = 200 if r.random() < 0.8 else r.choice(_STATUSES)
    return Damaged(api, HttpAnswer(status=status, content_type=kind, body=body))
