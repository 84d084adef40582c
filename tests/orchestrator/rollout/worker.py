"""What a worker process of the crash tests does; it is started by ``worker_process.py``.

The LoadMaster lives in the test's process, the hosts in files; so both outlive this
process, which kills itself at the point that the configuration names.
"""

import json
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from kempsdk import ApiKey, Insecure, LoadMaster
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState
from orchestrator.rollout.adapters import Adapters, run_here
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import Event, RunState
from orchestrator.rollout.report import RunReport, report
from orchestrator.rollout.run import plan_undo, resume, run_rollout
from orchestrator.rollout.store import Store
from orchestrator.rollout.worker import Pace, Worker
from tests.fakes.clock import FakeClock
from tests.fakes.host import FakeHost, FakeHostDriver
from tests.orchestrator.rollout.world import (
    NAMES,
    OTHER_METHOD,
    FakeSegment,
    listener,
    spec_for,
)

FIRST_RUN = "r1"
FINISHED = "finished"
"""What asks a host whether it was rebooted."""

_KEPT = [one.name for one in fields(FakeHost) if one.name not in ("refuse", "on_run", "on_tool")]


def save_host(directory: Path, name: str, fake: FakeHost) -> None:
    """Write a host; a reader sees the old one or the new one."""
    path = directory / f"{name}.new"
    path.write_bytes(pickle.dumps({key: getattr(fake, key) for key in _KEPT}))
    path.replace(directory / name)


def load_host(directory: Path, name: str) -> FakeHost:
    """Read a host as it was last written."""
    return FakeHost(**pickle.loads((directory / name).read_bytes()))  # noqa: S301 - we wrote it


class KillPoints:
    """Counts the places where a process may die, and dies at the chosen one."""

    def __init__(self, kill_at: int | str | None, number: int, delay_s: float = 0.0) -> None:
        self.passed: list[str] = []
        self._kill_at = kill_at
        self._signal = number
        self._delay_s = delay_s

    def __call__(self, label: str) -> None:
        self.passed.append(label)
        if self._kill_at in (len(self.passed), label):
            if self._delay_s:
                # Anywhere, also in the middle of a transaction.
                threading.Timer(self._delay_s, os.kill, (os.getpid(), self._signal)).start()
            elif self._signal == signal.SIGSTOP:
                # To this very thread: it goes not one step further.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
            else:
                os.kill(os.getpid(), self._signal)


