"""The management interface's load limits: too much is answered by a closed connection."""

import asyncio
import contextlib
import socket
from collections import deque

from kempsdk.clock import Clock, SystemClock
from kempsdk.emulator.switches import Switches

_LINGER_S = 1.0


class Gate:
    """Counts calls over all API interfaces."""

    def __init__(self, switches: Switches, clock: Clock | None = None) -> None:
        self._switches = switches
        self._clock = clock or SystemClock()
        self._calls: deque[float] = deque()

    def refuses_connection(self, open_connections: int) -> bool:
        """Whether a new connection is dropped before TLS."""
        limit = self._switches.concurrent_calls
        return self.refuses_call() or (limit is not None and open_connections >= limit)

    def refuses_call(self) -> bool:
        """Whether one more call now would be one too many."""
        switches = self._switches
        if not switches.rate_limit:
            return False
        earliest = self._clock.monotonic_s() - switches.rate_limit_window_s
        while self._calls and self._calls[0] <= earliest:
            self._calls.popleft()
        return len(self._calls) >= switches.rate_limit_calls

    def count_call(self) -> None:
        """Count a call that is being run; a dropped one does not count."""
        if self._switches.rate_limit:
            self._calls.append(self._clock.monotonic_s())


async def hang_up(sock: socket.socket) -> None:
    """Close a fresh connection so that the client reads an end of file.

    Closing at once would reset the connection when the client's first bytes arrive; the
    appliance shows as an EOF during the TLS handshake.
    """
    loop = asyncio.get_running_loop()
    with sock, contextlib.suppress(OSError, asyncio.TimeoutError):
        sock.shutdown(socket.SHUT_WR)

        async def drain() -> None:
            while await loop.sock_recv(sock, 4096):
                continue

        await asyncio.wait_for(drain(), _LINGER_S)
