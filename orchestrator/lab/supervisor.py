"""A lab that stays up in the background: what ``kemp lab up|down|status|exec`` call.

``lab_up`` starts :mod:`orchestrator.lab.holder` inside a private world of its own; it holds
lab, web servers and virtual LoadMaster until SIGTERM and reports over a pipe. What others need
to find it again is one small state file, written outside that world.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import (
    HostUnreachable,
    IsolationUnavailable,
    Locked,
    OrchestratorError,
    StoreUnavailable,
)
from orchestrator.lab.isolation import cared_for, isolation_prefix, require_tool, world_argv
from orchestrator.lab.process_identity import boot_id, namespace_of, only_child, start_ticks
from orchestrator.lab.station import LabOptions, StationStatus, options_as_json
from orchestrator.lab.systemd_host import (
    SIGNAL_REBOOT,
    SIGNAL_RESET,
    entering_argv,
    require_systemd,
)
from orchestrator.lab.topology import UNITS

_STATE, _API_KEY, _LOG, _LOCK = "lab.json", "lab-api-key", "lab.log", "lab.lock"
_START_S, _START_HOST_S = 60.0, 30.0
_END_S = 10.0
_REBOOT_S = 180.0
_LOGIN = 'read -r _ pid < "$0" && [ -n "$pid" ] || { echo "this host is off" >&2; exit 1; }; exec '


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A lab, as its state file names it.

    Attributes:
        running: False: the state file is stale, the lab has ended.
        pid: the first process of its world, by its number out here.
        started_ticks: when that process started, in clock ticks since boot: a process with
            the same number that started at another time is somebody else's.
        boot_id: of the machine's boot since which those ticks count.
        caretaker_pid: who clears away after it; 0 where nobody has to.
        directory: of the lab, as seen from inside; add.yaml and the like there are rollouts
            of all its servers, one for each kind, and reboot.yaml where they boot.
        method, init: as asked for; see ``LabOptions``.
        url, user, fingerprint, api_key_file: of the virtual LoadMaster, whose address can be
            reached from inside only; the key's file is here outside.
        control_url: of a pair's controls, on loopback of its first unit; "" without a pair.
    """

    running: bool
    pid: int
    started_ticks: int
    boot_id: str
    caretaker_pid: int
    vip: str
    directory: str
    method: str
    init: str
    stations: Mapping[str, StationStatus]
    url: str
    user: str
    fingerprint: str
    api_key_file: Path
    control_url: str = ""


def lab_up(options: LabOptions) -> LabStatus:
    """Start a lab in the background and return when it answers.

    Raises:
        Locked: one is up already, or being started or ended right now.
        IsolationUnavailable: not possible here; says what is missing.
        OrchestratorError: it did not come up; nothing of it is left.
        StoreUnavailable: the directory cannot be written.
    """
    try:
        options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{options.directory}: {error.strerror}") from error
    with _locked(options.directory):
        before = lab_status(options.directory)
        if before is not None and before.running:
            raise Locked(
                f"a lab is up already (process {before.pid}); end it first",
                owner=f"process {before.pid}",
            )
        return _start(options)


def lab_status(directory: Path) -> LabStatus | None:
    """Return the lab of that directory; None when there is none, not even a stale record.

    Raises:
        StoreUnavailable: the state file cannot be read or is none.
    """
    path = directory / _STATE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        stations = {name: StationStatus(**one) for name, one in record.pop("stations").items()}
        record["api_key_file"] = Path(record["api_key_file"])
        status = LabStatus(running=False, stations=stations, **record)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreUnavailable(f"{path} is not a lab's state file: {error}") from error
    return replace(status, running=_is_alive(status))


def lab_down(directory: Path) -> LabStatus | None:
    """End the lab and remove its files; of a stale record only the files are left to remove.

    Returns:
        What was ended (or stale); None when there was nothing.

    Raises:
        Locked: it is being started or ended right now.
        StoreUnavailable: the state file cannot be read or is none.
    """
    if not directory.is_dir():
        return None
    with _locked(directory):
        status = lab_status(directory)
        if status is None:
            return None
        if status.running:
            _end(status)
        for name in (_STATE, _API_KEY, _LOG):
            (directory / name).unlink(missing_ok=True)
        return status


