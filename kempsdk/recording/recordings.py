"""What a program says to any number of LoadMasters: one recording of each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kempsdk.recording.attempts import Attempt, seen
from kempsdk.recording.conversation import Provenance
from kempsdk.recording.recorder import Tape
from kempsdk.recording.scrubbing import Scrubber
from kempsdk.transport.dialect import HttpAnswer, HttpRequest
from kempsdk.transport.http import NoAnswer
from kempsdk.transport.observers import observe_all, stop_observing_all


class Recordings:
    """The recordings of a program. A secret has the same replacement in all of them.

    Args:
        path: the first one's file without ``.yaml``; the others get ``-2``, ``-3`` and so on,
            in the order in which their appliances were first asked.
        addresses: replace IP addresses by documentation addresses, the same each time.
    """

    def __init__(self, path: Path, *, addresses: bool = False) -> None:
        self._path = path
        self._scrubber = Scrubber(addresses=addresses)
        self._tapes: dict[str, Tape] = {}
        self._lock = threading.Lock()

    def keep(self, attempt: Attempt) -> None:
        """Record one attempt. Called from any thread."""
        with self._lock:
            tape = self._tapes.get(attempt.where)
            if tape is None:
                number = len(self._tapes) + 1
                name = self._path.name if number == 1 else f"{self._path.name}-{number}"
                tape = Tape(self._path.with_name(f"{name}.yaml"), self._scrubber)
                self._tapes[attempt.where] = tape
            tape.keep(attempt)

    @contextmanager
    def of_this_process(self) -> Iterator[None]:
        """Record what all clients of this process say while the block runs."""

        def observer(where: str, request: HttpRequest, reply: HttpAnswer | NoAnswer) -> None:
            self.keep(seen(where, request, reply))

        observe_all(observer)
        try:
            yield
        finally:
            stop_observing_all(observer)

    def write(self, provenance: Provenance) -> list[Path]:
        """Write all recordings and return their files; none where nothing was said.

        Raises:
            SecretLeft: a secret is still in one of them; nothing was written.
            OSError: a file cannot be written.
        """
        with self._lock:
            tapes = list(self._tapes.values())
        for tape in tapes:
            tape.learn()
        texts = {tape.path: tape.text(tape.conversation(provenance)) for tape in tapes}
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        return list(texts)
