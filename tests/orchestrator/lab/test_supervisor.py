"""A lab in the background: up, found again, entered, ended, and what stale records are worth."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import (
    HostUnreachable,
    IsolationUnavailable,
    Locked,
    OrchestratorError,
    StoreUnavailable,
)
from orchestrator.lab import supervisor
from orchestrator.lab.isolation import isolation_prefix
from orchestrator.lab.process_identity import boot_id, start_ticks
from orchestrator.lab.station import LabOptions
from orchestrator.lab.supervisor import (
    LabStatus,
    lab_down,
    lab_exec_argv,
    lab_exec_environment,
    lab_status,
    lab_up,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state") / "kemp"


@pytest.fixture(scope="module")
def status(directory: Path) -> Iterator[LabStatus]:
    try:
        isolation_prefix()
    except IsolationUnavailable as error:
        pytest.skip(str(error))
    yield lab_up(LabOptions(directory=directory, hosts=1))
    lab_down(directory)


def _inside(status: LabStatus, station: str, *argv: str) -> str:
    done = subprocess.run(
        lab_exec_argv(status, station, argv),
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={**os.environ, **lab_exec_environment(status)},
    )
    return done.stdout.strip()


@pytest.mark.kernel
def test_it_is_found_again(directory: Path, status: LabStatus) -> None:
    assert status.running
    assert lab_status(directory) == status
    assert set(status.stations) == {"admin", "router", "lb", "web1", "client"}


@pytest.mark.kernel
def test_commands_run_on_its_stations(status: LabStatus) -> None:
    forward = "/proc/sys/net/ipv4/ip_forward"
    assert _inside(status, "router", "cat", forward) == "1"
    assert _inside(status, "client", "cat", forward) == "0"
    root = status.stations["web1"].root
    assert "sysctl.d" in _inside(status, "web1", "ls", f"{root}/etc")


@pytest.mark.kernel
def test_its_loadmaster_answers_the_operator(status: LabStatus) -> None:
    code = (
        "import os; from kempsdk import ApiKey, LoadMaster, Pin; e = os.environ; "
        "lm = LoadMaster(e['KEMP_URL'], ApiKey(e['KEMP_API_KEY']), tls=Pin(e['KEMP_TLS_PIN'])); "
        "print(lm.virtual_services.list()); lm.close()"
    )
    assert _inside(status, "admin", sys.executable, "-c", code) == "()"


@pytest.mark.kernel
def test_its_web_servers_run(status: LabStatus) -> None:
    code = (
        "import urllib.request as r; "
        "print(r.urlopen('http://203.0.113.11/health', timeout=5).read().decode())"
    )
    assert '"server": "web1"' in _inside(status, "admin", sys.executable, "-c", code)


@pytest.mark.kernel
def test_no_second_one_in_the_same_directory(directory: Path, status: LabStatus) -> None:
    with pytest.raises(Locked, match="is up already"):
        lab_up(LabOptions(directory=directory))
    assert lab_status(directory) == status


@pytest.mark.kernel
def test_its_secrets_are_its_owners(directory: Path, status: LabStatus) -> None:
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(status.api_key_file.stat().st_mode) == 0o600
    key = status.api_key_file.read_text()
    assert key not in (directory / "lab.json").read_text()
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert key.encode() not in command_line.read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # gone meanwhile
            continue


@pytest.mark.kernel
def test_a_station_that_is_not_there_is_named(status: LabStatus) -> None:
    with pytest.raises(HostUnreachable, match="no station 'web9'; it has admin"):
        lab_exec_argv(status, "web9", ["true"])


@pytest.mark.kernel
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_can_be_ended_from_outside_and_started_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    try:
        isolation_prefix()
    except IsolationUnavailable as error:
        pytest.skip(str(error))
    first = lab_up(LabOptions(directory=tmp_path, hosts=1))
    os.kill(first.pid, number)
    supervisor._end(first)  # waits for it
    stale = lab_status(tmp_path)
    assert stale is not None
    assert not stale.running
    with pytest.raises(HostUnreachable, match="has ended"):
        lab_exec_argv(stale, "web1", ["true"])
    second = lab_up(LabOptions(directory=tmp_path, hosts=1))
    assert second.pid != first.pid
    ended = lab_down(tmp_path)
    assert ended == second
    assert [path.name for path in tmp_path.iterdir()] == ["lab.lock"]
    assert lab_down(tmp_path) is None


@pytest.mark.kernel
def test_a_lab_that_does_not_come_up_leaves_nothing(tmp_path: Path) -> None:
    try:
        isolation_prefix()
    except IsolationUnavailable as error:
        pytest.skip(str(error))
    with pytest.raises(OrchestratorError, match="1 to 200 hosts, not 0"):
        lab_up(LabOptions(directory=tmp_path, hosts=0))
    assert lab_status(tmp_path) is None


def _record(directory: Path, **changes: object) -> None:
    record = {
        "pid": os.getpid(),
        "started_ticks": start_ticks(os.getpid()),
        "boot_id": boot_id(),
        "caretaker_pid": 0,
        "method": "loopback",
        "init": "none",
        "vip": "203.0.113.250",
        "directory": "/run/kemp-lab",
        "stations": {},
        "url": "https://203.0.113.10:443",
        "user": "bal",
        "fingerprint": "00",
        "api_key_file": str(directory / "lab-api-key"),
        **changes,
    }
    (directory / "lab.json").write_text(json.dumps(record))


def test_somebody_elses_process_with_the_same_number_is_not_the_lab(tmp_path: Path) -> None:
    _record(tmp_path)
    status = lab_status(tmp_path)
    assert status is not None
    assert status.running
    for change in ({"started_ticks": 1}, {"boot_id": "another"}, {"pid": 2**22 + 1}):
        _record(tmp_path, **change)
        status = lab_status(tmp_path)
        assert status is not None
        assert not status.running
        lab_down(tmp_path)  # must not touch this process
        assert lab_status(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"stations": {}}', '{"stations": {"a": 1}}'])
def test_a_damaged_state_file_is_an_error_and_not_an_absent_lab(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    with pytest.raises(StoreUnavailable, match=r"lab\.json"):
        lab_status(tmp_path)


def test_no_lab(tmp_path: Path) -> None:
    assert lab_status(tmp_path) is None
    assert lab_down(tmp_path) is None
    assert lab_down(tmp_path / "nothing") is None


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        lab_up(LabOptions(directory=tmp_path / "file" / "below"))