def lab_exec_argv(
    status: LabStatus, station: str, argv: Sequence[str], *, directory: Path | None = None
) -> list[str]:
    """Return the command line that runs ``argv`` on a station of a running lab.

    On a host that boots it is as at a login of root there, with none of this environment.

    Args:
        directory: where to run it on the other stations, which see this machine's files.

    Raises:
        HostUnreachable: the lab has ended or has no such station.
        IsolationUnavailable: ``nsenter`` is missing.
    """
    found = _station(status, station)
    world = _into_world(status)
    if found.boot_file:
        login = entering_argv('"$pid"', [])
        return [*world, "sh", "-c", f'{_LOGIN}{" ".join(login)} "$@"', found.boot_file, *argv]
    # Two steps: the second path is one of that world's /proc. Entering leaves one in /.
    here = [] if directory is None else ["env", f"--chdir={directory}"]
    return [*world, "nsenter", f"--net={found.namespace}", "--", *here, *argv]


def lab_reboot(status: LabStatus, station: str, *, clean: bool = True) -> str:
    """Reboot a host of a lab that boots its hosts, and wait until it is up.

    Args:
        clean: units are stopped first; otherwise it goes down without any of that.

    Returns:
        What systemd says of it: running, or degraded when a unit failed.

    Raises:
        HostUnreachable: no such host, it is off, or nothing that could boot.
        OrchestratorError: it did not come up in 3 minutes.
    """
    found = _station(status, station)
    if not found.boot_file:
        raise HostUnreachable(
            f"{station} has nothing to boot; a lab with init systemd has hosts that do"
        )
    before, pid = _boot_of(status, found)
    if not pid:
        raise HostUnreachable(f"{station} is off")
    _run([*_into_world(status), "kill", f"-{SIGNAL_REBOOT if clean else SIGNAL_RESET}", pid])
    deadline = time.monotonic() + _REBOOT_S
    while time.monotonic() < deadline:
        number, pid = _boot_of(status, found)
        if number > before and pid:
            waiting = ["systemctl", "is-system-running", "--wait"]
            state = _run(lab_exec_argv(status, station, waiting))
            if (word := state.stdout.strip()) in ("running", "degraded"):
                return word
        time.sleep(0.05)
    raise OrchestratorError(f"{station} did not come up in {_REBOOT_S:.0f} s")


def lab_failover(status: LabStatus, *, power: bool = False) -> str:
    """Let the other unit of a lab's pair take over, and return its station.

    Args:
        power: the active unit loses its power for it, and comes back as the waiting one.

    Raises:
        HostUnreachable: the lab has ended, or has no pair.
        OrchestratorError: it did not fail over.
    """
    if not status.control_url:
        raise HostUnreachable("this lab has one LoadMaster, and nobody to take over from it")
    argv = [sys.executable, "-m", "orchestrator.lab.failover", "--control", status.control_url]
    argv += ["--power"] if power else []
    done = _run(lab_exec_argv(status, UNITS[0], argv, directory=Path(__file__).parents[2]))
    if done.returncode != 0:
        raise OrchestratorError(f"the pair did not fail over: {done.stderr.strip()}")
    active = urlsplit(json.loads(done.stdout)["active"]).hostname
    return next(name for name in UNITS if status.stations[name].address == active)


def lab_exec_environment(status: LabStatus) -> dict[str, str]:
    """Return what ``kemp`` needs in its environment there to reach the virtual LoadMaster."""
    return {
        "KEMP_URL": status.url,
        "KEMP_TLS_PIN": status.fingerprint,
        "KEMP_API_KEY": status.api_key_file.read_text(encoding="ascii").strip(),
    }


