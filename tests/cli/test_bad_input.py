"""Bad input: a clear message, its own exit code, nothing changed."""

import socket
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from kempsdk import Forward, RsRef, VsRef
from kempsdk.emulator import Switches, VirtualLoadMaster
from tests.cli.conftest import Terminal, configuration, connected
from tests.fakes.wire_server import Say, WireServer

WRITE = ("vs", "create", "10.9.9.9", "80")


@pytest.fixture
def services(box: VirtualLoadMaster) -> VirtualLoadMaster:
    """A DSR service, a layer-7 one, and two on one address."""
    with box.client() as client:
        vs = client.virtual_services
        vs.create(VsRef.parse("tcp/10.0.1.250:80"), nickname="dsr", force_l4=True)
        vs.create(VsRef.parse("tcp/10.0.1.251:80"), nickname="l7", force_l7=True)
        serving = VsRef.parse("tcp/10.0.1.253:80")
        vs.create(serving, nickname="serving", force_l4=True)
        client.real_servers.add(serving, RsRef("10.0.1.11", 80), forward=Forward.ROUTE)
        vs.create(VsRef.parse("tcp/10.0.1.252:80"))
        vs.create(VsRef.parse("tcp/10.0.1.252:443"))
    return box


def test_wrong_key_is_tried_once(lm: Terminal, box: VirtualLoadMaster) -> None:
    for api in ("v1", "v2", "auto"):
        seen = len(box.calls)
        lm.environ["KEMP_API_KEY"] = "hush" * 8
        result = lm(*WRITE, "--api", api)
        assert result.code == ExitCode.AUTHENTICATION
        assert "KEMP_API_KEY" in result.err
        assert "hush" not in result.err
        assert len(box.calls) - seen == 1
        lm.environ["KEMP_API_KEY"] = box.api_key
    assert lm("vs", "list").out == ""


