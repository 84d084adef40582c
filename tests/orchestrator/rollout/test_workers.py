"""Several workers on one store, on both databases: killed, frozen, woken, sent home."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.records import RequestKind, RunState
from orchestrator.rollout.report import report
from orchestrator.rollout.run import enqueue
from orchestrator.rollout.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import PASSWORD, PostgresServer, running_postgres
from tests.orchestrator.rollout.stage import Stage, floor_held
from tests.orchestrator.rollout.test_killed import ROLL
from tests.orchestrator.rollout.worker import FastClock, load_host
from tests.orchestrator.rollout.worker_process import WorkerProcess
from tests.orchestrator.rollout.world import NAMES, World, spec_for

SLOW = ROLL.replace("settle_s: 1,", "settle_s: 40,")
"""Takes long enough for something to happen to it after the first change."""


class Crew:
    """A stage, a store, and processes that serve it."""

    def __init__(self, stage: Stage, place: str) -> None:
        self.stage = stage
        self.place = place
        self.store = Store(place)
        self.processes: list[WorkerProcess] = []
        self._stack = ExitStack()

    def __enter__(self) -> "Crew":
        self._stack.enter_context(self.store)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate(timeout=60)
        self._stack.close()

    def enter(
        self,
        *,
        kill_at: str | None = None,
        number: signal.Signals = signal.SIGKILL,
        patient: bool = False,
    ) -> WorkerProcess:
        """Start a worker and wait until it serves."""
        before = len(self.serving())
        process = self.stage.start(
            "serve", kill_at=kill_at, number=number, state=self.place, patient=patient
        )
        self.processes.append(process)
        self.until(lambda: len(self.serving()) > before)
        return process

    def serving(self) -> list[str]:
        return [one.place for one in self.store.workers.all() if one.serves]

    def enqueue(self, rollout: str) -> None:
        """Leave a rollout to whoever serves."""
        with Store(self.stage.directory / "unused") as unused, World(unused) as world:
            spec = spec_for(rollout)
            with self.stage.box.client(clock=FakeClock()) as lm:
                world.lm.close()
                world.lm = lm
                for name in NAMES:
                    world.driver.hosts[name] = load_host(self.stage.hosts, name)
                plan = make_plan(spec, read_facts(spec, world.adapters))
        enqueue(plan, self.store, now_s=FastClock().time_s(), run_id="r1", operator="ada")

    def until(self, holds: Callable[[], bool], *, seconds: float = 120) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                for process in self.processes:
                    process.kill()
                said = "\n".join(process.communicate(timeout=60)[1] for process in self.processes)
                raise AssertionError(f"{report('r1', self.store).reason}\n{said}")
            time.sleep(0.05)

    def until_state(self, state: RunState) -> None:
        self.until(lambda: self.store.standing("r1")[0] is state)

    def check_rolled(self) -> None:
        """Check that both servers went out and came back, each act once and in order."""
        self.until_state(RunState.FINISHED)
        assert [call[2] for call in self.stage.calls()] == ["N", "Y", "N", "Y"]
        assert floor_held(self.stage.mutations())
        assert [len(load_host(self.stage.hosts, name).commands) for name in NAMES] == [1, 1, 0]
        assert not self.store.locks.all()


BOTH = ("sqlite", "postgres")
LONG = bool(os.environ.get("KEMP_SOAK"))


@pytest.fixture
def crew(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crew]:
    """Return a crew on the database that the test's parameter names."""
    place = str(tmp_path / "state")
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        place = server.new_database()
    with Stage(tmp_path, in_service=NAMES) as stage, Crew(stage, place) as crew:
        yield crew


@pytest.mark.parametrize("crew", BOTH, indirect=True)
def test_a_killed_worker_is_replaced(crew: Crew) -> None:
    first = crew.enter(kill_at="step-started web1/drain")
    crew.enqueue(ROLL)
    assert first.wait(60) == -signal.SIGKILL
    crew.enter()
    crew.check_rolled()
    assert report("r1", crew.store).attempts == 1


