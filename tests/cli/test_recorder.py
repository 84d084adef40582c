"""``kemp record``: what a command says to the LoadMaster, in a file."""

from pathlib import Path

from cli.exit_codes import ExitCode
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.recording import replay
from tests.cli.conftest import Terminal


def test_what_was_recorded_can_be_replayed(lm: Terminal, box: VirtualLoadMaster) -> None:
    assert lm("vs", "create", "10.0.1.250", "80", "--name", "web").code == 0
    plain = lm("vs", "list", "-o", "json")
    out = lm.home / "recordings"
    result = lm("record", "--out", str(out), "--", "kemp", "vs", "list", "-o", "json")
    assert (result.code, result.out) == (0, plain.out)
    path = out / "vs-list.yaml"
    assert str(path) in result.err
    text = path.read_text(encoding="utf-8")
    assert box.api_key not in text
    with replay(path) as tape, tape.client() as client:
        assert [one.nickname for one in client.virtual_services.list()] == ["web"]


def test_addresses_can_be_replaced(lm: Terminal) -> None:
    assert lm("vs", "create", "10.0.1.250", "80").code == 0
    assert lm("record", "--addresses", "--out", str(lm.home), "--", "vs", "list").code == 0
    assert "10.0.1.250" not in (lm.home / "vs-list.yaml").read_text(encoding="utf-8")


def test_a_command_that_fails_is_recorded_and_fails(lm: Terminal) -> None:
    result = lm("record", "--out", str(lm.home), "--", "vs", "show", "tcp/10.0.1.9:80")
    assert result.code == ExitCode.NOT_FOUND
    assert "Unknown VS" in (lm.home / "vs-show.yaml").read_text(encoding="utf-8")


def test_nothing_to_record(lm: Terminal, tmp_path: Path) -> None:
    assert lm("record", "--out", str(lm.home)).code == ExitCode.USAGE
    assert lm("record", "--out", str(lm.home), "--", "record", "x").code == ExitCode.USAGE
    assert lm("record", "--out", str(lm.home), "--", "vs", "lst").code == ExitCode.USAGE
    quiet = lm("record", "--out", str(lm.home), "--", "help", "exit-codes")
    assert quiet.code == 0
    assert "nothing recorded" in quiet.err
    (tmp_path / "file").write_text("", encoding="utf-8")
    blocked = lm("record", "--out", str(tmp_path / "file" / "x"), "--", "vs", "list")
    assert blocked.code == ExitCode.INVALID_FILE


def test_coverage_of_the_emulator(kemp: Terminal) -> None:
    lines = kemp("emulator", "--coverage").out.splitlines()
    assert lines[0].split() == ["COMMAND", "ANSWERED"]
    assert any(line.split() == ["listvs", "state"] for line in lines)
