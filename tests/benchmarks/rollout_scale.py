"""A roll of very many servers: prints figures, exits with 1 where one is over its limit.

Run: python -m tests.benchmarks.rollout_scale [--times N] [--part run|workers]

The LoadMasters are virtual ones in a process of their own, the hosts are in memory, and
whoever waits does so on a clock that is ten times as fast. What orchestration costs is real
time all the same: a run that took R real seconds, of which it waited P/10 for its critical
path of P seconds, would have taken P + (R - P/10) seconds with an honest clock. To look at
LoadMasters while it waits costs ten times what it would then.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from orchestrator.rollout.records import RunState
from orchestrator.rollout.report import report
from orchestrator.rollout.run import enqueue
from orchestrator.rollout.status import status
from orchestrator.rollout.store import Store
from tests.benchmarks.processor_share import processor_share, put_into
from tests.fakes.postgres import PostgresServer
from tests.orchestrator.rollout.fleet import (
    BoxProcess,
    Fleet,
    ShortClock,
    adapters_of,
    boxes_of,
    plan_of,
)

FLEET = Fleet(loadmasters=20, each=100, batch=50)
TIMES = 10.0
MAX_RATIO = 1.05
MAX_MIB = 250.0
MAX_STATUS_S = 1.0
CALLS, CALLS_S = 30, 3.0

CREW_FLEET = Fleet(loadmasters=20, each=8, batch=80)
CREW_TIMES = 100.0
CREW_SHARE = 0.4
"""Of one processor, for each worker: as on a machine of its own, with room for the database."""
MIN_SPEEDUP = 1.7
_ROOT = Path(__file__).parents[2]


class _Figures:
    def __init__(self) -> None:
        self.failed = False

    def show(
        self, name: str, value: float, limit: float, unit: str, *, least: bool = False
    ) -> None:
        self.failed |= value < limit if least else value > limit
        most = "at least" if least else "at most"
        sys.stdout.write(f"{name}: {value:.3g}{unit} of {most} {limit:g}{unit}\n")
        sys.stdout.flush()


def _start(directory: Path, fleet: Fleet, **config: Any) -> "subprocess.Popen[str]":
    path = directory / f"config-{time.monotonic_ns()}.json"
    size = {"loadmasters": fleet.loadmasters, "each": fleet.each, "batch": fleet.batch}
    path.write_text(json.dumps({"fleet": size, **config}))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.orchestrator.rollout.fleet", str(path)],
        cwd=_ROOT,
        # As the unit of docs/pages/workers.md has it.
        env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        stdout=subprocess.PIPE,
        text=True,
    )


def _result(process: "subprocess.Popen[str]") -> dict[str, float]:
    out, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"a worker ended with {process.returncode}")
    figures: dict[str, float] = json.loads(out)
    return figures


def _most_within(times_s: Sequence[float], seconds: float) -> int:
    """Return how many of these moments, which are in order, lie this close together at most."""
    first = most = 0
    for last, at_s in enumerate(times_s):
        while at_s - times_s[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def one_worker(figures: _Figures, times: float, fleet: Fleet = FLEET) -> None:
    """Roll everything with one worker on SQLite."""
    with tempfile.TemporaryDirectory() as name, BoxProcess(fleet, times=times) as boxes:
        directory = Path(name)
        worker = _start(
            directory,
            fleet,
            addresses=boxes.addresses,
            times=times,
            state=str(directory / "state"),
            mode="run",
        )
        found = _result(worker)
        _, calls = boxes.calls()
        path_s = found["critical_path_s"]
        spent_s = found["run_s"] - path_s / times
        batches = fleet.servers // fleet.batch
        sys.stdout.write(
            f"{fleet.servers} servers on {fleet.loadmasters} LoadMasters, {batches} batches: "
            f"planned in {found['plan_s']:.1f} s, critical path {path_s:.0f} s, orchestration "
            f"{spent_s:.1f} s ({spent_s / batches:.2f} s a batch), processor {found['cpu_s']:.0f} s"
            f", {sum(map(len, calls))} calls\n"
        )
        figures.show("orchestration / critical path", 1 + spent_s / path_s, MAX_RATIO, "x")
        figures.show("peak memory of the worker", found["peak_mib"], MAX_MIB, " MiB")
        most = max(_most_within(one, CALLS_S / times) for one in calls)
        figures.show(f"calls of one LoadMaster in {CALLS_S:g} s", most, CALLS, "")
        with Store(directory / "state") as store:
            begun_s = time.perf_counter()
            found_now = status("r1", store)
            figures.show("status of the run", time.perf_counter() - begun_s, MAX_STATUS_S, " s")
        done = sum(one.outcome == "done" for one in found_now.servers)
        figures.show("servers done", done, fleet.servers, "", least=True)


@contextmanager
def _postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # Its own user must get in.
        directory.chmod(0o755)
        server = PostgresServer(directory)
        server.start()
        try:
            yield server.url("postgres")
        finally:
            server.stop()


def _crew_s(url: str, workers: int) -> float:
    """Return how long that many workers took, from the moment that the run was queued."""
    fleet, spec, clock = CREW_FLEET, CREW_FLEET.spec(), ShortClock(CREW_TIMES)
    with (
        boxes_of(fleet, times=CREW_TIMES) as boxes,
        adapters_of(fleet, spec, [(one.url, one.api_key) for one in boxes], clock) as adapters,
    ):
        plan = plan_of(spec, adapters)
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        store = stack.enter_context(Store(url))
        crew = []
        for number in range(workers):
            group = stack.enter_context(processor_share(str(number), CREW_SHARE))
            crew.append(
                _start(Path(name), fleet, addresses=[], times=CREW_TIMES, state=url, mode="serve")
            )
            put_into(group, crew[-1].pid)
        try:
            while sum(one.serves for one in store.workers.all()) < workers:
                time.sleep(0.1)
            begun_s = time.monotonic()
            run_id = enqueue(plan, store, now_s=clock.time_s())
            while store.standing(run_id)[0] in (RunState.QUEUED, RunState.RUNNING):
                time.sleep(0.05)
            took_s = time.monotonic() - begun_s
        finally:
            for one in crew:
                one.send_signal(signal.SIGTERM)
        for one in crew:
            _result(one)
        found = report(run_id, store)
        if not found.finished:
            raise RuntimeError(found.reason)
        return took_s


def two_workers(figures: _Figures) -> None:
    """Roll, with next to no waiting, by one worker and by two on PostgreSQL.

    Two workers, the database and what measures do not fit on two processors, so each worker
    gets the same share of one, however many there are.
    """
    took_s = {}
    for workers in (1, 2):
        with _postgres() as url:
            took_s[workers] = _crew_s(url, workers)
        sys.stdout.write(
            f"{CREW_FLEET.servers} servers, {workers} workers on PostgreSQL, no waiting: "
            f"{took_s[workers]:.1f} s\n"
        )
    figures.show("two workers / one", took_s[1] / took_s[2], MIN_SPEEDUP, "x", least=True)


def main() -> int:
    """Print the figures; return 1 if one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=float, default=TIMES, help="how fast the clock goes")
    parser.add_argument("--part", choices=["run", "workers"], help="only this part")
    chosen = parser.parse_args()
    figures = _Figures()
    if chosen.part != "workers":
        one_worker(figures, chosen.times)
    if chosen.part != "run":
        two_workers(figures)
    return int(figures.failed)


if __name__ == "__main__":
    sys.exit(main())
