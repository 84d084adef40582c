"""What the waiting unit of a pair knows of the active one's layer-4 connections."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.emulator.datapath import L4Connection, SyncedDataPath

if TYPE_CHECKING:
    from kempsdk.emulator.box import VirtualLoadMaster

_EVERY_S: Final = 1.0
"""A guess, of real time: the kernel's own daemon sends within about a second."""


class ConnectionSync:
    """Hands connections over if the parameter ``hal4update`` is on, as the appliance does.

    The other unit is told every second, and at an orderly failover of everything; of a unit
    that lost its power it knows what it was told last. With the parameter off it knows nothing:
    connections that are open at a failover are lost.

    Attributes:
        told: what the other unit knows.
    """

    def __init__(
        self,
        active: "Callable[[], VirtualLoadMaster]",
        paths: "Mapping[VirtualLoadMaster, SyncedDataPath]",
        failing_over: threading.RLock,
    ) -> None:
        """Describe it; without paths it does nothing.

        Args:
            failing_over: held while the active unit changes: nothing is told meanwhile.
        """
        self._active = active
        self._paths = paths
        self._failing_over = failing_over
        self.told: tuple[L4Connection, ...] = ()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell_forever, name="l4-sync", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        if self._paths:
            self._thread.start()

    def stop(self) -> None:
        """Tell no more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tell(self, *, last: bool = False) -> None:
        """Tell what the active unit has now; one that is off tells nothing new.

        Args:
            last: from now on it moves nothing, so that nothing begins unheard of.
        """
        unit = self._active()
        path = self._paths.get(unit)
        if path is None or not unit.running:
            return
        wanted = unit.parameter("hal4update") == "yes"
        found = path.hand_over() if last else path.connections()
        # Looked at afterwards: it forgets its connections after it went off.
        if unit.is_on:
            self.told = found if wanted else ()

    def hand_over(self) -> None:
        """Let the unit that is active now go on with what it was told."""
        path = self._paths.get(self._active())
        if path is not None:
            path.adopt(self.told)

    def _tell_forever(self) -> None:
        while not self._ended.wait(_EVERY_S):
            with self._failing_over:
                self.tell()
