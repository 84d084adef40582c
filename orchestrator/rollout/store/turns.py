"""Many who write at the same time, written together by whoever is first."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class _Entry(Generic[T]):
    __slots__ = ("done", "failure", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.done = False
        self.failure: BaseException | None = None


class Together(Generic[T]):
    """Writes what several threads have to write in as few writes as their number allows.

    Alone, a thread writes its own. While one writes, others queue; the next one writes what
    all of them have, and each comes back when its own is written.
    """

    def __init__(self, write: Callable[[Sequence[T]], object]) -> None:
        self._write = write
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: list[_Entry[T]] = []

    def add(self, value: T) -> None:
        """Return when it is written.

        Raises:
            BaseException: what writing raised; the same for everything of one write.
        """
        entry = _Entry(value)
        with self._guard:
            self._waiting.append(entry)
        with self._turn:
            if not entry.done:
                self._write_all()
        if entry.failure is not None:
            raise entry.failure

    def _write_all(self) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, []
        failure: BaseException | None = None
        try:
            self._write([one.value for one in batch])
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            failure = error
        for one in batch:
            one.failure, one.done = failure, True
