"""``kemp lab``: up, looked at, used, down."""

import json
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from tests.cli.conftest import Terminal
from tests.orchestrator.lab.systemd_lab import need_systemd


def test_without_a_lab(kemp: Terminal) -> None:
    for argv in (("status",), ("exec", "web1", "--", "true"), ("reboot", "web1"), ("failover",)):
        result = kemp("lab", *argv)
        assert result.code == ExitCode.NOT_FOUND
        assert "kemp lab up" in result.err
    assert kemp("lab", "down").code == 0


def test_no_namespaces_is_said_and_has_its_code(
    kemp: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.lab.isolation.shutil.which", lambda *_args, **_more: None)
    result = kemp("lab", "up")
    assert result.code == ExitCode.ISOLATION
    assert "install" in result.err


@pytest.mark.kernel
def test_up_exec_down(kemp: Terminal, tmp_path: Path) -> None:
    made = kemp.process("lab", "up", "--hosts", "2")
    assert made.code == 0, made.err
    try:
        assert kemp.process("lab", "up").code == ExitCode.LOCKED
        shown = json.loads(kemp("lab", "status", "-o", "json").out)
        assert set(shown["stations"]) >= {"client", "router", "lb", "web1", "web2"}
        assert "web2" in kemp("lab", "status").out

        inside = kemp.argv("vs", "list", "-o", "json")
        listed = kemp.process("lab", "exec", "admin", "--", *inside)
        assert (listed.code, listed.out) == (0, "[]\n"), listed.err
        assert kemp.process("lab", "exec", "web1", "--", "sh", "-c", "exit 7").code == 7
        assert kemp("lab", "exec", "web9", "--", "true").code == ExitCode.NOT_FOUND
        assert kemp("lab", "reboot", "web9").code == ExitCode.NOT_FOUND
        refused = kemp("lab", "reboot", "web1")
        assert refused.code == ExitCode.USAGE
        assert "--init systemd" in refused.err
        refused = kemp("lab", "failover")
        assert refused.code == ExitCode.USAGE
        assert "kemp lab up --pair" in refused.err
    finally:
        ended = kemp.process("lab", "down")
    assert ended.code == 0, ended.err
    assert not Path(f"/proc/{shown['pid']}").exists()
    assert kemp("lab", "status").code == ExitCode.NOT_FOUND
    left = {one.name for one in (tmp_path / "state" / "kemp").iterdir()} - {"lab.lock"}
    assert left == set()


@pytest.mark.kernel
def test_a_pair_fails_over(kemp: Terminal) -> None:
    made = kemp.process("lab", "up", "--hosts", "1", "--pair")
    assert made.code == 0, made.err
    try:
        assert "kemp lab failover" in made.err
        shown = json.loads(kemp("lab", "status", "-o", "json").out)
        assert {"lb1", "lb2"} < set(shown["stations"])
        for options, active in ((), "lb2"), (("--power",), "lb1"):
            told = kemp("lab", "failover", *options, "-o", "json")
            assert (told.code, json.loads(told.out)) == (0, {"active": active}), told.err
            inside = kemp.argv("param", "get", "hastatus")
            said = kemp.process("lab", "exec", "admin", "--", *inside)
            assert said.out == "Active\n", said.err
    finally:
        ended = kemp.process("lab", "down")
    assert ended.code == 0, ended.err


@pytest.mark.kernel
def test_hosts_that_boot(kemp: Terminal) -> None:
    need_systemd()
    made = kemp.process("lab", "up", "--hosts", "1", "--os", "centos7", "--init", "systemd")
    assert made.code == 0, made.err
    try:
        assert "kemp lab reboot web1" in made.err
        assert "centos7" in kemp("lab", "status").out
        on_web1 = ("lab", "exec", "web1", "--")
        told = kemp.process(*on_web1, "cat", "/etc/centos-release")
        assert told.out == "CentOS Linux release 7.9.2009 (Core)\n"
        kemp.process(*on_web1, "touch", "/run/gone")
        rebooted = kemp("lab", "reboot", "web1", "-o", "json")
        assert rebooted.code == 0, rebooted.err
        assert json.loads(rebooted.out)["state"] == "running"
        assert kemp.process(*on_web1, "ls", "/run/gone").code != 0
    finally:
        ended = kemp.process("lab", "down")
    assert ended.code == 0, ended.err


def test_more_booting_hosts_than_fit_are_refused(kemp: Terminal) -> None:
    result = kemp("lab", "up", "--hosts", "100", "--init", "systemd")
    assert result.code == ExitCode.USAGE
    assert "at most 24" in result.err
