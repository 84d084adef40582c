"""Where a run left a server, in words: what people must know before they touch it. Pure."""

from collections.abc import Mapping

from orchestrator.rollout.plan import StepKind
from orchestrator.rollout.records import StepRecord
from orchestrator.rollout.step_ids import PUT_BACK, TAKE_OUT, step_name

_ROTATION: Mapping[str, str] = {
    StepKind.DISABLE.value: "disabled",
    StepKind.ENABLE.value: "enabled",
    StepKind.RAISE_WEIGHT.value: "enabled",
    StepKind.ADD_SERVER.value: "added, disabled",
    StepKind.DELETE_SERVER.value: "deleted",
    TAKE_OUT: "disabled again",
    PUT_BACK: "put back",
}
_DONE: Mapping[str, str] = {
    StepKind.DRAIN.value: "drained",
    StepKind.ACTION.value: "action done",
    StepKind.PREPARE_HOST.value: "host prepared",
    StepKind.HEALTHY.value: "healthy",
    StepKind.CLEAR_HOST.value: "host cleared",
}


def standing(server: str, journal: Mapping[str, StepRecord]) -> str:
    """Return what became of a server's places and of the host, by what the journal says.

    A question mark: the run does not know yet whether it happened.
    """
    rotation: dict[str, str] = {}
    done: dict[str, None] = {}
    for step_id, record in sorted(journal.items(), key=lambda one: one[1].started_s):
        name = step_name(step_id)
        if name is None or name.lane != server:
            continue
        sure = "" if record.status.complete else "?"
        if name.word in _ROTATION and record.intended:
            word = _ROTATION[name.word]
            if name.undo is not None:
                word = f"{word}, on its way back"
            rotation[name.pool or ""] = f"{word}{sure}"
        elif name.word in _DONE and (record.intended or record.status.complete):
            if name.undo is not None and name.word == StepKind.ACTION.value:
                done.pop(_DONE[name.word], None)
                done[f"action taken back{sure}"] = None
            else:
                done[f"{_DONE[name.word]}{sure}"] = None
    if not rotation and not done:
        return "not touched"
    if len(set(rotation.values())) > 1:
        states = [f"{word} in {pool}" for pool, word in rotation.items()]
    else:
        states = list(dict.fromkeys(rotation.values()))
    return ", ".join([*states, *done])
