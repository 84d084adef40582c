"""Records what a client says to an appliance, and what it answers.

::

    with record(lm, "fixtures/listvs/mine"):
        lm.virtual_services.list()
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kempsdk.recording.attempts import Attempt, seen
from kempsdk.recording.conversation import UNKNOWN, Answer, Conversation, Exchange, Provenance
from kempsdk.recording.document import conversation_path, read_text, write_text
from kempsdk.recording.errors import SecretLeft
from kempsdk.recording.scrubbing import Scrubber
from kempsdk.transport.dialect import HttpAnswer, HttpRequest
from kempsdk.transport.http import NoAnswer

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster


_VERSION: Final = re.compile(rb'(?:<version>|"version"\s*:\s*")\s*(\d+(?:\.\w+){2,})')
"""What ``get``, ``getall`` and ``listapi`` say of the firmware."""


class Tape:
    """What was recorded so far. Keeps secrets in memory until it is written; prints none.

    Attributes:
        path: the file it goes to.
    """

    def __init__(self, path: Path, scrubber: Scrubber) -> None:
        self.path = path
        self._scrubber = scrubber
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._exchanges)

    def keep_out(self, secret: str) -> None:
        """Scrub a text that the recorder cannot recognise by itself, a host name for instance."""
        self._scrubber.learn(secret)

    def add(self, request: HttpRequest, reply: HttpAnswer | NoAnswer) -> None:
        """Record one attempt. Called from any thread of the client."""
        self.keep(seen("", request, reply))

    def keep(self, attempt: Attempt) -> None:
        """Record one attempt, wherever it was made."""
        with self._lock:
            for secret in attempt.secrets:
                self._scrubber.learn(secret)
            self._exchanges.append(attempt.exchange)

    def learn(self) -> None:
        """Find the secrets, for other tapes of the same scrubber too."""
        self._scrubber.learn_from(self._exchanges)

    def conversation(self, provenance: Provenance) -> Conversation:
        """Return what was recorded, scrubbed.

        Args:
            provenance: an unknown firmware is taken from what was recorded, if it says so.
        """
        if provenance.firmware == UNKNOWN:
            provenance = replace(provenance, firmware=self._firmware())
        return Conversation(
            provenance=provenance, exchanges=self._scrubber.scrub(tuple(self._exchanges))
        )

    def _firmware(self) -> str:
        for one in self._exchanges:
            if isinstance(one.reply, Answer) and (found := _VERSION.search(one.reply.body)):
                return found[1].decode("ascii")
        return UNKNOWN

    def text(self, conversation: Conversation) -> str:
        """Return what is to stand in the tape's file.

        Raises:
            SecretLeft: a secret is still in it.
        """
        text = write_text(conversation)
        if read_text(text, self.path) != conversation:
            raise AssertionError(f"{self.path}: does not read back as it was written")
        if self._scrubber.leaks([text, *_texts(conversation)]):
            raise SecretLeft(f"{self.path}: a secret is left in the recording; not written")
        return text

    def write(self, conversation: Conversation) -> None:
        """Write a conversation to the tape's file.

        Raises:
            SecretLeft: a secret is still in it; the file is not written.
        """
        text = self.text(conversation)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(text.encode("utf-8"))


def _texts(conversation: Conversation) -> Iterator[str]:
    for one in conversation.exchanges:
        yield str(one.request)
        contents = [one.request.file or b""]
        if isinstance(one.reply, Answer):
            contents.append(one.reply.body)
        for content in contents:
            yield content.decode("utf-8", "replace")
            yield content.decode("iso-8859-1")


@contextmanager
def record(
    lm: "LoadMaster",
    path: str | Path,
    *,
    addresses: bool = False,
    firmware: str = UNKNOWN,
    source: str = "recorded from an appliance",
    note: str = "",
) -> Iterator[Tape]:
    """Record everything a client sends while the block runs, and write it at its end.

    Sends nothing by itself. If the block ends in an error nothing is written.

    Args:
        lm: the client; one recording at a time.
        path: the file, ``.yaml`` may be left out; replaced if it exists.
        addresses: replace IP addresses by documentation addresses, the same each time.
        firmware: the appliance's version, for the reader; otherwise what was recorded of it.
        source: what was recorded, for the reader.
        note: anything else worth knowing.

    Raises:
        SecretLeft: see there; nothing was written.
        InvalidRequest: the client has a transport of its own, or is being recorded already.
    """
    tape = Tape(conversation_path(path), Scrubber(addresses=addresses))
    with lm.observed(tape.add):
        yield tape
    date = time.strftime("%Y-%m-%d")
    provenance = Provenance(source=source, firmware=firmware, date=date, note=note)
    tape.write(tape.conversation(provenance))
