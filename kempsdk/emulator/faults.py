"""Trouble on demand, for tests of clients: each fault strikes a number of times, then is gone."""

import threading
from dataclasses import dataclass

from kempsdk.emulator.answers import Refusal


@dataclass(slots=True)
class _Rejection:
    command: str
    refusal: Refusal
    left: int


class Faults:
    """What is to go wrong; armed from any thread, consumed by the event loop's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._close_before_tls = 0
        self._drop_after_read = 0
        self._truncate = 0
        self._html: list[int] = []
        self._delays: list[float] = []
        self._rejections: list[_Rejection] = []

    def close_before_tls(self, n: int) -> None:
        with self._lock:
            self._close_before_tls = n

    def drop_after_read(self, n: int) -> None:
        with self._lock:
            self._drop_after_read = n

    def truncate(self, n: int) -> None:
        with self._lock:
            self._truncate = n

    def html(self, n: int, status: int) -> None:
        with self._lock:
            self._html = [status] * n

    def delay(self, seconds: float, n: int) -> None:
        with self._lock:
            self._delays = [seconds] * n

    def reject(self, command: str, code: int, message: str, n: int) -> None:
        with self._lock:
            self._rejections.append(_Rejection(command, Refusal(message, code), n))

    def takes_close_before_tls(self) -> bool:
        """Whether a new connection is to be closed before TLS."""
        with self._lock:
            self._close_before_tls -= 1
            if self._close_before_tls >= 0:
                return True
            self._close_before_tls = 0
            return False

    def takes_drop(self) -> bool:
        """Whether the answer to this call never comes, though the command runs."""
        with self._lock:
            self._drop_after_read -= 1
            if self._drop_after_read >= 0:
                return True
            self._drop_after_read = 0
            return False

    def takes_truncation(self) -> bool:
        """Whether this answer is cut short."""
        with self._lock:
            self._truncate -= 1
            if self._truncate >= 0:
                return True
            self._truncate = 0
            return False

    def takes_html(self) -> int | None:
        """Return the status of the HTML page to answer with instead of running the command."""
        with self._lock:
            return self._html.pop() if self._html else None

    def takes_delay(self) -> float:
        """Return seconds to wait before the command runs."""
        with self._lock:
            return self._delays.pop() if self._delays else 0.0

    def takes_rejection(self, command: str) -> Refusal | None:
        """Return the refusal that this command gets instead of being run."""
        with self._lock:
            for one in self._rejections:
                if one.command == command:
                    one.left -= 1
                    if one.left <= 0:
                        self._rejections.remove(one)
                    return one.refusal
        return None
