"""Where to connect, with what: option, then environment, then profile; files checked."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.connection import Connection, normal_url, profile_path, read_secret, resolve
from cli.exit_codes import ExitCode, Failure

PIN = "ab" * 32


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def write(place: Path, text: str, *, mode: int = 0o600) -> None:
    place.write_text(text)
    place.chmod(mode)


def go(
    place: Path,
    environ: Mapping[str, str] | None = None,
    *,
    profile: str | None = None,
    url: str | None = None,
    api: str | None = None,
) -> Connection:
    everything = {"KEMP_CONFIG": str(place), **(environ or {})}
    return resolve(everything, profile=profile, url=url, api=api)


TWO = """
default: one
profiles:
  one: {url: https://10.0.0.1, api_key: one-key, tls_pin: PIN, api: v1}
  two: {url: https://10.0.0.2/, user: bal, password_file: PASSWORD}
""".replace("PIN", PIN)


@pytest.fixture
def two(place: Path, tmp_path: Path) -> Path:
    password = tmp_path / "password"
    write(password, "secret two\n")
    write(place, TWO.replace("PASSWORD", str(password)))
    return place


def test_environment_alone_needs_no_file(place: Path) -> None:
    found = go(place, {"KEMP_URL": "https://10.0.0.9", "KEMP_API_KEY": "k", "KEMP_TLS_PIN": PIN})
    assert found == Connection(url="https://10.0.0.9", api_key="k", tls_pin=PIN)


def test_user_and_password_file(place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write(secret, "pass word \nrest\n")
    found = go(
        place, {"KEMP_URL": "10.0.0.9", "KEMP_USER": "bal", "KEMP_PASSWORD_FILE": str(secret)}
    )
    assert (found.url, found.user, found.password) == ("https://10.0.0.9", "bal", "pass word ")


def test_default_profile(two: Path) -> None:
    found = go(two)
    assert (found.url, found.api_key, found.tls_pin, found.api, found.profile) == (
        "https://10.0.0.1",
        "one-key",
        PIN,
        "v1",
        "one",
    )


def test_option_beats_environment_beats_profile(two: Path) -> None:
    assert go(two, {"KEMP_PROFILE": "one"}, profile="two").profile == "two"
    assert go(two, {"KEMP_PROFILE": "two"}).user == "bal"
    assert go(two, {"KEMP_API": "v2"}).api == "v2"
    assert go(two, {"KEMP_API": "v2"}, api="auto").api == "auto"
    assert go(two, {"KEMP_API_KEY": "env-key"}).api_key == "env-key"
    assert go(two, {"KEMP_API_KEY": "env-key"}, profile="one").api_key == "one-key"
    assert go(two, {"KEMP_TLS_PIN": "cd" * 32}, profile="one").tls_pin == PIN
    assert go(two, {"KEMP_TLS_PIN": "cd" * 32}).tls_pin == "cd" * 32
    assert go(two, {"KEMP_URL": "https://10.0.0.2"}, url="https://10.0.0.1").profile == "one"


def test_a_profile_named_by_option_goes_before_the_environments_address(two: Path) -> None:
    found = go(two, {"KEMP_URL": "https://10.0.0.9", "KEMP_API_KEY": "k"}, profile="one")
    assert (found.url, found.api_key, found.tls_pin) == ("https://10.0.0.1", "one-key", PIN)
    with pytest.raises(Failure) as two_of_the_environment:
        go(two, {"KEMP_URL": "https://10.0.0.9", "KEMP_PROFILE": "one"})
    assert two_of_the_environment.value.code is ExitCode.USAGE


def test_an_address_alone_finds_the_profile_with_that_address(two: Path) -> None:
    found = go(two, url="https://10.0.0.2/")
    assert (found.profile, found.password) == ("two", "secret two")


def test_a_profiles_credential_never_goes_to_another_address(two: Path) -> None:
    with pytest.raises(Failure) as named:
        go(two, profile="one", url="https://evil.example")
    assert named.value.code is ExitCode.USAGE
    with pytest.raises(Failure) as unnamed:
        go(two, url="https://evil.example")
    assert "no credential for https://evil.example" in unnamed.value.message


@pytest.mark.parametrize(
    ("environ", "code", "message"),
    [
        ({}, ExitCode.USAGE, "no LoadMaster named"),
        ({"KEMP_URL": "https://a"}, ExitCode.USAGE, "no credential"),
        ({"KEMP_URL": "https://a", "KEMP_USER": "bal"}, ExitCode.USAGE, "KEMP_PASSWORD_FILE is"),
        ({"KEMP_PASSWORD_FILE": "/x"}, ExitCode.USAGE, "KEMP_USER is not set"),
        (
            {"KEMP_USER": "bal", "KEMP_PASSWORD_FILE": "/nowhere/at/all"},
            ExitCode.INVALID_FILE,
            "No such file",
        ),
        ({"KEMP_URL": "ftp://a", "KEMP_API_KEY": "k"}, ExitCode.USAGE, "not an http"),
        ({"KEMP_URL": "https://bal:pw@a"}, ExitCode.USAGE, "must not hold a user or password"),
        (
            {"KEMP_URL": "https://a", "KEMP_API_KEY": "k", "KEMP_API": "v3"},
            ExitCode.USAGE,
            "not 'v3'",
        ),
        ({"KEMP_PROFILE": "x"}, ExitCode.NOT_FOUND, "no profile 'x'"),
    ],
)
def test_what_is_missing_is_named(
    environ: dict[str, str], code: ExitCode, message: str, place: Path
) -> None:
    with pytest.raises(Failure) as told:
        go(place, environ)
    assert told.value.code is code
    assert message in told.value.message
    assert "pw" not in told.value.message.replace("password", "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_with_a_key_that_others_can_read_is_refused(mode: int, two: Path) -> None:
    two.chmod(mode)
    with pytest.raises(Failure) as told:
        go(two)
    assert told.value.code is ExitCode.INVALID_FILE
    assert f"chmod 600 {two}" in told.value.message
    assert "one-key" not in told.value.message


def test_a_file_without_secrets_may_be_read_by_others(place: Path) -> None:
    write(place, "profiles: {a: {url: https://10.0.0.1}}", mode=0o644)
    assert go(place, {"KEMP_API_KEY": "k"}).profile == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profiles:\n  a:\n    urll: x\n", ":3: unknown key 'urll'"),
        ("profiles:\n\ta: {}\n", ":2: "),
        ("profile: {}\n", ":1: unknown key 'profile'"),
        ("profiles:\n  a: text\n", ":2: profile 'a' must be a mapping"),
        ("profiles:\n  a: {api: v3}\n", ":2: api must be one of"),
        ("profiles:\n  a: {url: [1]}\n", ":2: url must be a text"),
        ("default: b\nprofiles: {a: {}}\n", ":1: default: no profile 'b'"),
        ("- a\n", ":1: the file must be a mapping"),
        ("profiles:\n  a: {url: 'https://u:p@h'}\n", ":2: an address must not hold"),
        ("profiles:\n  a: {url: h, user: bal}\n", "needs user and password_file together"),
    ],
)
def test_mistakes_in_the_file_name_the_line(text: str, message: str, place: Path) -> None:
    write(place, text)
    with pytest.raises(Failure) as told:
        go(place, {"KEMP_PROFILE": "a"})
    assert told.value.code is ExitCode.INVALID_FILE
    assert message in told.value.message


def test_a_secret_on_a_broken_line_is_not_shown(place: Path) -> None:
    write(place, "profiles:\n  a: {api_key: hush-hush\n")
    with pytest.raises(Failure) as told:
        go(place)
    assert "hush" not in str(told.value)


def test_a_world_readable_secret_file_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    write(secret, "hush\n", mode=0o644)
    with caplog.at_level(logging.WARNING):
        assert read_secret(str(secret), what="password_file") == "hush"
    assert "every user" in caplog.text
    assert "hush" not in caplog.text


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write(secret, "\n")
    with pytest.raises(Failure, match="is empty"):
        read_secret(str(secret), what="password_file")


def test_credentials_do_not_show_in_a_connection() -> None:
    shown = repr(Connection(url="https://a", user="bal", password="hush", api_key="hush"))
    assert "hush" not in shown


def test_places_and_addresses() -> None:
    assert profile_path({"KEMP_CONFIG": "/a/b"}) == Path("/a/b")
    assert profile_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/kemp/config.yaml")
    assert profile_path({}) == Path("~/.config/kemp/config.yaml").expanduser()
    assert normal_url(" 10.0.0.1:8443/ ") == "https://10.0.0.1:8443"
    assert normal_url("http://lb") == "http://lb"
