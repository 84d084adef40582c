"""A lab that stays up in the background: what ``kemp lab up|down|status|exec`` call.

``lab_up`` starts this module inside a private world of its own; it holds lab, web servers
and virtual LoadMaster until SIGTERM and reports over a pipe. What others need to find it
again is one small state file, written outside that world.
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import yaml

from orchestrator.errors import (
    HostUnreachable,
    IsolationUnavailable,
    Locked,
    OrchestratorError,
    StoreUnavailable,
)
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.lab.isolation import isolation_prefix, require_tool, world_argv
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import PORT, rollout_file
from orchestrator.lab.webservice import argv as webservice

_STATE, _API_KEY, _LOG, _LOCK = "lab.json", "lab-api-key", "lab.log", "lab.lock"
_START_S = 60.0
_END_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What to keep up.

    Attributes:
        directory: existing or new directory for the state file, the API key and the log.
        hosts: number of real servers, 1 to 200, each with a web server on port 80.
        time_scale: of the virtual LoadMaster.
    """

    directory: Path
    hosts: int = 3
    time_scale: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StationStatus:
    """One station of the lab.

    Attributes:
        namespace: path of its network namespace inside the lab's world.
        root: directory that holds its files there; "" where it has none.
    """

    address: str
    mac: str
    namespace: str
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A lab, as its state file names it.

    Attributes:
        running: False: the state file is stale, the lab has ended.
        pid: the first process of its world, by its number out here.
        started_ticks: when that process started, in clock ticks since boot: a process with
            the same number that started at another time is somebody else's.
        boot_id: of the machine's boot since which those ticks count.
        directory: of the lab, as seen from inside; add.yaml, roll.yaml, drain.yaml and
            remove.yaml there are rollouts of all its servers.
        url, user, fingerprint, api_key_file: of the virtual LoadMaster, whose address can be
            reached from inside only; the key's file is here outside.
    """

    running: bool
    pid: int
    started_ticks: int
    boot_id: str
    vip: str
    directory: str
    stations: Mapping[str, StationStatus]
    url: str
    user: str
    fingerprint: str
    api_key_file: Path


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


def lab_exec_argv(status: LabStatus, station: str, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs ``argv`` on a station of a running lab.

    Raises:
        HostUnreachable: the lab has ended or has no such station.
        IsolationUnavailable: ``nsenter`` is missing.
    """
    if not _is_alive(status):
        raise HostUnreachable("the lab has ended")
    if station not in status.stations:
        names = ", ".join(status.stations)
        raise HostUnreachable(f"the lab has no station {station!r}; it has {names}")
    tool = require_tool("nsenter")
    world = [tool, f"--target={status.pid}", "--mount", "--net", "--pid"]
    if _namespace_of(status.pid, "user") != _namespace_of(os.getpid(), "user"):
        world += ["--user", "--preserve-credentials"]
    # Two steps: the second path is one of that world's /proc.
    return [*world, "--", tool, f"--net={status.stations[station].namespace}", "--", *argv]


def lab_exec_environment(status: LabStatus) -> dict[str, str]:
    """Return what ``kemp`` needs in its environment there to reach the virtual LoadMaster."""
    return {
        "KEMP_URL": status.url,
        "KEMP_TLS_PIN": status.fingerprint,
        "KEMP_API_KEY": status.api_key_file.read_text(encoding="ascii").strip(),
    }


