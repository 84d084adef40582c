"""What is the operator's own: the action and the hooks, on the host, here, or over HTTP.

They get names in their environment, and a token that stays the same however often they are
called for the same thing. One that is not known to have ended is asked, or a person is.
"""

import json
from collections.abc import Mapping, Sequence

from orchestrator.errors import GateRefused
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout import gates
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord
from orchestrator.rollout.undo import reverted_s
from orchestrator.rollout.web import WebRequest
from orchestrator.rollout_spec import ActionSpec, HookSpec

Own = ActionSpec | HookSpec

_KEPT = 500
"""Letters of what a command prints that are kept."""


def action(context: Context, step: Step, record: StepRecord) -> Result:
    """Do what the operator wants done to a drained server.

    Raises:
        GateRefused: the server is in rotation; or the command failed, took too long, or is
            not known to have ended and may not be repeated.
    """
    wanted = context.rollout.action
    assert wanted is not None  # noqa: S101 - the planner makes the step only where there is one
    back = bool(step.params.get("undo"))
    if not back and (done := _done_before(context, step, record, wanted)) is not None:
        return done
    gates.drained(context, step.server)
    gates.out_of_rotation(context, step.server)
    argv, what = (wanted.undo, "undoing of the action") if back else (wanted.argv, "action")
    return _command(context, step, wanted, argv, what)


def hook(context: Context, step: Step, record: StepRecord) -> Result:
    """Call a hook.

    Raises:
        GateRefused: it failed, took too long, or is not known to have ended and may not be
            repeated.
    """
    name = str(step.params["hook"])
    wanted = next(one for one in context.rollout.hooks if one.name == name)
    if (done := _done_before(context, step, record, wanted)) is not None:
        return done
    if wanted.http is not None:
        return _call(context, step, wanted)
    return _command(context, step, wanted, wanted.argv, f"hook {name}")


def _done_before(context: Context, step: Step, record: StepRecord, wanted: Own) -> Result | None:
    """Find out about an earlier call of which nobody knows how it ended; None: call it.

    Raises:
        GateRefused: nobody knows, and it may not be repeated.
    """
    ended = record.ended_s is not None
    if _reverted_since(context, step, record):
        return None
    if not record.intended or (ended and record.gate == step.kind.value):
        return None
    if wanted.finished:
        asked = _run(context, step, wanted, wanted.finished)
        if asked.exit_code == 0:
            said = _said(asked)
            evidence = "found finished: it was asked, and says so"
            return Result(evidence=(evidence, *([said] if said else ())), after={"asked": 0})
        if asked.exit_code == 1:
            return None
        raise _nobody_knows(step, f"asked whether it did, {_how(asked, wanted.timeout_s)}")
    # Whoever resumes a run that paused has looked.
    if wanted.repeatable or ended:
        return None
    raise _nobody_knows(step, "it was begun, and the run was killed in the middle of it")


def _reverted_since(context: Context, step: Step, record: StepRecord) -> bool:
    """Return whether the server was put back as it was after this: then all begins anew."""
    if context.rollout.on_failure != "revert-server":
        return False
    at_s = reverted_s(step.server, context.store.steps(context.run_id))
    return at_s is not None and record.ended_s is not None and record.ended_s <= at_s


def _nobody_knows(step: Step, why: str) -> GateRefused:
    what = step.kind.value if step.kind is StepKind.ACTION else f"hook {step.params['hook']}"
    return GateRefused(
        f"{step.server}: the {what} was begun and is not known to have ended; look at the "
        "server, then resume to run it again",
        gate=f"{step.kind.value}-unknown",
        evidence=[why],
    )


def _command(context: Context, step: Step, wanted: Own, argv: Sequence[str], what: str) -> Result:
    context.store.announce(
        context.run_id,
        step.id,
        worker=context.worker,
        before={"argv": _filled(context, step, argv)},
        inverse=None,
    )
    context.emit("acting", f"{what} on {wanted.on}", server=step.server, step=step.id)
    context.store.workers.refuse_gone(context.worker)
    done = _run(context, step, wanted, argv)
    said = _said(done)
    if done.exit_code == 0:
        return Result(evidence=("exit code 0", *([said] if said else ())), after={"exit_code": 0})
    # One that was ended by the time-out may have done its work all the same.
    gate = step.kind.value if done.exit_code is not None else f"{step.kind.value}-timeout"
    raise GateRefused(
        f"{step.server}: the {what} {_how(done, wanted.timeout_s)}",
        gate=gate,
        evidence=[said] if said else [],
    )


