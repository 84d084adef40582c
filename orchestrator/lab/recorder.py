"""Counts packets that a virtual service's address sent: the way replies really took."""

import ctypes
import os
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.network_namespace import NetworkNamespace

_ETH_P_ALL = 0x0003
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_SO_ATTACH_FILTER = 26
_PACKET_OTHERHOST = 3
_SNAP = 64
_HEADERS = 34  # Ethernet and the shortest IPv4 header


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEvidence:
    """What passed one interface with the VIP as its IP source, either way.

    Attributes:
        packets: all of them, as the interface carries them (big segments count once).
        by_source_mac: the same by the MAC that sent the frame, in lower case.
        missed: packets that came faster than they were counted; 0 or the rest proves little.
    """

    packets: int
    by_source_mac: Mapping[str, int]
    missed: int


class ReplyRecorder:
    """Counts on one interface from ``__enter__`` to ``__exit__``.

    In the load balancer's namespace the count must stay 0 under direct server return. On the
    router's side of the segment it shows which servers the replies came from. Frames for
    other machines, which a bridge floods, are left out.
    """

    def __init__(self, namespace: NetworkNamespace, interface: str, vip: str) -> None:
        """Describe a recorder; nothing is opened before ``__enter__``."""
        self._namespace = namespace
        self._interface = interface
        self._vip = socket.inet_aton(vip)
        self._counts: Counter[bytes] = Counter()
        self._lock = threading.Lock()
        self._missed = 0

    def __enter__(self) -> "ReplyRecorder":
        """Begin to count.

        Raises:
            OSError: no such interface in the namespace.
        """
        self._socket = self._namespace.run(self._open)
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._record, name="reply-recorder", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._wake_w, b"x")
        self._thread.join()
        self._missed = self._read_missed()
        self._socket.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def evidence(self) -> ReplyEvidence:
        """Return the counts so far; final after ``__exit__``."""
        with self._lock:
            by_mac = {mac.hex(":"): count for mac, count in sorted(self._counts.items())}
        if self._socket.fileno() >= 0:
            self._missed = self._read_missed()
        return ReplyEvidence(
            packets=sum(by_mac.values()),
            by_source_mac=MappingProxyType(by_mac),
            missed=self._missed,
        )

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            _attach(opened, _from_source(self._vip))
            opened.bind((self._interface, _ETH_P_ALL))
        except OSError:
            opened.close()
            raise
        return opened

    def _read_missed(self) -> int:
        # The kernel sets its count back to 0 with each reading.
        answer = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        _seen, dropped = struct.unpack("=II", answer)
        return self._missed + int(dropped)

    def _record(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake_r, selectors.EVENT_READ)
            stopping = False
            while not stopping:
                # What is queued when the stop comes is still counted.
                stopping = any(key.fileobj == self._wake_r for key, _ in selector.select())
                self._drain()

    def _drain(self) -> None:
        while True:
            try:
                frame, origin = self._socket.recvfrom(_SNAP)
            except OSError:  # nothing more, or the interface went down
                return
            if origin[2] != _PACKET_OTHERHOST and len(frame) >= _HEADERS:
                with self._lock:
                    self._counts[frame[6:12]] += 1


def _from_source(address: bytes) -> Sequence[tuple[int, int, int, int]]:
    """Return the classic BPF program for ``ip and src host ADDRESS``, cutting frames short."""
    return (
        (0x28, 0, 0, 12),  # load the EtherType
        (0x15, 0, 3, 0x0800),
        (0x20, 0, 0, 26),  # load the IP source
        (0x15, 0, 1, int.from_bytes(address, "big")),
        (0x06, 0, 0, _SNAP),
        (0x06, 0, 0, 0),
    )


def _attach(opened: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    memory = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("HP", len(program), ctypes.addressof(memory))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)
