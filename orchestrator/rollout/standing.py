"""Where a run left a server, in words: what people must know before they touch it. Pure."""

from collections.abc import Mapping

from orchestrator.rollout.plan import ServerPlan, Step, StepKind
from orchestrator.rollout.records import StepRecord, StepStatus

_ROTATION: Mapping[StepKind, str] = {
    StepKind.DISABLE: "disabled",
    StepKind.ENABLE: "enabled",
    StepKind.RAISE_WEIGHT: "enabled",
    StepKind.ADD_SERVER: "added, disabled",
    StepKind.DELETE_SERVER: "deleted",
}
_DONE: Mapping[StepKind, str] = {
    StepKind.DRAIN: "drained",
    StepKind.ACTION: "action done",
    StepKind.PREPARE_HOST: "host prepared",
    StepKind.HEALTHY: "healthy",
    StepKind.CLEAR_HOST: "host cleared",
}
_UNPLANNED = {"take-out": "disabled again", "put-back": "put back"}


def standing(server: ServerPlan, journal: Mapping[str, StepRecord]) -> str:
    """Return what became of a server's places and of the host, by what the journal says."""
    rotation: dict[str, str] = {}
    done: dict[str, None] = {}
    for step in server.steps:
        record = journal.get(step.id)
        if record is None:
            continue
        if step.kind in _ROTATION and (record.intended or record.status is StepStatus.DONE):
            rotation[step.pool or ""] = _sure(_ROTATION[step.kind], record)
        elif step.kind in _DONE and record.status.complete:
            done[_DONE[step.kind]] = None
        elif step.kind in _DONE and record.intended:
            done[f"{_DONE[step.kind]}?"] = None
    for step in server.steps:
        for kind, words in _UNPLANNED.items():
            record = journal.get(f"{server.name}/{kind}" + _suffix(step))
            if record is not None and record.status.complete and step.pool in rotation:
                rotation[step.pool or ""] = words
    if not rotation and not done:
        return "not touched"
    several = len(set(rotation.values())) > 1
    states = (
        [f"{word} in {pool}" for pool, word in rotation.items()]
        if several
        else list(dict.fromkeys(rotation.values()))
    )
    return ", ".join([*states, *done])


def _sure(word: str, record: StepRecord) -> str:
    """Return what a step leads to; with a question mark where nobody has seen it yet."""
    return word if record.status.complete else f"{word}?"


def _suffix(step: Step) -> str:
    return f"@{step.pool}" if "@" in step.id else ""
