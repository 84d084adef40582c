"""Running a virtual LoadMaster as a process, until a signal ends it."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.control_port import ControlPort
from kempsdk.emulator.credentials import new_api_key
from kempsdk.emulator.datapath import DataPath, L7DataPath
from kempsdk.emulator.health import HealthMode
from kempsdk.emulator.pair import HighAvailabilityPair
from kempsdk.emulator.shared_address import UnitPlace
from kempsdk.emulator.store import write_atomically
from kempsdk.emulator.switches import Switches

if TYPE_CHECKING:
    from kempsdk.emulator.certificate import Identity

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """How to run.

    Attributes:
        listen: address and port; port 0 takes a free one.
        password_file: holds the user's password; None makes a random one that nobody knows.
        api_key_file: one API key a line. A file that does not exist is created, readable by
            its owner only, with one random key. None: no API key.
        state: JSON file of the configuration; created with the first change. The certificate
            is kept beside it, with ``.pem`` behind its name and for its owner only.
        http: plain HTTP instead of HTTPS.
        port_file: gets the port, whole or not at all, once calls are answered.
        time_scale: seconds of the device that pass in one real second.
        health: see ``HealthMode``.
        rate_limit: drop connections above 30 calls in 3 s, as the appliance does.
        l4_interface: move the packets of layer-4 services with forward=route that arrive on
            this interface of the current network namespace.
        l7: carry the connections of layer-7 services.
        l7_interface: give those services' addresses to this interface; implies ``l7``.
        cert_file, key_file: PEM files of the certificate to show; both or none.
        until_stdin_closes: end when standard input ends too, so that the process cannot
            outlive whoever started it.
        pair: two units with a shared address, at which ``listen`` is.
        places: where the two units stand; implies ``pair``. They move traffic there, and the
            options about interfaces are not used.
        takeover_s: real seconds in which neither of them is active at a failover.
        control_port: of loopback, where faults are armed; 0 takes a free one, None opens none.
        control_port_file: gets that port, like ``port_file``.
    """

    listen: tuple[str, int] = ("127.0.0.1", 0)
    user: str = "bal"
    password_file: Path | None = None
    api_key_file: Path | None = None
    state: Path | None = None
    http: bool = False
    port_file: Path | None = None
    time_scale: float = 1.0
    health: HealthMode = "auto"
    rate_limit: bool = True
    l4_interface: str | None = None
    l7: bool = False
    l7_interface: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    until_stdin_closes: bool = False
    pair: bool = False
    places: tuple[UnitPlace, ...] = ()
    takeover_s: float = 0.0
    control_port: int | None = None
    control_port_file: Path | None = None
    switches: Switches | None = field(default=None)


def _password(options: EmulatorOptions) -> str | None:
    if options.password_file is None:
        return None
    password = options.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    if not password:
        raise ValueError(f"{options.password_file}: holds no password")
    return password


def _api_keys(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        key = new_api_key()
        write_atomically(path, f"{key}\n".encode("ascii"))
        return [key]
    keys = text.split()
    if not keys:
        raise ValueError(f"{path}: holds no API key")
    return keys


def _identity(options: EmulatorOptions) -> "Identity | None":
    if options.cert_file is None and options.key_file is None:
        return None if options.state is None or options.http else _kept_identity(options)
    if options.cert_file is None or options.key_file is None:
        raise ValueError("a certificate file and a key file are needed together")
    from kempsdk.emulator.certificate import Identity

    return Identity(options.cert_file.read_bytes(), options.key_file.read_bytes())


def _kept_identity(options: EmulatorOptions) -> "Identity":
    """Return the certificate kept beside the state file: clients that pinned it go on."""
    from kempsdk.emulator.certificate import Identity, self_signed

    path = Path(f"{options.state}.pem")
    try:
        both = path.read_bytes()
    except FileNotFoundError:
        made = self_signed(options.listen[0])
        both = made.certificate + made.key
        write_atomically(path, both)
    return Identity(both, both)


def _switches(options: EmulatorOptions) -> Switches:
    if options.switches is not None:
        return options.switches
    return Switches(rate_limit=options.rate_limit)


def _data_path(options: EmulatorOptions) -> DataPath | None:
    if options.l4_interface is None:
        return None
    # Loaded only when asked for: it needs raw sockets.
    from kempsdk.emulator.l4 import PacketDirector

    director: DataPath = PacketDirector(options.l4_interface)
    return director


def _l7(options: EmulatorOptions) -> L7DataPath | None:
    if not (options.l7 or options.l7_interface):
        return None
    from kempsdk.emulator.l7 import Proxy

    return Proxy(options.l7_interface)


def _device(options: EmulatorOptions) -> VirtualLoadMaster | HighAvailabilityPair:
    common: dict[str, Any] = {
        "listen": options.listen,
        "user": options.user,
        "password": _password(options),
        "api_keys": _api_keys(options.api_key_file),
        "http": options.http,
        "state_file": options.state,
        "health": options.health,
        "data_path": _data_path(options),
        "l7": _l7(options),
        "switches": _switches(options),
        "time_scale": options.time_scale,
        "identity": _identity(options),
    }
    if options.places:
        first, second = options.places
        places = (first, second)
        return HighAvailabilityPair(**common, places=places, takeover_s=options.takeover_s)
    return HighAvailabilityPair(**common) if options.pair else VirtualLoadMaster(**common)


def serve(
    options: EmulatorOptions,
    ready: Callable[[str], None],
    control_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Run until SIGTERM or SIGINT; must be called from the main thread.

    Args:
        ready: called with the base URL once calls are answered.
        control_ready: called after it with that of the control port, if there is one.

    Raises:
        OSError: an address cannot be bound, a file cannot be read or written.
        ValueError: a file holds something else than it should.
    """
    device = _device(options)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with device, contextlib.ExitStack() as stack:
            control: ControlPort | None = None
            if options.control_port is not None:
                control = stack.enter_context(ControlPort(device, options.control_port))
                if options.control_port_file is not None:
                    _write_port(options.control_port_file, control.port)
            if options.port_file is not None:
                _write_port(options.port_file, device.port)
            if options.until_stdin_closes:
                _watch_stdin(ended)
            ready(device.url)
            if control is not None:
                control_ready(control.url)
            while device.running and not ended.wait(_LOOK_EVERY_S):
                continue
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_port(path: Path, port: int) -> None:
    write_atomically(path, f"{port}\n".encode("ascii"))


def _watch_stdin(ended: threading.Event) -> None:
    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            continue
        ended.set()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
