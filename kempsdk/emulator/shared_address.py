"""The address of a pair that leads to its active unit: passed on by us, or moved as a real one."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kempsdk.emulator.datapath import L7DataPath, SyncedDataPath
from kempsdk.emulator.loop_thread import LoopThread
from kempsdk.emulator.server import bound_socket

if TYPE_CHECKING:
    from kempsdk.emulator.box import VirtualLoadMaster


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlace:
    """Where one unit of a pair stands, if the two are not together on one address.

    Attributes:
        address: the unit's own, on ``interface``.
        interface: gets the shared address too while the unit is active. Needs
            CAP_NET_ADMIN there.
        within: entered by each thread that works there: the unit's network namespace.
        data_path, l7: as for ``VirtualLoadMaster``; they rest while the unit waits.
    """

    address: str
    interface: str
    within: Callable[[], AbstractContextManager[object]]
    data_path: SyncedDataPath | None = None
    l7: L7DataPath | None = None


class SharedAddress(Protocol):
    """What leads to the active unit."""

    address: tuple[str, int]

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def lead_to(self, unit: "VirtualLoadMaster | None") -> None:
        """Close every connection; new ones go to the unit, or nowhere without one."""
        ...


class RelayedAddress:
    """Connections are passed on to the active unit, by a thread of its own."""

    def __init__(self, listen: tuple[str, int]) -> None:
        self._listen = listen
        self._target: tuple[str, int] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._life = LoopThread("shared address", self._serve)
        self.address: tuple[str, int] = listen

    def start(self) -> None:
        self._life.start()

    def stop(self) -> None:
        self._life.stop()

    def lead_to(self, unit: "VirtualLoadMaster | None") -> None:
        target = None if unit is None else (self.address[0], unit.port)

        def switch() -> None:
            self._target = target
            for writer in list(self._writers):
                writer.transport.abort()

        self._life.run(switch)

    async def _serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        listener = bound_socket(self._listen)
        name = listener.getsockname()
        self.address = (name[0], name[1])
        server = await asyncio.start_server(self._handle, sock=listener)
        ready()
        await stop.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        # One turn for the connections to end.
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._target is None:
                return
            onward_reader, onward = await asyncio.open_connection(*self._target)
            self._writers.add(onward)
            try:
                await asyncio.gather(_pump(reader, onward), _pump(onward_reader, writer))
            finally:
                self._writers.discard(onward)
                await _close(onward)
        except OSError:
            # The unit is gone: for the client the connection simply ends.
            return
        finally:
            self._writers.discard(writer)
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()


class MovedAddress:
    """The active unit's interface has the address, and says so by gratuitous ARP."""

    def __init__(
        self, listen: tuple[str, int], places: "Mapping[VirtualLoadMaster, UnitPlace]"
    ) -> None:
        """Describe it; the units listen on every address of theirs.

        Raises:
            ValueError: it has no port.
        """
        from kempsdk.emulator.l7_network import ProxyNetwork

        if not listen[1]:
            raise ValueError("units that stand apart need a port to listen on")
        self.address = listen
        self._units = [
            (unit, place, ProxyNetwork(place.interface)) for unit, place in places.items()
        ]

    def start(self) -> None:
        """Nothing is to be done before it leads somewhere."""

    def stop(self) -> None:
        self.lead_to(None)

    def lead_to(self, unit: "VirtualLoadMaster | None") -> None:
        for one, place, network in self._units:
            if one is not unit:
                if one.running:
                    one.drop_connections()
                with place.within():
                    network.own((), ())
        for one, place, network in self._units:
            if one is unit:
                with place.within():
                    network.own((self.address[0],), ())
