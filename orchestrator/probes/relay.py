# ruff: noqa: UP006, UP035 - Python 3.6 knows no dict[str, int]
"""Sends frames from a host of the segment and hears those that answer, for somebody elsewhere.

Sent whole to a host that has a Python and nothing of ours: ``python3 -c SOURCE JSON``. So it
is one file, imports the standard library only, and keeps to what Python 3.6 (CentOS 8's own)
knows. Whoever sent it reads the frames.
"""

import ctypes
import fcntl
import json
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

SOL_PACKET, ADD_MEMBERSHIP, STATISTICS, PROMISC = 263, 1, 6, 1
SIOCGIFADDR = 0x8915
SO_ATTACH_FILTER = 26
MOST = 150  # different frames: the answer has to fit into 64 KiB of output
Answer = Dict[str, Any]


def own_address(name: str) -> "str | None":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            found = fcntl.ioctl(asker, SIOCGIFADDR, struct.pack("16s24x", name.encode()))
        except OSError:
            return None
    return socket.inet_ntoa(found[20:24])


def table_of_addresses() -> str:
    path = Path("/proc/net/if_inet6")
    return path.read_text() if path.exists() else ""


def take_port(protocol: str, address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    holder = socket.socket(family, kind)
    holder.bind(("::" if address.startswith("fe80:") else address, port))
    if protocol == "tcp":
        swallow(holder)
    return holder


def swallow(holder: socket.socket) -> None:
    """Make the kernel take every TCP segment for a port and drop it without an answer.

    A listening socket is what segments without a connection of their own are given to; its
    filter lets none of them in.
    """
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    program = struct.pack("HL", 1, ctypes.addressof(nothing))
    holder.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    holder.listen(1)


def listen(
    wire: socket.socket, wanted: Answer, needles: List[bytes], kept: Dict[bytes, int]
) -> int:
    """Keep what holds a needle until the window ends; return how many did not fit."""
    deadline = time.monotonic() + wanted["window_s"]
    lost = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([wire], [], [], left)[0]:
            return lost
        frame = wire.recv(65535)
        if any(needle in frame for needle in needles):
            if frame in kept or len(kept) < MOST:
                kept[frame] = kept.get(frame, 0) + 1
            else:
                lost += 1
            if sum(kept.values()) == wanted["enough"]:
                return lost


def exchange(wire: socket.socket, wanted: Answer) -> Answer:
    needles = [bytes.fromhex(one) for one in wanted["needles"]]
    kept = {}  # type: Dict[bytes, int]
    lost = 0
    for _ in range(wanted["rounds"]):
        for frame in wanted["frames"]:
            wire.send(bytes.fromhex(frame))
        lost += listen(wire, wanted, needles, kept)
        if sum(kept.values()) == wanted["enough"] > 0:
            break
    for frame in wanted["last"]:
        wire.send(bytes.fromhex(frame))
    drops = struct.unpack("II", wire.getsockopt(SOL_PACKET, STATISTICS, 8))[1]
    return {"frames": {one.hex(): times for one, times in kept.items()}, "dropped": drops + lost}


def main(wanted: Answer) -> Answer:
    name = wanted["interface"]
    holder = None
    if wanted["hold"] is not None:
        try:
            holder = take_port(*wanted["hold"])
        except OSError as error:
            return {"failure": str(error), "errno": error.errno}
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    wire.bind((name, wanted["ethertype"]))
    if wanted["promiscuous"]:
        membership = struct.pack("iHH8s", socket.if_nametoindex(name), PROMISC, 0, b"")
        wire.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, membership)
    answer = exchange(wire, wanted)
    answer["mac"] = wire.getsockname()[4].hex()
    answer["address"] = own_address(name)
    answer["if_inet6"] = table_of_addresses()
    if holder is not None:
        holder.close()
    return answer


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - the answer
