"""Two virtual LoadMasters as a high availability pair with a shared address."""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.call_log import CallRecord
from kempsdk.emulator.certificate import self_signed
from kempsdk.emulator.clients import client_of
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.credentials import new_api_key
from kempsdk.emulator.faults import Fault, FaultKind, FaultRecord, Faults
from kempsdk.emulator.loop_thread import LoopThread
from kempsdk.emulator.network import Network
from kempsdk.emulator.server import bound_socket
from kempsdk.emulator.state import ApplianceState

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_LOCAL = ("hamode", "hostname", "serialnumber")
"""Parameters that each unit has for itself: a guess, but for hamode."""


def _keep_own(old: ApplianceState, new: ApplianceState) -> None:
    """Keep what is a unit's own: its number in the pair, its name, its addresses."""
    for name in _LOCAL:
        new.parameters.pop(name, None)
        if name in old.parameters:
            new.parameters[name] = old.parameters[name]
    new.section(Network).interfaces = old.section(Network).interfaces


class _SharedAddress:
    """An address that leads to the active unit; runs in a thread of its own."""

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

    def lead_to(self, target: tuple[str, int] | None) -> None:
        """Close every connection; new ones go to the target, or are closed without one."""

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


class HighAvailabilityPair(Controls):
    """Two units with the same users, an address each, and a shared one.

    The configuration goes from the active unit to the standby with every change, except
    for what is a unit's own. A failover closes the connections of the shared address::

        with HighAvailabilityPair() as pair, pair.client() as lm:
            pair.failover()

    A fault strikes whichever unit is asked; see ``Controls``.

    Attributes:
        first, second: the units; the first is active at the beginning.
    """

    def __init__(self, *, listen: tuple[str, int] = ("127.0.0.1", 0), **options: Any) -> None:
        """Describe the pair; nothing is opened before it is entered.

        Args:
            listen: the shared address; port 0 takes a free one. The units listen on free
                ports of the same host.
            options: of both units, as for ``VirtualLoadMaster``.
        """
        for name in ("state_file", "data_path", "l7"):
            if options.get(name) is not None:
                raise ValueError(f"two units cannot share a {name.replace('_', ' ')}")
        self._faults = Faults(self.failover)
        self._failing_over = threading.RLock()
        common: dict[str, Any] = {
            "password": secrets.token_urlsafe(18),
            "api_keys": [new_api_key()],
            "listen": (listen[0], 0),
            **options,
            "faults": self._faults,
        }
        if not common.get("http") and common.get("identity") is None:
            common["identity"] = self_signed(listen[0])
        self.first = VirtualLoadMaster(**common)
        self.second = VirtualLoadMaster(**common)
        self._shared = _SharedAddress(listen)
        self._active = self.first

    @property
    def active(self) -> VirtualLoadMaster:
        """The unit that the shared address leads to."""
        return self._active

    @property
    def standby(self) -> VirtualLoadMaster:
        """The unit that waits."""
        return self.second if self._active is self.first else self.first

    @property
    def url(self) -> str:
        """Base URL of the shared address."""
        scheme, _, _ = self.first.url.partition("://")
        address, port = self._shared.address
        return (
            f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
        )

    def client(self, **more: Any) -> "LoadMaster":
        """Return a client of the shared address."""
        return client_of(self.url, self.first.api_key, self.first.fingerprint, more)

    # -- hands on the devices

    def description(self) -> dict[str, Any]:
        units = [*self.first.description()["units"], *self.second.description()["units"]]
        return {"url": self.url, "fingerprint": self.first.fingerprint, "units": units}

    def failover(self) -> None:
        with self._failing_over:
            old, new = self._active, self.standby
            if not new.is_on:
                raise ValueError("failover: the other unit is off")
            self._shared.lead_to(None)
            before_s = old.active_since_s
            old.set_standby(True)
            new.set_standby(False, after_s=before_s)
            self._active = new
            self._lead()

    def arm(self, fault: Fault) -> int:
        number = self.first.arm(fault)
        if fault.kind is FaultKind.CLOSE_BEFORE_TLS:
            self.second.drop_connections()
        return number

    def disarm(self, number: int | None = None) -> bool:
        return self._faults.disarm(number)

    @property
    def faults(self) -> tuple[FaultRecord, ...]:
        return self._faults.records()

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        both = (*self.first.calls, *self.second.calls)
        return tuple(sorted(both, key=lambda one: one.time_s))

    def run(self, command: str, /, **params: object) -> dict[str, Any]:
        return self._active.run(command, **params)

    def set_health(self, address: str, port: int, up: bool | None) -> None:
        for unit in (self.first, self.second):
            unit.set_health(address, port, up)

    def sample_now(self) -> None:
        for unit in (self.first, self.second):
            unit.sample_now()

    def freeze_stats(self, frozen: bool) -> None:
        for unit in (self.first, self.second):
            unit.freeze_stats(frozen)

    def set_power(self, on: bool) -> None:
        if not on:
            self._active.set_power(False)
            self._rearrange(self._active, on=False)
            return
        for unit in (self.first, self.second):
            unit.set_power(True)
            self._rearrange(unit, on=True)

    def _rearrange(self, unit: VirtualLoadMaster, *, on: bool) -> None:
        """Let a unit take over where the active one is off; one that comes back follows."""
        with self._failing_over:
            if self._active.is_on:
                if on and unit is not self._active:
                    unit.take_over(self._active.configuration(), _keep_own)
            elif self.standby.is_on:
                self.failover()

    # -- life

    @property
    def port(self) -> int:
        """The port of the shared address."""
        return self._shared.address[1]

    @property
    def running(self) -> bool:
        """Whether both units answer calls."""
        return self.first.running and self.second.running

    def __enter__(self) -> "HighAvailabilityPair":
        with contextlib.ExitStack() as stack:
            for unit, number in ((self.first, "1"), (self.second, "2")):
                stack.enter_context(unit)
                unit.set_ha_mode(number)
            self.second.set_standby(True)
            self.first.on_change(self._follow(self.first, self.second))
            self.second.on_change(self._follow(self.second, self.first))
            for unit in (self.first, self.second):
                unit.on_power(self._power_of(unit))
            self._shared.start()
            stack.callback(self._shared.stop)
            self._lead()
            self._life = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()

    def _lead(self) -> None:
        self._shared.lead_to((self._shared.address[0], self._active.port))

    def _power_of(self, unit: VirtualLoadMaster) -> Callable[[bool], None]:
        def rearrange(on: bool) -> None:
            # A pair that has ended has nothing to rearrange.
            with contextlib.suppress(RuntimeError):
                self._rearrange(unit, on=on)

        def changed(on: bool) -> None:
            # Elsewhere: it waits for the loop that tells it.
            threading.Thread(target=rearrange, args=(on,), name="failover", daemon=True).start()

        return changed

    def _follow(self, unit: VirtualLoadMaster, other: VirtualLoadMaster) -> Any:
        def follow(configuration: dict[str, Any]) -> None:
            if self._active is unit:
                other.take_over(configuration, _keep_own)

        return follow
