"""Changes of a server on the LoadMaster."""

from collections.abc import Callable
from dataclasses import dataclass

from kempsdk import Forward
from kempsdk.errors import KempError
from kempsdk.real_servers import RealServers
from kempsdk.settings import RsSettings
from orchestrator.errors import GateRefused
from orchestrator.members import Member
from orchestrator.rollout import arp_proof, gates, partners
from orchestrator.rollout.changes import Result, carry_out
from orchestrator.rollout.context import Context
from orchestrator.rollout.floors import healthy
from orchestrator.rollout.plan import Data, Step, StepKind
from orchestrator.rollout.plan_parts import server_state
from orchestrator.rollout.records import StepRecord, StepStatus
from orchestrator.rollout.step_ids import TAKE_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class _ServerChange:
    """A change of the server on the LoadMaster, from step.before to step.after."""

    context: Context
    step: Step
    act_on: Callable[[Data], None]
    open_gate: Callable[[], tuple[str, ...]]

    def look(self) -> Data:
        place = self.context.place(self.step)
        return server_state(self.context.read_server(place))

    def reached(self, seen: Data, /) -> bool:
        return dict(seen) == dict(self.step.after) or self._further(seen)

    def _further(self, seen: Data) -> bool:
        """Return whether it is as a later step of the same ramp of this run has left it."""
        if self.step.kind not in (StepKind.ENABLE, StepKind.RAISE_WEIGHT):
            return False
        steps = self.context.servers[self.step.server].steps
        return any(
            dict(seen) == dict(one.after)
            and (one.kind, one.pool) == (StepKind.RAISE_WEIGHT, self.step.pool)
            and (record := self.context.journal(one.id)) is not None
            and record.intended
            for one in steps[steps.index(self.step) + 1 :]
        )

    def gate(self, seen: Data, /) -> tuple[str, ...]:
        # Our own addition that came out differently is mended, not taken for a stranger's. The
        # journal is asked again: this very call may have announced it.
        now = self.context.journal(self.step.id)
        mending = (
            now is not None
            and now.intended
            and self.step.kind is StepKind.ADD_SERVER
            and seen.get("present") is True
            and seen.get("enabled") is False
        )
        if not mending:
            gates.not_foreign(self.step, seen)
        return self.open_gate()

    def inverse(self) -> Data | None:
        return self.step.inverse

    def act(self, seen: Data, /) -> None:
        self.act_on(seen)


def disable(context: Context, step: Step, record: StepRecord) -> Result:
    """Take the server out of rotation, if the floor allows it at this moment."""
    place = context.place(step)

    def gate() -> tuple[str, ...]:
        ready = partners.ready(context, step.server)
        return (*ready, *gates.floors(context, step.server, place))

    with context.watch(place.loadmaster).floor:
        result = carry_out(context, step, record, _switching(context, step, gate))
        context.tell_out(place)
        return result


def enable(context: Context, step: Step, record: StepRecord) -> Result:
    """Put the server into rotation, if this run verified the host and it is still right."""

    def gate() -> tuple[str, ...]:
        gates.verified_in_this_run(context, step.server)
        said = gates.host_ready(context, step.server)
        return (*said, *arp_proof.prove_again_if_old(context, step.server))

    return _enable(context, step, record, gate)


def put_back(context: Context, step: Step, record: StepRecord) -> Result:
    """Enable a server again to which nothing was done: the host is verified here and now."""
    return _enable(context, step, record, lambda: gates.host_ready(context, step.server))


def _enable(
    context: Context, step: Step, record: StepRecord, gate: Callable[[], tuple[str, ...]]
) -> Result:
    return carry_out(context, step, record, _switching(context, step, gate))


def _switching(context: Context, step: Step, gate: Callable[[], tuple[str, ...]]) -> _ServerChange:
    """Return the change that enables or disables a server, with another weight if need be."""
    enabled, weight = bool(step.after["enabled"]), int(step.after["weight"])

    def act(servers: RealServers, place: Member) -> None:
        if weight != step.before["weight"]:
            servers.update(place.vs, place.rs, enable=enabled, weight=weight)
        elif enabled:
            servers.enable_in(place.vs, place.rs)
        else:
            servers.disable_in(place.vs, place.rs)

    return _changing(context, step, gate, act)


