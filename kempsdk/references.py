"""Names for things on a LoadMaster that survive index renumbering.

After a change of global configuration the appliance renumbers its virtual services
(seen on 7.2.50 to 7.2.63); RsIndex values stay. So a service is named by
protocol/address/port and a SubVS by its parent and slot; an index is looked up
right before use.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from kempsdk.errors import InvalidRequest, will_not_do

WILDCARD_PORT = 0
"""The port of a service on every port: written ``*`` on the wire and in text."""


class Protocol(str, Enum):
    TCP = "tcp"
    UDP = "udp"


# A run asks for the same addresses again and again, and ipaddress is slow.
@lru_cache(maxsize=4096)
def check_address(text: str, *, field: str) -> str:
    """Return an IPv4 or IPv6 address in its canonical spelling.

    Raises:
        InvalidRequest: not an address.
    """
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise InvalidRequest(
            f"{field}: {text!r} is not an IPv4 or IPv6 address", field=field, value=text
        ) from None


def check_port(value: int | str, *, field: str, low: int = 1) -> int:
    """Return a port number from ``low`` to 65535.

    Raises:
        InvalidRequest: not a number, or out of range.
    """
    number = int(value) if str(value).isascii() and str(value).isdigit() else -1
    if not low <= number <= 65535:
        raise InvalidRequest(
            f"{field}: {value!r} is not a port ({low} to 65535)", field=field, value=value
        )
    return number


def check_range(value: int, *, field: str, low: int, high: int) -> int:
    """Return a number from ``low`` to ``high``.

    Raises:
        InvalidRequest: it is out of range.
    """
    if not low <= value <= high:
        raise will_not_do(field, value, f"{low} to {high}")
    return value


def check_network(text: str, *, field: str) -> str:
    """Return a network with its prefix, an address as a network of one.

    Raises:
        InvalidRequest: neither, or an address within a network.
    """
    try:
        return str(ipaddress.ip_network(text, strict=True))
    except ValueError:
        allowed = "an address, or a network without host bits: 10.1.0.0/16"
        raise will_not_do(field, text, allowed) from None


def host_or_network(network: str) -> str:
    """Return a network of one address as that address, any other as it is."""
    parsed = ipaddress.ip_network(network)
    single = parsed.prefixlen == parsed.max_prefixlen
    return str(parsed.network_address) if single else network


def _join(address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port if port != WILDCARD_PORT else '*'}"


@dataclass(frozen=True, slots=True, order=True)
class VsRef:
    """A virtual service: ``tcp/10.0.1.250:80``."""

    protocol: Protocol
    address: str
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", Protocol(self.protocol))
        object.__setattr__(self, "address", check_address(self.address, field="address"))
        if self.port != WILDCARD_PORT:
            check_port(self.port, field="port")

    def __str__(self) -> str:
        return f"{self.protocol.value}/{_join(self.address, self.port)}"

    @classmethod
    def parse(cls, text: str) -> "VsRef":
        """Read ``tcp/10.0.1.250:80``, ``udp/[2001:db8::1]:53`` or ``tcp/10.0.1.250:*``.

        Raises:
            InvalidRequest: another form.
        """
        match = re.fullmatch(r"(tcp|udp)/(\[[^\]]+\]|[^:]+):(\d+|\*)", text)
        if match is None:
            raise InvalidRequest(
                f"{text!r} is not a service; write PROTOCOL/ADDRESS:PORT, "
                "for example tcp/10.0.1.250:80",
                field="service",
                value=text,
            )
        protocol, address, port = match.groups()
        number = WILDCARD_PORT if port == "*" else check_port(port, field="port")
        return cls(Protocol(protocol), address, number)


@dataclass(frozen=True, slots=True, order=True)
class SubVsRef:
    """A SubVS: its parent and the RsIndex of its slot there, ``tcp/10.0.1.250:80#5``."""

    parent: VsRef
    slot: int

    def __str__(self) -> str:
        return f"{self.parent}#{self.slot}"


@dataclass(frozen=True, slots=True, order=True)
class RsRef:
    """A real server within a service: ``10.0.1.11:80``."""

    address: str
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", check_address(self.address, field="address"))
        check_port(self.port, field="port")

    def __str__(self) -> str:
        return _join(self.address, self.port)

    @classmethod
    def parse(cls, text: str) -> "RsRef":
        """Read ``10.0.1.11:80`` or ``[2001:db8::b]:80``.

        Raises:
            InvalidRequest: another form.
        """
        match = re.fullmatch(r"(\[[^\]]+\]|[^:]+):(\d+)", text)
        if match is None:
            raise InvalidRequest(
                f"{text!r} is not a real server; write ADDRESS:PORT, for example 10.0.1.11:80",
                field="real server",
                value=text,
            )
        return cls(match.group(1), check_port(match.group(2), field="port"))


AnyVsRef = VsRef | SubVsRef
