"""Virtual services, SubVSs and real servers, typed at the terminal."""

import contextlib
import json
import os
import pty
import signal
import subprocess
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from kempsdk.emulator import VirtualLoadMaster
from tests.cli.conftest import Result, Terminal


def data(result: Result) -> Any:
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.fixture
def web(lm: Terminal) -> Terminal:
    """The DSR service of the issue with two servers."""
    made = lm(
        "vs",
        "create",
        "10.0.1.250",
        "80",
        "--protocol",
        "tcp",
        "--name",
        "web",
        "--l4",
        "--check",
        "http",
        "--check-url",
        "/health",
    )
    assert made.code == 0, made.err
    for address in ("10.0.1.11", "10.0.1.12"):
        added = lm("rs", "add", "web", f"{address}:80", "--forward", "route")
        assert added.code == 0, added.err
    return lm


def test_json_says_where_a_service_and_a_server_are(web: Terminal) -> None:
    (service,) = data(web("vs", "list", "--output", "json"))
    where = {key: service[key] for key in ("ref", "protocol", "address", "port", "nickname")}
    assert where == {
        "ref": "tcp/10.0.1.250:80",
        "protocol": "tcp",
        "address": "10.0.1.250",
        "port": 80,
        "nickname": "web",
    }
    servers = data(web("rs", "list", "web", "--output", "json"))
    assert servers == service["real_servers"]
    assert [(one["address"], one["port"]) for one in servers] == [
        ("10.0.1.11", 80),
        ("10.0.1.12", 80),
    ]


def test_health_alone_shows_the_timers(lm: Terminal) -> None:
    alone = data(lm("health", "-o", "json"))
    assert alone == data(lm("health", "show", "-o", "json"))
    assert set(alone) == {"retry_interval_s", "timeout_s", "retry_count"}


def test_create_says_so_on_stderr_and_prints_data_where_asked(lm: Terminal) -> None:
    made = lm("vs", "create", "10.0.1.250", "80", "--name", "web", "--l4")
    assert (made.code, made.out) == (0, "")
    assert "tcp/10.0.1.250:80 (web) created" in made.err
    second = lm(
        "vs",
        "create",
        "10.0.1.250",
        "443",
        "--force-l7",
        "--transparent",
        "--type",
        "http",
        "--schedule",
        "wlc",
        "-q",
        "-o",
        "name",
    )
    assert (second.code, second.out, second.err) == (0, "tcp/10.0.1.250:443\n", "")
    services = data(lm("vs", "list", "-o", "json"))
    by_port = {one["ref"]: one for one in services}
    assert by_port["tcp/10.0.1.250:80"]["layer"] == 4
    assert by_port["tcp/10.0.1.250:443"]["transparent"] is True
    assert by_port["tcp/10.0.1.250:443"]["schedule"] == "wlc"


def test_list_in_every_form(web: Terminal) -> None:
    text = web("vs", "list")
    assert text.out.splitlines()[0].split() == [
        "NAME",
        "SERVICE",
        "LAYER",
        "TYPE",
        "STATUS",
        "UP",
        "SCHEDULE",
        "CHECK",
    ]
    assert text.out.splitlines()[1].split()[:2] == ["web", "tcp/10.0.1.250:80"]
    assert web("vs", "list", "-o", "name").out == "tcp/10.0.1.250:80\n"
    assert data(web("vs", "list", "-o", "json"))[0]["real_servers"][0]["ref"] == "10.0.1.11:80"
    assert "nickname: web" in web("vs", "list", "-o", "yaml").out


def test_an_empty_list_is_no_rows_and_a_word_on_stderr(lm: Terminal) -> None:
    assert lm("vs", "list") == Result(0, "", "no virtual services\n")
    assert lm("vs", "list", "-o", "json").out == "[]\n"


@pytest.mark.parametrize("name", ["web", "tcp/10.0.1.250:80", "10.0.1.250:80", "10.0.1.250"])
def test_a_service_has_many_names(name: str, web: Terminal) -> None:
    assert data(web("vs", "show", name, "-o", "json"))["nickname"] == "web"


def test_show_for_people(web: Terminal) -> None:
    text = web("vs", "show", "web").out
    assert "check_url" in text
    assert "/health" in text
    assert "10.0.1.12:80" in text
    assert "extra" not in text


def test_set_changes_and_reads_back(web: Terminal) -> None:
    changed = data(
        web(
            "vs",
            "set",
            "web",
            "--schedule",
            "wlc",
            "--set",
            "persist-timeout-s=600",
            "--set",
            "persist=src",
            "-o",
            "json",
        )
    )
    assert (changed["schedule"], changed["persist"], changed["persist_timeout_s"]) == (
        "wlc",
        "src",
        600,
    )


