"""Listing everything and showing one service: the vendor's Python SDK against this one.

Run as a script. The vendor's SDK 0.7.43 is installed into an environment that is thrown
away afterwards; where that does not work, this says so and exits with 0.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from kempsdk import ApiKey, LoadMaster, Pin, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster

VERSION = "0.7.43"
SIZES = (50, 100, 200)
SERVERS = 10
_NEEDS = ("setuptools<81", "wheel", "requests", "xmltodict", "lxml", "netaddr")
# Its setup.py asks a module of pip for what it requires, which pip no longer has.
_OLD_PIP = """
import sys, types
module = types.ModuleType("pip.req")
module.parse_requirements = lambda *given, **more: []
sys.modules["pip.req"] = module
"""
_LIST = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from python_kemptech_api import LoadMaster
port, user = sys.argv[1:3]
lm = LoadMaster("127.0.0.1", user, sys.stdin.readline().strip(), int(port))
start = time.perf_counter()
count = 0
for vs in lm.get_virtual_services():
    count += 1
    for rs in vs.get_real_servers():
        count += 1
listed_s = time.perf_counter() - start
print(json.dumps([count, listed_s]), flush=True)
sys.stdin.readline()
start = time.perf_counter()
lm.get_virtual_service(address="198.18.0.1", port="80", protocol="tcp")
print(json.dumps([1, time.perf_counter() - start]), flush=True)
"""


def install(folder: Path) -> Path | None:
    """Install the vendor's SDK and return that Python, or None with the reason printed."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    shim = folder / "shim"
    shim.mkdir()
    (shim / "sitecustomize.py").write_text(_OLD_PIP)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for more, environ in (
        (_NEEDS, os.environ),
        (
            ("--no-build-isolation", "--no-deps", f"python-kemptech-api=={VERSION}"),
            {**os.environ, "PYTHONPATH": str(shim)},
        ),
    ):
        try:
            done = subprocess.run(
                [*pip, *more], env=dict(environ), capture_output=True, text=True, timeout=300
            )
        except subprocess.TimeoutExpired:
            sys.stdout.write("not compared: pip took too long\n")
            return None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            sys.stdout.write(f"not compared: the vendor's SDK cannot be installed: {reason}\n")
            return None
    return python


def fill(box: VirtualLoadMaster, have: int, wanted: int) -> None:
    """Add services with servers until there are as many as wanted."""
    with box.client(api="v2", clock=_Hasty()) as lm:
        for number in range(have, wanted):
            vs: dict[str, str | int] = {"vs": f"198.18.0.{1 + number}", "port": 80, "prot": "tcp"}
            lm.command("addvs", vs)
            for server in range(SERVERS):
                lm.command("addrs", {**vs, "rs": f"198.19.0.{1 + server}", "rsport": 80})


class _Hasty:
    """A clock without waiting: the pacing of a client is not what is measured."""

    def __init__(self) -> None:
        self._slept_s = 0.0

    def monotonic_s(self) -> float:
        return time.monotonic() + self._slept_s

    def time_s(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self._slept_s += seconds


def theirs(python: Path, box: VirtualLoadMaster) -> tuple[float, int, float, int]:
    """Return seconds and calls to list everything, and to show one service."""
    with subprocess.Popen(
        [str(python), "-W", "ignore", "-c", _LIST, str(box.port), box.user],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        found = []
        for word in (box.password, "go on"):
            before = len(box.calls)
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the vendor's SDK failed; see above")
            found.append((json.loads(line)[1], len(box.calls) - before))
    (list_s, list_calls), (show_s, show_calls) = found
    return list_s, list_calls, show_s, show_calls


def ours(box: VirtualLoadMaster) -> tuple[float, int, float, int]:
    """Return the same of this SDK, over the same interface."""
    found = []
    key = ApiKey(box.api_key)
    with LoadMaster(box.url, key, api="v1", tls=Pin(box.fingerprint), clock=_Hasty()) as lm:
        for work in (
            lambda: lm.virtual_services.list(),
            lambda: lm.virtual_services.get(VsRef.parse("tcp/198.18.0.1:80")),
        ):
            before = len(box.calls)
            start = time.perf_counter()
            work()
            found.append((time.perf_counter() - start, len(box.calls) - before))
    (list_s, list_calls), (show_s, show_calls) = found
    return list_s, list_calls, show_s, show_calls


def main() -> int:
    """Print times and ratios; 1 if this SDK is not the faster one everywhere."""
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        if python is None:
            return 0
        worse = False
        have = 0
        first: tuple[float, float] | None = None
        switches = Switches(rate_limit=False, renumber_services=False)
        with VirtualLoadMaster(switches=switches, health="up") as box:
            for size in SIZES:
                fill(box, have, size)
                have = size
                their = theirs(python, box)
                our = ours(box)
                first = first or (their[0], our[0])
                worse = worse or our[0] > their[0] or our[3] > their[3]
                say(
                    f"{size} services x {SERVERS} servers: list {their[0]:.2f} s in {their[1]} "
                    f"calls against {our[0]:.3f} s in {our[1]}: {their[0] / our[0]:.0f} x; "
                    f"show one {their[2] * 1000:.0f} ms in {their[3]} calls against "
                    f"{our[2] * 1000:.1f} ms in {our[3]}: {their[2] / our[2]:.0f} x\n"
                )
        assert first is not None
        times = SIZES[-1] / SIZES[0]
        say(
            f"{times:g} times the services take the vendor's SDK {their[0] / first[0]:.1f} times "
            f"as long, this one {our[0] / first[1]:.1f} times\n"
        )
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
