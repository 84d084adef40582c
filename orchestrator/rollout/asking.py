"""What people ask of a run: refused where it makes no sense, done at once where it can be.

Whoever works on a run looks into its mailbox; nobody does so for one that is paused, queued
or interrupted. A pause or an abort of such a run is done here; what is about a server or a
gate stays in the mailbox until the run goes on.
"""

from contextlib import suppress
from dataclasses import dataclass

from orchestrator.errors import AlreadyAsked, Locked, RequestRefused, RunPaused, TargetNotFound
from orchestrator.rollout.plan import StepKind
from orchestrator.rollout.records import Event, Request, RequestKind, RunState
from orchestrator.rollout.status import RunStatus, ServerStatus, status
from orchestrator.rollout.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request.

    Attributes:
        words: for people.
        waiting: it lies in the mailbox of a run that is worked on, which answers soon.
    """

    words: str
    waiting: Request | None = None


def ask(
    run_id: str,
    kind: RequestKind,
    target: str,
    store: Store,
    *,
    asked_by: str,
    now_s: float,
    note: str = "",
) -> Answer:
    """Ask something of a run, or do it where nobody works on the run.

    Args:
        target: a server to skip or retry, a gate to approve, ``now`` for a pause that does
            not let the servers in hand be finished.

    Raises:
        RunNotFound: no such run.
        RunPaused: it has ended.
        TargetNotFound: it has no such server or gate.
        RequestRefused: it makes no sense as the run stands.
        AlreadyAsked: somebody asked for the same before.
    """
    found = status(run_id, store)
    if found.state in (RunState.FINISHED.value, RunState.ABANDONED.value):
        raise RunPaused(f"run {run_id} is {found.state}: nothing can be asked of it any more")
    if kind in (RequestKind.SKIP, RequestKind.RETRY):
        _refuse_server(found, kind, target)
    elif kind is RequestKind.APPROVE:
        _refuse_gate(run_id, target, store)
    if kind is RequestKind.PAUSE and found.state == RunState.PAUSED.value:
        return Answer(words=f"run {run_id} is paused already; nothing was asked")
    if found.state != RunState.RUNNING.value and kind in (RequestKind.PAUSE, RequestKind.ABORT):
        with suppress(Locked):  # a worker was faster: then it is asked
            return _at_once(found, kind, store, asked_by=asked_by, now_s=now_s, note=note)
    request = store.requests.ask(
        run_id,
        kind,
        target,
        asked_by=asked_by,
        now_s=now_s,
        note=note,
        once=kind is RequestKind.APPROVE,
    )
    if found.over:
        return Answer(
            words=f"run {run_id} is {found.state}: {request.words} is kept for when it goes on "
            f"(kemp rollout resume {run_id})"
        )
    return Answer(words=f"asked run {run_id}: {request.words}", waiting=request)


def _refuse_server(found: RunStatus, kind: RequestKind, name: str) -> None:
    server = next((one for one in found.servers if one.name == name), None)
    if server is None:
        raise TargetNotFound(
            f"run {found.run_id} has no server {name}", known=[one.name for one in found.servers]
        )
    if kind is RequestKind.SKIP:
        if server.outcome in ("done", "unchanged", "skipped"):
            raise RequestRefused(f"{name} is {server.outcome} already: there is nothing to skip")
        return
    if not found.over:
        raise RequestRefused(
            f"run {found.run_id} is {found.state}: pause it first "
            f"(kemp rollout pause {found.run_id}), then retry, then resume"
        )
    if server.outcome != "failed":
        raise RequestRefused(
            f"{name} has not failed ({server.outcome.replace('_', ' ')}): resume goes on with it"
        )


def _refuse_gate(run_id: str, name: str, store: Store) -> None:
    gates = [
        one.name
        for one in store.run(run_id).plan.gates
        if any(step.kind is StepKind.APPROVE for step in one.steps)
    ]
    if name not in gates:
        why = "" if gates else ": its canary asks for no person's approval"
        raise TargetNotFound(f"run {run_id} has no gate {name} to approve{why}", known=gates)


def _at_once(
    found: RunStatus, kind: RequestKind, store: Store, *, asked_by: str, now_s: float, note: str
) -> Answer:
    """Pause or abort a run that nobody works on.

    Raises:
        Locked: a worker has begun to.
    """
    aborts = kind is RequestKind.ABORT
    done = "aborted" if aborts else "paused"
    why = f"{done} by {asked_by}" + (f": {note}" if note else "")
    state = RunState.ABANDONED if aborts else RunState.PAUSED
    store.stand(found.run_id, state, f"{why}; {standings(found.servers)}", now_s=now_s)
    with suppress(AlreadyAsked):
        store.requests.ask(found.run_id, kind, "", asked_by=asked_by, now_s=now_s, note=note)
    for request in store.requests.open(found.run_id):
        if request.kind is kind or (aborts and request.kind is RequestKind.PAUSE):
            store.requests.take(request, now_s=now_s, answer=why)
        elif aborts:
            store.requests.refuse(request, f"the run was {why}", now_s=now_s)
    store.add_event(Event(run_id=found.run_id, at_s=now_s, kind=f"run-{done}", text=why, data={}))
    return Answer(words=f"run {found.run_id} is {state.value}: {why}")


def standings(servers: tuple[ServerStatus, ...]) -> str:
    """Return where each server stands that was begun, in words."""
    begun = [f"{one.name}: {one.standing}" for one in servers if one.started_s is not None]
    return "; ".join(begun) or "no server was begun"
