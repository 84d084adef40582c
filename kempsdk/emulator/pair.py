"""Two virtual LoadMasters as a high availability pair with a shared address."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.call_log import CallRecord
from kempsdk.emulator.certificate import self_signed
from kempsdk.emulator.clients import client_of
from kempsdk.emulator.connection_sync import ConnectionSync
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.credentials import new_api_key
from kempsdk.emulator.faults import Fault, FaultKind, FaultRecord, Faults
from kempsdk.emulator.network import Network
from kempsdk.emulator.shared_address import MovedAddress, RelayedAddress, SharedAddress, UnitPlace
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


def _standing(
    places: tuple[UnitPlace, UnitPlace] | None, port: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of each unit that come from where it stands."""
    if places is None:
        return {}, {}
    first, second = (
        {
            "listen": ("0.0.0.0", port),  # noqa: S104 - in a network of its own
            "within": place.within,
            "data_path": place.data_path,
            "l7": place.l7,
        }
        for place in places
    )
    return first, second


class HighAvailabilityPair(Controls):
    """Two units with the same users, an address each, and a shared one.

    The configuration goes from the active unit to the standby with every change, except
    for what is a unit's own. A failover closes the connections of the shared address::

        with HighAvailabilityPair() as pair, pair.client() as lm:
            pair.failover()

    A fault strikes whichever unit is asked; see ``Controls``.

    Where the units have places of their own, only the active one moves traffic. Connections
    of layer-4 services outlive a failover if the parameter ``hal4update`` is on, as far as
    the other unit has heard of them; see ``ConnectionSync``.

    Attributes:
        first, second: the units; the first is active at the beginning.
    """

    def __init__(
        self,
        *,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        places: tuple[UnitPlace, UnitPlace] | None = None,
        takeover_s: float = 0.0,
        **options: Any,
    ) -> None:
        """Describe the pair; nothing is opened before it is entered.

        Args:
            listen: the shared address; port 0 takes a free one. The units listen on free
                ports of the same host.
            places: where the units stand, to move traffic; they listen on the port of
                ``listen`` there, with every address that they have.
            takeover_s: real seconds in which neither unit is active at a failover.
            options: of both units, as for ``VirtualLoadMaster``.
        """
        for name in ("state_file", "data_path", "l7"):
            if options.get(name) is not None:
                raise ValueError(f"two units cannot share a {name.replace('_', ' ')}")
        self._takeover_s = takeover_s
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
        self.first, self.second = (
            VirtualLoadMaster(**{**common, **own}) for own in _standing(places, listen[1])
        )
        self._active = self.first
        self._places = dict(zip((self.first, self.second), places or (), strict=False))
        self._shared: SharedAddress = (
            MovedAddress(listen, self._places) if self._places else RelayedAddress(listen)
        )
        paths = {one: place.data_path for one, place in self._places.items() if place.data_path}
        self._sync = ConnectionSync(lambda: self._active, paths, self._failing_over)

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

    def _url_of(self, unit: VirtualLoadMaster) -> str:
        if unit not in self._places:
            return unit.url
        # It listens on every address, and names none.
        scheme, _, _ = unit.url.partition("://")
        return f"{scheme}://{self._places[unit].address}:{unit.port}"

    def client(self, **more: Any) -> "LoadMaster":
        """Return a client of the shared address."""
        return client_of(self.url, self.first.api_key, self.first.fingerprint, more)

    # -- hands on the devices

    def description(self) -> dict[str, Any]:
        units = [
            {**unit.description()["units"][0], "url": self._url_of(unit)}
            for unit in (self.first, self.second)
        ]
        return {"url": self.url, "fingerprint": self.first.fingerprint, "units": units}

    def failover(self) -> None:
        with self._failing_over:
            old, new = self._active, self.standby
            if not new.is_on:
                raise ValueError("failover: the other unit is off")
            self._shared.lead_to(None)
            self._sync.tell(last=True)
            before_s = old.active_since_s
            old.set_standby(True)
            time.sleep(self._takeover_s)
            new.set_standby(False, after_s=before_s)
            self._active = new
            self._sync.hand_over()
            self._shared.lead_to(new)

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
            self._shared.lead_to(self._active)
            self._sync.start()
            stack.callback(self._sync.stop)
            self._life = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._life.close()

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