def add_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Add the server to the service, disabled."""
    place = context.place(step)
    servers = context.loadmaster(place.loadmaster).real_servers
    settings: RsSettings = {
        "forward": Forward(step.after["forward"]),
        "weight": int(step.after["weight"]),
    }
    if step.after["limit"]:
        settings["limit"] = int(step.after["limit"])

    def act(seen: Data) -> None:
        if seen["present"]:
            servers.update(place.vs, place.rs, **settings)
        else:
            disabled: RsSettings = {**settings, "enable": False}
            servers.add(place.vs, place.rs, **disabled)

    change = _ServerChange(context=context, step=step, open_gate=tuple, act_on=act)
    return carry_out(context, step, record, change)


def take_out(context: Context, name: str) -> str:
    """Disable a server that this run enabled and that does not come up, in all its places.

    The floor holds for one that is healthy at this moment; a dead one is no loss.

    Returns:
        What became of it, for people.
    """
    enabled = [
        step
        for step in context.servers[name].of_kind(StepKind.ENABLE)
        if (record := context.journal(step.id)) is not None and record.intended
    ]
    if not enabled:
        return "this run did not enable it, so it does not disable it"
    said = dict.fromkeys(_take_out(context, one) for one in enabled)
    return "; ".join(said)


def _take_out(context: Context, enabled: Step) -> str:
    place, left_as = context.place(enabled), _left_as(context, enabled)
    step = Step(
        id=take_out_id(enabled),
        server=enabled.server,
        kind=StepKind.DISABLE,
        why="it did not come up: out again, until a person puts it back",
        pool=enabled.pool,
        before=left_as,
        # Out, and with its whole weight: whoever puts it back finds it as it was.
        after=enabled.before,
        inverse={"kind": StepKind.ENABLE.value, "state": dict(left_as)},
    )

    def gate() -> tuple[str, ...]:
        service = context.read_service(place)
        return gates.floor(context, place, service) if place.rs in healthy(service) else ()

    now_s = context.adapters.clock.time_s
    record = context.store.begin_step(context.run_id, step.id, worker=context.worker, now_s=now_s())
    try:
        with context.watch(place.loadmaster).floor:
            result = carry_out(context, step, record, _switching(context, step, gate))
    except (GateRefused, KempError) as error:
        context.store.end_step(
            context.run_id,
            step.id,
            StepStatus.FAILED,
            worker=context.worker,
            now_s=now_s(),
            reason=str(error),
        )
        return f"it could not be taken out again: {error}"
    context.store.end_step(
        context.run_id,
        step.id,
        result.status,
        worker=context.worker,
        now_s=now_s(),
        evidence=result.evidence,
        after=result.after,
    )
    return "it was disabled again and stays out"


def _left_as(context: Context, enabled: Step) -> Data:
    """Return what a server is since the last step that changed its weight."""
    left_as = enabled.after
    for step in context.servers[enabled.server].of_kind(StepKind.RAISE_WEIGHT):
        record = context.journal(step.id)
        # One that is to be done again did its work in an earlier attempt.
        if step.pool == enabled.pool and record is not None and record.status.complete:
            left_as = step.after
    return left_as


def take_out_id(enable: Step) -> str:
    """Return the id of the step that takes a server out which did not come up."""
    return enable.sibling_id(TAKE_OUT)


def update_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Give the server another weight or limit."""
    changed: RsSettings = {"weight": int(step.after["weight"])}
    if step.after["limit"] != step.before["limit"]:
        changed["limit"] = int(step.after["limit"])
    change = _changing(
        context,
        step,
        tuple,
        lambda servers, place: servers.update(place.vs, place.rs, **changed),
    )
    return carry_out(context, step, record, change)


def delete_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Take the drained server out of the service."""

    def gate() -> tuple[str, ...]:
        gates.drained(context, step.server)
        return ("drained in this run",)

    change = _changing(
        context, step, gate, lambda servers, place: servers.delete(place.vs, place.rs)
    )
    return carry_out(context, step, record, change)


def _changing(
    context: Context,
    step: Step,
    gate: Callable[[], tuple[str, ...]],
    act: Callable[[RealServers, Member], object],
) -> _ServerChange:
    """Return a change by one call; what the SDK says of it is dropped: the look after it counts."""
    place = context.place(step)

    def act_on(_: Data) -> None:
        act(context.loadmaster(place.loadmaster).real_servers, place)

    return _ServerChange(context=context, step=step, open_gate=gate, act_on=act_on)
