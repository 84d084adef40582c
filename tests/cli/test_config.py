"""``kemp config``: the profile file as commands change it."""

import json
import stat

import jsonschema

from cli.exit_codes import ExitCode
from tests.cli.conftest import Terminal


def test_a_profile_is_written_shown_and_removed(kemp: Terminal) -> None:
    made = kemp(
        "config",
        "profile",
        "set",
        "lab",
        "url=10.0.0.1/",
        "user=bal",
        "password_file=~/pw",
        "tls_pin=" + "AB:CD:" * 15 + "AB:CD",
        "--default",
    )
    assert made.code == 0
    assert made.out == ""
    assert stat.S_IMODE(kemp.config.stat().st_mode) == 0o600
    shown = json.loads(kemp("config", "profile", "show", "lab", "-o", "json").out)
    assert shown["url"] == "https://10.0.0.1"
    assert shown["tls_pin"] == "abcd" * 16
    assert shown["default"] is True

    kemp("config", "profile", "set", "lab", "user=")
    listed = json.loads(kemp("config", "profile", "list", "-o", "json").out)
    assert [(one["name"], one["user"]) for one in listed] == [("lab", None)]
    assert "https://10.0.0.1" in kemp("config", "profile", "list").out
    assert kemp("config", "profile", "list", "-o", "name").out == "lab\n"
    assert kemp("config", "profile", "-o", "name").out == "lab\n"

    assert kemp("config", "profile", "delete", "lab").code == 0
    assert kemp("config", "profile", "delete", "lab").code == ExitCode.NOT_FOUND
    assert json.loads(kemp("config", "profile", "list", "-o", "json").out) == []
    assert "no profiles" in kemp("config", "profile", "list").err
    assert kemp("--quiet", "config", "profile", "list").err == ""


def test_no_key_on_the_command_line(kemp: Terminal) -> None:
    result = kemp("config", "profile", "set", "lab", "api_key=hush")
    assert result.code == ExitCode.USAGE
    assert "api_key_file" in result.err
    assert not kemp.config.exists()


def test_a_wrong_key_names_the_nearest(kemp: Terminal) -> None:
    result = kemp("config", "profile", "set", "lab", "pasword_file=x")
    assert result.code == ExitCode.USAGE
    assert "password_file" in result.err
    assert kemp("config", "profile", "set", "lab", "api=v9").code == ExitCode.USAGE


def test_a_key_is_masked(kemp: Terminal) -> None:
    kemp.config.parent.mkdir(parents=True)
    kemp.config.write_text("profiles: {a: {url: https://h, api_key: hush}}")
    kemp.config.chmod(0o600)
    for form in ("table", "json", "yaml"):
        for argv in (("list",), ("show", "a")):
            result = kemp("config", "profile", *argv, "--output", form)
            assert result.code == 0
            assert "hush" not in result.out + result.err
    # What is not shown is kept all the same.
    kemp("config", "profile", "set", "a", "user=x")
    assert "hush" in kemp.config.read_text()


def test_schema_is_a_schema(kemp: Terminal) -> None:
    result = kemp("config", "schema")
    assert result.code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(result.out))
    assert kemp("config", "schema", "-o", "md").out.startswith("# Every key of the file\n")
