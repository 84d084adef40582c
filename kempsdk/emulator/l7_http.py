"""The little of HTTP that cookie persistence reads and writes: one head at a time. Pure."""

from collections.abc import Iterator

MOST_HEAD = 64 * 1024
"""Bytes of a head; a longer one is passed on unread."""

END = b"\r\n\r\n"


def cookies_of(head: bytes) -> dict[str, str] | None:
    """Return the cookies of a request; None where it is not an HTTP request."""
    if not head.split(b"\r\n", 1)[0].rstrip().endswith((b"HTTP/1.0", b"HTTP/1.1")):
        return None
    found: dict[str, str] = {}
    for value in _values(head, b"cookie"):
        for part in value.split(";"):
            name, equals, text = part.strip().partition("=")
            if equals:
                found.setdefault(name, text)
    return found


def set_cookie_of(head: bytes, name: str) -> str | None:
    """Return the value that an answer gives a cookie; None where it gives none."""
    for value in _values(head, b"set-cookie"):
        key, equals, text = value.split(";", 1)[0].strip().partition("=")
        if equals and key == name:
            return text
    return None


def with_cookie(head: bytes, name: str, value: str) -> bytes:
    """Return an answer's head with one cookie more; unchanged where it is not HTTP."""
    first, break_, rest = head.partition(b"\r\n")
    if not (first.startswith(b"HTTP/1.") and break_):
        return head
    return b"%s\r\nSet-Cookie: %s=%s; path=/\r\n%s" % (
        first,
        name.encode("latin-1"),
        value.encode("latin-1"),
        rest,
    )


def _values(head: bytes, name: bytes) -> Iterator[str]:
    for line in head.split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name:
            yield value.strip().decode("latin-1")
