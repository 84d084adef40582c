"""Frames built and read: against bytes written down, and against what the kernel makes of them."""

import struct

import pytest

from orchestrator.probes.frames import (
    ETH_P_IP,
    SYN,
    Ends,
    arp_question,
    claim,
    discovery_question,
    echo,
    flow,
    mac_bytes,
    read_packet,
    tcp,
    udp,
)

OURS, THEIRS = "02:00:00:00:00:01", "02:00:00:00:00:02"
V4 = Ends(from_mac=OURS, to_mac=THEIRS, source="198.51.100.2", destination="198.51.100.250")
V6 = Ends(from_mac=OURS, to_mac=THEIRS, source="2001:db8::2", destination="2001:db8::fa")


def _sum(data: bytes) -> int:
    """Add words with end-around carry: 65535 where the checksum in them is right."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_an_arp_request_byte_by_byte() -> None:
    frame = arp_question("198.51.100.250", mac=OURS, sender="198.51.100.2", to="ff:ff:ff:ff:ff:ff")
    assert frame == bytes.fromhex(
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001"
        "020000000001 c6336402 000000000000 c63364fa"
    )


@pytest.mark.parametrize("ends", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("data", [b"", b"odd", b"even"])
def test_checksums_are_right(ends: Ends, data: bytes) -> None:
    header = 20 if ends is V4 else 40
    for number, frame in (
        (6, tcp(ends, from_port=50000, to_port=80, flags=SYN, sequence=7)),
        (17, udp(ends, from_port=50000, to_port=53, data=data)),
    ):
        packet = frame[14:]
        if ends is V4:
            assert _sum(packet[:20]) == 0xFFFF
        addresses = packet[12:20] if ends is V4 else packet[8:40]
        body = packet[header:]
        padding = b"\0" * (len(body) % 2)
        assert _sum(addresses + struct.pack("!LL", len(body), number) + body + padding) == 0xFFFF


@pytest.mark.parametrize("ends", [V4, V6], ids=["v4", "v6"])
def test_a_segment_is_read_as_it_was_built(ends: Ends) -> None:
    frame = tcp(ends, from_port=50000, to_port=80, flags=SYN, sequence=7)
    packet = read_packet(frame)
    assert packet is not None
    assert (packet.mac, packet.source, packet.destination) == (OURS, ends.source, ends.destination)
    assert packet.tcp_flags == SYN
    assert flow(ends.source, ends.destination, 50000, 80) in frame
    # A short frame is padded to 60 bytes on the wire: that is not the packet's.
    padded = read_packet(frame + b"\0" * 20)
    assert padded == packet


@pytest.mark.parametrize("ends", [V4, V6], ids=["v4", "v6"])
def test_an_echo_request_has_the_size_that_was_asked_for(ends: Ends) -> None:
    assert len(echo(ends, identifier=1, size=1500)) == 14 + 1500


def _arp(operation: int, sender: str, target: str) -> bytes:
    frame = arp_question(target, mac=THEIRS, sender=sender, to=OURS)
    return frame[:20] + struct.pack("!H", operation) + frame[22:]


@pytest.mark.parametrize(
    ("operation", "sender", "target", "solicited"),
    [
        (2, "198.51.100.250", "198.51.100.2", True),
        (2, "198.51.100.250", "198.51.100.250", False),
        (1, "198.51.100.250", "198.51.100.250", False),
        (1, "198.51.100.250", "198.51.100.2", False),
    ],
    ids=["reply", "gratuitous-reply", "gratuitous-request", "question"],
)
def test_arp_claims(operation: int, sender: str, target: str, *, solicited: bool) -> None:
    found = claim(_arp(operation, sender, target))
    assert found is not None
    assert (found.address, found.mac, found.solicited) == (sender, THEIRS, solicited)


def test_a_question_without_a_sender_claims_nothing() -> None:
    assert claim(_arp(1, "0.0.0.0", "198.51.100.250")) is None  # noqa: S104 - no address at all
    assert claim(discovery_question("2001:db8::fa", mac=OURS, sender="::", to=None)) is None


def test_a_solicitation_names_its_sender() -> None:
    frame = discovery_question("2001:db8::2", mac=THEIRS, sender="2001:db8::fa", to=None)
    found = claim(frame)
    assert found is not None
    assert (found.address, found.mac, found.solicited) == ("2001:db8::fa", THEIRS, False)
    assert frame[:6].hex(":") == "33:33:ff:00:00:02"


def _advertisement(flags: int, option: bytes) -> bytes:
    body = struct.pack("!BBHI", 136, 0, 0, flags) + bytes.fromhex("20010db8" + "00" * 11 + "fa")
    ends = Ends(from_mac=THEIRS, to_mac=OURS, source="2001:db8::fa", destination="2001:db8::2")
    return ends.frame(58, body + option, hops=255)


@pytest.mark.parametrize("solicited", [True, False])
@pytest.mark.parametrize(
    ("option", "mac"),
    [
        (b"", THEIRS),
        (b"\x02\x01" + mac_bytes("02:00:00:00:00:99"), "02:00:00:00:00:99"),
        (b"\x05\x01" + bytes(6) + b"\x02\x01" + mac_bytes(OURS), OURS),
        (b"\x02\x00" + bytes(6), THEIRS),
        (b"\x02\x01\x02", THEIRS),
    ],
    ids=["no-option", "option", "after-another", "length-0", "cut"],
)
def test_advertisements(option: bytes, mac: str, *, solicited: bool) -> None:
    found = claim(_advertisement(0x60000000 if solicited else 0x20000000, option))
    assert found is not None
    assert (found.address, found.mac, found.solicited) == ("2001:db8::fa", mac, solicited)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff" * 12 + b"\x08\x06" + b"short",
        b"\xff" * 12 + b"\x86\xdd" + bytes(30),
        b"\xff" * 12 + b"\x88\xcc" + bytes(60),
        tcp(V6, from_port=1, to_port=2, flags=SYN, sequence=0),
        _advertisement(0, b"")[:70],
    ],
    ids=["empty", "cut-arp", "cut-v6", "lldp", "tcp", "cut-advertisement"],
)
def test_frames_that_claim_nothing(frame: bytes) -> None:
    assert claim(frame) is None


@pytest.mark.parametrize("frame", [b"", bytes(20), b"\xff" * 12 + b"\x86\xdd" + bytes(30)])
def test_frames_without_a_packet(frame: bytes) -> None:
    assert read_packet(frame) is None


def test_a_cut_segment_is_no_answer() -> None:
    whole = tcp(V4, from_port=1, to_port=2, flags=SYN, sequence=0)
    packet = read_packet(whole[:40])
    assert packet is not None
    assert packet.tcp_flags == 0
    assert not packet.is_unreachable()
    assert not packet.answers_echo(0)
    assert whole[12:14] == struct.pack("!H", ETH_P_IP)
