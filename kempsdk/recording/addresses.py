"""Addresses replaced by those reserved for documentation (RFC 5737, RFC 3849)."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

# Dots may be escaped: addresses stand in patterns of content rules too.
_IPV4: Final = re.compile(
    r"(?<![\w.])\d{1,3}(?:(?P<dot>\\{0,2}\.)\d{1,3})(?:(?P=dot)\d{1,3}){2}(?![\w.])"
)
_IPV6: Final = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])"
)
_VERSION: Final = re.compile(r"version\W{1,6}$", re.IGNORECASE)
"""A firmware version of four numbers looks like an address."""

_POOLS: Final = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")
"""The last one is for benchmarks; it serves when the others are used up."""


class AddressBook:
    """Gives each address one of the documentation's, the same one every time.

    Masks, loopback and unspecified addresses stay.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._ipv4 = _hosts()
        self._ipv6 = ipaddress.IPv6Network("2001:db8::/32").hosts()

    def replace(self, text: str) -> str:
        """Return a text with its addresses replaced."""
        return _IPV6.sub(self._other, _IPV4.sub(self._other, text))

    def _other(self, match: re.Match[str]) -> str:
        if _VERSION.search(match.string[max(0, match.start() - 20) : match.start()]):
            return match[0]
        dot = match.groupdict().get("dot") or "."
        try:
            address = ipaddress.ip_address(match[0].replace("\\", ""))
        except ValueError:
            return match[0]
        if address.is_loopback or address.is_unspecified or str(address).startswith("255."):
            return match[0]
        known = self._known.get(str(address))
        if known is None:
            known = str(next(self._ipv4 if address.version == 4 else self._ipv6))
            self._known[str(address)] = known
        return known.replace(".", dot)


def _hosts() -> Iterator[ipaddress.IPv4Address]:
    for pool in _POOLS:
        yield from ipaddress.IPv4Network(pool).hosts()
