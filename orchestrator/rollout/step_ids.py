"""What the id of a step says: of which server it is, what it does, and where. Pure.

A plan has its own steps; a run may make more, which only the journal knows: ``take-out``,
``put-back``, and those that put a failed server back as it was found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.rollout.plan import StepKind
from orchestrator.rollout.records import StepRecord

UNDO = "undo-"
"""How the ids of steps begin, after the server's name, that put it back within its run."""

TAKE_OUT = "take-out"
PUT_BACK = StepKind.PUT_BACK.value

_WORDS = "|".join([TAKE_OUT, *(re.escape(kind.value) for kind in StepKind)])
_ID = re.compile(
    rf"(?P<lane>[^/]+)/(?:{UNDO}(?P<undo>\d+)-)?(?P<word>{_WORDS})"
    r"(?:-(?P<suffix>[^@]+))?(?:@(?P<pool>.+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepName:
    """The parts of an id.

    Attributes:
        undo: the attempt in which it put the server back; None for any other step.
        word: the kind of step, or ``take-out``.
        pool: the place that it is about, where the server has several.
    """

    lane: str
    undo: int | None
    word: str
    pool: str | None

    @property
    def planned(self) -> bool:
        """Return whether a plan may have such a step."""
        return self.undo is None and self.word not in (TAKE_OUT, PUT_BACK)


def by_lane(journal: Mapping[str, StepRecord]) -> Mapping[str, Mapping[str, StepRecord]]:
    """Return the journal of each server and gate that has one, in the same order."""
    lanes: dict[str, dict[str, StepRecord]] = {}
    for step_id, record in journal.items():
        lanes.setdefault(step_id.partition("/")[0], {})[step_id] = record
    return lanes


def step_name(step_id: str) -> StepName | None:
    """Return the parts of an id; None: it is none of ours."""
    found = _ID.fullmatch(step_id)
    if found is None:
        return None
    undo = found["undo"]
    return StepName(
        lane=found["lane"],
        undo=int(undo) if undo is not None else None,
        word=found["word"],
        pool=found["pool"],
    )