def test_delete_needs_a_yes_without_a_terminal(web: Terminal) -> None:
    refused = web("vs", "delete", "web")
    assert refused.code == ExitCode.USAGE
    assert "--yes" in refused.err
    assert data(web("vs", "list", "-o", "json"))
    assert web("vs", "delete", "web", "--yes").code == 0
    assert data(web("vs", "list", "-o", "json")) == []


def test_servers_are_added_shown_changed_and_deleted(web: Terminal) -> None:
    added = data(
        web(
            "rs",
            "add",
            "web",
            "10.0.1.13:80",
            "--forward",
            "route",
            "--weight",
            "50",
            "--disabled",
            "-o",
            "json",
        )
    )
    assert (added["enabled"], added["forward"], added["weight"]) == (False, "route", 50)
    assert "10.0.1.13:80" in web("rs", "list", "web").out
    assert data(web("rs", "set", "web", "10.0.1.13", "--limit", "7", "-o", "json"))["limit"] == 7
    assert data(web("rs", "show", "web", "10.0.1.13:80", "-o", "json"))["limit"] == 7
    assert "weight" in web("rs", "show", "web", "10.0.1.13").out
    assert web("rs", "enable", "web", "10.0.1.13").code == 0
    assert web("rs", "delete", "web", "10.0.1.13", "--yes").code == 0
    listed = data(web("rs", "list", "web", "-o", "json"))
    assert [one["ref"] for one in listed] == ["10.0.1.11:80", "10.0.1.12:80"]


def test_an_address_alone_takes_the_services_port(web: Terminal) -> None:
    assert web("rs", "add", "web", "10.0.1.14", "--forward", "route", "-o", "name").out == (
        "10.0.1.14:80\n"
    )


def test_disable_here_and_everywhere(web: Terminal) -> None:
    other = web("vs", "create", "10.0.1.251", "80", "--name", "other", "--l4")
    assert other.code == 0
    for address in ("10.0.1.11", "10.0.1.12"):
        assert web("rs", "add", "other", address, "--forward", "route").code == 0

    def enabled() -> list[bool]:
        return [
            data(web("rs", "show", name, "10.0.1.11", "-o", "json"))["enabled"]
            for name in ("web", "other")
        ]

    assert web("rs", "disable", "web", "10.0.1.11").code == 0
    assert enabled() == [False, True]
    assert web("rs", "enable", "10.0.1.11", "--everywhere").code == 0
    assert enabled() == [True, True]
    assert web("rs", "disable", "10.0.1.11", "--everywhere").code == 0
    assert enabled() == [False, False]
    assert web("rs", "disable", "web").code == ExitCode.USAGE


def test_the_last_server_that_is_up_is_kept(web: Terminal) -> None:
    assert web("rs", "disable", "web", "10.0.1.11").code == 0
    for argv in (
        ("disable", "web", "10.0.1.12"),
        ("disable", "10.0.1.12", "--everywhere"),
        ("drain", "web", "10.0.1.12"),
        ("delete", "web", "10.0.1.12", "--yes"),
    ):
        refused = web("rs", *argv)
        assert refused.code == ExitCode.GATE_REFUSED
        assert "10.0.1.12:80 is the only server of" in refused.err
    assert data(web("rs", "show", "web", "10.0.1.12", "-o", "json"))["enabled"] is True
    forced = web("rs", "disable", "web", "10.0.1.12", "--allow", "last-server")
    assert forced.code == 0


def test_drain_waits_for_a_quiet_window(web: Terminal) -> None:
    done = web(
        "rs", "drain", "web", "10.0.1.11", "--window", "0.2", "--interval", "0.1", "-o", "json"
    )
    record = data(done)
    assert (record["drained"], record["connections"]) == (True, 0)
    assert record["seconds"] >= 0.2
    assert "0 connections" in done.err
    assert data(web("rs", "show", "web", "10.0.1.11", "-o", "json"))["enabled"] is False


def test_subvs(lm: Terminal) -> None:
    assert lm("vs", "create", "10.0.1.250", "80", "--name", "top", "--force-l7").code == 0
    made = lm("subvs", "create", "top", "--name", "inner", "-o", "name")
    assert made.code == 0, made.err
    ref = made.out.strip()
    assert ref.startswith("tcp/10.0.1.250:80#")
    assert "inner" in lm("subvs", "list", "top").out
    changed = data(lm("subvs", "set", ref, "--weight", "70", "--schedule", "lc", "-o", "json"))
    assert changed["weight"] == 70
    assert data(lm("subvs", "show", ref, "-o", "json"))["schedule"] == "lc"
    assert lm("rs", "add", ref, "10.0.1.11:8080").code == 0
    assert lm("rs", "list", "inner", "-o", "name").out == "10.0.1.11:8080\n"
    assert "inner" in lm("vs", "show", "top").out
    assert lm("subvs", "show", "top").code == ExitCode.USAGE
    assert lm("vs", "delete", ref, "--yes").code == ExitCode.USAGE
    assert lm("subvs", "delete", ref, "--yes").code == 0
    assert data(lm("subvs", "list", "top", "-o", "json")) == []


