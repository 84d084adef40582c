"""``kemp config-export``, ``diff``, ``apply``: a whole LoadMaster as a file."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from cli.exit_codes import ExitCode
from kempsdk.emulator import VirtualLoadMaster
from tests.cli.conftest import Terminal, configuration

WEB = "tcp/10.0.1.250:80"


@pytest.fixture
def file(lm: Terminal) -> Path:
    """The configuration of a LoadMaster with one service, which is called web."""
    assert lm("vs", "create", "10.0.1.250", "80", "--name", "web").code == 0
    assert lm("rs", "add", "web", "10.0.1.11:80").code == 0
    path = lm.home / "lb.yaml"
    result = lm("config-export", "--out", str(path))
    assert result.code == 0
    assert str(path) in result.err
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_export_to_stdout(lm: Terminal, file: Path) -> None:
    as_yaml = lm("config-export", "-q")
    as_json = lm("config-export", "-o", "json", "--left-out")
    assert yaml.safe_load(as_yaml.out) == json.loads(as_json.out)
    assert as_yaml.out == file.read_text(encoding="utf-8")
    assert as_yaml.err == ""
    assert "left out: parameter emailpassword: a secret" in as_json.err


def test_export_of_a_part_and_refusals(lm: Terminal, file: Path) -> None:
    assert set(yaml.safe_load(lm("config-export", "--only", "health_checks").out)) == {
        "version",
        "health_checks",
    }
    assert lm("config-export", "--only", "helth").code == ExitCode.USAGE
    assert lm("config-export", "-o", "table").code == ExitCode.USAGE
    assert lm("config-export", "--out", str(file / "x")).code == ExitCode.INVALID_FILE


def test_diff_says_equal_or_drift(lm: Terminal, file: Path, box: VirtualLoadMaster) -> None:
    before = configuration(box)
    same = lm("diff", "-f", str(file))
    assert (same.code, same.out, same.err) == (0, "", "nothing to change\n")
    edited(file, "nickname: web", "nickname: shop")
    other = lm("diff", "-f", str(file))
    assert other.code == ExitCode.DRIFT
    assert other.out == f"~ service {WEB}\n    nickname: web -> shop\n"
    shown = json.loads(lm("diff", "-f", str(file), "-o", "json").out)
    assert shown == [
        {
            "kind": "service",
            "name": WEB,
            "action": "update",
            "guarded": False,
            "differences": [{"field": "nickname", "before": "web", "after": "shop"}],
        }
    ]
    assert yaml.safe_load(lm("diff", "-f", str(file), "-o", "yaml").out) == shown
    assert lm("diff", "-f", str(file), "-o", "name").out == f"service/{WEB}\n"
    assert configuration(box) == before


def test_apply_asks_for_the_number_of_changes(
    lm: Terminal, file: Path, box: VirtualLoadMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(file, "nickname: web", "nickname: shop")
    edited(file, "10.0.1.11:80: {}", "10.0.1.11:80: {weight: 5}")
    before = configuration(box)
    nobody = lm("apply", "-f", str(file))
    assert nobody.code == ExitCode.USAGE
    assert "2 changes" in nobody.err
    assert "weight: 1000 -> 5" in nobody.err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_args, **_more: "1")
    assert lm("apply", "-f", str(file)).code == ExitCode.USAGE
    assert configuration(box) == before


def test_apply_and_again(lm: Terminal, file: Path) -> None:
    edited(file, "nickname: web", "nickname: shop")
    result = lm("apply", "-f", str(file), "--yes")
    assert result.code == 0
    assert result.err.endswith(f"done: ~ service {WEB}\n1 change made\n")
    again = lm("apply", "-f", str(file), "--yes", "-o", "json")
    assert (again.code, json.loads(again.out)) == (0, {"changes": []})
    assert lm("diff", "-f", str(file)).code == 0


def test_what_can_cut_us_off_needs_allow(lm: Terminal, box: VirtualLoadMaster) -> None:
    path = lm.home / "lb.yaml"
    path.write_text("parameters: {dfltgw: 10.0.0.3, conntimeout: 600}\n", encoding="utf-8")
    before = configuration(box)
    shown = lm("diff", "-f", str(path))
    assert "~ parameter dfltgw (can cut you off)" in shown.out
    refused = lm("apply", "-f", str(path), "--yes")
    assert refused.code == ExitCode.USAGE
    assert "allowed by name: parameter/dfltgw" in refused.err
    assert configuration(box) == before
    assert lm("apply", "-f", str(path), "--yes", "--allow", "parameter/dfltgw").code == 0
    assert lm("diff", "-f", str(path)).code == 0


def test_prune(lm: Terminal, file: Path) -> None:
    edited(file, "10.0.1.11:80: {}", "10.0.1.12:80: {}")
    prune = ("--prune", f"server/{WEB} 10.0.1.11:80")
    shown = lm("diff", "-f", str(file), *prune)
    assert shown.out.splitlines() == [
        f"+ server {WEB} 10.0.1.12:80",
        f"- server {WEB} 10.0.1.11:80",
    ]
    assert lm("apply", "-f", str(file), "--yes", *prune).code == 0
    assert lm("rs", "list", "web", "-o", "name").out == "10.0.1.12:80\n"
    assert lm("apply", "-f", str(file), "--yes", "--prune", f"service/{WEB}").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services:\n  tcp/10.0.1.250:80:\n    nick: x\n",
            "lb.yaml:3: services > tcp/10.0.1.250:80",
        ),
        ("rules:\n- name: a\n  type: nosuch\n", "lb.yaml:3: rules > 1 > type"),
        ("services:\n\tx: 1\n", "lb.yaml:2: indented with a tab"),
        ("parameters:\n  radiussecret: x\n", "lb.yaml:2: parameters > radiussecret"),
        ("parameters:\n  sshport: 22\n  sshport: 23\n", "lb.yaml:3: sshport is given twice"),
        ("- 1\n", "lb.yaml:1: "),
    ],
)
def test_mistakes_have_a_line(lm: Terminal, text: str, said: str, box: VirtualLoadMaster) -> None:
    path = lm.home / "lb.yaml"
    path.write_text(text, encoding="utf-8")
    for verb in ("diff", "apply"):
        result = lm(verb, "-f", str(path))
        assert result.code == ExitCode.INVALID_FILE
        assert said in result.err
    path.write_bytes(b"\xff")
    assert lm("diff", "-f", str(path)).code == ExitCode.INVALID_FILE
    assert lm("diff", "-f", str(path / "x")).code == ExitCode.INVALID_FILE


def test_a_failure_tells_how_far_it_came(lm: Terminal, box: VirtualLoadMaster) -> None:
    path = lm.home / "lb.yaml"
    path.write_text(
        "health_checks: {retry_count: 3}\n"
        "services:\n"
        f"  {WEB}: {{rs_minimum: 7, enhanced_health_checks: true}}\n",
        encoding="utf-8",
    )
    result = lm("apply", "-f", str(path), "--yes")
    assert result.code != 0
    assert "1 of 2 changes were made before this" in result.err


def test_what_others_did_meanwhile_stops_it(
    lm: Terminal, file: Path, box: VirtualLoadMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.session import Session

    def meanwhile(*_args: object, **_more: object) -> None:
        with box.client() as client:
            client.virtual_services.update(
                client.virtual_services.find("web").ref,
                nickname="theirs",
            )

    edited(file, "nickname: web", "nickname: shop")
    monkeypatch.setattr(Session, "confirm", meanwhile)
    result = lm("apply", "-f", str(file))
    assert result.code == ExitCode.DRIFT
    assert "nothing was changed" in result.err
    assert lm("vs", "show", "theirs").code == 0
