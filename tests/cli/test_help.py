"""What ``kemp`` says of itself, and what it costs to say it."""

import json
import subprocess
import sys

import pytest

from cli.exit_codes import MEANING, ExitCode
from cli.main import NOUNS
from tests.cli.conftest import Terminal


def test_help_lists_every_noun_without_importing_any(kemp: Terminal) -> None:
    script = (
        "import sys; from cli.main import run; run(['--help']);"
        "ours = ('cli', 'kempsdk', 'orchestrator');"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ours))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=dict(kemp.environment()),
        capture_output=True,
        text=True,
        check=True,
    )
    *text, modules = done.stdout.splitlines()
    for name, noun in NOUNS.items():
        assert any(line.split()[:1] == [name] and noun.help in line for line in text)
    assert modules == str(["cli", "cli.command", "cli.exit_codes", "cli.main", "cli.session"])


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_can_be_imported_and_has_help(noun: str, kemp: Terminal) -> None:
    result = kemp(noun, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: kemp {noun}")


def test_exit_codes_are_all_documented(kemp: Terminal) -> None:
    assert set(MEANING) == set(ExitCode)
    result = kemp("help", "exit-codes", "--output", "json")
    assert {one["code"] for one in json.loads(result.out)} == {int(code) for code in ExitCode}
    assert "drift" in kemp("help", "exit-codes").out


def test_help_of_a_noun_and_of_the_environment(kemp: Terminal) -> None:
    assert kemp("help").out == kemp("--help").out
    assert kemp("help", "config").out.startswith("Usage: kemp config")
    assert "KEMP_TLS_PIN" in kemp("help", "environment").out


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (("confg",), '(did you mean "config"?)'),
        (("config", "trst"), '(did you mean "trust"?)'),
        (("help", "exit-code"), '(did you mean "exit-codes"?)'),
    ],
)
def test_a_misspelt_command_names_the_nearest(
    argv: tuple[str, ...], hint: str, kemp: Terminal
) -> None:
    result = kemp(*argv)
    assert result.code == ExitCode.USAGE
    assert hint in result.err
    assert result.out == ""


def test_no_arguments_shows_help_as_a_usage_error(kemp: Terminal) -> None:
    result = kemp()
    assert result.code == ExitCode.USAGE
    assert "rollout" in result.err


def test_version(kemp: Terminal) -> None:
    result = kemp("--version")
    assert result.code == 0
    assert result.out.startswith("kemp ")


def test_common_options_stand_before_and_after_the_command(kemp: Terminal) -> None:
    before = kemp("--output", "json", "help", "exit-codes")
    after = kemp("help", "exit-codes", "--output", "json")
    assert before.out == after.out
    assert json.loads(before.out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, kemp: Terminal) -> None:
    result = kemp("config", "completion", shell)
    assert result.code == 0
    assert "_KEMP_COMPLETE" in result.out


def test_completion_knows_nouns_verbs_and_options(kemp: Terminal) -> None:
    def complete(words: str, at: int) -> str:
        kemp.environ = {
            "_KEMP_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(at),
        }
        return kemp.process().out

    assert complete("kemp he", 1).split() == ["plain,health", "plain,help"]
    assert "plain,trust" in complete("kemp config ", 2)
    assert "plain,--default" in complete("kemp config profile set x --de", 5)


def test_output_into_a_closed_pipe_ends_quietly(kemp: Terminal) -> None:
    process = subprocess.Popen(
        kemp.argv("help", "exit-codes"),
        env=dict(kemp.environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == ExitCode.BROKEN_PIPE
