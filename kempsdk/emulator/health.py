"""Which real servers are up: real checks, on the appliance's timers."""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kempsdk.emulator.checks import CheckSpec, probe
from kempsdk.emulator.state import ApplianceState, RealServer, VirtualService

_LOGGER = logging.getLogger(__name__)

_CHECK_FAILED = (
    asyncio.TimeoutError,
    asyncio.LimitOverrunError,
    OSError,
    EOFError,
    ValueError,
)

HealthMode = Literal["auto", "real", "up", "down"]
"""``auto`` checks servers on loopback only and calls others down without any traffic."""


@dataclass(slots=True)
class _Watched:
    """A server under watch: what is checked, how it went, and the task that does it."""

    spec: CheckSpec
    up: bool = False
    failures: int = 0
    task: "asyncio.Task[None] | None" = None


class HealthMonitor:
    """Checks the enabled real servers of all services.

    A server is checked every RetryInterval, goes down after RetryCount failures in a row
    and up after one success. A server that was just added or enabled is down and is checked
    at once; a disabled one is not checked: both are guesses.

    Attributes:
        listener: called after a server went up or down.
    """

    def __init__(self, mode: HealthMode, *, time_scale: float) -> None:
        self._mode = mode
        self._time_scale = time_scale
        self._watched: dict[int, _Watched] = {}
        self._by_service: dict[int, set[int]] = {}
        self._overrides: dict[tuple[str, int], bool] = {}
        self.listener: Callable[[], None] = lambda: None

    def is_up(self, rs_index: int) -> bool:
        """Whether a server's checks say it is up; an unwatched one is not."""
        watched = self._watched.get(rs_index)
        return watched is not None and watched.up

    def override(self, address: str, port: int, up: bool | None) -> None:
        """Say by hand that an address and port is up or down; None checks it again."""
        key = (address, port)
        if up is None:
            self._overrides.pop(key, None)
        else:
            self._overrides[key] = up
        for watched in self._watched.values():
            if (watched.spec.address, watched.spec.server_port) == key:
                self._restart(watched)
        self.listener()

    def sync_all(self, state: ApplianceState) -> None:
        """Follow the whole configuration."""
        # What is gone comes first: after a restore another service can have its RsIndexes.
        for uid in [*(self._by_service.keys() - state.services.keys()), *state.services]:
            self.sync(state, uid)

    def sync(self, state: ApplianceState, uid: int) -> None:
        """Follow one service's configuration; it may be gone."""
        service = state.services.get(uid)
        wanted: dict[int, CheckSpec] = {}
        if service is not None and service.settings["CheckType"] != "none":
            wanted = {
                one.rs_index: _spec(state, service, one) for one in service.servers if one.enable
            }
        for rs_index in self._by_service.get(uid, set()) - wanted.keys():
            self._stop(self._watched.pop(rs_index))
        for rs_index, spec in wanted.items():
            watched = self._watched.get(rs_index)
            if watched is None:
                watched = self._watched[rs_index] = _Watched(spec)
                self._restart(watched)
            elif watched.spec != spec:
                watched.spec = spec
                self._restart(watched)
        if wanted:
            self._by_service[uid] = set(wanted)
        else:
            self._by_service.pop(uid, None)

    def _restart(self, watched: _Watched) -> None:
        self._stop(watched)
        spec = watched.spec
        forced = self._overrides.get((spec.address, spec.server_port))
        watched.failures = 0
        if forced is not None:
            watched.up = forced
        elif self._mode in ("up", "down"):
            watched.up = self._mode == "up"
        elif self._mode == "auto" and not ipaddress.ip_address(spec.address).is_loopback:
            watched.up = False
        else:
            watched.task = asyncio.get_running_loop().create_task(self._watch(watched))

    @staticmethod
    def _stop(watched: _Watched) -> None:
        if watched.task is not None:
            watched.task.cancel()
            watched.task = None

    async def _watch(self, watched: _Watched) -> None:
        spec = watched.spec
        timeout_s = spec.timeout_s / self._time_scale
        while True:
            try:
                good = await asyncio.wait_for(probe(spec), timeout_s)
            except _CHECK_FAILED as failed:
                # Whatever goes wrong with a check is what the check is for.
                _LOGGER.debug("check of %s:%s failed: %s", spec.address, spec.port, failed)
                good = False
            self._note(watched, good)
            await asyncio.sleep(spec.interval_s / self._time_scale)

    def _note(self, watched: _Watched, good: bool) -> None:
        watched.failures = 0 if good else watched.failures + 1
        up = good or (watched.up and watched.failures < watched.spec.retry_count)
        if up != watched.up:
            watched.up = up
            spec = watched.spec
            _LOGGER.info("%s:%s is %s", spec.address, spec.server_port, "up" if up else "down")
            self.listener()

    async def close(self) -> None:
        """End all checks."""
        tasks = [one.task for one in self._watched.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._watched.clear()


def _spec(state: ApplianceState, service: VirtualService, server: RealServer) -> CheckSpec:
    settings = service.settings
    timers = state.health
    top = state.parent_of(service) or service

    def number(name: str, otherwise: int) -> int:
        return int(str(settings[name])) or otherwise

    return CheckSpec(
        type=str(settings["CheckType"]),
        address=server.address,
        server_port=server.port,
        port=number("CheckPort", server.port),
        virtual_address=top.address,
        url=str(settings["CheckUrl"]),
        host=str(settings["CheckHost"]),
        http11=bool(settings["CheckUse1.1"]),
        method=number("CheckUseGet", 0),
        codes=str(settings["CheckCodes"]),
        pattern=str(settings["CheckPattern"]),
        headers=str(settings["CheckHeaders"]),
        post_data=str(settings["CheckPostData"]),
        match_length=number("MatchLen", 0),
        interval_s=number("ChkInterval", timers.retry_interval_s),
        timeout_s=number("ChkTimeout", timers.timeout_s),
        retry_count=number("ChkRetryCount", timers.retry_count),
    )
