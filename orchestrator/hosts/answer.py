"""The answer of a host to a script: headings, and what follows each. Pure."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass


class Unintelligible(ValueError):
    """The answer is not one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from one script.

    Attributes:
        begun: the script ran; otherwise nothing was done.
        complete: it came to its end; otherwise the connection broke off, or its shell did.
        missing: a tool that the host does not have, or None.
        failed: why the host gave up, or None.
        sections: headings and what follows each.
    """

    begun: bool
    complete: bool
    missing: str | None
    failed: str | None
    sections: tuple[tuple[str, bytes], ...]

    def all_of(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Return what stands beside each heading of that kind, and below it."""
        for heading, body in self.sections:
            name, _, rest = heading.partition(" ")
            if name == kind:
                yield rest, body

    def has(self, kind: str) -> bool:
        """Return whether there is a section of that kind."""
        return any(True for _ in self.all_of(kind))

    def lines(self, kind: str, rest: str | None = None) -> list[str]:
        """Return the lines of the first section of that kind, those with text on them.

        Args:
            rest: what must stand beside its heading; anything where left out.

        Raises:
            Unintelligible: there is no such section.
        """
        for beside, body in self.all_of(kind):
            if rest is None or rest == beside:
                return [line for line in body.decode("utf-8", "replace").splitlines() if line]
        raise Unintelligible(f"the answer has no {kind}")

    def one(self, kind: str) -> tuple[str, bytes]:
        """Return the first section of that kind.

        Raises:
            Unintelligible: there is none.
        """
        for found in self.all_of(kind):
            return found
        raise Unintelligible(f"the answer has no {kind}")


def answer(output: bytes) -> Answer:
    """Return the output of a script in its parts; what was printed before it is left out.

    Raises:
        Unintelligible: it came damaged.
    """
    begun, sections = False, list[tuple[str, list[bytes]]]()
    for line in output.splitlines(keepends=True):
        if line == b"== kemp\n":
            begun, sections = True, []
        elif begun and line.startswith(b"== ") and line.endswith(b"\n"):
            sections.append((line[3:-1].decode("utf-8", "surrogateescape"), []))
        elif sections:
            sections[-1][1].append(line)
    whole = tuple((heading, b"".join(lines)) for heading, lines in sections)
    complete = any(heading == "end" for heading, _ in whole)
    missing = [
        rest for heading, _ in whole if (rest := heading.removeprefix("missing ")) != heading
    ]
    failed = [decoded(body) for heading, body in whole if heading == "failed"]
    return Answer(
        begun=begun,
        complete=complete,
        missing=missing[0] if missing else None,
        failed=failed[0].decode("utf-8", "replace").strip() if failed else None,
        sections=whole,
    )


def decoded(text: bytes) -> bytes:
    """Return what came in base64.

    Raises:
        Unintelligible: it came damaged.
    """
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise Unintelligible(f"a file came damaged: {error}") from error
