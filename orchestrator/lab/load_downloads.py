"""Downloads that the load's client keeps under way, each for seconds; see :mod:`.load_client`.

They begin one after the other, so that at any moment some have just begun and some are
about to end. One that was cut is not tried again: another takes its turn.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from orchestrator.lab.load import Download, LoadOptions
from orchestrator.lab.load_connection import Connection, Person, connect, in_words

_BYTES = 64 * 1024
_AFTER_FAILURE_S = 0.2


class Downloads:
    """The downloads of one load."""

    def __init__(self, options: LoadOptions, persons: Sequence[Person]) -> None:
        self._options = options
        self._persons = persons
        self.ended: list[Download] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Keep them under way until told to stop, and let those that are come to their end."""
        await asyncio.gather(
            *(self._lane(number, stop) for number in range(self._options.downloads))
        )

    async def _lane(self, number: int, stop: asyncio.Event) -> None:
        await _unless(stop, self._options.download_s * number / self._options.downloads)
        person = self._persons[number % len(self._persons)]
        while not stop.is_set():
            download = await self._one(person)
            self.ended.append(download)
            if download.failure:
                await _unless(stop, _AFTER_FAILURE_S)

    async def _one(self, person: Person) -> Download:
        began_s = time.time()
        server: list[str] = []
        failure = ""
        try:
            await self._download(person, server)
        except asyncio.TimeoutError:
            failure = f"nothing came for {self._options.timeout_s} s"
        except Exception as error:  # noqa: BLE001 - a defect is raised again by in_words
            failure = in_words(error)
        return Download(
            server="".join(server), began_s=began_s, ended_s=time.time(), failure=failure
        )

    async def _download(self, person: Person, server: list[str]) -> None:
        options = self._options
        connection = await asyncio.wait_for(connect(person, options), options.timeout_s)
        try:
            await self._read(connection, server)
        except BaseException:
            connection.abort()
            raise
        connection.close()

    async def _read(self, connection: Connection, server: list[str]) -> None:
        options = self._options
        path = f"/download?bytes={_BYTES}&seconds={options.download_s}"
        head = await asyncio.wait_for(connection.ask(options, path, keep=False), options.timeout_s)
        server.append(head.server)
        left = head.length
        while left > 0:
            data = await asyncio.wait_for(connection.reader.read(left), options.timeout_s)
            if not data:
                raise ConnectionResetError
            left -= len(data)


async def _unless(stop: asyncio.Event, seconds: float) -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
