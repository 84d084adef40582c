"""What people ask of runs at the command line: refused with a reason, done, or kept."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from orchestrator.rollout.gates_between import START
from orchestrator.rollout.plan import Gate, Plan, Step, StepKind
from orchestrator.rollout.records import RequestState, RunState
from orchestrator.rollout.store import Store
from tests.cli.conftest import Terminal
from tests.fakes.postgres import PostgresServer
from tests.orchestrator.rollout.long_run import long_plan, store_run


def with_canary(servers: int) -> Plan:
    """Return a plan whose first batch somebody approves."""
    plan = long_plan(servers, boxes=1, batch=2)
    step = Step(id="batch 1/approve", server="batch 1", kind=StepKind.APPROVE, why="a person looks")
    gates = (Gate(name=START), Gate(name="batch 1", steps=(step,)), *plan.gates[2:])
    return dataclasses.replace(plan, gates=gates)


@pytest.fixture
def place(kemp: Terminal, tmp_path: Path) -> Path:
    """A paused run of four servers: one done, one failed, one disabled, one not begun."""
    kemp.environ = {"KEMP_STORE": str(tmp_path / "store")}
    with Store(tmp_path / "store") as store:
        store_run(store, "r1", with_canary(4))
        store.database.transact(
            lambda db: [
                db.execute(statement)
                for statement in (
                    "DELETE FROM steps WHERE step_id LIKE 'web0003%'",
                    "DELETE FROM steps WHERE step_id LIKE 'batch%'",
                    "DELETE FROM steps WHERE step_id LIKE 'web0002%' "
                    "AND step_id <> 'web0002/disable'",
                    "UPDATE steps SET status = 'failed', reason = 'it did not come up' "
                    "WHERE step_id = 'web0001/healthy'",
                )
            ]
        )
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("skip", "r1", "web9"), ExitCode.NOT_FOUND, "web0000, web0001"),
        (("retry", "r1", "web9"), ExitCode.NOT_FOUND, "no server web9"),
        (("approve", "r1", "batch 2"), ExitCode.NOT_FOUND, "batch 1"),
        (("skip", "r1", "web0000"), ExitCode.NOT_NOW, "done already"),
        (("retry", "r1", "web0003"), ExitCode.NOT_NOW, "has not failed"),
        (("pause", "nosuchrun"), ExitCode.NOT_FOUND, "no run nosuchrun"),
        (("abort", "nosuchrun"), ExitCode.NOT_FOUND, "no run nosuchrun"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_asked(
    argv: tuple[str, ...], code: ExitCode, said: str, kemp: Terminal, place: Path
) -> None:
    refused = kemp("rollout", *argv)
    assert refused.code == code, refused.err
    assert said in refused.err
    with Store(place) as store:
        assert not store.requests.of_run("r1")
        assert store.standing("r1")[0] is RunState.PAUSED


def test_retry_of_a_run_that_is_not_paused_is_refused_at_once(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.queue("r1", now_s=1.0)
    refused = kemp("rollout", "retry", "r1", "web0001")
    assert refused.code == ExitCode.NOT_NOW
    assert "kemp rollout pause r1" in refused.err


def test_abort_of_a_paused_run_ends_it_and_says_where_everybody_stands(
    kemp: Terminal, place: Path
) -> None:
    with Store(place) as store:
        store.database.transact(
            lambda db: store.locks.take(
                db,
                ["host a"],
                run_id="r1",
                worker="w",
                owner="amy@desk",
                reason="roll",
                now_s=0.0,
            )
        )
    aborted = kemp("rollout", "abort", "r1", "--note", "wrong file", "-o", "json")
    assert aborted.code == 0, aborted.err
    data = json.loads(aborted.out)
    assert data["state"] == "abandoned"
    assert "wrong file" in data["reason"]
    assert "web0002: disabled" in data["reason"]
    assert {one["name"]: one["standing"] for one in data["servers"]}["web0003"] == "not touched"
    with Store(place) as store:
        assert not store.locks.all()
        (request,) = store.requests.of_run("r1")
        assert request.state is RequestState.TAKEN
        assert [one.kind for _, one in store.events("r1")] == ["run-aborted"]
    for verb in ("abort", "pause"):
        assert kemp("rollout", verb, "r1").code == ExitCode.STOPPED
    assert kemp("rollout", "resume", "r1").code == ExitCode.STOPPED


def test_a_queued_run_is_paused_before_a_worker_takes_it(kemp: Terminal, place: Path) -> None:
    queued = kemp("rollout", "resume", "r1", "--detach")
    assert queued.code == 0, queued.err
    assert "no worker serves the store" in queued.err
    paused = kemp("rollout", "pause", "r1")
    assert paused.code == 0, paused.err
    assert "paused by" in paused.out
    again = kemp("rollout", "pause", "r1")
    assert again.code == 0
    assert "paused already; nothing was asked" in again.err
    with Store(place) as store:
        assert not store.requests.open("r1")  # or the next resume would pause at once
        assert not store.queued()


def test_what_is_about_a_server_is_kept_until_the_run_goes_on(kemp: Terminal, place: Path) -> None:
    for argv in (("skip", "r1", "web0003"), ("retry", "r1", "web0001")):
        kept = kemp("rollout", *argv)
        assert kept.code == 0, kept.err
        assert "is kept for when it goes on (kemp rollout resume r1)" in kept.err
        assert kemp("rollout", *argv).code == ExitCode.ALREADY_ASKED
    assert "not answered yet: skip web0003" in kemp("rollout", "status", "r1").out
    with Store(place) as store:
        assert len(store.requests.open("r1")) == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_of_two_who_approve_at_once_one_is_told_who_was_first(
    kind: str, kemp: Terminal, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "store")
    if kind == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        where = server.new_database()
    kemp.environ = {"KEMP_STORE": where}
    with Store(where) as store:
        store_run(store, "r1", with_canary(2))
    both = [
        subprocess.Popen(
            kemp.argv("rollout", "approve", "r1"),
            env=dict(kemp.environment()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [one.communicate(timeout=60)[1] for one in both]
    assert sorted(one.returncode for one in both) == [0, ExitCode.ALREADY_ASKED], told
    late = next(text for one, text in zip(both, told, strict=True) if one.returncode)
    assert "asked for approve batch 1" in late
    with Store(where) as store:
        assert len(store.requests.of_run("r1")) == 1


def test_a_run_of_another_version(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.database.transact(lambda db: db.execute("UPDATE runs SET version = '0'"))
    for argv in (("resume", "r1", "--detach"), ("resume", "r1")):
        refused = kemp("rollout", *argv)
        assert refused.code == ExitCode.OTHER_VERSION, refused.err
        assert "another version of kemp" in refused.err
    with Store(place) as store:
        assert store.standing("r1")[0] is RunState.PAUSED


def test_a_run_left_to_workers_says_whom_it_waits_for(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.create_run("ahead", with_canary(2), worker="", resources=(), now_s=0.0)
        store.database.transact(
            lambda db: db.execute("UPDATE runs SET partitions = '[\"lb1, segment a\"]'")
        )
    queued = kemp("rollout", "resume", "r1", "--detach")
    assert queued.code == 0, queued.err
    waits = "waits for run ahead on the same LoadMaster and segment"
    assert f"run r1 is queued and {waits}; see: kemp rollout watch r1" in queued.err
    for argv in (("status", "r1"), ("list",)):
        assert waits in kemp("rollout", *argv).out
