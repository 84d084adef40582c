"""Conversations as YAML files, written so that a person can read and compare them.

A body is a block of text as it came; line ends and encoding stand beside it where they
are not LF and UTF-8. What is no text is base64.
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from kempsdk.recording.conversation import (
    SUFFIX,
    Answer,
    Closed,
    Conversation,
    Exchange,
    Provenance,
    Request,
)
from kempsdk.recording.errors import InvalidConversation

_LATIN1: Final = "iso-8859-1"
_PROVENANCE: Final = frozenset({"source", "firmware", "date", "note"})
_REQUEST: Final = frozenset({"api", "command", "method", "params", "file"})
_CONTENT: Final = frozenset({"line_ends", "encoding", "body", "base64", "filled"})
_REPLY: Final = frozenset({"status", "content_type", "cut_short", "closed"}) | _CONTENT
_FILLED: Final = frozenset({"before", "repeated", "times", "after"})

# What YAML can hold in a block as it is; U+0085, U+2028 and U+2029 are line ends to it,
# and it takes a tab at the start for part of the indentation.
_BLOCK: Final = re.compile(
    r"(?!\s*\t)[\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd]*"
)


class _Writer(yaml.SafeDumper):
    """Writes every text of several lines as a literal block."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if _BLOCK.fullmatch(scalar):
            # PyYAML quotes texts with tabs or blanks before line ends; blocks hold both.
            analysis.allow_block = True
        return analysis


def _text_node(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if not _BLOCK.fullmatch(text):
        style = '"'  # with escapes; the other forms would lose what they cannot hold
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text_node)
_READER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def conversation_path(path: str | Path) -> Path:
    """Return the file of a conversation; the suffix may be left out."""
    found = Path(path)
    return found if found.suffix == SUFFIX else found.with_name(found.name + SUFFIX)


def write_text(conversation: Conversation) -> str:
    """Return the YAML of a conversation."""
    provenance = {
        name: text
        for name in ("source", "firmware", "date", "note")
        if (text := getattr(conversation.provenance, name))
    }
    exchanges = [
        {"request": _write_request(one.request), "reply": _write_reply(one.reply)}
        for one in conversation.exchanges
    ]
    return yaml.dump(
        {"provenance": provenance, "exchanges": exchanges},
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def _write_request(request: Request) -> dict[str, object]:
    fields: dict[str, object] = {
        "api": request.api,
        "command": request.command,
        "method": request.method,
    }
    if request.params:
        fields["params"] = dict(request.params)
    if request.file is not None:
        fields["file"] = _write_content(request.file)
    return fields


def _write_reply(reply: Answer | Closed) -> dict[str, object]:
    if isinstance(reply, Closed):
        return {"closed": reply.value}
    fields: dict[str, object] = {"status": reply.status}
    if reply.content_type:
        fields["content_type"] = reply.content_type
    if reply.cut_short:
        fields["cut_short"] = True
    return fields | _write_content(reply.body)


def _write_content(content: bytes) -> dict[str, object]:
    fields: dict[str, object] = {}
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode(_LATIN1)
        fields["encoding"] = _LATIN1
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        return {"base64": base64.encodebytes(content).decode("ascii")}
    if "\r" in text and not re.search(r"(?<!\r)\n|\r(?!\n)", text):
        fields["line_ends"] = "crlf"
        text = text.replace("\r\n", "\n")
    return fields | {"body": text}


def read_file(path: str | Path) -> Conversation:
    """Return the conversation in a file.

    Raises:
        InvalidConversation: the file is missing or is something else.
    """
    place = conversation_path(path)
    try:
        text = place.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InvalidConversation(place, "no such recording; `kemp record` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConversation(place, str(error)) from None
    return read_text(text, place)


def read_text(text: str, path: Path) -> Conversation:
    """Return the conversation in a text; ``path`` is for messages.

    Raises:
        InvalidConversation: the text is something else.
    """
    try:
        # CSafeLoader and SafeLoader build plain data only.
        top = yaml.load(text, Loader=_READER)  # noqa: S506
        return _read(top)
    except (yaml.YAMLError, TypeError, ValueError, KeyError) as error:
        raise InvalidConversation(path, str(error)) from None


def _read(top: object) -> Conversation:
    fields = _members(top, "the file", frozenset({"provenance", "exchanges"}))
    about = _members(fields.get("provenance"), "provenance", _PROVENANCE)
    exchanges = fields.get("exchanges")
    if not isinstance(exchanges, list):
        raise TypeError("exchanges: not a list")
    return Conversation(
        provenance=Provenance(**{name: str(value) for name, value in about.items()}),
        exchanges=tuple(_read_exchange(one, number) for number, one in enumerate(exchanges, 1)),
    )


def _read_exchange(value: object, number: int) -> Exchange:
    fields = _members(value, f"exchange {number}", frozenset({"request", "reply"}))
    request = _members(fields.get("request"), f"request {number}", _REQUEST)
    if request.get("api") not in ("v1", "v2"):
        raise ValueError(f"request {number}: api is v1 or v2")
    params = request.get("params", {})
    file = request.get("file")
    return Exchange(
        request=Request(
            api=request["api"],
            command=str(request["command"]),
            method=str(request["method"]),
            params=dict(_members(params, f"params of request {number}", None)),
            file=None if file is None else _read_content(file, f"file of request {number}"),
        ),
        reply=_read_reply(fields.get("reply"), number),
    )


def _read_reply(value: object, number: int) -> Answer | Closed:
    fields = _members(value, f"reply {number}", _REPLY)
    if "closed" in fields:
        return Closed(fields["closed"])
    content = {name: one for name, one in fields.items() if name in _CONTENT}
    return Answer(
        status=int(fields["status"]),
        content_type=str(fields.get("content_type", "")),
        body=_read_content(content, f"reply {number}"),
        cut_short=bool(fields.get("cut_short", False)),
    )


def _read_content(value: object, where: str) -> bytes:
    fields = _members(value, where, _CONTENT)
    if "base64" in fields:
        return base64.b64decode(fields["base64"])
    if "filled" in fields:
        # Nobody wants a file of 64 MiB in a repository.
        filled = _members(fields["filled"], where, _FILLED)
        text = filled["before"] + filled["repeated"] * filled["times"] + filled["after"]
    else:
        text = fields["body"]
    if not isinstance(text, str):
        raise TypeError(f"{where}: body is not a text")
    if fields.get("line_ends", "lf") == "crlf":
        text = text.replace("\n", "\r\n")
    return text.encode(fields.get("encoding", "utf-8"))


def _members(value: object, where: str, known: frozenset[str] | None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{where}: not a mapping")
    if known is not None and (unknown := set(value) - known):
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}")
    return value
