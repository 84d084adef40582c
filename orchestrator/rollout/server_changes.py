"""Changes of a server on the LoadMaster."""

from collections.abc import Callable
from dataclasses import dataclass

from kempsdk import Forward
from kempsdk.errors import KempError
from orchestrator.errors import GateRefused
from orchestrator.rollout import arp_proof, gates
from orchestrator.rollout.changes import Result, carry_out
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
from orchestrator.rollout.plan import Data, Step, StepKind
from orchestrator.rollout.planner import server_state
from orchestrator.rollout.records import StepRecord, StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _ServerChange:
    """A change of the server on the LoadMaster, from step.before to step.after."""

    context: Context
    step: Step
    act_on: Callable[[Data], None]
    open_gate: Callable[[], tuple[str, ...]]

    def look(self) -> Data:
        service = self.context.read_service()
        return server_state(find_server(service, self.context.server(self.step.server)))

    def reached(self, seen: Data, /) -> bool:
        return dict(seen) == dict(self.step.after)

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
    rs = context.server(step.server)

    def gate() -> tuple[str, ...]:
        return gates.floor(context, context.read_service(), rs)

    with context.floor:
        return carry_out(
            context,
            step,
            record,
            _ServerChange(
                context=context,
                step=step,
                open_gate=gate,
                act_on=lambda _: _ignore(
                    context.loadmaster.real_servers.disable_in(context.service.ref, rs)
                ),
            ),
        )


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
    rs = context.server(step.server)
    return carry_out(
        context,
        step,
        record,
        _ServerChange(
            context=context,
            step=step,
            open_gate=gate,
            act_on=lambda _: _ignore(
                context.loadmaster.real_servers.enable_in(context.service.ref, rs)
            ),
        ),
    )


def add_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Add the server to the service, disabled."""
    servers, vs = context.loadmaster.real_servers, context.service.ref
    rs = context.server(step.server)
    forward, weight = Forward(step.after["forward"]), int(step.after["weight"])

    def act(seen: Data) -> None:
        if seen["present"]:
            servers.update(vs, rs, forward=forward, weight=weight)
        else:
            servers.add(vs, rs, forward=forward, weight=weight, enable=False)

    return carry_out(
        context,
        step,
        record,
        _ServerChange(context=context, step=step, open_gate=tuple, act_on=act),
    )


def take_out(context: Context, name: str) -> str:
    """Disable a server that this run enabled and that does not come up.

    The floor holds for one that is healthy at this moment; a dead one is no loss.

    Returns:
        What became of it, for people.
    """
    enable = context.steps.get(f"{name}/{StepKind.ENABLE.value}")
    enabled = context.journal(enable.id) if enable else None
    if enable is None or enabled is None or not enabled.intended:
        return "this run did not enable it, so it does not disable it"
    step = Step(
        id=take_out_id(name),
        server=name,
        kind=StepKind.DISABLE,
        why="it did not come up: out again, until a person puts it back",
        before=enable.after,
        after={**enable.after, "enabled": False},
        inverse={"kind": StepKind.ENABLE.value},
    )
    rs = context.server(name)

    def gate() -> tuple[str, ...]:
        service = context.read_service()
        return gates.floor(context, service, rs) if rs in gates.healthy(service) else ()

    now_s = context.adapters.clock.time_s
    record = context.store.begin_step(context.run_id, step.id, worker=context.worker, now_s=now_s())
    try:
        with context.floor:
            change = _ServerChange(
                context=context,
                step=step,
                open_gate=gate,
                act_on=lambda _: _ignore(
                    context.loadmaster.real_servers.disable_in(context.service.ref, rs)
                ),
            )
            result = carry_out(context, step, record, change)
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


def take_out_id(name: str) -> str:
    """Return the id of the step that takes a server out which did not come up."""
    return f"{name}/take-out"


def update_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Give the server another weight."""
    rs = context.server(step.server)
    return carry_out(
        context,
        step,
        record,
        _ServerChange(
            context=context,
            step=step,
            open_gate=tuple,
            act_on=lambda _: _ignore(
                context.loadmaster.real_servers.update(
                    context.service.ref, rs, weight=int(step.after["weight"])
                )
            ),
        ),
    )


def delete_server(context: Context, step: Step, record: StepRecord) -> Result:
    """Take the drained server out of the service."""
    rs = context.server(step.server)

    def gate() -> tuple[str, ...]:
        gates.drained(context, step.server)
        return ("drained in this run",)

    return carry_out(
        context,
        step,
        record,
        _ServerChange(
            context=context,
            step=step,
            open_gate=gate,
            act_on=lambda _: context.loadmaster.real_servers.delete(context.service.ref, rs),
        ),
    )


def _ignore(_: object) -> None:
    """Drop what the SDK says it did: the look after the act is what counts."""
