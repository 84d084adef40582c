"""Clients that never let go of their connections."""

import http.client
import threading
from collections.abc import Sequence
from contextlib import suppress

from orchestrator.errors import OrchestratorError
from orchestrator.lab.lab import Lab

_EVERY_S = 1.0
"""By the plan's clock."""
_TIMEOUT_S = 5.0


class HeldConnections:
    """Connections from the lab's client to services, kept busy from ``__enter__`` to exit."""

    def __init__(
        self,
        lab: Lab,
        services: Sequence[tuple[str, int]],
        sources: Sequence[str],
        *,
        speed: float,
    ) -> None:
        """Describe them; for each service one from each of the client's addresses."""
        self._every_s = _EVERY_S / speed
        self._lab = lab
        self._services = services
        self._sources = sources
        self._held: list[http.client.HTTPConnection] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="held", daemon=True)

    def __enter__(self) -> "HeldConnections":
        """Connect.

        Raises:
            OrchestratorError: a service does not take them; none is left open.
        """
        try:
            self._lab.namespaces["client"].run(self._connect)
        except BaseException:
            self._close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._close()

    def _connect(self) -> None:
        for address, port in self._services:
            for source in self._sources:
                one = http.client.HTTPConnection(
                    address, port, timeout=_TIMEOUT_S, source_address=(source, 0)
                )
                self._held.append(one)
                try:
                    one.connect()
                except OSError as error:
                    raise OrchestratorError(
                        f"clients cannot hold connections to {address}:{port} in the lab: {error}"
                    ) from error
                # It is this connection that is held: never another in its place.
                one.auto_open = 0

    def _close(self) -> None:
        for one in self._held:
            one.close()

    def _keep(self) -> None:
        while not self._over.is_set():
            for one in self._held:
                # One that was cut was to be cut: that is what the run was told to do.
                with suppress(OSError, http.client.HTTPException):
                    one.request("GET", "/")
                    one.getresponse().read()
            self._over.wait(self._every_s)
