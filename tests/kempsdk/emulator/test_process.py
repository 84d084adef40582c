"""A virtual LoadMaster as a process: files, signals, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from kempsdk.emulator.process import EmulatorOptions, serve

_PROGRAM = """
import sys
from pathlib import Path
from kempsdk.emulator.process import EmulatorOptions, serve
folder = Path(sys.argv[1])
serve(
    EmulatorOptions(
        http=True,
        password_file=folder / "password",
        api_key_file=folder / "key",
        port_file=folder / "port",
        state=folder / "state.json",
        until_stdin_closes=sys.argv[2] == "stdin",
    ),
    lambda url: print("listening at", url, file=sys.stderr, flush=True),
)
"""


@contextmanager
def _running(folder: Path, until: str = "signal") -> Iterator[subprocess.Popen[str]]:
    (folder / "password").write_text("from a file\n")
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _PROGRAM, str(folder), until],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _ready(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("listening at http://127.0.0.1:"), line
    return line.split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with _running(tmp_path) as process:
        url = _ready(process)
        assert (tmp_path / "port").read_text() == f"{url.rpartition(':')[2]}\n"
        key = (tmp_path / "key").read_text().strip()
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        with urlopen(f"{url}/access/addvs?vs=198.18.0.1&port=80&prot=tcp&apikey={key}") as answer:
            assert answer.status == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "key",
        "password",
        "port",
        "state.json",
    ]
    # The next run takes the same key and the same services.
    with _running(tmp_path) as process:
        url = _ready(process)
        with urlopen(f"{url}/access/showvs?vs=1&apikey={key}") as answer:
            assert b"198.18.0.1" in answer.read()
        process.kill()
        process.communicate(timeout=10)


def test_it_ends_when_its_starter_goes_away(tmp_path: Path) -> None:
    with _running(tmp_path, "stdin") as process:
        _ready(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_a_killed_process_leaves_a_whole_state_file(tmp_path: Path) -> None:
    with _running(tmp_path) as process:
        url = _ready(process)
        key = (tmp_path / "key").read_text().strip()
        deadline = time.monotonic() + 0.3
        number = 0
        with urlopen(f"{url}/access/addvs?vs=198.18.0.1&port=80&prot=tcp&apikey={key}"):
            pass
        while time.monotonic() < deadline and number < 25:
            number += 1
            with urlopen(f"{url}/access/addrs?vs=1&rs=198.19.0.{number}&rsport=80&apikey={key}"):
                pass
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
    with _running(tmp_path) as process:
        url = _ready(process)
        with urlopen(f"{url}/access/showvs?vs=1&apikey={key}") as answer:
            assert f"<NumberOfRSs>{number}</NumberOfRSs>".encode() in answer.read()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"password_file": "empty"}, "holds no password"),
        ({"api_key_file": "empty"}, "holds no API key"),
        ({"cert_file": "empty"}, "needed together"),
    ],
)
def test_files_that_do_not_do(tmp_path: Path, options: dict[str, str], message: str) -> None:
    (tmp_path / "empty").touch()
    paths = {name: tmp_path / file for name, file in options.items()}
    with pytest.raises(ValueError, match=message):
        serve(EmulatorOptions(**paths), lambda _: None)  # type: ignore[arg-type] # paths only