def _start(options: LabOptions) -> LabStatus:
    if options.init == "systemd":
        require_systemd(options.releases, firewalld=options.method == "firewalld")
    prefix = isolation_prefix()
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    systemd = options.init == "systemd"
    grace_s = _END_S if systemd else 0.0
    wanted = json.dumps(options_as_json(options))
    holder = [sys.executable, "-m", "orchestrator.lab.holder"]
    holder += ["--options", wanted, "--ready", str(write_end)]
    world = world_argv(prefix, holder, lifeline=None)
    log = options.directory / _LOG
    with os.fdopen(read_end, "rb") as ready, log.open("w", encoding="utf-8") as messages:
        try:
            process = subprocess.Popen(
                cared_for(world, keep=write_end) if systemd else world,
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        patience_s = _START_S + (options.hosts * _START_HOST_S if systemd else 0)
        too_late = threading.Timer(patience_s, _abandon, (process, grace_s))
        too_late.start()
        try:
            answer = ready.readline()  # not to the end: the whole world holds the other end
        except BaseException:
            _abandon(process, grace_s)
            raise
        finally:
            too_late.cancel()
            too_late.join()
    if not answer:
        _abandon(process, grace_s)
        raise OrchestratorError(f"the lab did not come up: {log.read_text(encoding='utf-8')}")
    try:
        first = only_child(process.pid)
        if systemd:  # the caretaker's child is unshare
            first = only_child(first)
        report = {**json.loads(answer), "caretaker_pid": process.pid if systemd else 0}
        status = _record(options.directory, first, report)
    except BaseException:
        _abandon(process, grace_s)
        raise
    # It outlives us on purpose: how it ends is not this process's to wait for.
    process.returncode = 0
    return status


def _abandon(process: "subprocess.Popen[bytes]", grace_s: float) -> None:
    """End a world that did not come up, and whoever watches over it."""
    process.terminate()  # the caretaker clears away; unshare takes no notice
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()  # --kill-child: takes the whole world with it
        process.wait()


def _record(directory: Path, pid: int, report: dict[str, Any]) -> LabStatus:
    started = start_ticks(pid)
    if started is None:
        raise IsolationUnavailable("the lab ended right after its start")
    key = directory / _API_KEY
    _write_private(key, report.pop("api_key"))
    stations = {name: StationStatus(**one) for name, one in report.pop("stations").items()}
    status = LabStatus(
        running=True,
        pid=pid,
        started_ticks=started,
        boot_id=boot_id(),
        stations=stations,
        api_key_file=key,
        **report,
    )
    record = {**asdict(status), "api_key_file": str(key)}
    del record["running"]
    _write_private(directory / _STATE, json.dumps(record, indent=1))
    return status


def _end(status: LabStatus) -> None:
    deadline = time.monotonic() + _END_S
    with suppress(ProcessLookupError):
        os.kill(status.pid, signal.SIGTERM)
        while _is_alive(status):
            if time.monotonic() > deadline:
                os.kill(status.pid, signal.SIGKILL)
                deadline += _END_S
            time.sleep(0.02)
    # It is not our child and may be somebody else by now, so no longer than this.
    deadline = time.monotonic() + _END_S
    while status.caretaker_pid and _is_caretaker(status.caretaker_pid):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)


def _is_caretaker(pid: int) -> bool:
    try:
        return b"orchestrator.lab.caretaker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _station(status: LabStatus, name: str) -> StationStatus:
    if not _is_alive(status):
        raise HostUnreachable("the lab has ended")
    if name not in status.stations:
        names = ", ".join(status.stations)
        raise HostUnreachable(f"the lab has no station {name!r}; it has {names}")
    return status.stations[name]


def _boot_of(status: LabStatus, station: StationStatus) -> tuple[int, str]:
    """Return the number of a host's boot, and its systemd's process id; "" while it is off."""
    outside = Path(f"/proc/{status.pid}/root{station.boot_file}")
    number, _, pid = outside.read_text(encoding="ascii").strip().partition(" ")
    return int(number), pid


def _into_world(status: LabStatus) -> list[str]:
    world = [require_tool("nsenter"), f"--target={status.pid}", "--mount", "--net", "--pid"]
    if namespace_of(status.pid, "user") != namespace_of(os.getpid(), "user"):
        world += ["--user", "--preserve-credentials"]
    return [*world, "--"]


def _run(argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def _is_alive(status: LabStatus) -> bool:
    return status.boot_id == boot_id() and start_ticks(status.pid) == status.started_ticks


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    new.replace(path)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    try:
        lock = (directory / _LOCK).open("w")
    except OSError as error:
        raise StoreUnavailable(f"{directory / _LOCK}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked("another command starts or ends this lab", owner="unknown") from None
        yield