def _start(options: LabOptions) -> LabStatus:
    prefix = isolation_prefix()
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    wanted = json.dumps({"hosts": options.hosts, "time_scale": options.time_scale})
    holder = [sys.executable, "-m", "orchestrator.lab.supervisor"]
    holder += ["--options", wanted, "--ready", str(write_end)]
    log = options.directory / _LOG
    with os.fdopen(read_end, "rb") as ready, log.open("w", encoding="utf-8") as messages:
        try:
            process = subprocess.Popen(
                world_argv(prefix, holder, lifeline=None),
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        too_late = threading.Timer(_START_S, process.kill)
        too_late.start()
        try:
            report = ready.readline()  # not to the end: the whole world holds the other end
        except BaseException:
            process.kill()  # --kill-child: takes the whole world with it
            process.wait()
            raise
        finally:
            too_late.cancel()
            too_late.join()
    if not report:
        process.kill()
        process.wait()
        raise OrchestratorError(f"the lab did not come up: {log.read_text(encoding='utf-8')}")
    try:
        status = _record(options.directory, process.pid, json.loads(report))
    except BaseException:
        process.kill()
        process.wait()
        raise
    # It outlives us on purpose: how it ends is not this process's to wait for.
    process.returncode = 0
    return status


def _record(directory: Path, unshare_pid: int, report: dict[str, Any]) -> LabStatus:
    pid = _only_child(unshare_pid)
    started = _start_ticks(pid)
    if started is None:
        raise IsolationUnavailable("the lab ended right after its start")
    key = directory / _API_KEY
    _write_private(key, report.pop("api_key"))
    stations = {name: StationStatus(**one) for name, one in report.pop("stations").items()}
    status = LabStatus(
        running=True,
        pid=pid,
        started_ticks=started,
        boot_id=_boot_id(),
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


def _is_alive(status: LabStatus) -> bool:
    return status.boot_id == _boot_id() and _start_ticks(status.pid) == status.started_ticks


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    """Return the fields of a process that follow its name; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything.
    return text.rpartition(")")[2].split()


def _start_ticks(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def _only_child(parent: int) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[1]) == parent:
                return int(entry.name)
    raise IsolationUnavailable("the lab ended right after its start")


def _namespace_of(pid: int, kind: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except PermissionError:
        raise HostUnreachable("the lab belongs to another user") from None
    except OSError:
        raise HostUnreachable("the lab has ended") from None


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


def _hold(hosts: int, time_scale: float, ready: int) -> None:
    """Be the lab until SIGTERM; runs inside the private world."""
    # A handler and not a blocked signal: children would inherit the block.
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(hosts))
        box = stack.enter_context(LabLoadMaster(lab, time_scale=time_scale))
        _start_web_servers(lab)
        names = [host.name for host in lab.hosts]
        for kind in ("add", "roll", "drain", "remove"):
            content = yaml.safe_dump(rollout_file(lab, box, kind, names), sort_keys=False)
            (lab.directory / f"{kind}.yaml").write_text(content, encoding="utf-8")
        addresses = {s.name: s.address for s in (*lab.topology.segment, lab.topology.client)}
        roots = {host.name: host.root for host in lab.hosts}
        stations = {
            name: StationStatus(
                address=addresses[name],
                mac=lab.macs[name],
                namespace=namespace.path,
                root=roots.get(name, ""),
            )
            for name, namespace in lab.namespaces.items()
        }
        report = {
            "vip": lab.vip,
            "directory": str(lab.directory),
            "stations": {name: asdict(station) for name, station in stations.items()},
            "url": box.url,
            "user": box.user,
            "fingerprint": box.fingerprint,
            "api_key": box.api_key,
        }
        with os.fdopen(ready, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(report) + "\n")
        while True:
            signal.pause()


def _start_web_servers(lab: Lab) -> None:
    driver = NetlinkDriver()
    for host in lab.hosts:
        command = webservice(
            "restart", root=Path(host.root), name=host.name, version="1", port=PORT
        )
        result = driver.run(host, command, timeout_s=20)
        if result.exit_code != 0:
            raise OrchestratorError(f"no web server on {host.name}: {result.stderr.strip()}")


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the way out is not to be interrupted
    sys.exit(0)


def main() -> None:
    """Entry of the background process; started by ``lab_up``, not by people."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.lab.supervisor")
    parser.add_argument("--options", type=json.loads, required=True)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args()
    os.set_inheritable(given.ready, False)
    _hold(given.options["hosts"], given.options["time_scale"], given.ready)


if __name__ == "__main__":
    main()
