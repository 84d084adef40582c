"""VirtualLoadMaster: a LoadMaster without the machine, for tests, demonstrations and labs."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.call_log import CallLog, CallRecord
from kempsdk.emulator.clients import client_of
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.credentials import Credentials, new_api_key
from kempsdk.emulator.datapath import DataPath, L7DataPath
from kempsdk.emulator.faults import Fault, FaultKind, FaultRecord, Faults
from kempsdk.emulator.gate import Gate
from kempsdk.emulator.health import HealthMode, HealthMonitor
from kempsdk.emulator.loop_thread import LoopThread
from kempsdk.emulator.sampler import Sampler
from kempsdk.emulator.state import ApplianceState, from_json, to_json
from kempsdk.emulator.store import initial_state, save_state
from kempsdk.emulator.switches import Switches
from kempsdk.emulator.values import address_of

if TYPE_CHECKING:
    # aiohttp and cryptography are loaded when a box is started, not with its name.
    import ssl

    from kempsdk.client import LoadMaster
    from kempsdk.emulator.certificate import Identity
    from kempsdk.emulator.front import Front
    from kempsdk.emulator.power import Power
    from kempsdk.emulator.server import HttpServer


class VirtualLoadMaster(Controls):
    """A LoadMaster that answers both APIs over HTTPS from a thread of its own.

    ::

        with VirtualLoadMaster() as box, box.client() as lm:
            lm.virtual_services.create(...)

    Attributes:
        user: name of the one user, with every right.
        password, api_key: its credentials, given or random.
    """

    def __init__(
        self,
        *,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        user: str = "bal",
        password: str | None = None,
        api_keys: Sequence[str] | None = None,
        http: bool = False,
        state_file: Path | str | None = None,
        health: HealthMode = "auto",
        data_path: DataPath | None = None,
        l7: L7DataPath | None = None,
        switches: Switches | None = None,
        time_scale: float = 1.0,
        identity: "Identity | None" = None,
        faults: Faults | None = None,
        within: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
    ) -> None:
        """Describe the appliance; nothing is opened before it is entered or started.

        Args:
            listen: address and port; port 0 takes a free one.
            password: of ``user``; None makes a random one.
            api_keys: keys of ``user``, at most 16; None makes one.
            http: speak plain HTTP instead of HTTPS.
            state_file: JSON file that the configuration is read from and, after each change,
                written to. The credentials given here are added to what it holds.
            health: see ``HealthMode``; ``auto`` sends nothing beyond loopback.
            data_path: moves the packets of layer-4 services with forward=route and counts
                them; without it all their counters stay 0.
            l7: the same for layer-7 services; ``kempsdk.emulator.l7.Proxy`` is one.
            time_scale: how many seconds of the device pass in one real second; concerns
                health checks, idle times and the statistics period, not the rate limit.
            identity: certificate to show; None makes a self-signed one.
            faults: shared with the other unit of a pair; None makes its own.
            within: entered by its thread as long as it works: a network namespace.
        """
        self._listen = listen
        self.user = user
        self.password = password if password is not None else secrets.token_urlsafe(18)
        keys = list(api_keys) if api_keys is not None else [new_api_key()]
        self._keys = keys
        self._http = http
        self._state_file = None if state_file is None else Path(state_file)
        self._health_mode: HealthMode = health
        self._data_path = data_path
        self._l7 = l7
        self._switches = switches if switches is not None else Switches()
        if time_scale <= 0:
            raise ValueError("time_scale must be above 0")
        self._time_scale = time_scale
        self._identity = identity
        self._faults = faults if faults is not None else Faults()
        self._within = within
        self._log = CallLog()
        self._sampler = Sampler(
            [one for one in (data_path, l7) if one is not None], time_scale=time_scale
        )
        self._life = LoopThread("virtual-loadmaster", self._serve)
        self._box: Appliance | None = None
        self._front: Front | None = None
        self._server: HttpServer | None = None
        self._power: Power | None = None
        self._address: tuple[str, int] | None = None
        self._power_listeners: list[Callable[[bool], None]] = []
        self._listeners: list[Callable[[dict[str, Any]], None]] = []

    # -- what a caller needs to know

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._bound()[1]

    @property
    def url(self) -> str:
        """Base URL, without a path."""
        address, port = self._bound()
        host = f"[{address}]" if ":" in address else address
        return f"{'http' if self._http else 'https'}://{host}:{port}"

    @property
    def api_key(self) -> str:
        """The first API key."""
        if not self._keys:
            raise ValueError("this virtual LoadMaster was given no API key")
        return self._keys[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as hex; "" with plain HTTP."""
        return self._identity.fingerprint if self._identity is not None else ""

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, to be trusted by a client; empty with plain HTTP."""
        return self._identity.certificate if self._identity is not None else b""

    def client(self, **more: Any) -> "LoadMaster":
        """Return a client of it: API key, pinned certificate; ``more`` goes to LoadMaster."""
        return client_of(self.url, self.api_key, self.fingerprint, more)

    # -- hands on the device

    def description(self) -> dict[str, Any]:
        active = not self._life.run(lambda: self._appliance().standby)
        units = [{"url": self.url, "active": active}]
        return {"url": self.url, "fingerprint": self.fingerprint, "units": units}

    def arm(self, fault: Fault) -> int:
        from kempsdk.emulator import families  # noqa: F401 - registers every command
        from kempsdk.emulator.registry import COMMANDS

        for call in fault.calls:
            if str(call["cmd"]).replace(".", "/") not in COMMANDS:
                raise ValueError(f"calls: no command {call['cmd']!r} is emulated")
        number = self._faults.arm(fault)
        if fault.kind is FaultKind.CLOSE_BEFORE_TLS:
            self.drop_connections()
        return number

    def disarm(self, number: int | None = None) -> bool:
        return self._faults.disarm(number)

    @property
    def faults(self) -> tuple[FaultRecord, ...]:
        return self._faults.records()

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        return self._log.records()

    def run(self, command: str, /, **params: object) -> dict[str, Any]:
        from kempsdk.emulator import render_v2

        front = self._front
        if front is None:
            raise RuntimeError("not started")

        def answer() -> bytes:
            try:
                return render_v2.success(front.run({"cmd": command, **params}))
            except Refusal as refusal:
                return render_v2.failure(refusal)

        data: dict[str, Any] = json.loads(self._life.run(answer))
        return data

    def set_health(self, address: str, port: int, up: bool | None) -> None:
        canonical = address_of(address) or address
        self._life.run(lambda: self._appliance().health.override(canonical, port, up))

    def sample_now(self) -> None:
        self._life.run(lambda: self._sampler.sample(self._appliance().state))

    def freeze_stats(self, frozen: bool) -> None:
        self._life.run(lambda: setattr(self._sampler, "frozen", frozen))

    def failover(self) -> None:
        raise ValueError("failover: this is no pair")

    def set_power(self, on: bool) -> None:
        power = self._power
        if power is None:
            raise RuntimeError("not started")
        self._life.run(power.switch_on if on else power.switch_off)

    def drop_connections(self) -> None:
        """Close every open connection at once."""
        self._life.run(self._drop_connections)

    # -- as a unit of a pair

    def on_change(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Call the listener, in the thread of the event loop, with each new configuration."""
        self._listeners.append(listener)

    def on_power(self, listener: Callable[[bool], None]) -> None:
        """Call the listener, in the thread of the event loop, when it goes off or comes on."""
        self._power_listeners.append(listener)

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self._life.run(lambda: self._appliance().is_on)

    def parameter(self, name: str) -> str | None:
        """Return a parameter as it is stored; None where it is unset."""
        return self._life.run(lambda: self._appliance().state.parameters.get(name))

    def configuration(self) -> dict[str, Any]:
        """Return the whole configuration, as ``on_change`` tells it."""
        return self._life.run(lambda: to_json(self._appliance().state))

    @property
    def active_since_s(self) -> int:
        """Since when it is active, as ``activetime`` says; 0 while it waits."""
        return self._life.run(lambda: self._appliance().active_since_s)

    def set_standby(self, standby: bool, *, after_s: int = 0) -> None:
        """Make it the waiting unit of a pair, or the active one.

        Args:
            after_s: since when the other unit was active.
        """
        self._life.run(lambda: self._appliance().set_standby(standby, after_s=after_s))

    def set_ha_mode(self, mode: str) -> None:
        """Make it one unit of a pair, ``1`` or ``2``, as if it had booted so."""
        from kempsdk.emulator.network import stand_in_pair

        def stand() -> None:
            stand_in_pair(self._appliance(), mode)
            self._appliance().set_ha_mode(mode)

        self._life.run(stand)

    def take_over(
        self, configuration: dict[str, Any], keep: Callable[[ApplianceState, ApplianceState], None]
    ) -> None:
        """Replace the configuration by another unit's, soon; what comes later sees it.

        Args:
            keep: given the old and the new state, brings over what is this unit's own.
        """
        # A unit that has ended misses the change.
        with contextlib.suppress(RuntimeError):
            self._life.soon(lambda: self._replace(configuration, keep))

    def _replace(
        self, configuration: dict[str, Any], keep: Callable[[ApplianceState, ApplianceState], None]
    ) -> None:
        box = self._appliance()
        state = from_json(configuration)
        keep(box.state, state)
        box.replace_state(state)

    # -- life

    def __enter__(self) -> "VirtualLoadMaster":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns when calls are answered.

        Raises:
            OSError: the address cannot be bound.
            ValueError: the state file is none.
        """
        self._life.start()

    @property
    def running(self) -> bool:
        """Whether calls are answered; False after stop, and when it broke down."""
        return self._life.running

    def stop(self) -> None:
        """Close every connection and end the thread; harmless when stopped already.

        Raises:
            Exception: what it broke down on, if it did, such as a failing data path.
        """
        self._life.stop()

    async def _serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        from kempsdk.emulator import families  # noqa: F401 - registers every command
        from kempsdk.emulator.certificate import let_clients_show
        from kempsdk.emulator.front import Front
        from kempsdk.emulator.power import Power
        from kempsdk.emulator.server import HttpServer, bound_socket, cancel

        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self._within())
            listener = bound_socket(self._listen)
            stack.callback(listener.close)
            name = listener.getsockname()
            self._address = (name[0], name[1])
            tls = self._tls(name[0])
            state = initial_state(self._state_file, self._switches)
            credentials = Credentials(state)
            credentials.admit(self.user, self.password, self._keys)
            if self._state_file is not None:
                save_state(self._state_file, state)  # at once: a wrong place ends it here
            for path in (self._data_path, self._l7):
                if path is not None:
                    path.start()
                    stack.callback(path.stop)
            health = HealthMonitor(self._health_mode, time_scale=self._time_scale)
            stack.push_async_callback(health.close)
            box = self._box = Appliance(
                state,
                switches=self._switches,
                credentials=credentials,
                health=health,
                sampler=self._sampler,
                data_path=self._data_path,
                l7=self._l7,
                time_scale=self._time_scale,
                save=self._saver(),
                trust=(lambda _: None) if tls is None else partial(let_clients_show, tls),
            )
            gate = Gate(self._switches)
            front = self._front = Front(box, gate=gate, faults=self._faults, log=self._log)
            server = self._server = HttpServer(
                listener, front, gate=gate, faults=self._faults, tls=tls
            )
            stack.push_async_callback(server.close)
            self._power = Power(box, server, self._tell_power)
            tasks = [
                asyncio.create_task(one)
                for one in (stop.wait(), server.run(), self._sample_forever(box))
            ]
            for task in tasks:
                stack.push_async_callback(cancel, task)
            ready()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    def _tls(self, bound: str) -> "ssl.SSLContext | None":
        if self._http:
            return None
        from kempsdk.emulator.certificate import self_signed, server_context

        if self._identity is None:
            everywhere = bound in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
            self._identity = self_signed("127.0.0.1" if everywhere else bound)
        return server_context(self._identity)

    async def _sample_forever(self, box: Appliance) -> None:
        while True:
            await asyncio.sleep(self._sampler.interval_s)
            self._sampler.sample(box.state)

    def _saver(self) -> Callable[[ApplianceState], None]:
        path = self._state_file

        def save(state: ApplianceState) -> None:
            if path is not None:
                save_state(path, state)
            if self._listeners:
                configuration = to_json(state)
                for listener in self._listeners:
                    listener(configuration)

        return save

    def _tell_power(self, on: bool) -> None:
        for listener in self._power_listeners:
            listener(on)

    def _bound(self) -> tuple[str, int]:
        if self._address is None:
            raise RuntimeError("not started")
        return self._address

    def _appliance(self) -> Appliance:
        if self._box is None:
            raise RuntimeError("not started")
        return self._box

    def _drop_connections(self) -> None:
        if self._server is not None:
            self._server.drop_connections()
