"""The power of one appliance: off, nothing listens; on again, it boots."""

import asyncio
from collections.abc import Callable
from typing import Final

from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.server import HttpServer
from kempsdk.emulator.system import boot

_FAREWELL_S: Final = 0.1
"""Time for the answer to the command that switches it off."""


class Power:
    """Switches one appliance; used from the thread of its event loop only."""

    def __init__(self, box: Appliance, server: HttpServer, changed: Callable[[bool], None]) -> None:
        """Put it between an appliance and its server.

        Args:
            changed: told whether it is on, after each change.
        """
        self._box = box
        self._server = server
        self._changed = changed
        self._waiting: asyncio.TimerHandle | None = None
        box.power = self._off_soon

    def _off_soon(self, off_for_s: float | None) -> None:
        asyncio.get_running_loop().call_later(_FAREWELL_S, self.switch_off, off_for_s)

    def switch_off(self, for_s: float | None = None) -> None:
        """Close every connection and refuse new ones, for some seconds or until switch_on."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if for_s is not None:
            self._waiting = asyncio.get_running_loop().call_later(for_s, self.switch_on)
        if self._box.is_on:
            self._box.switch(on=False)
            self._server.switch_off()
            self._changed(False)

    def switch_on(self) -> None:
        """Boot, if it is off."""
        if not self._box.is_on:
            boot(self._box)
            self._box.switch(on=True)
            self._server.switch_on()
            self._changed(True)
