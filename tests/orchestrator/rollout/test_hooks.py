"""Hooks: when they are called, with what, and what happens to one that nobody knows about."""

import json
from collections.abc import Sequence

import pytest

from orchestrator.errors import StoreUnavailable
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.records import Event
from tests.fakes.host import NEVER, OK
from tests.orchestrator.rollout.world import ALL_IN, ROLL, World, bare, failed_step

BROKEN = CommandResult(exit_code=2, stdout="", stderr="no such ticket")


def hooks(*entries: str) -> str:
    return f"hooks: [{', '.join(entries)}]"


def command(at: str, name: str, more: str = "") -> str:
    about = "run" if at.endswith("-run") else "batch" if at.endswith("-batch") else "host"
    return f"{{at: {at}, name: {name}, argv: [{name}, '{{{about}}}']{more}}}"


def environment(argv: Sequence[str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in argv if one.startswith("KEMP_"))


def test_each_point_in_its_order(quick: World) -> None:
    points = [
        "before-run", "before-batch", "before-drain", "after-drain", "before-action",
        "after-action", "before-in", "after-in", "after-batch", "after-run",
    ]  # fmt: skip
    written = hooks(*(command(at, at) for at in reversed(points)))
    result = quick.run(f"{ROLL}, hosts: [web1, web2], {written}", run_id="r1")
    assert result.finished, result.reason
    of_a_server = points[2:8]
    assert [bare(one)[0] for one in quick.here_calls] == [
        "before-run", "before-batch", *of_a_server, "after-batch", "before-batch", *of_a_server,
        "after-batch", "after-run",
    ]  # fmt: skip


def test_it_is_told_names_and_a_token_that_stays(quick: World) -> None:
    quick.run(f"{ROLL}, hosts: [web1], {hooks(command('after-drain', 'note'))}", run_id="r1")
    (called,) = quick.here_calls
    assert environment(called) == {
        "KEMP_RUN": "r1",
        "KEMP_TOKEN": "r1/web1/hook-note",
        "KEMP_POINT": "after-drain",
        "KEMP_KIND": "roll",
        "KEMP_SERVER": "web1",
        "KEMP_ADDRESS": "203.0.113.11",
        "KEMP_POOLS": "web",
    }
    assert bare(called) == ("note", "web1")


def test_between_servers_it_is_told_the_batch_and_who_is_in_it(quick: World) -> None:
    points = ("before-run", "before-batch", "after-batch", "after-run")
    written = hooks(*(command(at, at) for at in points))
    quick.run(f"{ROLL}, hosts: [web1, web2], {written}", run_id="r1")
    told = [environment(one) for one in quick.here_calls if bare(one)[0] in points]
    assert [(one["KEMP_POINT"], one.get("KEMP_BATCH"), one["KEMP_SERVERS"]) for one in told] == [
        ("before-run", None, "web1 web2"),
        ("before-batch", "1", "web1"),
        ("after-batch", "1", "web1"),
        ("before-batch", "2", "web2"),
        ("after-batch", "2", "web2"),
        ("after-run", None, "web1 web2"),
    ]
    assert all("KEMP_SERVER" not in one for one in told)
    calls = [bare(one) for one in quick.here_calls]
    assert calls.count(("before-batch", "batch 2")) == 1
    assert calls.count(("after-batch", "batch 2")) == 1
    assert calls.count(("before-run", "r1")) == 1


def test_on_the_host(quick: World) -> None:
    quick.run(f"{ROLL}, hosts: [web1], {hooks(command('before-in', 'warm', ', on: host'))}")
    assert [bare(one)[0] for one in quick.driver.hosts["web1"].commands] == ["restart", "warm"]
    assert not quick.here_calls


def test_over_http(quick: World) -> None:
    entry = "{at: after-in, name: chat, http: {url: 'https://chat.example/r/{host}'}}"
    assert quick.run(f"{ROLL}, hosts: [web1], {hooks(entry)}", run_id="r1").finished
    (asked,) = quick.web_calls
    assert (asked.method, asked.url, asked.verify) == ("POST", "https://chat.example/r/web1", True)
    assert asked.headers["Kemp-Token"] == "r1/web1/hook-chat"
    assert json.loads(asked.body or "")["KEMP_SERVER"] == "web1"


def test_a_failed_hook_before_the_drain_leaves_the_server_in(quick: World) -> None:
    quick.here_result = BROKEN
    result = quick.run(f"{ROLL}, {hooks(command('before-drain', 'ticket'))}")
    failed = result.hosts["web1"].steps[0]
    assert (failed.status, failed.gate) == ("failed", "hook")
    assert "the hook ticket ended with exit code 2" in failed.reason
    assert failed.evidence == ("no such ticket",)
    assert quick.enabled() == ALL_IN
    assert not quick.mutations()
    quick.here_result = OK
    assert quick.resume(result.run_id).finished


def test_a_failed_hook_before_the_run_stops_it_before_anything(quick: World) -> None:
    quick.here_result = BROKEN
    result = quick.run(f"{ROLL}, max_failures: 3, {hooks(command('before-run', 'freeze'))}")
    assert result.state == "paused"
    assert "before batch 1 failed" in result.reason
    assert not quick.mutations()


def test_a_hook_that_never_ends(quick: World) -> None:
    quick.here_result = NEVER
    result = quick.run(f"{ROLL}, {hooks(command('after-drain', 'slow', ', timeout_s: 7'))}")
    failed = failed_step(result, "web1")
    assert failed.gate == "hook-timeout"
    assert "did not end within 7 s" in failed.reason


# -- not known to have ended ------------------------------------------------------------------


class Killed(StoreUnavailable):
    """Stands for kill -9 between the command and the note that it ended."""


class Answers:
    """What commands here end with, by their first word; counts the calls."""

    def __init__(self, world: World, **ends: list[CommandResult | Killed]) -> None:
        self.called: list[str] = []
        self._ends = ends
        object.__setattr__(world, "_here", self)

    def __call__(self, argv: Sequence[str], _: float) -> CommandResult:
        word = bare(argv)[0]
        self.called.append(word)
        end = self._ends.get(word, [OK])
        result = end.pop(0) if len(end) > 1 else end[0]
        if isinstance(result, Killed):
            raise result
        return result


def _killed_in(world: World, more: str, **ends: list[CommandResult | Killed]) -> Answers:
    """Run a rollout whose hook ``deploy`` is cut off, and return what was called."""
    answers = Answers(world, deploy=[Killed("gone"), OK], **ends)
    plan = world.plan(f"{ROLL}, hosts: [web1], {hooks(command('after-drain', 'deploy', more))}")
    with pytest.raises(Killed):
        world.run(plan)
    return answers


@pytest.mark.parametrize(
    ("more", "exit_code", "called", "state"),
    [
        (", finished: [asked]", 0, ["deploy", "asked"], "finished"),
        (", finished: [asked]", 1, ["deploy", "asked", "deploy"], "finished"),
        (", finished: [asked]", 9, ["deploy", "asked"], "paused"),
        ("", 0, ["deploy", "deploy"], "finished"),
        (", repeatable: false", 0, ["deploy"], "paused"),
    ],
)
def test_a_hook_that_is_not_known_to_have_ended(
    quick: World, more: str, exit_code: int, called: list[str], state: str
) -> None:
    asked = CommandResult(exit_code=exit_code, stdout="", stderr="")
    answers = _killed_in(quick, more, asked=[asked])
    run_id = quick.store.runs()[0].run_id
    result = quick.resume(run_id)
    assert answers.called == called
    assert result.state == state
    if state == "paused":
        failed = failed_step(result, "web1")
        assert failed.gate == "hook-unknown"
        # A person has looked, and resumes.
        if "finished" not in more:
            assert quick.resume(run_id).finished
            assert answers.called == [*called, "deploy"]


def test_one_that_failed_for_certain_is_not_asked(quick: World) -> None:
    answers = Answers(quick, deploy=[BROKEN, OK], asked=[OK])
    entry = command("after-drain", "deploy", ", finished: [asked]")
    paused = quick.run(f"{ROLL}, hosts: [web1], {hooks(entry)}")
    assert paused.state == "paused"
    assert quick.resume(paused.run_id).finished
    assert answers.called == ["deploy", "deploy"]


def test_an_http_hook_without_an_answer_may_have_been_heard(quick: World) -> None:
    quick.web_status = None
    entry = "{at: after-drain, name: chat, repeatable: false, http: {url: 'https://chat.example'}}"
    result = quick.run(f"{ROLL}, hosts: [web1], {hooks(entry)}")
    failed = failed_step(result, "web1")
    assert failed.gate == "hook-timeout"


def test_hooks_of_a_rollout_with_nothing_to_do_are_not_called(quick: World) -> None:
    assert quick.run(f"kind: add, {hooks(command('before-run', 'x'))}").finished
    assert not quick.here_calls


def test_what_a_hook_prints_is_kept_and_its_names_are_no_secret(quick: World) -> None:
    quick.here_result = CommandResult(exit_code=0, stdout="done in 3 s", stderr="")
    kept: list[Event] = []
    plan = quick.plan(f"{ROLL}, hosts: [web1], {hooks(command('after-in', 'note'))}")
    result = quick.run(plan, watch=kept.append)
    step = next(one for one in result.hosts["web1"].steps if one.id == "web1/hook-note")
    assert step.evidence == ("exit code 0", "done in 3 s")
