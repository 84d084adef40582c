"""Frames as bytes: ARP, neighbour discovery, TCP, UDP and ICMP echo, built and read. Pure."""

import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806
ETH_P_IPV6 = 0x86DD

BROADCAST = "ff:ff:ff:ff:ff:ff"
SYN, RST, ACK = 0x02, 0x04, 0x10

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_TCP = struct.Struct("!HHLLBBHHH")
_UDP = struct.Struct("!HHHH")
_ECHO = struct.Struct("!BBHHH")
_DISCOVERY = struct.Struct("!BBHI16s")

_ARP_REQUEST, _ARP_REPLY = 1, 2
_ICMPV6 = 58
_ECHO_REQUEST = {4: 8, 6: 128}
_ECHO_REPLY = {4: 0, 6: 129}
_UNREACHABLE = {4: 3, 6: 1}
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_MAC, _TARGET_MAC = 1, 2
_SOLICITED = 0x40000000
_MAX_SEGMENT = bytes((2, 4)) + struct.pack("!H", 1220)
"""Fits every path; nothing is sent over the connection anyway."""


def mac_bytes(mac: str) -> bytes:
    """Return ``02:00:00:00:00:01`` as its six bytes."""
    raw = bytes.fromhex(mac.replace(":", ""))
    if len(raw) != 6:
        raise ValueError(f"{mac} is not a MAC address")
    return raw


def packed(address: str) -> bytes:
    """Return an IPv4 or IPv6 address as its 4 or 16 bytes."""
    return ipaddress.ip_address(address).packed


def ethertype_of(address: str) -> int:
    """Return the kind of frame that carries packets to an address."""
    return ETH_P_IPV6 if ":" in address else ETH_P_IP


# -- who has an address ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A frame that says at which MAC an address is.

    Attributes:
        solicited: it answers a question; otherwise a request or an announcement that names
            the address as its sender.
    """

    address: str
    mac: str
    solicited: bool


def arp_question(address: str, *, mac: str, sender: str, to: str) -> bytes:
    """Return an ARP request; ``sender`` 0.0.0.0 asks without saying who asks."""
    own = mac_bytes(mac)
    return _ETHERNET.pack(mac_bytes(to), own, ETH_P_ARP) + _ARP.pack(
        1, ETH_P_IP, 6, 4, _ARP_REQUEST, own, packed(sender), bytes(6), packed(address)
    )


def discovery_question(address: str, *, mac: str, sender: str, to: str | None) -> bytes:
    """Return a neighbour solicitation, to one MAC or to all who may have the address.

    ``sender`` :: asks as a host does that is about to take the address.
    """
    target = packed(address)
    group = bytes.fromhex("ff0200000000000000000001ff") + target[-3:]
    body = _DISCOVERY.pack(_SOLICITATION, 0, 0, 0, target)
    if sender != "::":
        body += bytes((_SOURCE_MAC, 1)) + mac_bytes(mac)
    ends = Ends(
        from_mac=mac,
        to_mac=to or "33:33:" + group[-4:].hex(":"),
        source=sender,
        destination=address if to else str(ipaddress.IPv6Address(group)),
    )
    return ends.frame(_ICMPV6, _with_checksum(ends, _ICMPV6, body, at=2), hops=255)


def claim(frame: bytes) -> Claim | None:
    """Return what a frame says of an address's MAC; None for one that says nothing."""
    if len(frame) < _ETHERNET.size:
        return None
    _, source, ethertype = _ETHERNET.unpack_from(frame)
    if ethertype == ETH_P_ARP and len(frame) >= _ETHERNET.size + _ARP.size:
        return _arp_claim(frame)
    if ethertype == ETH_P_IPV6:
        return _discovery_claim(frame, source)
    return None


def _arp_claim(frame: bytes) -> Claim | None:
    _, _, _, _, operation, mac, sender, _, target = _ARP.unpack_from(frame, _ETHERNET.size)
    if not any(sender):
        return None
    return Claim(
        address=socket.inet_ntoa(sender),
        mac=mac.hex(":"),
        solicited=operation == _ARP_REPLY and target != sender,
    )


def _discovery_claim(frame: bytes, source: bytes) -> Claim | None:
    packet = read_packet(frame)
    if packet is None or packet.protocol != _ICMPV6 or len(packet.payload) < _DISCOVERY.size:
        return None
    kind, _, _, flags, target = _DISCOVERY.unpack_from(packet.payload)
    options = packet.payload[_DISCOVERY.size :]
    if kind == _ADVERTISEMENT:
        return Claim(
            address=str(ipaddress.IPv6Address(target)),
            mac=(_option(options, _TARGET_MAC) or source).hex(":"),
            solicited=bool(flags & _SOLICITED),
        )
    if kind == _SOLICITATION and packet.source != "::":
        return Claim(
            address=packet.source,
            mac=(_option(options, _SOURCE_MAC) or source).hex(":"),
            solicited=False,
        )
    return None


def _option(options: bytes, wanted: int) -> bytes | None:
    while len(options) >= 8 and options[1]:
        if options[0] == wanted:
            return options[2:8]
        options = options[options[1] * 8 :]
    return None