def test_wrong_password(lm: Terminal, box: VirtualLoadMaster, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush-hush\n")
    secret.chmod(0o600)
    del lm.environ["KEMP_API_KEY"]
    lm.environ |= {"KEMP_USER": "bal", "KEMP_PASSWORD_FILE": str(secret)}
    result = lm(*WRITE, "--debug")
    assert result.code == ExitCode.AUTHENTICATION
    assert "hush-hush" not in result.err
    secret.write_text(box.password + "\n")
    assert lm(*WRITE).code == 0


def test_quiet_leaves_errors_only(lm: Terminal, box: VirtualLoadMaster, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(box.password + "\n")
    secret.chmod(0o644)
    del lm.environ["KEMP_API_KEY"]
    lm.environ |= {"KEMP_USER": "bal", "KEMP_PASSWORD_FILE": str(secret)}
    assert "can be read by every user" in lm("vs", "list").err
    assert lm("vs", "list", "--quiet").err == ""
    assert "nowhere" in lm("vs", "show", "nowhere", "--quiet").err


def test_api_disabled(lm: Terminal, box: VirtualLoadMaster) -> None:
    assert lm("api", "set", "param=enableapi", "value=no").code == 0
    before = len(box.calls)
    result = lm(*WRITE)
    assert result.code == ExitCode.API_DISABLED
    assert "Enable API Interface" in result.err
    assert all(one.code != 200 for one in box.calls[before:])


def test_certificate_not_trusted_then_trusted(lm: Terminal, box: VirtualLoadMaster) -> None:
    del lm.environ["KEMP_TLS_PIN"]
    refused = lm("vs", "list")
    assert refused.code == ExitCode.CERTIFICATE
    assert box.fingerprint in refused.err
    assert f"kemp config trust {box.url}" in refused.err
    assert box.calls == ()

    nobody = lm("config", "trust", box.url)
    assert nobody.code == ExitCode.USAGE
    assert box.fingerprint in nobody.out
    assert not lm.config.exists()
    wrong = lm("config", "trust", box.url, "--fingerprint", "ab" * 32)
    assert wrong.code == ExitCode.CERTIFICATE
    assert not lm.config.exists()

    assert lm("config", "trust", box.url, "--yes").code == 0
    assert box.calls == ()
    assert lm("vs", "list").code == 0


def test_a_changed_certificate_is_refused_and_named(kemp: Terminal) -> None:
    with VirtualLoadMaster() as first:
        kemp.environ = connected(first)
        port = first.port
        assert kemp("vs", "list").code == 0
    with VirtualLoadMaster(listen=("127.0.0.1", port)) as second:
        kemp.environ["KEMP_API_KEY"] = second.api_key
        result = kemp("vs", "list")
        assert result.code == ExitCode.CERTIFICATE
        assert second.fingerprint in result.err
        assert second.calls == ()


def test_host_down(lm: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lm.environ["KEMP_URL"] = f"https://127.0.0.1:{port}"
    result = lm("vs", "list")
    assert result.code == ExitCode.UNREACHABLE
    assert f"127.0.0.1:{port}: Connection refused; nothing was sent" in result.err


def test_html_instead_of_an_answer(lm: Terminal, box: VirtualLoadMaster) -> None:
    assert lm("vs", "list").code == 0
    box.html(n=20, status=200)
    assert lm("vs", "list").code == ExitCode.BAD_ANSWER


@pytest.mark.parametrize(
    "said",
    [
        Say(body=b'{"code": 200, "VS": [{"Ind', content_type="application/json"),
        Say(body=b'{"code": 200', content_type=""),
        Say(body=b'<?xml version="1.0"?><Respo', content_type="application/octet-stream"),
        Say(body=b'<?xml version="1.0"?><Respo', length=5000, close=True),
        Say(body=b"Welcome to this server", content_type="text/plain"),
    ],
)
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_what_no_loadmaster_says_is_no_empty_list(kemp: Terminal, said: Say, api: str) -> None:
    with WireServer(said) as server:
        kemp.environ = {
            "KEMP_URL": server.url,
            "KEMP_TLS_PIN": server.certificate.fingerprint,
            "KEMP_API_KEY": "k" * 20,
        }
        read = kemp("vs", "list", "--api", api)
        assert (read.code, read.out) == (ExitCode.BAD_ANSWER, ""), read.err
        assert kemp(*WRITE, "--api", api).code == ExitCode.OUTCOME_UNKNOWN


def test_truncated_answer_to_a_read(lm: Terminal, box: VirtualLoadMaster) -> None:
    box.truncate(n=20)
    assert lm("vs", "list", "--api", "v2").code == ExitCode.BAD_ANSWER


def test_no_answer_to_a_write_is_an_unknown_outcome(lm: Terminal, box: VirtualLoadMaster) -> None:
    box.drop_after_read(n=50)
    result = lm(*WRITE, "--api", "v2")
    assert result.code == ExitCode.OUTCOME_UNKNOWN
    assert "look before you repeat" in result.err


def test_too_many_calls(kemp: Terminal) -> None:
    with VirtualLoadMaster(switches=Switches(rate_limit_calls=1, rate_limit_window_s=60)) as box:
        kemp.environ = connected(box)
        assert kemp("vs", "list", "--api", "v2").code == 0
        result = kemp("vs", "list", "--api", "v2", "--timeout", "2")
        assert result.code == ExitCode.UNREACHABLE
        assert "30 calls in 3 s" in result.err


UNKNOWN = [
    ("vs", "show", "nowhere"),
    ("vs", "set", "nowhere", "--schedule", "rr"),
    ("vs", "delete", "nowhere", "--yes"),
    ("vs", "show", "tcp/10.0.1.1:81"),
    ("rs", "add", "nowhere", "10.0.1.11:80"),
    ("rs", "show", "dsr", "10.0.1.99:80"),
    ("rs", "set", "dsr", "10.0.1.99:80", "--weight", "5"),
    ("rs", "disable", "dsr", "10.0.1.99"),
    ("rs", "drain", "dsr", "10.0.1.99"),
    ("rs", "delete", "dsr", "10.0.1.99", "--yes"),
    ("subvs", "show", "dsr#99"),
    ("param", "get", "nosuchthing"),
]

REFUSED = [
    (("vs", "create", "10.0.1.300", "80"), "10.0.1.300"),
    (("vs", "create", "10.0.1.9", "99999"), "65535"),
    (("vs", "create", "10.0.1.9", "80", "--schedule", "fastest"), "wlc"),
    (("vs", "create", "10.0.1.9", "80", "--check-interval", "500"), "120"),
    (("vs", "create", "10.0.1.9", "80", "--set", "colour=red"), "colour"),
    (("vs", "create", "10.0.1.9", "80", "--set", "cache=maybe"), "yes nor no"),
    (("vs", "set", "dsr", "--idle-timeout", "100000"), "86400"),
    (("vs", "set", "dsr"), "nothing to set"),
    (("vs", "create", "10.0.1.9", "80", "--l4", "--force-l7"), "exclude each other"),
    (("rs", "add", "dsr", "10.0.1.11:80", "--forward", "route", "--weight", "70000"), "65535"),
    (("rs", "add", "dsr", "10.0.1.11:80", "--forward", "tunnel"), "route"),
    (("rs", "add", "dsr", "web1:80"), "web1"),
    (("health", "set", "--retry-interval", "5000"), "901"),
    (("param", "set", "finalpersist", "30"), "86400"),
    (("param", "set", "radiussecret", "hush"), "@FILE"),
    (("vs", "list", "--output", "xml"), "table"),
    (("vs", "list", "--timeout", "0"), "0.1"),
]


@pytest.mark.parametrize("argv", UNKNOWN, ids=" ".join)
def test_what_is_not_there_is_not_found(
    argv: tuple[str, ...], lm: Terminal, services: VirtualLoadMaster
) -> None:
    before = configuration(services)
    result = lm(*argv)
    assert result.code == ExitCode.NOT_FOUND
    assert result.err.startswith("kemp: ")
    if argv[-1] != "nosuchthing" and "nowhere" in argv:
        assert "see: kemp vs list" in result.err
    assert result.out == ""
    assert configuration(services) == before


@pytest.mark.parametrize(("argv", "hint"), REFUSED, ids=[" ".join(one[0]) for one in REFUSED])
def test_what_cannot_be_is_refused_before_sending(
    argv: tuple[str, ...], hint: str, lm: Terminal, services: VirtualLoadMaster
) -> None:
    before = configuration(services)
    result = lm(*argv)
    assert result.code == ExitCode.USAGE, result.err
    assert hint in result.err
    assert "hush" not in result.err
    assert configuration(services) == before


def test_an_ambiguous_name_lists_the_candidates(lm: Terminal, services: VirtualLoadMaster) -> None:
    before = configuration(services)
    result = lm("vs", "delete", "10.0.1.252", "--yes")
    assert result.code == ExitCode.AMBIGUOUS
    assert "tcp/10.0.1.252:80" in result.err
    assert "tcp/10.0.1.252:443" in result.err
    assert result.err.endswith("name one of them\n")
    assert configuration(services) == before


RULES = [
    ("dsr-needs-l4", ("rs", "add", "l7", "10.0.1.11:80", "--forward", "route")),
    ("dsr-port-equal", ("rs", "add", "dsr", "10.0.1.11:8080", "--forward", "route")),
    ("vip-is-server-address", ("rs", "add", "dsr", "10.0.1.250:80", "--forward", "route")),
    ("dsr-needs-l4", ("vs", "set", "serving", "--force-l7")),
    ("dsr-needs-l4", ("vs", "set", "serving", "--set", "force_l4=no")),
    ("dsr-no-cache", ("vs", "set", "serving", "--set", "cache=yes")),
]


@pytest.mark.parametrize(("rule", "argv"), RULES, ids=[" ".join(one[1]) for one in RULES])
def test_rules_of_direct_return(
    rule: str, argv: tuple[str, ...], lm: Terminal, services: VirtualLoadMaster
) -> None:
    before = configuration(services)
    result = lm(*argv)
    assert result.code == ExitCode.RULE
    assert rule in result.err
    assert f"--allow {rule}" in result.err
    assert configuration(services) == before
    assert lm(*argv, "--allow", rule).code in (ExitCode.OK, ExitCode.REJECTED, ExitCode.PARTIAL)


def test_rules_hold_for_changes_too(lm: Terminal, services: VirtualLoadMaster) -> None:
    assert lm("rs", "add", "l7", "10.0.1.11:80").code == 0
    assert lm("rs", "add", "dsr", "10.0.1.11:80", "--forward", "route").code == 0
    before = configuration(services)
    route = lm("rs", "set", "l7", "10.0.1.11", "--forward", "route")
    moved = lm("rs", "set", "dsr", "10.0.1.11", "--new-port", "81")
    assert (route.code, moved.code) == (ExitCode.RULE, ExitCode.RULE)
    assert configuration(services) == before


def test_a_service_that_exists_is_rejected(lm: Terminal, services: VirtualLoadMaster) -> None:
    before = configuration(services)
    result = lm("vs", "create", "10.0.1.250", "80")
    assert result.code == ExitCode.REJECTED
    assert configuration(services) == before


def test_errors_as_json(lm: Terminal, services: VirtualLoadMaster) -> None:
    import json

    result = lm("vs", "show", "10.0.1.252", "-o", "json")
    told = json.loads(result.err)
    assert (told["error"], told["exit_code"]) == ("AmbiguousName", ExitCode.AMBIGUOUS)
    assert result.out == ""


def test_no_connection_named(kemp: Terminal) -> None:
    assert kemp("vs", "list").code == ExitCode.USAGE
    assert "KEMP_URL" in kemp("vs", "list").err


def test_an_unexpected_error_is_short_unless_debugged(
    lm: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("cli.main.RealAdapters.load_master", broken)
    short = lm("vs", "list")
    assert short.code == ExitCode.INTERNAL
    assert "unexpected RuntimeError: odd" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in lm("vs", "list", "--debug").err


def test_a_refusal_has_no_traceback_even_when_debugged(lm: Terminal) -> None:
    assert lm("vs", "show", "nowhere", "--debug").err.startswith("kemp: no virtual service")
