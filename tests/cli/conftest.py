"""A terminal to type ``kemp`` into: the real entry point, its own environment."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.main import run
from kempsdk.emulator import Switches, VirtualLoadMaster
from orchestrator.errors import IsolationUnavailable
from orchestrator.lab.isolation import isolation_prefix


class Result(NamedTuple):
    """How one command ended."""

    code: int
    out: str
    err: str


class Terminal:
    """Runs ``kemp`` in this process or as a real one, with nothing of ours around it."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.config = home / "config" / "kemp" / "config.yaml"
        self.capture = capture
        self.environ: dict[str, str] = {}

    def __call__(self, *argv: str) -> Result:
        """Run in this process: fast, and coverage sees it."""
        self.capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            for key in list(os.environ):
                if key.startswith("KEMP_"):
                    patch.delenv(key)
            for key, value in self.environment().items():
                patch.setenv(key, value)
            root = logging.getLogger()
            before = (list(root.handlers), root.level)
            code = run(list(argv))
            # What -v switched on is for this command only.
            root.handlers[:] = before[0]
            root.setLevel(before[1])
        out, err = self.capture.readouterr()
        return Result(code, out, err)

    def environment(self) -> Mapping[str, str]:
        """Return the environment commands see, without what this process was started with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **self.environ,
        }

    def argv(self, *argv: str) -> list[str]:
        """Return the command line of a real process."""
        return [sys.executable, "-W", "error", "-m", "cli.main", *argv]

    def process(self, *argv: str, timeout_s: float = 60) -> Result:
        """Run as a process of its own."""
        done = subprocess.run(
            self.argv(*argv),
            env=dict(self.environment()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def _private_worlds(request: pytest.FixtureRequest) -> None:
    """Skip tests that need namespaces where there are none; as root there must be."""
    if request.node.get_closest_marker("kernel") is None:
        return
    try:
        isolation_prefix()
    except IsolationUnavailable as error:
        if os.geteuid() == 0:
            raise
        pytest.skip(str(error))


@pytest.fixture
def kemp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, capsys)


@pytest.fixture
def box() -> Iterator[VirtualLoadMaster]:
    """A virtual LoadMaster whose servers are all up, without the limit of calls."""
    with VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as made:
        yield made


@pytest.fixture
def lm(box: VirtualLoadMaster, kemp: Terminal) -> Terminal:
    """A terminal that is connected to the virtual LoadMaster."""
    kemp.environ = connected(box)
    return kemp


def connected(box: VirtualLoadMaster) -> dict[str, str]:
    """Return the environment that leads to a virtual LoadMaster."""
    return {
        "KEMP_URL": box.url,
        "KEMP_API_KEY": box.api_key,
        "KEMP_TLS_PIN": box.fingerprint,
    }


def configuration(box: VirtualLoadMaster) -> object:
    """Return all that can be configured, to be compared before and after."""
    with box.client() as client:
        parameters = dict(client.command("getall").data)
        parameters.pop("time")
        return [client.command("listvs").data, parameters, client.command("showhealth").data]
