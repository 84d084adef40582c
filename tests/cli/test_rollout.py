"""``kemp rollout`` in a real lab: plan, run, pause, kill, resume, and what is refused."""

import contextlib
import ipaddress
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cli.exit_codes import ExitCode
from cli.main import _without_secrets
from orchestrator.rollout.adapters import run_here
from orchestrator.rollout.store import Store
from tests.cli.conftest import Result, Terminal
from tests.fakes.postgres import PASSWORD, PostgresServer
from tests.fakes.stored_run import create


class Rehearsal:
    """A lab with two servers and a DSR service, and ``kemp`` typed on its admin station."""

    def __init__(self, kemp: Terminal, lab: dict[str, Any]) -> None:
        self.kemp = kemp
        self.lab = lab
        self.hosts = [name for name in lab["stations"] if name.startswith("web")]

    def __call__(self, *argv: str) -> Result:
        return self.kemp.process(*self._inside(*self.kemp.argv(*argv)))

    def _inside(self, *argv: str) -> list[str]:
        return ["lab", "exec", "admin", "--", *argv]

    def start(self, *argv: str) -> "subprocess.Popen[str]":
        """Start a command; the first line of its stdout is its process number in the lab."""
        script = ["sh", "-c", 'echo $$; exec "$@"', "sh", *self.kemp.argv(*argv)]
        return subprocess.Popen(
            self.kemp.argv(*self._inside(*script)),
            env=dict(self.kemp.environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def signal(self, number: str, name: str) -> None:
        killed = self.kemp.process(*self._inside("kill", f"-{name}", number))
        assert killed.code == 0, killed.err

    def file(self, **rollout: Any) -> str:
        """Write a rollout file and return its name."""
        stations = self.lab["stations"]
        spec = {
            "loadmasters": {"lb": {"url": self.lab["url"]}},
            "services": {
                "web": {
                    "loadmaster": "lb",
                    "service": f"tcp/{self.lab['vip']}:80",
                    "method": "loopback",
                }
            },
            "hosts": {
                name: {
                    "address": stations[name]["address"],
                    "interface": "eth0",
                    "namespace": stations[name]["namespace"],
                    "root": stations[name]["root"],
                }
                for name in self.hosts
            },
            "pools": {"web": {"service": "web", "hosts": self.hosts}},
            "rollout": {
                "pool": "web",
                "settle_s": 0.2,
                "min_healthy_s": 0.3,
                "drain": {"window_s": 0.5, "poll_s": 0.2},
                **rollout,
            },
        }
        place = self.kemp.home / f"{rollout['kind']}.yaml"
        place.write_text(yaml.safe_dump(spec, sort_keys=False))
        return str(place)

    def weights(self) -> dict[str, tuple[bool, int]]:
        """Return what the LoadMaster says of the servers: enabled, weight."""
        listed = json.loads(self("rs", "list", self.lab["vip"], "-o", "json").out)
        return {one["ref"]: (one["enabled"], one["weight"]) for one in listed}

    def wait_for(self, state: str) -> str:
        """Wait until the newest run has reached a state, and return its name."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            runs = json.loads(self.kemp("rollout", "list", "-o", "json").out)
            if runs and runs[0]["state"] == state:
                return str(runs[0]["run_id"])
            time.sleep(0.1)
        raise AssertionError(f"no run got {state}")


@pytest.fixture
def lab(kemp: Terminal) -> Iterator[Rehearsal]:
    up = kemp.process("lab", "up", "--hosts", "2", "--time-scale", "20", "-o", "json")
    assert up.code == 0, up.err
    try:
        rehearsal = Rehearsal(kemp, json.loads(up.out))
        made = rehearsal("vs", "create", rehearsal.lab["vip"], "80", "--l4", "--name", "web")
        assert made.code == 0, made.err
        yield rehearsal
    finally:
        assert kemp.process("lab", "down").code == 0


@pytest.fixture
def filled(lab: Rehearsal) -> Rehearsal:
    """The lab with both servers in service."""
    added = lab("rollout", "run", "-f", lab.file(kind="add"), "--yes")
    assert added.code == 0, added.err
    return lab


@pytest.mark.kernel
def test_plan_changes_nothing_run_does_and_the_second_plan_is_empty(lab: Rehearsal) -> None:
    file = lab.file(kind="add")
    planned = lab("rollout", "-f", file, "-o", "json")
    assert planned.code == 0, planned.err
    assert {one["name"] for one in json.loads(planned.out)["servers"]} == {"web1", "web2"}
    shown = lab("rollout", "plan", "-f", file).out
    assert "VIP" in shown
    assert "healthy now 0 of 0; no server is taken out" in shown
    assert lab.weights() == {}

    unasked = lab("rollout", "run", "-f", file)
    assert unasked.code == ExitCode.USAGE
    assert "--yes" in unasked.err
    assert lab.weights() == {}

    done = lab("rollout", "run", "-f", file, "--yes", "-o", "json")
    assert done.code == 0, done.err
    outcomes = {name: one["outcome"] for name, one in json.loads(done.out)["hosts"].items()}
    assert outcomes == {"web1": "done", "web2": "done"}
    assert "web1/verify-host" in done.err
    assert set(lab.weights().values()) == {(True, 1000)}

    again = lab("rollout", "plan", "-f", file)
    assert again.code == ExitCode.NOTHING_TO_DO
    assert "nothing to do" in again.out
    ran = lab("rollout", "run", "-f", file, "--yes")
    assert ran.code == ExitCode.NOTHING_TO_DO
    assert "nothing to do" in ran.err

    assert "web2" in lab.kemp("rollout", "status").out
    assert "verify-host" in lab.kemp("rollout", "report").out
    assert lab.kemp("rollout", "list", "-o", "name").out.count("\n") == 1
    assert lab.kemp("rollout", "status", "nosuchrun").code == ExitCode.NOT_FOUND
    assert lab.kemp("rollout", "resume").code == ExitCode.NOT_FOUND


@pytest.mark.kernel
def test_a_saved_plan_is_refused_when_something_has_moved(filled: Rehearsal) -> None:
    place = str(filled.kemp.home / "plan.json")
    planned = ("rollout", "plan", "-f", filled.file(kind="drain", hosts=["web1"]))
    saved = filled(*planned, "--save", place)
    assert saved.code == 0, saved.err
    assert filled(*planned, "--save", f"{place}/x").code == ExitCode.INVALID_FILE
    server = filled.lab["stations"]["web1"]["address"]
    assert filled("rs", "set", "web", server, "--weight", "5").code == 0
    refused = filled("rollout", "run", "--plan", place, "--yes")
    assert refused.code == ExitCode.DRIFT
    assert "weight=1000" in refused.err
    assert filled.weights()[f"{server}:80"] == (True, 5)
    assert filled("rs", "set", "web", server, "--weight", "1000").code == 0
    assert filled("rollout", "run", "--plan", place, "--yes").code == 0
    assert filled.weights()[f"{server}:80"] == (False, 1000)


def _spelled_otherwise(lab: Rehearsal, file: str) -> str:
    """Return a copy of a rollout file that has the LoadMaster's IPv4 address as one number."""
    url = str(lab.lab["url"])
    address = urlsplit(url).hostname or ""
    other = Path(file).with_name("spelled-otherwise.yaml")
    text, number = Path(file).read_text(), str(int(ipaddress.ip_address(address)))
    other.write_text(text.replace(url, url.replace(address, number)))
    return str(other)


@contextlib.contextmanager
def load(rehearsal: Rehearsal) -> Iterator[None]:
    """Make load in the lab meanwhile; at its end see that it was counted with the newest run."""
    with subprocess.Popen(
        rehearsal.kemp.argv("lab", "load", "--rate", "20", "--seconds", "300", "-o", "json"),
        env=dict(rehearsal.kemp.environment()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
    counted = json.loads(out)
    # On a machine that is very busy one may have failed.
    failed = counted["failed"] > 0
    assert process.returncode == (ExitCode.FINDINGS if failed else ExitCode.OK)
    report = json.loads(rehearsal.kemp("rollout", "report", "-o", "json").out)
    (measured,) = report["measured"]
    assert measured["service"] == f"tcp/{rehearsal.lab['vip']}:80 on lb"
    assert [one["name"] for one in measured["phases"]] == ["batch 1", "batch 2", "afterwards"]
    prefix = f"{report['run_id']}: "
    of_run = {
        name.removeprefix(prefix): one
        for name, one in counted["by_phase"].items()
        if name.startswith(prefix)
    }
    for one in measured["phases"]:
        assert of_run[one["name"]] == {"sent": one["sent"], "failed": one["failed"]}
    assert 0 < measured["sent"] < counted["requests"]


@pytest.mark.kernel
def test_pause_lock_and_resume(filled: Rehearsal) -> None:
    with load(filled):
        _pause_lock_and_resume(filled)


def _pause_lock_and_resume(filled: Rehearsal) -> None:
    file = filled.file(kind="roll", action={"argv": ["sleep", "2"]})
    with filled.start("rollout", "run", "-f", file, "--yes") as process:
        assert process.stdout is not None
        number = process.stdout.readline().strip()
        run_id = filled.wait_for("running")
        locked = filled("rollout", "run", "-f", file, "--yes")
        assert locked.code == ExitCode.LOCKED
        assert run_id in locked.err
        # The same LoadMaster by another spelling of its address.
        locked = filled("rollout", "run", "-f", _spelled_otherwise(filled, file), "--yes")
        assert locked.code == ExitCode.LOCKED
        assert re.search(
            rf"of the LoadMaster with serial number \d+ .* by run {run_id}", locked.err
        )
        filled.signal(number, "TERM")
        process.stdout.read()
        assert process.wait(30) == ExitCode.STOPPED
    assert filled.wait_for("paused") == run_id
    resumed = filled("rollout", "resume", run_id)
    assert resumed.code == 0, resumed.err
    assert set(filled.weights().values()) == {(True, 1000)}
    assert filled("rollout", "resume", run_id).code == ExitCode.STOPPED


@pytest.mark.kernel
def test_killed_and_resumed(filled: Rehearsal) -> None:
    file = filled.file(kind="roll", action={"argv": ["sleep", "1"]})
    with filled.start("rollout", "run", "-f", file, "--yes") as process:
        assert process.stdout is not None
        number = process.stdout.readline().strip()
        filled.wait_for("running")
        filled.signal(number, "KILL")
        process.stdout.read()
        process.wait(30)
    run_id = filled.wait_for("interrupted")
    resumed = filled("rollout", "resume")
    assert resumed.code == 0, resumed.err
    assert run_id in resumed.out
    assert set(filled.weights().values()) == {(True, 1000)}


@pytest.mark.kernel
def test_a_failed_server_stays_out_and_the_run_can_be_given_up(filled: Rehearsal) -> None:
    file = filled.file(kind="roll", action={"argv": ["false"]})
    failed = filled("rollout", "run", "-f", file, "--yes")
    assert failed.code == ExitCode.PARTIAL
    assert "not_attempted" in failed.out
    first, second = (f"{filled.lab['stations'][name]['address']}:80" for name in filled.hosts)
    assert filled.weights() == {first: (False, 1000), second: (True, 1000)}
    run_id = filled.wait_for("paused")
    assert filled.kemp("rollout", "abandon", run_id).code == ExitCode.USAGE
    assert filled.kemp("rollout", "abandon", run_id, "--yes").code == 0
    assert filled.wait_for("abandoned") == run_id


GOOD = """\
loadmasters:
  lb: {url: "https://127.0.0.1:1"}
services:
  web: {loadmaster: lb, service: "tcp/203.0.113.250:80", method: loopback}
hosts:
  web1: {address: 203.0.113.11, interface: eth0}
  web2: {address: 203.0.113.12, interface: eth0}
pools:
  web: {service: web, hosts: [web1, web2]}
rollout: {kind: add, pool: web}
"""

MISTAKES = [
    ("hosts:\n", "hosts:\n\t# a tab\n", ":6:"),
    ("interface: eth0", "interfac: eth0", "interface"),
    ("hosts: [web1, web2]", "hosts: [web1, web1]", "web1"),
    ("pool: web}", "pool: web, batch: 3}", "3"),
    ("203.0.113.12", "203.0.113.250", "203.0.113.250"),
    ("203.0.113.12", "203.0.113.11", "203.0.113.11"),
    ("kind: add", "kind: explode", "kind"),
]


@pytest.mark.parametrize(("old", "new", "hint"), MISTAKES, ids=[one[1] for one in MISTAKES])
def test_mistakes_in_the_file_name_file_and_line(
    old: str, new: str, hint: str, kemp: Terminal, tmp_path: Path
) -> None:
    place = tmp_path / "rollout.yaml"
    place.write_text(GOOD.replace(old, new, 1))
    kemp.environ = {"KEMP_API_KEY": "never-sent"}
    for verb in ("plan", "run"):
        result = kemp("rollout", verb, "-f", str(place))
        assert result.code in (ExitCode.INVALID_FILE, ExitCode.RULE)
        assert f"{place}:" in result.err
        assert hint in result.err
    assert not (tmp_path / "state").exists()


def test_what_is_asked_wrongly(kemp: Terminal, tmp_path: Path) -> None:
    assert kemp("rollout").code == ExitCode.USAGE
    assert kemp("rollout", "plan").code == ExitCode.USAGE
    assert kemp("rollout", "plan", "-f", str(tmp_path / "none")).code == ExitCode.INVALID_FILE
    broken = tmp_path / "plan.json"
    broken.write_text("{}")
    assert kemp("rollout", "run", "--plan", str(broken)).code == ExitCode.INVALID_FILE
    assert kemp("rollout", "run", "--plan", str(tmp_path / "no")).code == ExitCode.INVALID_FILE
    place = tmp_path / "rollout.yaml"
    place.write_text(GOOD)
    assert kemp("rollout", "plan", "-f", str(place)).code == ExitCode.USAGE  # no credential
    kemp.environ = {"KEMP_API_KEY": "never-sent"}
    unreachable = kemp("rollout", "plan", "-f", str(place))
    assert unreachable.code == ExitCode.UNREACHABLE
    # The file may stand alone too, but once.
    for verb in ("plan", "run"):
        assert kemp("rollout", verb, str(place)).err == unreachable.err
        assert kemp("rollout", verb, str(place), "-f", str(place)).code == ExitCode.USAGE
    assert kemp("rollout", "list").err == "no runs\n"


def test_a_store_that_cannot_be_used(kemp: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kemp.environ = {"KEMP_STORE": str(tmp_path / "file")}
    assert kemp("rollout", "list").code == ExitCode.STORE


@pytest.mark.kernel
def test_on_a_terminal_it_asks_for_the_number_and_shows_it_live(lab: Rehearsal) -> None:
    argv = lab.kemp.argv(
        "lab",
        "exec",
        "admin",
        "--",
        *lab.kemp.argv("rollout", "run", "-f", lab.file(kind="add")),
    )
    refused = typed(argv, lab.kemp, "9")
    assert "not confirmed" in refused
    assert lab.weights() == {}
    shown = typed(argv, lab.kemp, "2")
    assert "Type 2 to go on" in shown
    assert "SERVER" in shown
    assert "healthy" in shown
    assert "finished" in shown
    assert set(lab.weights().values()) == {(True, 1000)}


def typed(argv: list[str], kemp: Terminal, answer: str) -> str:
    """Run a command on a terminal of its own, type one answer, return what was shown."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as screen:
        process = subprocess.Popen(
            argv,
            env={**kemp.environment(), "TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown, answered = b"", False
        with contextlib.suppress(OSError):  # how Linux tells that the other end has gone
            while part := screen.read(4096):
                shown += part
                if not answered and b"to go on" in shown:
                    screen.write(answer.encode() + b"\n")
                    answered = True
        process.wait(60)
    return shown.decode(errors="replace")


def test_a_store_in_a_database(kemp: Terminal, tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    kemp.environ = {"KEMP_STORE": url}
    assert kemp("rollout", "list").err == "no runs\n"
    assert not (tmp_path / "state").exists()
    wrong = [
        url.replace(PASSWORD, f"{PASSWORD}x"),
        url.replace(str(postgres.port), "1"),
        url.replace("postgresql", "mysql"),
        url.replace(f"{postgres.port}", f"{PASSWORD}"),
        url.replace("127.0.0.1", "[::"),
        url.replace(PASSWORD, f"%zz{PASSWORD}"),
        f"{url}?sslmode={PASSWORD}",
        f"{url}_not_there",
    ]
    for place in wrong:
        kemp.environ = {"KEMP_STORE": place}
        refused = kemp("rollout", "list", "--debug")
        assert refused.code == ExitCode.STORE, refused.err
        assert PASSWORD not in refused.out + refused.err


def test_locks_are_shown_and_broken_by_name(kemp: Terminal, tmp_path: Path) -> None:
    kemp.environ = {"KEMP_STORE": str(tmp_path / "state")}
    assert kemp("rollout", "locks").err == "nothing is held\n"
    with Store(tmp_path / "state") as store:
        create(store, "r1", "host 203.0.113.11")
    assert "203.0.113.11" in kemp("rollout", "locks").out
    name = "host 203.0.113.11"
    assert kemp("rollout", "unlock", name, "--run", "r1").code == ExitCode.USAGE
    assert kemp("rollout", "unlock", name, "--run", "r2", "--yes").code == ExitCode.NOT_FOUND
    assert kemp("rollout", "unlock", name, "--run", "r1", "--yes").code == 0
    assert kemp("rollout", "locks").err == "nothing is held\n"


def test_a_worker_ends_when_told(kemp: Terminal, tmp_path: Path) -> None:
    kemp.environ = {"KEMP_STORE": str(tmp_path / "state")}
    with subprocess.Popen(
        kemp.argv("worker"), env=dict(kemp.environment()), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "serves" in process.stderr.readline()
        with Store(tmp_path / "state") as store:
            deadline = time.monotonic() + 60
            while not any(one.serves for one in store.workers.all()):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.terminate()
            assert process.wait(60) == 0
            assert not store.workers.all()


def test_commands_of_operators_find_no_secret_in_their_environment() -> None:
    given = {"PATH": os.environ["PATH"], "KEMP_STORE": "postgresql://a:b@c/d", "KEMP_API_KEY": "k"}
    done = run_here(["env"], 10, environ=_without_secrets(given))
    assert done.exit_code == 0
    assert "PATH=" in done.stdout
    assert "KEMP_" not in done.stdout
