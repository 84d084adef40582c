"""``kemp rollout rehearse`` for real: namespaces, packets, load, and what it leaves alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli import rehearsal_process
from cli.exit_codes import ExitCode
from kempsdk import CheckType, Forward, RsRef, VsRef, catalogue
from kempsdk.emulator import VirtualLoadMaster
from tests.cli.conftest import Terminal, configuration, connected
from tests.cli.test_demo import left_behind, stop

SERVICE = "tcp/10.20.0.250:80"
OTHER = "tcp/10.20.0.251:8080"
EXPORT: dict[str, Any] = {
    "version": 1,
    "services": {
        SERVICE: {
            "force_l4": True,
            "check_type": "http",
            "check_url": "/alive",
            "servers": {
                "10.20.0.11:80": {"forward": "route"},
                "10.20.0.12:80": {"forward": "route"},
            },
        },
        OTHER: {
            "force_l7": True,
            "check_type": "tcp",
            "servers": {"10.20.0.11:8080": {}, "10.20.0.12:8080": {}},
        },
    },
}


def write_spec(place: Path, *, url: str = "https://192.0.2.10", more: str = "") -> Path:
    file = place / "rollout.yaml"
    file.write_text(
        f"""
loadmasters:
  lb1: {{url: "{url}"}}
services:
  web: {{loadmaster: lb1, service: "{SERVICE}", method: loopback}}
  app: {{loadmaster: lb1, service: "{OTHER}", method: none}}
hosts:
  a: {{address: 10.20.0.11, interface: ens192, driver: ssh}}
  b: {{address: 10.20.0.12, interface: ens192, driver: ssh}}
pools:
  web: {{service: web, hosts: [a, b]}}
  app: {{service: app, hosts: [a, b]}}
rollout:
  kind: roll
  pools: [web, app]
  hosts: [b]
  settle_s: 1
  drain: {{window_s: 6, poll_s: 2, deadline_s: 200}}
  min_healthy_s: 4
  healthy_deadline_s: 30
  action: {{argv: [touch, "{place / "action-was-run"}"], on: here}}
  {more}