BEFORE, AFTER = "acting web1/disable", "disable_in 203.0.113.11:80"


@pytest.mark.parametrize(
    ("crew", "point"),
    [("sqlite", BEFORE), ("postgres", AFTER)]
    + ([("sqlite", AFTER), ("postgres", BEFORE)] if LONG else []),
    indirect=["crew"],
)
def test_a_frozen_worker_is_replaced_and_does_nothing_when_it_wakes(crew: Crew, point: str) -> None:
    """It was right before its change, or right after it."""
    frozen = crew.enter(kill_at=point, number=signal.SIGSTOP)
    crew.enqueue(ROLL)
    frozen.wait_until_stopped()
    crew.enter()
    crew.check_rolled()
    frozen.send_signal(signal.SIGCONT)
    _, said = frozen.communicate(timeout=60)
    assert frozen.returncode == 3
    assert "taken for dead" in said
    crew.check_rolled()


@pytest.mark.parametrize("crew", BOTH if LONG else ["postgres"], indirect=True)
def test_a_worker_that_is_sent_home_hands_over_at_once(crew: Crew) -> None:
    first = crew.enter()
    second = crew.enter()
    crew.enqueue(SLOW)
    crew.until(lambda: bool(crew.stage.mutations()))
    (owner,) = (worker for _, _, worker in crew.store.running())
    place = next(one.place for one in crew.store.workers.all() if one.name == owner)
    leaving = first if place == str(first.pid) else second
    leaving.send_signal(signal.SIGTERM)
    _, said = leaving.communicate(timeout=60)
    assert (leaving.returncode, said) == (0, "")
    crew.check_rolled()


@pytest.mark.parametrize("crew", BOTH if LONG else ["sqlite"], indirect=True)
def test_a_pause_from_anywhere_and_on_again(crew: Crew) -> None:
    crew.enter()
    crew.enqueue(SLOW)
    crew.until(lambda: bool(crew.stage.mutations()))
    asked = crew.store.requests.ask("r1", RequestKind.PAUSE, asked_by="bob", now_s=0)
    crew.until_state(RunState.PAUSED)
    crew.until(lambda: crew.store.requests.get(asked.number).answered_s is not None)
    assert crew.store.locks.all()
    crew.store.queue("r1", now_s=0)
    crew.check_rolled()
    assert report("r1", crew.store).attempts == 2


@pytest.mark.parametrize("number", [signal.SIGKILL] + ([signal.SIGINT] if LONG else []))
def test_the_database_comes_back_in_mid_run(tmp_path: Path, number: signal.Signals) -> None:
    with (
        running_postgres() as server,
        Stage(tmp_path, in_service=NAMES) as stage,
        Crew(stage, server.new_database()) as crew,
    ):
        crew.enter(patient=True)
        crew.enter(patient=True)
        crew.enqueue(SLOW)
        crew.until(lambda: bool(stage.mutations()))
        if number is signal.SIGKILL:
            server.kill()
        else:
            server.stop()
        time.sleep(1)
        server.start()
        crew.check_rolled()
        assert report("r1", crew.store).attempts == 1
        # All names were free for a moment, and nobody was taken for dead.
        assert len(crew.serving()) == 2


def test_a_database_that_stays_away_ends_the_run_which_goes_on_later(tmp_path: Path) -> None:
    with running_postgres() as server, Stage(tmp_path, in_service=NAMES) as stage:
        place = server.new_database()
        with stage.start("run", SLOW, state=place, patience_s=1, kill_at=None) as process:
            deadline = time.monotonic() + 60
            while not stage.mutations():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            server.kill()
            _, said = process.communicate(timeout=100)
        assert process.returncode != 0
        assert f"StoreUnavailable: postgresql://kemp@127.0.0.1:{server.port}/test_1 does" in said
        assert PASSWORD not in said
        assert len(stage.mutations()) == 1
        server.start()
        with Crew(stage, place) as crew:
            assert report("r1", crew.store).state == "interrupted"
            crew.enter()
            crew.check_rolled()
