"""docs/pages/workers.md: its unit is one for systemd, its commands and figures are kemp's."""

import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from orchestrator.rollout.records import RunState
from orchestrator.rollout.store import Store
from orchestrator.rollout.store.locks import LOCK_EXPIRY_S
from orchestrator.rollout.worker import Pace
from tests.cli.conftest import Terminal
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored_run import create
from tests.programs import need

PAGE = (Path(__file__).parents[2] / "docs/pages/workers.md").read_text("utf-8")


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    match = re.search(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    text = match[1]
    assert "ExecStart=/opt/kemp/bin/kemp worker\n" in text
    unit = tmp_path / "kemp-worker.service"
    # Neither the command nor the user is there on every machine.
    text = text.replace("/opt/kemp/bin/kemp worker", "/bin/true").replace("User=kemp", "User=root")
    unit.write_text(text)
    checked = subprocess.run(
        [need("systemd-analyze"), "verify", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_command_of_the_page_is_one(kemp: Terminal) -> None:
    verbs = {one.strip() for one in re.findall(r"kemp ((?:rollout )?[a-z]+)", PAGE)}
    verbs -= {one for one in verbs if one.split()[0] not in ("worker", "rollout")}
    assert {"worker", "rollout locks", "rollout abandon"} <= verbs
    for verb in verbs:
        assert kemp(*verb.split(), "--help").code == 0, verb


def test_the_figures_are_those_of_the_code(tmp_path: Path) -> None:
    with Store(str(tmp_path)) as store:
        assert store.database.grace_s == 0
    assert Pace().frozen_s == 60
    assert LOCK_EXPIRY_S == 24 * 3600


def test_a_worker_serves_postgresql_and_sqlite_until_it_is_told_to_stop(
    kemp: Terminal, postgres: PostgresServer, tmp_path: Path
) -> None:
    for place in (postgres.new_database(), str(tmp_path / "runs")):
        kemp.environ = {"KEMP_STORE": place}
        with subprocess.Popen(
            kemp.argv("worker"), env=dict(kemp.environment()), stderr=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stderr is not None
            said = worker.stderr.readline()
            worker.send_signal(signal.SIGTERM)
            rest = worker.stderr.read()
            code = worker.wait(60)
        assert "serves" in said
        assert "the steps in hand end" in rest
        assert code == 0
        assert kemp("rollout", "list").code == 0
        assert kemp("rollout", "locks").code == 0


def test_the_store_is_backed_up_as_the_page_says(kemp: Terminal, tmp_path: Path) -> None:
    place = tmp_path / "runs"
    kemp.environ = {"KEMP_STORE": str(place)}
    with Store(str(place)) as store:
        create(store, "r1", "host a")
        copy = tmp_path / "copy"
        copy.mkdir()
        assert "runs.sqlite" in PAGE
        with (
            sqlite3.connect(place / "runs.sqlite") as source,
            sqlite3.connect(copy / "runs.sqlite") as target,
        ):
            source.backup(target)
        source.close()
        target.close()
    kemp.environ = {"KEMP_STORE": str(copy)}
    assert "r1" in kemp("rollout", "list").out


@pytest.mark.parametrize("what", ["workflows", "plan"])
def test_a_run_of_another_version_is_refused_and_can_be_given_up(
    kemp: Terminal, tmp_path: Path, what: str
) -> None:
    kemp.environ = {"KEMP_STORE": str(tmp_path)}
    change = (
        "UPDATE runs SET version = '1'"
        if what == "workflows"
        else "UPDATE plans SET plan = replace(plan, '\"format\":', '\"format\":9')"
    )
    with Store(str(tmp_path)) as store:
        create(store, "r1", "host a")
        store.workers.dismiss("w")
        store.stand("r1", RunState.PAUSED, "by hand", now_s=1)
        store.database.transact(lambda db: db.execute(change))
    refused = kemp("rollout", "resume", "r1")
    assert refused.code == ExitCode.OTHER_VERSION
    assert "version" in refused.err
    assert "r1" in kemp("rollout", "list").out
    assert kemp("rollout", "abandon", "r1", "--yes").code == 0
    with Store(str(tmp_path)) as store:
        assert store.locks.all() == ()
        assert store.standing("r1")[0] is RunState.ABANDONED
