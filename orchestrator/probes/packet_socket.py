"""A raw packet socket on one interface, in whatever network namespace it is wanted."""

import errno
import fcntl
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

from orchestrator.errors import HostUnreachable
from orchestrator.network_namespace import NetworkNamespace

T = TypeVar("T")

# Linux, if_packet.h and sockios.h; the socket module does not name them.
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_STATISTICS = 6
_PACKET_MR_PROMISC = 1
_SIOCGIFADDR = 0x8915
_LONGEST_FRAME = 65535
_BUFFER = 4 * 1024 * 1024
_LATE_S = 0.05
"""For taking what still waits when the window has ended; bounds it on a busy segment."""


def in_namespace(namespace: NetworkNamespace | None, function: Callable[[], T]) -> T:
    """Run the function in the namespace, or here where there is none."""
    return function() if namespace is None else namespace.run(function)


class PacketSocket:
    """Sends whole frames and hears those of one kind. Frames sent here are not heard.

    A promiscuous one hears all that passes the interface, not only what is meant for it: on a
    bridge's own interface everything the bridge forwards. A port of a bridge hears nothing.
    """

    def __init__(
        self,
        interface: str,
        ethertype: int,
        *,
        promiscuous: bool,
        namespace: NetworkNamespace | None = None,
    ) -> None:
        """Open the socket.

        Raises:
            HostUnreachable: no such interface, or no right to raw sockets.
        """
        try:
            self._socket, self.address = in_namespace(
                namespace, lambda: _open(interface, ethertype, promiscuous=promiscuous)
            )
        except OSError as error:
            cure = (
                " (run as root: raw sockets need CAP_NET_RAW)" if error.errno == errno.EPERM else ""
            )
            raise HostUnreachable(
                f"cannot listen on {interface}: {os.strerror(error.errno or 0)}{cure}"
            ) from error
        self.interface = interface
        self.mac = ":".join(f"{byte:02x}" for byte in self._socket.getsockname()[4])

    def send(self, frame: bytes) -> None:
        """Send one frame, Ethernet header and all.

        Raises:
            HostUnreachable: the interface is down or gone.
        """
        try:
            self._socket.send(frame)
        except OSError as error:
            raise HostUnreachable(f"cannot send on {self.interface}: {error.strerror}") from error

    def frames(self, *, window_s: float) -> Iterator[bytes]:
        """Yield the frames heard until the window ends (0: those already waiting)."""
        deadline = time.monotonic() + window_s
        while time.monotonic() < deadline + _LATE_S:
            left_s = max(0.0, deadline - time.monotonic())
            if not select.select([self._socket], [], [], left_s)[0]:
                return
            try:
                yield self._socket.recv(_LONGEST_FRAME)
            except OSError as error:
                raise HostUnreachable(
                    f"cannot hear on {self.interface}: {error.strerror}"
                ) from error

    def dropped(self) -> int:
        """Return how many frames the kernel threw away since the last call, for lack of room."""
        raw = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        _, drops = struct.unpack("II", raw)
        return int(drops)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "PacketSocket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open(interface: str, ethertype: int, *, promiscuous: bool) -> tuple[socket.socket, str | None]:
    """Return the socket and the interface's own IPv4 address, if it has one."""
    # Protocol 0 until it is bound: nothing from other interfaces gets in meanwhile.
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        raw.bind((interface, ethertype))
        if promiscuous:
            index = socket.if_nametoindex(interface)
            membership = struct.pack("iHH8s", index, _PACKET_MR_PROMISC, 0, b"")
            raw.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
        return raw, _own_address(interface)
    except BaseException:
        raw.close()
        raise


def _own_address(interface: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        request = struct.pack("16s24x", interface.encode())
        try:
            answer = fcntl.ioctl(asker, _SIOCGIFADDR, request)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return None
            raise
    return socket.inet_ntoa(answer[20:24])
