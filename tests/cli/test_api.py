"""``kemp api``: any command, nothing secret in its arguments."""

import json
import subprocess
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from kempsdk.emulator import VirtualLoadMaster
from tests.cli.conftest import Terminal, configuration


def test_a_read_and_a_write(lm: Terminal) -> None:
    made = lm("api", "addvs", "vs=10.0.1.250", "port=80", "prot=tcp", "nickname=raw")
    assert made.code == 0, made.err
    assert json.loads(made.out)["NickName"] == "raw"
    assert "NickName: raw" in lm("api", "showvs", "vs=1", "-o", "yaml").out
    deleted = lm("api", "delvs", "vs=1")
    assert json.loads(deleted.out) == {"message": "Command completed ok"}


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (("listvss",), "listvs"),
        (("addvs", "vs=10.0.1.250", "port=80", "prot=tcp", "nicknam=x"), "NickName"),
        (("addvs", "vs=10.0.1.250", "port=80"), "prot"),
        (("addvs", "vs=10.0.1.250", "port=80", "prot=tcp", "Weight=x", "Schedule=zz"), ""),
        (("addvs", "vs"), "NAME=VALUE"),
        (("addvs", "@/nowhere/at/all"), "No such file"),
        (("addvs", "password=hush"), "password=@FILE"),
        (("addapikey", "apikey=hush"), "@FILE"),
    ],
)
def test_what_the_catalogue_does_not_know_is_not_sent(
    argv: tuple[str, ...], hint: str, lm: Terminal, box: VirtualLoadMaster
) -> None:
    result = lm("api", *argv)
    assert result.code in (ExitCode.USAGE, ExitCode.INVALID_FILE)
    assert hint in result.err
    assert "hush" not in result.err
    assert box.calls == ()


def test_force_sends_it_all_the_same(lm: Terminal, box: VirtualLoadMaster) -> None:
    unknown = lm("api", "listvss", "--force")
    assert unknown.code == ExitCode.REJECTED
    assert "warning" in unknown.err
    surplus = lm("api", "listvs", "colour=red", "--force")
    assert surplus.code == 0
    assert [one.command for one in box.calls] == ["listvss", "listvs"]


def test_a_backup_goes_to_a_private_file_and_back(
    lm: Terminal, box: VirtualLoadMaster, tmp_path: Path
) -> None:
    place = tmp_path / "backup"
    kept = lm("api", "backup", "--out", str(place))
    assert kept.code == 0, kept.err
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_size > 0
    nowhere = lm("api", "backup", "--out", str(place / "x"))
    assert nowhere.code == ExitCode.INVALID_FILE
    assert nowhere.err == f"kemp: {place}/x: Not a directory\n"
    before = configuration(box)
    assert lm("api", "addvs", "vs=10.0.1.250", "port=80", "prot=tcp").code == 0
    restored = lm("api", "restore", "type=3", f"@{place}")
    assert restored.code == 0, restored.err
    assert configuration(box) == before
    raw = subprocess.run(
        lm.argv("api", "backup"), env=dict(lm.environment()), capture_output=True, check=True
    )
    assert raw.stdout.startswith(b"\x1f\x8b")
    assert raw.stderr == b""
