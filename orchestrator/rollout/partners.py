"""A server that waits for another one: nothing is taken from it before that is where it must be."""

from collections.abc import Mapping

from kempsdk import RsStatus
from orchestrator.errors import GateRefused
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context, Skipped
from orchestrator.rollout.plan import Data, Step, StepKind
from orchestrator.rollout.records import StepRecord

_DONE: Mapping[str, str] = {"in": "in service", "out": "out of its old service"}


def partner(context: Context, step: Step, _: StepRecord) -> Result:
    """See that the other server has come to its end, in the journal and on the LoadMaster.

    Raises:
        Skipped: it has not; this server is left as it is.
        GateRefused: it had, but is not there any more.
    """
    return Result(evidence=_ready(context, step.server, step.params))


def ready(context: Context, name: str) -> tuple[str, ...]:
    """Look again at what a server waits for; opens for one that waits for nobody.

    Raises:
        Skipped, GateRefused: as for ``partner``.
    """
    steps = context.servers[name].of_kind(StepKind.PARTNER)
    return tuple(one for step in steps for one in _ready(context, name, step.params))


def _ready(context: Context, name: str, params: Data) -> tuple[str, ...]:
    other, must = params["lane"], params["must"]
    for step in context.servers[other].steps:
        record = context.journal(step.id)
        if record is None or not record.status.complete:
            raise Skipped(f"{name} is left as it is: {other} is not {_DONE[must]} ({step.id})")
    said: list[str] = []
    for place in context.places(other):
        server = context.read_server(place)
        if must == "in":
            right = server is not None and server.enabled and server.status is RsStatus.UP
        else:
            right = server is None
        words = (
            "not in the service"
            if server is None
            else f"{'enabled' if server.enabled else 'disabled'} and {server.status.value}"
        )
        said.append(f"{other} ({place.rs}) in {place.service}: {words}")
        if not right:
            raise GateRefused(
                f"{name} is left as it is: {other} is not {_DONE[must]} any more",
                gate="partner",
                evidence=said,
            )
    return tuple(said)
