"""Following runs: status, list, watch and logs, from any process, at any size."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from orchestrator.rollout.records import Event, RunState
from orchestrator.rollout.report import report, summaries
from orchestrator.rollout.status import RunStatus, status
from orchestrator.rollout.store import Store
from tests.cli.conftest import Terminal
from tests.cli.test_rollout_asking import with_canary
from tests.orchestrator.rollout.long_run import long_plan, store_run


@pytest.fixture
def place(kemp: Terminal, tmp_path: Path) -> Path:
    """A store with one run of four servers, of which one drains and one failed."""
    kemp.environ = {"KEMP_STORE": str(tmp_path / "store")}
    with Store(tmp_path / "store") as store:
        store_run(store, "r1", long_plan(4, boxes=1, batch=2))
        store.database.transact(
            lambda db: [
                db.execute(statement)
                for statement in (
                    "DELETE FROM steps WHERE step_id LIKE 'web0003%'",
                    "DELETE FROM steps WHERE step_id LIKE 'web0002%' "
                    "AND step_id NOT IN ('web0002/disable', 'web0002/drain')",
                    "UPDATE steps SET status = 'running', ended_s = NULL "
                    "WHERE step_id = 'web0002/drain'",
                    "UPDATE steps SET status = 'failed', reason = 'it did not come up', "
                    "gate = 'healthy-deadline' WHERE step_id = 'web0001/healthy'",
                )
            ]
        )
        say(store, "connections left: 7 on the LoadMaster, 6 on the host", connections=7)
        store.add_event(
            Event(
                run_id="r1",
                at_s=12.0,
                kind="healthy",
                text="",
                data={
                    "service": "tcp/203.0.113.250:80 on lb00",
                    "healthy": 2,
                    "floor": 1,
                    "servers": 4,
                },
            )
        )
    return tmp_path / "store"


def say(store: Store, text: str, **data: object) -> None:
    store.add_event(
        Event(
            run_id="r1",
            at_s=10.0,
            kind="waiting",
            text=text,
            server="web0002",
            step="web0002/drain",
            data=data,
        )
    )


def test_status_has_a_line_for_each_server(kemp: Terminal, place: Path) -> None:
    shown = kemp("rollout", "status", "r1")
    assert shown.code == 0, shown.err
    lines = {line.split()[0]: line.split() for line in shown.out.splitlines() if line.strip()}
    assert lines["web0000"][1] == "done"
    assert lines["web0001"][1:3] == ["failed:", "healthy"]
    assert lines["web0002"][1:5] == ["drain", "7", "2/4", "(>=1)"]
    assert lines["web0003"][1] == "waiting"
    assert "gate healthy-deadline" in shown.out
    assert "2 of 4 healthy, at least 1" in shown.out
    assert "by amy@desk" in shown.out
    data = json.loads(kemp("rollout", "status", "r1", "-o", "json").out)
    assert data["counts"] == {"done": 1, "failed": 1, "in_progress": 1, "not_attempted": 1}
    with Store(place) as store:
        # Two ways to ask the same: they must not tell two stories.
        found = report("r1", store).hosts.values()
        assert [one.outcome for one in status("r1", store).servers] == [
            one.outcome for one in found
        ]


def test_the_report_says_who_ran_it_and_shows_the_gates_between(
    kemp: Terminal, place: Path, tmp_path: Path
) -> None:
    with Store(place) as store:
        store_run(store, "r2", with_canary(2), now_s=5.0)
        store.stand("r2", RunState.FINISHED, "every server is done", now_s=30.0)
    page = tmp_path / "report.html"
    assert kemp("rollout", "report", "r2", "--html", str(page)).code == 0
    text = page.read_text()
    assert "<dd>amy@desk</dd>" in text
    assert "batch 1/approve" in text
    nowhere = kemp("rollout", "report", "r2", "--html", str(page / "x"))
    assert nowhere.code == ExitCode.INVALID_FILE


def test_a_run_that_has_ended_shows_the_health_seen_last(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.stand("r1", RunState.FINISHED, "every server is done", now_s=30.0)
    assert "2 of 4 healthy, at least 1" in kemp("rollout", "status", "r1").out


def test_watch_ends_where_the_run_stands(kemp: Terminal, place: Path) -> None:
    watched = kemp("rollout", "watch", "r1")
    assert watched.code == ExitCode.PARTIAL
    assert "run r1: paused" in watched.out
    assert "web0002  drain  left 7  2/4 (>=1)" in watched.out
    assert "kemp rollout resume r1" in watched.err
    assert kemp("rollout", "watch", "nosuchrun").code == ExitCode.NOT_FOUND


def test_a_run_that_was_ended_is_not_said_to_go_on(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.stand("r1", RunState.ABANDONED, "aborted", now_s=20.0)
    watched = kemp("rollout", "watch", "r1")
    assert watched.code == ExitCode.PARTIAL
    assert "run r1: abandoned" in watched.out
    assert "resume" not in watched.err


def test_watch_follows_from_another_process(kemp: Terminal, place: Path) -> None:
    with Store(place) as store:
        store.stand("r1", RunState.QUEUED, "", now_s=20.0)
        with subprocess.Popen(
            kemp.argv("rollout", "watch", "r1"),
            env=dict(kemp.environment()),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert "queued" in process.stdout.readline()
            say(store, "connections left: 3", connections=3)
            while "left 3" not in (line := process.stdout.readline()):
                assert line
            store.stand("r1", RunState.FINISHED, "every server is done", now_s=21.0)
            assert "finished" in process.stdout.read()
            # Its end is not that of web0001, which failed.
            assert process.wait(30) == ExitCode.PARTIAL


def test_logs(kemp: Terminal, place: Path) -> None:
    shown = kemp("rollout", "logs", "r1")
    assert "waiting      web0002/drain connections left: 7" in shown.out
    lines = kemp("rollout", "logs", "r1", "--follow", "-o", "json").out.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["waiting", "healthy"]
    assert json.loads(lines[0])["data"] == {"connections": 7}
    assert kemp("rollout", "logs", "r1", "--server", "web0000").out == ""
    assert len(kemp("rollout", "logs", "r1", "--last", "1").out.splitlines()) == 1
    assert kemp("rollout", "logs", "nosuchrun").code == ExitCode.NOT_FOUND
    with Store(place) as store:
        assert len(store.events("r1")) == 2


def test_logs_has_what_came_right_before_the_end(
    kemp: Terminal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_and_look(run_id: str, store: Store) -> RunStatus:
        say(store, "said last")
        store.stand(run_id, RunState.FINISHED, "every server is done", now_s=21.0)
        return status(run_id, store)

    with Store(place) as store:
        store.stand("r1", RunState.QUEUED, "", now_s=20.0)
    monkeypatch.setattr("orchestrator.rollout.status.status", end_and_look)
    followed = kemp("rollout", "logs", "r1", "--follow", "--last", "1")
    assert [line.split(maxsplit=2)[-1] for line in followed.out.splitlines()][1:] == [
        "web0002/drain said last"
    ]


def test_a_run_of_2000_servers_and_200_runs(tmp_path: Path) -> None:
    """Processor time, as the machine may have other things to do."""
    with Store(tmp_path / "store") as store:
        large = long_plan(2000)
        store_run(store, "large", large)
        for number in range(199):
            plan = large if number % 50 == 0 else long_plan(4, boxes=1, batch=2)
            store.create_run(f"r{number}", plan, worker="", resources=(), now_s=number)
        began_s = time.process_time()
        assert len(summaries(store)) == 200
        listed_s = time.process_time()
        assert status("large", store).counts == {"done": 2000}
        assert listed_s - began_s < 1.0
        assert time.process_time() - listed_s < 1.0