class FileHostDriver:
    """Hosts in files; every change is on disk, and a point to die at, before the next."""

    def __init__(self, directory: Path, point: KillPoints) -> None:
        self._directory = directory
        self._point = point

    def read(self, host: Host, sections: Collection[Section] = ()) -> NetState:
        fake = load_host(self._directory, host.name)
        return FakeHostDriver({host.name: fake}).read(host, sections)

    def apply(self, host: Host, changes: Sequence[NetChange]) -> None:
        for change in changes:
            fake = load_host(self._directory, host.name)
            FakeHostDriver({host.name: fake}).apply(host, [change])
            save_host(self._directory, host.name, fake)
            self._point(f"applied {type(change).__name__} on {host.name}")

    def apply_and_read(
        self, host: Host, changes: Sequence[NetChange], sections: Collection[Section] = ()
    ) -> NetState:
        self.apply(host, changes)
        return self.read(host, sections)

    def run(self, host: Host, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Reboot, which is all that these tests ask for: the VIP and live sysctls are gone."""
        fake = load_host(self._directory, host.name)
        if argv[-1] == FINISHED:
            return CommandResult(exit_code=0 if fake.commands else 1, stdout="", stderr="")
        fake.commands.append(tuple(argv))
        fake.boot()
        fake.sockets.append(listener())
        save_host(self._directory, host.name, fake)
        self._point(f"rebooted {host.name}")
        return CommandResult(exit_code=0, stdout="", stderr="")


class FastClock:
    """Real time, twenty times as fast; the same for every process of this machine."""

    def monotonic_s(self) -> float:
        return time.monotonic() * 20

    def time_s(self) -> float:
        return time.time() * 20

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 20)


class _Pointed:
    """Passes calls on, and is a point to die at after each of them."""

    def __init__(self, inner: object, point: KillPoints) -> None:
        self._inner = inner
        self._point = point

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._inner, name)(*args, **kwargs)
            self._point(f"{name} {args[1]}")
            return result

        return call


def main_of(path: Path) -> None:
    """Work as the configuration in a file says."""
    config: dict[str, Any] = json.loads(path.read_text())
    point = KillPoints(config["kill_at"], config["signal"], config["delay_s"])
    hosts = Path(config["hosts"])

    def on_event(event: Event) -> None:
        if event.kind != "waiting":
            point(f"{event.kind} {event.step or ''}")

    with (
        Store(config["state"], patience_s=config["patience_s"]) as store,
        # Virtual time for pacing: the virtual LoadMaster takes any rate here.
        LoadMaster(
            config["url"], auth=ApiKey(config["key"]), tls=Insecure(), clock=FakeClock()
        ) as lm,
    ):
        pointed = SimpleNamespace(
            virtual_services=lm.virtual_services,
            statistics=lm.statistics,
            parameters=lm.parameters,
            high_availability=lm.high_availability,
            system=lm.system,
            real_servers=_Pointed(lm.real_servers, point),
        )
        driver = FileHostDriver(hosts, point)
        adapters = Adapters(
            loadmaster=lambda _: cast("LoadMaster", pointed),
            driver=lambda _: driver,
            clock=FastClock(),
            segment=_LiveSegment(hosts),
            here=run_here,
        )
        try:
            result = work(config, adapters, store, on_event)
        except OrchestratorError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            # As the command does: nothing that this process still does counts.
            os._exit(3)
    if result is not None:
        sys.stdout.write(json.dumps({"state": result.state, "points": point.passed}))


def work(
    config: dict[str, Any],
    adapters: Adapters,
    store: Store,
    on_event: Callable[[Event], None],
) -> RunReport | None:
    """Do what the configuration says; what came of it, if it is about one run."""
    match config["mode"]:
        case "serve":
            serve(store, adapters, on_event, patient=config["patient"])
            return None
        case "run":
            rollout = config["rollout"]
            moving = {"inventory": OTHER_METHOD, "about": "pool: plain"}
            spec = spec_for(rollout, **(moving if "kind: rehome" in rollout else {}))
            plan = make_plan(spec, read_facts(spec, adapters))
            return run_rollout(plan, adapters, store, on_event=on_event, run_id=config["run_id"])
        case "undo":
            plan = plan_undo(FIRST_RUN, adapters, store)
            return run_rollout(plan, adapters, store, on_event=on_event, run_id=config["run_id"])
        case _ if store.standing(config["run_id"])[0] is RunState.FINISHED:
            # Killed when all was done: nothing is left to resume.
            return report(config["run_id"], store)
        case _:
            return resume(config["run_id"], adapters, store, on_event=on_event)


def serve(
    store: Store, adapters: Adapters, on_event: Callable[[Event], None], *, patient: bool
) -> None:
    """Serve the store until SIGTERM, at a quick pace; patient with others, or not."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    grace_s, frozen_s = (20.0, 60.0) if patient else (1.5, 3.0)
    pace = Pace(look_s=0.1, beat_s=0.2, reap_s=0.3, grace_s=grace_s, frozen_s=frozen_s)
    worker = Worker(
        store,
        lambda _: nullcontext(adapters),
        adapters.clock,
        on_event=on_event,
        place=str(os.getpid()),
        serves=True,
        pace=pace,
    )
    with worker:
        worker.serve(stop)


class _LiveSegment(FakeSegment):
    """A segment that looks at the hosts' files each time."""

    def __init__(self, directory: Path) -> None:
        super().__init__({})
        self._directory = directory

    def ask_who_has(self, vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> Any:
        self._read()
        return super().ask_who_has(vip, unicast_to=unicast_to, rounds=rounds)

    def answers_vip(self, vip: str, port: int, *, server_mac: str, protocol: str = "tcp") -> Any:
        self._read()
        return super().answers_vip(vip, port, server_mac=server_mac, protocol=protocol)

    def _read(self) -> None:
        self.hosts = {name: load_host(self._directory, name) for name in NAMES}