# -- packets to one MAC ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """From whom to whom: MACs and addresses, both IPv4 or both IPv6."""

    from_mac: str
    to_mac: str
    source: str
    destination: str

    def frame(self, protocol: int, payload: bytes, *, hops: int = 64) -> bytes:
        """Return the frame with the packet, which may not be fragmented."""
        source, destination = packed(self.source), packed(self.destination)
        ethernet = _ETHERNET.pack(
            mac_bytes(self.to_mac), mac_bytes(self.from_mac), ethertype_of(self.destination)
        )
        if len(source) == 16:
            header = _IPV6.pack(6 << 28, len(payload), protocol, hops, source, destination)
            return ethernet + header + payload

        def header_with(checksum: int) -> bytes:
            size = _IPV4.size + len(payload)
            return _IPV4.pack(
                0x45, 0, size, 0, 0x4000, hops, protocol, checksum, source, destination
            )

        return ethernet + header_with(_checksum(header_with(0))) + payload


def tcp(ends: Ends, *, from_port: int, to_port: int, flags: int, sequence: int) -> bytes:
    """Return the frame of a TCP segment without data."""
    options = _MAX_SEGMENT if flags & SYN else b""
    length = _TCP.size + len(options)
    segment = _TCP.pack(from_port, to_port, sequence, 0, length // 4 << 4, flags, 64240, 0, 0)
    tcp_number = socket.IPPROTO_TCP
    return ends.frame(tcp_number, _with_checksum(ends, tcp_number, segment + options, at=16))


def udp(ends: Ends, *, from_port: int, to_port: int, data: bytes) -> bytes:
    """Return the frame of a datagram."""
    datagram = _UDP.pack(from_port, to_port, _UDP.size + len(data), 0) + data
    number = socket.IPPROTO_UDP
    return ends.frame(number, _with_checksum(ends, number, datagram, at=6))


def echo(ends: Ends, *, identifier: int, size: int) -> bytes:
    """Return an ICMP echo request whose packet, headers included, has ``size`` bytes."""
    version = 6 if ":" in ends.destination else 4
    header = (_IPV6 if version == 6 else _IPV4).size
    number = _ICMPV6 if version == 6 else socket.IPPROTO_ICMP
    body = _ECHO.pack(_ECHO_REQUEST[version], 0, 0, identifier, 1)
    body += bytes(max(0, size - header - len(body)))
    if version == 6:
        return ends.frame(number, _with_checksum(ends, number, body, at=2))
    return ends.frame(number, body[:2] + struct.pack("!H", _checksum(body)) + body[4:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What a frame carries.

    Attributes:
        mac: of whoever sent the frame.
        protocol: number of what the payload is; options of the packet's header are left out.
    """

    mac: str
    source: str
    destination: str
    protocol: int
    payload: bytes

    def answers_echo(self, identifier: int) -> bool:
        """Return whether it is the answer to our echo request."""
        if len(self.payload) < _ECHO.size:
            return False
        kind, _, _, ours, _ = _ECHO.unpack_from(self.payload)
        return self._is_icmp() and kind == _ECHO_REPLY[self._version] and ours == identifier

    def is_unreachable(self) -> bool:
        """Return whether it says that something we sent could not be delivered."""
        return self._is_icmp() and self.payload[:1] == bytes((_UNREACHABLE[self._version],))

    @property
    def tcp_flags(self) -> int:
        """Return the flags of a TCP segment, 0 for anything else."""
        if self.protocol != socket.IPPROTO_TCP or len(self.payload) < _TCP.size:
            return 0
        return int(self.payload[13])

    @property
    def tcp_confirms(self) -> int:
        """Return the sequence number that a TCP segment confirms."""
        return int(_TCP.unpack_from(self.payload)[3])

    @property
    def _version(self) -> int:
        return 6 if ":" in self.source else 4

    def _is_icmp(self) -> bool:
        return self.protocol == (_ICMPV6 if self._version == 6 else socket.IPPROTO_ICMP)


def read_packet(frame: bytes) -> Packet | None:
    """Return the packet of a frame; None for one that holds none or only a part of it."""
    if len(frame) < _ETHERNET.size + _IPV4.size:
        return None
    _, mac, ethertype = _ETHERNET.unpack_from(frame)
    body = frame[_ETHERNET.size :]
    if ethertype == ETH_P_IP:
        first, _, size, _, _, _, protocol, _, source, destination = _IPV4.unpack_from(body)
        start, end = (first & 0x0F) * 4, size
    elif ethertype == ETH_P_IPV6 and len(body) >= _IPV6.size:
        _, size, protocol, _, source, destination = _IPV6.unpack_from(body)
        start, end = _IPV6.size, _IPV6.size + size
    else:
        return None
    return Packet(
        mac=mac.hex(":"),
        source=str(ipaddress.ip_address(source)),
        destination=str(ipaddress.ip_address(destination)),
        protocol=protocol,
        payload=body[start:end],
    )


def flow(source: str, destination: str, from_port: int, to_port: int) -> bytes:
    """Return the bytes that every TCP or UDP packet of one direction of a flow holds.

    True of packets without options in their header, which is all that hosts send.
    """
    return packed(source) + packed(destination) + struct.pack("!HH", from_port, to_port)


def _with_checksum(ends: Ends, protocol: int, body: bytes, *, at: int) -> bytes:
    """Return the body with the checksum over it and the addresses, ``at`` this offset."""
    addresses = packed(ends.source) + packed(ends.destination)
    pseudo = addresses + struct.pack("!LL", len(body), protocol)
    # 0 and 65535 are the same sum, but 0 means "none" in a datagram.
    checksum = _checksum(pseudo + body) or 0xFFFF
    return body[:at] + struct.pack("!H", checksum) + body[at + 2 :]


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    words: Sequence[int] = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
