"""What a command answers, before it is spelled as XML or JSON."""

from dataclasses import dataclass
from typing import TypeAlias

COMPLETED = "Command completed ok"
CERTIFICATE_TYPE = "application/x509-cert"


@dataclass(frozen=True, slots=True)
class Words:
    """A list of texts: ``<Opt>`` elements in a wrapper in v1, an array of strings in v2."""

    tag: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts: bare repeated elements in v1, an array of strings in v2."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Markup:
    """A text that v1 prints unescaped, as the appliance does with banners."""

    text: str


@dataclass(frozen=True, slots=True)
class One:
    """A nested group of members."""

    members: "Members"


@dataclass(frozen=True, slots=True)
class Many:
    """Groups under one name: repeated elements in v1, an array of objects in v2."""

    items: "list[Members]"


@dataclass(frozen=True, slots=True)
class Numbered:
    """Groups under one name, each with a number.

    The number is the attribute ``id`` in v1; that it is a member ``id`` in v2 is a guess.
    """

    items: "list[tuple[int, Members]]"


Value: TypeAlias = bool | int | float | str | Words | Texts | Markup | One | Many | Numbered
Members: TypeAlias = list[tuple[str, Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: data, or a text, or a file.

    Attributes:
        content_type: of the file in v1; v2 carries it in base64.
    """

    members: Members | None = None
    message: str = COMPLETED
    file: bytes | None = None
    content_type: str = "application/octet-stream"


DONE = Answer()


class Refusal(Exception):
    """The command fails with a code and a text.

    Attributes:
        code: the ``stat`` of v1 and ``code`` of v2, also the HTTP status.
    """

    def __init__(self, text: str, code: int = 422) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def missing(name: str, kind: str = "String") -> Refusal:
    """Return the refusal of a call without a mandatory parameter."""
    return Refusal(f"{name}: {kind} Value missing", 400)