def _run(context: Context, step: Step, wanted: Own, argv: Sequence[str]) -> CommandResult:
    names = [f"{key}={value}" for key, value in _names(context, step).items()]
    whole = ["env", *names, *_filled(context, step, argv)]
    if wanted.on == "here":
        return context.adapters.here(whole, wanted.timeout_s)
    host = context.host(step.server)
    return context.driver(step.server).run(host, whole, timeout_s=wanted.timeout_s)


def _call(context: Context, step: Step, wanted: HookSpec) -> Result:
    http, names = wanted.http, _names(context, step)
    assert http is not None  # noqa: S101 - asked by the caller
    (url,) = _filled(context, step, [http.url])
    context.store.announce(
        context.run_id, step.id, worker=context.worker, before={"url": url}, inverse=None
    )
    context.emit("acting", f"{http.method} {url}", server=step.server, step=step.id)
    context.store.workers.refuse_gone(context.worker)
    answer = context.adapters.web(
        WebRequest(
            method=http.method,
            url=url,
            headers={
                "Content-Type": "application/json",
                **{key.title().replace("_", "-"): value for key, value in names.items()},
            },
            body=None if http.method == "GET" else json.dumps(names),
            timeout_s=wanted.timeout_s,
        )
    )
    right = answer.status in http.expect if http.expect else _is_good(answer.status)
    if right:
        return Result(evidence=(f"answered {answer.status}",), after={"status": answer.status})
    # No answer, no knowledge: it may have been heard.
    gate = "hook" if answer.status is not None else "hook-timeout"
    raise GateRefused(
        f"{step.server}: the hook {wanted.name} answered {answer.status or answer.failure}",
        gate=gate,
        evidence=[answer.text] if answer.text else [],
    )


def _is_good(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def _names(context: Context, step: Step) -> Mapping[str, str]:
    """Return what a command is told: names only, never a secret."""
    names = {
        "KEMP_RUN": context.run_id,
        "KEMP_TOKEN": f"{context.run_id}/{step.id}",
        "KEMP_POINT": str(step.params.get("at", "action")),
        "KEMP_KIND": context.plan.kind,
    }
    if step.server in context.servers:
        places = context.places(step.server)
        names["KEMP_SERVER"] = context.host(step.server).name
        names["KEMP_ADDRESS"] = context.host(step.server).address
        names["KEMP_POOLS"] = " ".join(one.pool for one in places)
        return names
    number = _batch(context, step)
    batches = context.plan.batches if number is None else context.plan.batches[number - 1 : number]
    servers = dict.fromkeys(context.host(one).name for batch in batches for one in batch)
    names["KEMP_SERVERS"] = " ".join(servers)
    if number is not None:
        names["KEMP_BATCH"] = str(number)
    return names


def _batch(context: Context, step: Step) -> int | None:
    """Return the number of the batch that a hook between servers is about, if it is about one."""
    before = [gate.name for gate in context.plan.gates].index(step.server)
    # A gate stands after the batch of its number, and so before the next one.
    return {"before-batch": before + 1, "after-batch": before}.get(str(step.params.get("at")))


def _filled(context: Context, step: Step, argv: Sequence[str]) -> list[str]:
    fields = {"run": context.run_id}
    if step.server in context.servers:
        host = context.host(step.server)
        fields |= {"host": host.name, "address": host.address}
    elif number := _batch(context, step):
        fields["batch"] = f"batch {number}"
    return [argument.format_map(fields) for argument in argv]


def _how(done: CommandResult, timeout_s: float) -> str:
    if done.exit_code is None:
        return f"did not end within {timeout_s:g} s"
    return f"ended with exit code {done.exit_code}"


def _said(done: CommandResult) -> str:
    return (done.stderr.strip() or done.stdout.strip())[-_KEPT:]