def test_health_timers(lm: Terminal) -> None:
    assert data(lm("health", "show", "-o", "json"))["retry_count"] == 2
    assert lm("health", "set", "--retry-interval", "20", "--retry-count", "3").code == 0
    now = data(lm("health", "show", "-o", "json"))
    assert (now["retry_interval_s"], now["retry_count"]) == (20, 3)
    assert "retry_count" in lm("health", "show").out
    assert lm("health", "set").code == ExitCode.USAGE


def test_stats(web: Terminal) -> None:
    record = data(web("stats", "-o", "json"))
    assert {one["ref"] for one in record["services"]} == {"tcp/10.0.1.250:80"}
    text = web("stats", "web").out
    assert "10.0.1.12:80" in text
    watched = web("stats", "--watch", "--count", "2", "--interval", "0.1", "-o", "json")
    assert [json.loads(line).keys() for line in watched.out.splitlines()] == [record.keys()] * 2
    assert web("stats", "--watch", "--count", "1").out.count("SERVICE") == 2


def test_parameters(lm: Terminal) -> None:
    assert lm("param", "set", "finalpersist", "120").code == 0
    assert lm("param", "get", "finalpersist").out == "120\n"
    assert data(lm("param", "get", "finalpersist", "-o", "json"))["value"] == 120
    listed = data(lm("param", "list", "finalp", "-o", "json"))
    assert [one["name"].lower() for one in listed] == ["finalpersist"]
    assert "finalpersist" in lm("param", "list").out.lower()


def test_confirmation_asks_for_the_name(
    web: Terminal, box: VirtualLoadMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for typed, code in (("wbe", ExitCode.USAGE), ("web", ExitCode.OK)):
        monkeypatch.setattr("click.prompt", lambda *_args, typed=typed, **_more: typed)
        assert web("vs", "delete", "web").code == code
    with box.client() as client:
        assert client.virtual_services.list() == ()


def test_ctrl_c_ends_with_its_code(web: Terminal) -> None:
    process = subprocess.Popen(
        web.argv("stats", "--watch", "--interval", "0.1", "-o", "json"),
        env=dict(web.environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read().strip() == "kemp: interrupted"
    assert process.returncode == ExitCode.INTERRUPTED


def test_on_a_terminal_it_is_coloured_and_live_unless_told_otherwise(web: Terminal) -> None:
    assert "\x1b[32mUp" in typed(web, "vs", "list")
    assert "\x1b[32m" not in typed(web, "vs", "list", NO_COLOR="1")
    watched = typed(web, "stats", "--watch", "--count", "2", "--interval", "0.1")
    assert "10.0.1.12:80" in watched


def typed(terminal: Terminal, *argv: str, **environ: str) -> str:
    """Return what a command shows on a terminal of its own."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            terminal.argv(*argv),
            env={**terminal.environment(), "TERM": "xterm", **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end has gone
            while part := screen.read(4096):
                shown += part
        assert process.wait(30) == 0
    return shown.decode()


def test_a_service_as_the_configuration_of_keepalived(web: Terminal) -> None:
    made = web("vs", "export", "web", "--format", "keepalived", "--interface", "ens3")
    assert made.code == 0, made.err
    assert made.out.startswith("# tcp/10.0.1.250:80 (web), written by kemp")
    assert "    interface ens3\n" in made.out
    assert "    lb_kind DR\n" in made.out
    assert made.out.count("    real_server 10.0.1.1") == 2
    # What has no equivalent is on stderr too.
    assert "kemp: warning: the health check asks with HEAD: GET instead" in made.err
    whole = data(web("vs", "export", "web", "--format", "keepalived", "-o", "json"))
    assert whole["notes"]
    assert "vrrp_instance web {" in whole["text"]


def test_an_export_that_is_not_possible(web: Terminal) -> None:
    assert web("vs", "export", "web").code == ExitCode.USAGE
    assert web("vs", "export", "web", "--format", "haproxy").code == ExitCode.USAGE
    assert web("vs", "export", "nothing", "--format", "keepalived").code == ExitCode.NOT_FOUND
    bad = web("vs", "export", "web", "--format", "keepalived", "--interface", "a b")
    assert bad.code == ExitCode.USAGE
    assert "not the name of a network device" in bad.err
