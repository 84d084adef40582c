"""kill -9 by chance: of the worker at any point or moment, and of the database.

Each seed is a rollout, a database, and one to three kills. ``make soak`` plays 100 of them.
"""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.postgres import PostgresServer, running_postgres
from tests.orchestrator.call_limits import MOST_CHANGES, changes
from tests.orchestrator.rollout.stage import Stage, floor_held
from tests.orchestrator.rollout.test_killed import ADD, REMOVE, TIMES
from tests.orchestrator.rollout.worker import FINISHED, FIRST_RUN, load_host
from tests.orchestrator.rollout.world import NAMES
from tests.soak import runs

pytestmark = pytest.mark.soak

HOOKED = ("web1", "web2")
DRAIN = f"kind: drain, hosts: [web3], {TIMES}"
CASES = ("roll", "add", "drain", "remove", "undo")


def _roll(notes: Path) -> str:
    """Return a roll with an action and a hook that can be asked whether they have ended."""
    action = f"{{argv: [reboot], finished: [{FINISHED}]}}"
    hook = (
        f"{{at: before-drain, name: note, argv: [sh, -c, 'echo {{host}} >> {notes}'], "
        f"finished: [grep, -qx, '{{host}}', {notes}]}}"
    )
    return f"kind: roll, hosts: [web1, web2], action: {action}, hooks: [{hook}], {TIMES}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a rollout went.

    Attributes:
        points: that the last worker passed.
    """

    points: list[str]
    end: dict[str, Any]
    calls: list[tuple[str, str, str]]


class Play:
    """One rollout of a kind on a stage of its own, which is to be played to its end."""

    def __init__(self, case: str, stage: Stage, place: str) -> None:
        self._notes = stage.directory / "notes"
        self._notes.touch()
        self._stage = stage
        self.place = place
        self.run_id = FIRST_RUN
        self.mode = "run"
        self._case = case
        rollouts = {
            "roll": _roll(self._notes),
            "add": ADD,
            "drain": DRAIN,
            "remove": REMOVE,
            "undo": "",
        }
        # Time runs twenty times as fast: a busy machine is no reason to give up.
        self.rollout = rollouts[case].replace(
            "min_healthy_s: 2", "min_healthy_s: 2, healthy_deadline_s: 1200"
        )
        if case == "undo":
            done = stage.work("run", DRAIN, state=place)
            assert done is not None
            assert done["state"] == "finished"
            self.run_id, self.mode = "undone", "undo"

    def work(self, mode: str, **more: Any) -> dict[str, Any] | None:
        return self._stage.work(mode, self.rollout, state=self.place, run_id=self.run_id, **more)

    def ended(self, said: dict[str, Any]) -> Played:
        """Check what holds of every rollout, and return how this one went."""
        stage = self._stage
        assert said["state"] == "finished", said
        assert floor_held(stage.mutations())
        assert max(changes(stage.mutations()).values()) <= MOST_CHANGES
        once = HOOKED if self._case == "roll" else ()
        assert tuple(self._notes.read_text().split()) == once
        commands = {name: len(load_host(stage.hosts, name).commands) for name in NAMES}
        assert commands == {name: int(name in once) for name in NAMES}
        return Played(points=said["points"], end=stage.end_state(), calls=stage.calls())


def _play(case: str, directory: Path) -> Stage:
    directory.mkdir()
    return Stage(directory, in_service=() if case == "add" else NAMES)


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """Return how each case goes that nobody kills, once it was asked for."""

    class Unharmed(dict[str, Played]):
        def __missing__(self, case: str) -> Played:
            directory = tmp_path_factory.mktemp("unharmed") / case
            with _play(case, directory) as stage:
                play = Play(case, stage, str(stage.state))
                said = play.work(play.mode)
                assert said is not None
                self[case] = play.ended(said)
            return self[case]

    return Unharmed()


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A database server that is killed and started again."""
    with running_postgres() as server:
        yield server


@pytest.mark.parametrize("seed", range(runs(short=1, long=100)))
def test_the_end_is_the_same(
    seed: int, unharmed: dict[str, Played], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(seed)
    case = CASES[seed % len(CASES)]
    victim = ("point", "moment", "database")[seed % 3]
    expected = unharmed[case]
    server: PostgresServer | None = None
    if victim == "database" or chance.random() < 0.5:
        server = request.getfixturevalue("mortal")
    with _play(case, tmp_path / case) as stage:
        place = server.new_database() if server else str(stage.state)
        play = Play(case, stage, place)
        if victim == "database":
            assert server is not None
            said = _under_a_dying_database(play, stage, server, chance)
        else:
            said = _killed(play, chance, len(expected.points), anywhere=victim == "moment")
        played = play.ended(said)
    assert played.end == expected.end
    assert played.calls == expected.calls, "in another order, or twice"


@pytest.mark.long
@pytest.mark.parametrize("case", ["drain", "undo"])
def test_killed_at_every_point(case: str, unharmed: dict[str, Played], tmp_path: Path) -> None:
    """What chance may miss; the other kinds are killed so in test_killed.py."""
    expected = unharmed[case]
    for at in range(1, len(expected.points)):
        with _play(case, tmp_path / str(at)) as stage:
            play = Play(case, stage, str(stage.state))
            assert play.work(play.mode, kill_at=at) is None
            said = play.work("resume")
            assert said is not None
            played = play.ended(said)
        assert played.end == expected.end
        assert played.calls == expected.calls, "in another order, or twice"


def _killed(play: Play, chance: random.Random, points: int, *, anywhere: bool) -> dict[str, Any]:
    mode = play.mode
    for _ in range(chance.randint(1, 3)):
        # A resumed run has fewer points left; one that it does not come to kills nobody.
        kill_at = chance.randint(1, points - 1 if mode == play.mode else points // 2)
        delay_s = chance.uniform(0.001, 0.2) if anywhere else 0.0
        said = play.work(mode, kill_at=kill_at, delay_s=delay_s)
        if said is not None:
            return said
        mode = "resume"
    said = play.work("resume")
    assert said is not None
    return said


def _under_a_dying_database(
    play: Play, stage: Stage, server: PostgresServer, chance: random.Random
) -> dict[str, Any]:
    kills = chance.randint(1, 2)
    before = len(stage.box.calls)
    with stage.start(
        play.mode, play.rollout, state=play.place, run_id=play.run_id, patience_s=120
    ) as process:
        for number in range(kills):
            # Somewhere between two questions to the LoadMaster, of which a run makes many.
            asked = before + chance.randint(12, 30) * (number + 1)
            while len(stage.box.calls) < asked and process.returncode is None:
                time.sleep(0.005)
            server.kill()
            time.sleep(chance.uniform(0.0, 1.0))
            server.start()
        out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    said: dict[str, Any] = json.loads(out)
    return said
