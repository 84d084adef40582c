"""Takes out of a conversation what others must not read.

Always: what the client logged in with, passwords and secrets in parameters and answers,
API keys, private keys, serial numbers and licence ids, and files without a readable form
(backups, key stores, captures). On request also addresses. The same secret becomes the
same replacement everywhere, so a recorded key can still be listed and deleted.

It cannot know a secret that stands under an innocent name and was never sent by the
client: read a recording before you publish it.
"""

import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

from kempsdk.recording.addresses import AddressBook
from kempsdk.recording.conversation import Answer, Closed, Exchange, Request

PLACEHOLDER: Final = re.compile(r"scrubbed[0-9]+")
SCRUBBED_FILE: Final = b"a file that the recorder took out: scrubbed0\n"
PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END \1-----|(?=[\"<])|\Z)", re.DOTALL
)

_SECRET_NAME: Final = re.compile(
    r"[\w.-]*(?:pass(?!sni|cipher|thr)|pwd(?!change|expiry)|secret|apikey|private_?key|community|credential)[\w.-]*"
    r"|key|psk|token|magic|nonce|hmac|backupident",
    re.IGNORECASE,
)
_IDENTITY_NAME: Final = re.compile(
    r"[\w.-]*serial[\w.-]*|uuid|licenseuuid|kempid|orderid|accesskey|accesscode", re.IGNORECASE
)
_HARMLESS_NAMES: Final = frozenset({"minpassword", "nopass", "disablepasswordform"})

# Spelled out instead of parsed: bodies are kept as they came, also where they are broken.
_ELEMENT: Final = re.compile(
    r"<(?P<name>[A-Za-z_][\w.-]*)(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[)?(?P<value>(?:(?!\]\]>)[^<])+)"
)
_ATTRIBUTE: Final = re.compile(r'(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)="(?P<value>[^"<]+)')
_PAIR: Final = re.compile(r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)=(?P<value>[^\"'<>&\s]+)")
_MEMBER: Final = re.compile(r'"(?P<name>[A-Za-z_][\w.-]*)"\s*:\s*"(?P<value>(?:[^"\\]|\\.)+)')
_NUMBER: Final = re.compile(r'"(?P<name>[A-Za-z_][\w.-]*)"\s*:\s*(?P<value>-?\d[\d.]*)')
_ARRAY: Final = re.compile(r'"(?P<name>[A-Za-z_][\w.-]*)"\s*:\s*\[(?P<value>[^\]]+)')
_IN_ARRAY: Final = re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)(?P<end>"?)')
_PATTERNS: Final = (_ELEMENT, _ATTRIBUTE, _PAIR, _MEMBER, _ARRAY, _NUMBER)
_DOWNLOAD: Final = re.compile(rb'("data"\s*:\s*")([A-Za-z0-9+/\\\s]+={0,2})(?="|\Z)')
"""A file in a v2 answer; ``\\/`` is how some write a slash in JSON."""
_SWITCH: Final = re.compile(r"y|n|yes|no|true|false|0|1", re.IGNORECASE)
"""What a switch says in an answer: ``SSLDisableMasterSecret`` holds no secret."""
_MASKED: Final = re.compile(r"\s*\**\s*")

_ANSWER_TYPES: Final = frozenset({"text/xml", "application/xml", "application/json", "text/html"})
_SECRET_FILES: Final = re.compile(
    r"backup|restore|license|fetch\w+account|\w*k8sconf|geoimportksk|setrsa\w+", re.IGNORECASE
)
"""Commands whose files are secrets as a whole, in forms that may be text: backups, licences,
keys of accounts, configurations with keys inside."""

ANYWHERE: Final = 8
"""Characters from which a secret is replaced inside other words too."""
_SHORTEST_SENT: Final = 4
"""A shorter one is replaced only where it stands under its own name."""


def is_secret_name(name: str) -> bool:
    """Return whether what has this name, in any case, must not be read by others."""
    return name.lower() not in _HARMLESS_NAMES and bool(
        _SECRET_NAME.fullmatch(name) or _IDENTITY_NAME.fullmatch(name)
    )


class Scrubber:
    """Learns secrets from all exchanges first, then replaces them.

    Args:
        addresses: replace addresses by those reserved for documentation too.
    """

    def __init__(self, *, addresses: bool = False) -> None:
        self._replacements: dict[str, str] = {}
        self._everywhere: set[str] = set()
        self._addresses = AddressBook() if addresses else None

    def learn(self, secret: str) -> None:
        """Take out a text wherever it stands, in every spelling it may have there."""
        if not _is_public(secret):
            self._replacement(secret)
            if len(secret) >= _SHORTEST_SENT:
                self._everywhere.add(secret)

    def scrub(self, exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
        """Return the exchanges without secrets."""
        self.learn_from(exchanges)
        return tuple(
            Exchange(
                request=self.request(one.request), reply=self._reply(one.reply, one.request.command)
            )
            for one in exchanges
        )

    def learn_from(self, exchanges: Iterable[Exchange]) -> None:
        """Find the secrets of exchanges, to take them out wherever they stand."""
        for one in exchanges:
            self._learn_from(one)

    def request(self, request: Request) -> Request:
        """Return a request without secrets."""
        params = {
            name: self._param(name, value, secret_value=_sets_secret(request))
            for name, value in request.params.items()
        }
        file = None if request.file is None else self._content(request.file, request.command)
        return replace(request, params=params, file=file)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        # On one line: it can stand inside a JSON text.
        text = PRIVATE_KEY.sub(r"-----BEGIN \1-----scrubbed0-----END \1-----", text)
        for pattern in _PATTERNS:
            text = pattern.sub(self._named, text)
        for secret in sorted(self._everywhere, key=len, reverse=True):
            text = _occurrences(secret).sub(self._replacements[secret], text)
        return self._addresses.replace(text) if self._addresses else text

    def leaks(self, texts: Iterable[str]) -> bool:
        """Return whether a learned secret of some length is left in one of the texts."""
        long = [_occurrences(one) for one in self._everywhere if len(one) >= ANYWHERE]
        return any(one.search(text) for text in texts for one in long)

    def _replacement(self, secret: str) -> str:
        return self._replacements.setdefault(secret, f"scrubbed{len(self._replacements) + 1}")

    def _learn_from(self, exchange: Exchange) -> None:
        request = exchange.request
        for name, value in request.params.items():
            if is_secret_name(name) or (_is_value(name) and _sets_secret(request)):
                self.learn(str(value))
        contents = [request.file or b""]
        if isinstance(exchange.reply, Answer):
            for between, file in _parts(exchange.reply.body):
                contents += [between, file]
        for content in contents:
            for secret in _secrets_in(_decode(content) or ""):
                # Answers have short words under such names ("None"), which stand elsewhere too.
                if len(secret) >= ANYWHERE:
                    self.learn(secret)

    def _param(self, name: str, value: object, *, secret_value: bool) -> object:
        if is_secret_name(name) or (_is_value(name) and secret_value):
            text = str(value)
            return value if _is_public(text) else self._replacement(text)
        return self._value(value)

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(name)): self._param(str(name), one, secret_value=False)
                for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._value(one) for one in value]
        return value

    def _reply(self, reply: Answer | Closed, command: str) -> Answer | Closed:
        if isinstance(reply, Closed):
            return reply
        if reply.content_type in _ANSWER_TYPES:
            # Apart: base64 can look like a name with a value.
            body = b"".join(
                self._content(between, "") + b64encode(self._content(file, command))
                for between, file in _parts(reply.body)
            )
        else:
            body = self._content(reply.body, command)
        return replace(reply, body=body, content_type=self.text(reply.content_type))

    def _content(self, content: bytes, command: str) -> bytes:
        text = _decode(content)
        if text is None or (content and _SECRET_FILES.match(command)):
            return SCRUBBED_FILE
        text = self.text(text)
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return text.encode("iso-8859-1", "xmlcharrefreplace")
        return text.encode("utf-8")

    def _named(self, match: re.Match[str]) -> str:
        whole, value = match[0], match["value"]
        if not is_secret_name(match["name"]):
            return whole
        lead = whole[: match.start("value") - match.start()]
        if match.re is _ARRAY:
            return lead + _IN_ARRAY.sub(self._array_entry, value)
        plain = _plain(value, json_text=match.re in (_MEMBER, _NUMBER))
        if _is_public(plain) or _SWITCH.fullmatch(plain):
            return whole
        if match.re is _NUMBER:
            return f'{lead}"{self._replacement(plain)}"'
        # The blanks around a value in XML are the appliance's.
        start, _, end = value.partition(value.strip())
        return lead + start + self._replacement(plain) + end

    def _array_entry(self, match: re.Match[str]) -> str:
        plain = _plain(match["value"], json_text=True)
        return match[0] if _is_public(plain) else f'"{self._replacement(plain)}{match["end"]}'


def _is_public(text: str) -> bool:
    """Return whether a text in a secret's place is none: empty, masked or replaced already."""
    return bool(_MASKED.fullmatch(text) or PLACEHOLDER.fullmatch(text))


def _is_value(name: str) -> bool:
    return name.lower() in ("value", "val")


def _sets_secret(request: Request) -> bool:
    """Return whether a ``set`` names a parameter that is a secret."""
    return any(
        name.lower() == "param" and is_secret_name(str(value))
        for name, value in request.params.items()
    )


def _secrets_in(text: str) -> list[str]:
    found = [match[0] for match in PRIVATE_KEY.finditer(text)]
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if not is_secret_name(match["name"]):
                continue
            if pattern is _ARRAY:
                inner = _IN_ARRAY.finditer(match["value"])
                found += [_plain(one["value"], json_text=True) for one in inner]
            else:
                found.append(_plain(match["value"], json_text=pattern in (_MEMBER, _NUMBER)))
    return found


def _plain(spelled: str, *, json_text: bool) -> str:
    if not json_text:
        return html.unescape(spelled).strip()
    try:
        return str(json.loads(f'"{spelled}"', strict=False))
    except ValueError:
        return spelled


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return an answer in parts, each with the file that follows it; the last has none."""
    end = 0
    for match in _DOWNLOAD.finditer(body):
        yield body[end : match.start(2)], _unpack(match[2])
        end = match.end()
    yield body[end:], b""


def _unpack(spelled: bytes) -> bytes:
    digits = re.sub(rb"[\s\\=]", b"", spelled)
    # One that was cut short: what a single digit at the end stands for is no whole byte.
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return b64decode(digits + b"=" * (-len(digits) % 4))


def _decode(content: bytes) -> str | None:
    """Return content as text, or None for what has no readable form."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("iso-8859-1")
    return None if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text) else text


