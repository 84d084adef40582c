"""Changes of the host: its VIP, what silences it, and the operator's action."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.hosts.carrying import plan_add, plan_remove
from orchestrator.hosts.changes import NetChange, describe
from orchestrator.rollout import arp_proof, gates
from orchestrator.rollout.changes import Result, carry_out
from orchestrator.rollout.context import Context
from orchestrator.rollout.observations import until_readable
from orchestrator.rollout.plan import Data, Step
from orchestrator.rollout.plan_parts import host_diff, host_inverse
from orchestrator.rollout.records import StepRecord


@dataclass(slots=True, kw_only=True)
class _HostChange:
    """Changes of the host, computed from what it is like when it is looked at.

    Attributes:
        announced: what the changes that were announced lead to.
    """

    context: Context
    server: str
    compute: Callable[[], tuple[NetChange, ...]]
    open_gate: Callable[[], tuple[str, ...]]
    changes: tuple[NetChange, ...] = ()
    announced: Data = field(default_factory=dict)

    def look(self) -> Data:
        self.changes = self.compute()
        return host_diff(self.changes)[0]

    def reached(self, seen: Data, /) -> bool:
        return not seen

    def gate(self, _seen: Data, /) -> tuple[str, ...]:
        return (*self.open_gate(), *map(describe, self.changes))

    def inverse(self) -> Data | None:
        self.announced = host_diff(self.changes)[1]
        return host_inverse(self.changes)

    def act(self, _seen: Data, /) -> None:
        self.context.driver(self.server).apply(self.context.host(self.server), self.changes)


def _carry_out(context: Context, step: Step, record: StepRecord, change: _HostChange) -> Result:
    """Make the change; what a read confirmed by finding nothing left to do is what is after it.

    What was announced before the run was killed is what the plan said, as far as it went.
    """
    result = carry_out(context, step, record, change)
    planned = {key: step.after[key] for key in record.before or () if key in step.after}
    return dataclasses.replace(result, after={**planned, **change.announced})


def prepare_host(context: Context, step: Step, record: StepRecord) -> Result:
    """Silence the host, then let it take the traffic, by one method.

    One that had a VIP without being silent may have taught its MAC to others, who keep it
    after the repair. That is said; the ARP proof after this step looks at the segment again.
    """
    name, carried = step.server, context.carried_by(step)
    until_readable(context, step, record)
    exposed: list[str] = []

    def compute() -> tuple[NetChange, ...]:
        state = context.read_host(name)
        loud = carried.how.exposed(state, carried.wanted)
        if loud and not exposed:
            text = (
                f"{name} had the VIP without keeping quiet about it "
                f"({'; '.join(one.message for one in loud)}): "
                f"{arp_proof.consequence(', '.join(carried.wanted.vips), name)}"
            )
            exposed.append(text)
            context.emit("warning", text, server=name, step=step.id)
        return plan_add(state, [carried.part])

    change = _HostChange(context=context, server=name, compute=compute, open_gate=tuple)
    result = _carry_out(context, step, record, change)
    return dataclasses.replace(result, evidence=(*exposed, *result.evidence))


def clear_host(context: Context, step: Step, record: StepRecord) -> Result:
    """Take off the host what it carries by one method, then give back what silenced it."""
    name = step.server
    # What another service needs stays: the step says what is to go.
    going = frozenset(step.params["services"])
    carried = context.carried_by(step).only(going)

    def compute() -> tuple[NetChange, ...]:
        return plan_remove(context.read_host(name), carried.part)

    change = _HostChange(
        context=context,
        server=name,
        compute=compute,
        open_gate=lambda: gates.vip_let_go(context, carried, name),
    )
    return _carry_out(context, step, record, change)
