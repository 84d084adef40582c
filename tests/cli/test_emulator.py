"""``kemp emulator`` as the process that others start."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from kempsdk.emulator import RemoteControl
from tests.cli.conftest import Terminal


@contextmanager
def running(kemp: Terminal, *options: str, rest: str = "") -> Iterator[str]:
    """Run it on a free port; gives its URL and ends it with SIGTERM.

    ``rest`` is how whatever it says after that begins.
    """
    process = subprocess.Popen(
        kemp.argv("emulator", "--listen", "127.0.0.1:0", *options),
        env=dict(kemp.environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert process.stdout is not None
        try:
            line = process.stderr.readline()
            assert line.startswith("kemp emulator: ready on "), line + process.stderr.read()
            yield line.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.stdout.read() + process.stderr.read()
            process.wait(20)
    assert said.startswith(rest)
    assert bool(said) == bool(rest)
    assert process.returncode == 0


def use(kemp: Terminal, url: str, options: Sequence[str] = ()) -> list[dict[str, object]]:
    """Trust it if it has a certificate, and list its services with the key in the file."""
    kemp.environ = {"KEMP_URL": url, "KEMP_API_KEY_FILE": str(kemp.home / "key")}
    if url.startswith("https"):
        assert kemp("config", "trust", url, "--yes").code == 0
    assert kemp("vs", "create", "10.0.1.250", "80", *options).code in (0, ExitCode.REJECTED)
    listed = kemp("vs", "list", "-o", "json")
    assert listed.code == 0, listed.err
    services: list[dict[str, object]] = json.loads(listed.out)
    return services


def test_the_whole_life(kemp: Terminal, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hush-hush\n")
    password.chmod(0o600)
    files = [
        "--api-key-file",
        str(tmp_path / "key"),
        "--password-file",
        str(password),
        "--port-file",
        str(tmp_path / "port"),
        "--state",
        str(tmp_path / "state.json"),
    ]
    with running(kemp, *files) as url:
        assert url.endswith(":" + (tmp_path / "port").read_text().strip())
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert len(use(kemp, url, ["--name", "kept"])) == 1
        kemp.environ = {
            "KEMP_URL": url,
            "KEMP_USER": "bal",
            "KEMP_PASSWORD_FILE": str(password),
        }
        assert kemp("vs", "show", "kept").code == 0
    assert "hush-hush" not in (tmp_path / "state.json").read_text()
    with running(kemp, *files) as url:
        assert [one["nickname"] for one in use(kemp, url)] == ["kept"]


def test_plain_http(kemp: Terminal, tmp_path: Path) -> None:
    with running(kemp, "--http", "--api-key-file", str(tmp_path / "key")) as url:
        assert url.startswith("http://127.0.0.1:")
        assert len(use(kemp, url)) == 1


def test_the_control_port(kemp: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "control"
    options = ["--control-port", "0", "--control-port-file", str(file)]
    options += ["--api-key-file", str(tmp_path / "key")]
    with running(kemp, "--pair", *options, rest="kemp emulator: control port on ") as url:
        control = RemoteControl(f"http://127.0.0.1:{file.read_text().strip()}")
        assert control.description()["url"] == url
        control.failover()
        assert [one["active"] for one in control.description()["units"]] == [False, True]


def test_switches(kemp: Terminal) -> None:
    listed = json.loads(kemp("emulator", "--switch", "list", "-o", "json").out)
    assert {"name": "unknown_command_code", "default": 405} in listed


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        (("--listen", "here"), ExitCode.USAGE, "ADDRESS:PORT"),
        (("--listen", "192.0.2.1:1"), ExitCode.USAGE, "192.0.2.1"),
        (("--password-file", "/nowhere/at/all"), ExitCode.INVALID_FILE, "/nowhere"),
        (("--state", "/nowhere/at/all"), ExitCode.INVALID_FILE, "/nowhere"),
        (("--cert-file", "/nowhere/at/all"), ExitCode.INVALID_FILE, "needed together"),
        (("--switch", "stanby=yes"), ExitCode.USAGE, "standby"),
        (("--switch", "standby=perhaps"), ExitCode.USAGE, "neither yes nor no"),
        (("--switch", "unknown_command_code=500"), ExitCode.USAGE, "405, 422"),
        (("--time-scale", "0"), ExitCode.USAGE, "0"),
        (("--control-port", "65536"), ExitCode.USAGE, "65535"),
        (("--control-port-file", "f"), ExitCode.USAGE, "--control-port"),
        (("--pair", "--state", "f"), ExitCode.USAGE, "cannot share"),
    ],
)
def test_bad_options(options: tuple[str, ...], code: ExitCode, hint: str, kemp: Terminal) -> None:
    result = kemp("emulator", *options)
    assert result.code == code
    assert hint in result.err


def test_its_certificate_stays_with_its_state(kemp: Terminal, tmp_path: Path) -> None:
    def fingerprint() -> str:
        with running(kemp, "--state", str(tmp_path / "state.json")) as url:
            return kemp("config", "trust", url, "--yes").out.split()[-1]

    first = fingerprint()
    assert len(first) >= 64
    assert fingerprint() == first
    assert (tmp_path / "state.json.pem").stat().st_mode & 0o777 == 0o600