def spellings(secret: str) -> set[str]:
    """Return the ways in which a secret may be written in a body or an address."""
    ways = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    for escaped in (html.escape(secret, quote=False), html.escape(secret)):
        ways |= {
            escaped,
            escaped.replace("&#x27;", "&apos;"),
            escaped.replace("&#x27;", "&#39;"),
            escaped.encode("ascii", "xmlcharrefreplace").decode("ascii"),
            escaped.encode("iso-8859-1", "xmlcharrefreplace").decode("iso-8859-1"),
        }
    for ascii_only in (True, False):
        text = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        ways |= {text, text.replace("/", "\\/")}
    utf8 = secret.encode("utf-8")
    ways |= {b64encode(utf8).decode("ascii"), utf8.decode("iso-8859-1")}
    ways |= {re.sub("%[0-9A-F]{2}", lambda hexed: hexed[0].lower(), one) for one in ways}
    return ways


@lru_cache(maxsize=256)
def _occurrences(secret: str) -> re.Pattern[str]:
    either = "|".join(re.escape(one) for one in sorted(spellings(secret), key=len, reverse=True))
    if len(secret) < ANYWHERE:
        return re.compile(rf"(?<!\w)(?:{either})(?!\w)")
    # Digits alone stand inside other numbers by chance.
    return re.compile(rf"(?<!\d)(?:{either})(?!\d)" if secret.isdigit() else either)