"""
    )
    return file


def write_export(place: Path) -> Path:
    file = place / "export.yaml"
    file.write_text(json.dumps(EXPORT))
    return file


def test_it_reads_the_loadmaster_and_sends_it_no_change(
    kemp: Terminal, box: VirtualLoadMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with box.client() as lm:
        for service, forward in ((SERVICE, Forward.ROUTE), (OTHER, Forward.NAT)):
            vs = VsRef.parse(service)
            layer_4 = forward is Forward.ROUTE
            lm.virtual_services.create(
                vs, force_l4=layer_4, force_l7=not layer_4, check_type=CheckType.TCP
            )
            for address in ("10.20.0.11", "10.20.0.12"):
                lm.real_servers.add(vs, RsRef(address, vs.port), forward=forward)
    before, asked_before = configuration(box), len(box.calls)
    jobs: list[Any] = []

    def keep(_session: object, job: object) -> tuple[int, None]:
        jobs.append(job)
        return 0, None

    monkeypatch.setattr("cli.rollout.rehearsing._in_a_world", keep)
    file = write_spec(tmp_path, url=box.url)
    kemp.environ = connected(box)
    assert kemp("rollout", "rehearse", "-f", str(file)).code == 0
    asked = box.calls[asked_before:]
    assert configuration(box) == before
    assert set(jobs[0]["exports"]["lb1"]["services"]) == {SERVICE, OTHER}
    assert {"listvs", "getall"} <= {one.command for one in asked}
    for one in asked:
        assert not catalogue.command(one.command).mutates, one.command
    assert box.api_key not in json.dumps(jobs)


def test_bad_input_is_refused_before_anything_is_built(kemp: Terminal, tmp_path: Path) -> None:
    file, export = str(write_spec(tmp_path)), str(write_export(tmp_path))
    begun = ("rollout", "rehearse", "-f", file)
    wrong = kemp(*begun, "--from", export, "--fault", "earthquake")
    assert wrong.code == ExitCode.USAGE
    assert "never-healthy" in wrong.err
    assert kemp(*begun, "--from", file).code == ExitCode.INVALID_FILE
    assert kemp(*begun, "--from", str(tmp_path / "none")).code == ExitCode.INVALID_FILE
    assert kemp(*begun, "--from", f"lb9={export}").code == ExitCode.USAGE
    assert kemp("rollout", "rehearse").code == ExitCode.USAGE


def test_the_faults_are_listed(kemp: Terminal) -> None:
    listed = kemp("rollout", "rehearse", "--list-faults")
    assert listed.code == 0
    assert "slow-drain" in listed.out


@pytest.mark.parametrize("output", [None, "json"])
def test_what_fails_inside_is_told_as_kemp_tells_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str | None,
) -> None:
    def fail(_job: object) -> None:
        raise RuntimeError("a defect")

    place = tmp_path / "job"
    place.write_text(json.dumps({"debug": output is None, "output": output}))
    given = (os.open(place, os.O_RDONLY), os.open(tmp_path / "result", os.O_WRONLY | os.O_CREAT))
    monkeypatch.setattr("cli.rehearsal_process._rehearse", fail)
    monkeypatch.setattr("sys.argv", ["rehearsal_process", *map(str, given)])
    assert rehearsal_process.main() == ExitCode.INTERNAL
    os.close(given[1])
    told = capsys.readouterr().err
    if output == "json":
        assert json.loads(told)["exit_code"] == ExitCode.INTERNAL
    else:
        assert "Traceback" in told
        assert "kemp: unexpected RuntimeError: a defect" in told


def rehearse(kemp: Terminal, place: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    before = left_behind()
    done = kemp.process(
        *("rollout", "rehearse", "-f", str(write_spec(place))),
        *("--from", str(write_export(place)), "--speed", "4", "-o", "json", *more),
        timeout_s=180,
    )
    assert left_behind() == before
    assert done.out, done.err
    assert not (place / "action-was-run").exists()
    return done.code, json.loads(done.out), done.err


@pytest.mark.kernel
def test_a_rollout_over_both_layers_is_rehearsed_clean(kemp: Terminal, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, result, told = rehearse(kemp, tmp_path, "--html", str(page))
    assert (code, result["findings"]) == (0, [])
    assert result["servers"] == {"b": "done"}
    assert result["seconds"] > 10
    assert {one["service"] for one in result["traffic"]} == {
        f"{SERVICE} on lb1",
        f"{OTHER} on lb1",
    }
    for one in result["traffic"]:
        assert one["requests"] > 50
        assert set(one["by_server"]) == {"a", "b"}
    # Seen from beside the run: one of the two was out.
    assert [(one["lowest"], one["asked"]) for one in result["floors"]] == [(1, 1), (1, 1)]
    assert result["addresses"]["10.20.0.250"] == "203.0.113.250"
    assert "running the plan" in told
    written = page.read_text()
    assert "rehearsal: clean" in written
    # The report has the same counts, by what the run did when each request began.
    _, _, measured = written.partition("Requests while it went on")
    for one in result["traffic"]:
        assert f"<th>all</th><td>{one['requests']}</td>" in measured
    for phase in ("before", "batch 1", "afterwards"):
        assert measured.count(f"<td>{phase}</td>") == 2


@pytest.mark.kernel
def test_a_server_that_never_becomes_healthy_fires_its_gate(kemp: Terminal, tmp_path: Path) -> None:
    code, result, _ = rehearse(kemp, tmp_path, "--fault", "never-healthy")
    assert code == ExitCode.FINDINGS
    assert [one["gate"] for one in result["gates"]] == ["healthy-deadline"]
    assert result["faults"] == [{"name": "never-healthy", "server": "b", "struck": True}]
    assert result["state"] == "paused"
    assert sum(one["failed"] + one["cut"] for one in result["traffic"]) == 0


@pytest.mark.kernel
def test_the_floor_holds_when_another_server_dies_as_the_run_begins(
    kemp: Terminal, tmp_path: Path
) -> None:
    code, result, _ = rehearse(kemp, tmp_path, "--fault", "server-dies")
    assert code == ExitCode.FINDINGS
    assert [one["gate"] for one in result["gates"]] == ["floor"]
    assert result["faults"] == [{"name": "server-dies", "server": "b", "struck": True}]


@pytest.mark.kernel
@pytest.mark.soak
@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "state", "gates"),
    [
        ("action-fails", "paused", ["action"]),
        ("slow-drain", "paused", ["drain-deadline"]),
        ("wrong-arp", "paused", ["host-verified"]),
        ("frozen-counters", "paused", ["blind"]),
        ("enabled-by-another", "paused", ["foreign-change"]),
        ("api-503", "paused", []),
        ("api-closed", "finished", []),
        ("api-slow", "finished", []),
        ("failover", "paused", []),
    ],
)
def test_each_fault_is_met_by_what_the_page_says(
    kemp: Terminal, tmp_path: Path, fault: str, state: str, gates: list[str]
) -> None:
    _, result, _ = rehearse(kemp, tmp_path, "--fault", fault)
    assert result["faults"] == [{"name": fault, "server": "b", "struck": True}]
    assert (result["state"], [one["gate"] for one in result["gates"]]) == (state, gates)
    failed = sum(one["failed"] + one["cut"] for one in result["traffic"])
    assert (failed > 0) is (fault == "failover")


@pytest.mark.kernel
@pytest.mark.soak
@pytest.mark.long
def test_the_way_to_a_host_breaks_in_the_middle_of_its_preparation(
    kemp: Terminal, tmp_path: Path
) -> None:
    file, export = write_spec(tmp_path), write_export(tmp_path)
    lines = file.read_text().replace("kind: roll", "kind: add").splitlines()
    file.write_text("\n".join(one for one in lines if "action:" not in one))
    data = json.loads(export.read_text())
    for one in data["services"].values():
        del one["servers"][next(rs for rs in one["servers"] if rs.startswith("10.20.0.12:"))]
    export.write_text(json.dumps(data))
    done = kemp.process(
        *("rollout", "rehearse", "-f", str(file), "--from", str(export), "--speed", "4"),
        *("-o", "json", "--fault", "host-cut"),
        timeout_s=180,
    )
    result = json.loads(done.out)
    assert result["faults"] == [{"name": "host-cut", "server": "b", "struck": True}]
    assert (result["state"], result["servers"]) == ("finished", {"b": "done"})


@pytest.mark.kernel
def test_a_fault_of_a_rollout_with_nothing_to_do_is_a_finding(
    kemp: Terminal, tmp_path: Path
) -> None:
    file, export = write_spec(tmp_path), write_export(tmp_path)
    lines = file.read_text().replace("kind: roll", "kind: drain").splitlines()
    file.write_text("\n".join(one for one in lines if "action:" not in one))
    export.write_text(
        export.read_text()
        .replace('"10.20.0.12:8080": {', '"10.20.0.12:8080": {"enable": false')
        .replace('"10.20.0.12:80": {', '"10.20.0.12:80": {"enable": false, ')
    )
    asked = ("rollout", "rehearse", "-f", str(file), "--from", str(export), "-o", "json")
    done = kemp.process(*asked, "--fault", "slow-drain", timeout_s=180)
    assert done.code == ExitCode.FINDINGS
    result = json.loads(done.out)
    assert result["state"] == "nothing to do"
    (finding,) = result["findings"]
    assert "fault slow-drain never struck any server" in finding


@pytest.mark.kernel
@pytest.mark.soak
@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "building"),
        # A run takes it for a wish to pause.
        (signal.SIGINT, "step-started"),
        (signal.SIGKILL, "building"),
    ],
)
def test_stopped_in_the_middle_it_leaves_nothing(
    kemp: Terminal, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    before = left_behind()
    argv = ["rollout", "rehearse", "-f", str(write_spec(tmp_path))]
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", *argv, "--from", str(write_export(tmp_path))],
        env=dict(kemp.environment()),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if moment in line:
                break
        time.sleep(0.5)
        stop(process, number, before=before, least=1)
