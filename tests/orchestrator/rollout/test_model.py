"""Rollouts under random operators, faults, clocks and deaths, against what must always hold.

A stretch is what one process does with a run: it begins it or goes on with it, until it ends,
pauses or dies. Into a stretch come things that happen at random points of it: people ask,
somebody else changes the LoadMaster, servers fall over, hosts go away or boot, answers get
lost, clocks jump, the process dies. A point is every event, and right after every change.

A few dozen stretches by default; ``make soak`` has thousands. ``KEMP_MODEL_EXAMPLES`` says
how many examples, of up to twelve stretches each.
"""

import dataclasses
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kempsdk import LoadMaster, RsRef
from kempsdk.emulator import CallRecord, Fault, FaultKind
from kempsdk.errors import KempError
from orchestrator.errors import (
    AlreadyAsked,
    DriftDetected,
    HostUnreachable,
    OrchestratorError,
)
from orchestrator.hosts.changes import NetChange
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.records import Event, RequestKind, RunState, StepStatus
from orchestrator.rollout.report import report
from orchestrator.rollout.run import abandon, plan_undo
from orchestrator.rollout.store import Store
from tests.fakes.light_engine import resume_lightly, run_lightly
from tests.orchestrator.rollout.world import ADDRESS, NAMES, VIP, VS, World, connection, listener
from tests.soak import runs

TIMES = (
    "settle_s: 1, min_healthy_s: 2, healthy_deadline_s: 20, progress_deadline_s: 4000, "
    "drain: {window_s: 2, poll_s: 1, deadline_s: 30}"
)
KINDS = {
    "roll": f"kind: roll, action: {{argv: [restart]}}, {TIMES}",
    "pairs": f"kind: roll, batch: 2, max_unavailable: 2, action: {{argv: [restart]}}, {TIMES}",
    "canary": f"kind: roll, canary: {{deadline_s: 60}}, action: {{argv: [restart]}}, {TIMES}",
    "budget": f"kind: roll, max_failures: 1, max_unavailable: 2, {TIMES}",
    "drain": f"kind: drain, hosts: [web2], {TIMES}",
    "remove": f"kind: remove, hosts: [web3], {TIMES}",
}
MOST_OUT = {"pairs": 2, "budget": 2}
SERVERS = st.sampled_from(NAMES)
ENDED = (RunState.FINISHED, RunState.ABANDONED)

HAPPENINGS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(["pause", "pause now", "abort", "approve"])),
    st.tuples(st.sampled_from(["skip", "retry"]), SERVERS),
    st.tuples(st.sampled_from(["down", "up"]), SERVERS),
    st.tuples(st.sampled_from(["unreachable", "reachable", "boot", "client", "gone"]), SERVERS),
    st.tuples(st.sampled_from(["enable", "disable", "weight"]), SERVERS),
    st.tuples(st.just("lose"), st.sampled_from(["close", "garbage", "page", "truncate"])),
    st.tuples(st.just("jump"), st.sampled_from([-86400.0, -60.0, 60.0, 86400.0])),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 40.0])),
    st.tuples(st.just("die"), st.just("")),
)
PLANNED = st.lists(st.tuples(st.integers(0, 90), HAPPENINGS), max_size=4)


IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
"""No power fails here: to wait for a disk at each note of the journal takes most of the time."""


class Died(BaseException):
    """The process was killed."""


class _Pointed:
    """Passes changes on to the LoadMaster; something may happen right after each."""

    def __init__(self, inner: object, point: Callable[[], None]) -> None:
        self._inner = inner
        self._point = point

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._inner, name)(*args, **kwargs)
            if name != "get":
                self._point()
            return result

        return call


class Rollouts(RuleBasedStateMachine):
    """One run, perhaps the one that undoes it, and all that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY)))
        self.store = self._stack.enter_context(Store(directory / "state"))
        self.world = self._stack.enter_context(World(self.store))
        self.world.in_service()
        self.run_id = ""
        self.kind = ""
        self.points = 0
        self.planned: dict[int, list[tuple[str, Any]]] = {}
        self.happened_before: set[int] = set()
        self.meddled = False
        self.asked_away = False
        self.found_disabled: set[str] = set()
        self.done: set[tuple[str, str]] = set()
        self.checked = len(self.world.box.calls)
        for name in NAMES:
            self.world.driver.hosts[name].refuse = self._before_change(name)

    def teardown(self) -> None:
        try:
            if self.run_id:
                self._comes_to_an_end()
        finally:
            self._stack.close()

    # -- what is done -----------------------------------------------------------------------

    @initialize(kind=st.sampled_from(sorted(KINDS)), out=st.one_of(st.none(), SERVERS))
    def begin(self, kind: str, out: str | None) -> None:
        """Somebody may have disabled a server before the plan was made."""
        if out is not None and kind == "budget":
            self.world.lm.real_servers.disable_in(VS, RsRef(ADDRESS[out], 80))
            self.found_disabled.add(out)
        self.kind = kind
        self.plan = self.world.plan(KINDS[kind])

    @rule(planned=PLANNED)
    def stretch(self, planned: list[tuple[int, tuple[str, Any]]]) -> None:
        """Begin the run, or go on with it."""
        if self.run_id and self.state in ENDED:
            return
        self.points, self.planned = 0, {}
        for at, happening in planned:
            self.planned.setdefault(at, []).append(happening)
        with suppress(Died):
            if self.run_id:
                resume_lightly(
                    self.run_id, self.adapters, self.store, on_event=self.hear, threads=False
                )
            else:
                self._begin(self.plan)
        self.planned = {}

    def _begin(self, plan: Plan) -> None:
        self.run_id = f"r{len(self.store.runs()) + 1}"
        # What cannot be read, or has moved, before the start ends a run before it began.
        with suppress(DriftDetected, HostUnreachable, KempError):
            run_lightly(
                plan,
                self.adapters,
                self.store,
                on_event=self.hear,
                run_id=self.run_id,
                threads=False,
            )

    @rule(happening=HAPPENINGS)
    def between(self, happening: tuple[str, Any]) -> None:
        """Something happens while nobody works on the run."""
        with suppress(Died):
            self.happen(*happening)

    @precondition(lambda self: self.run_id and self.state is RunState.PAUSED)
    @rule()
    def give_up(self) -> None:
        abandon(self.run_id, self.store, now_s=self.world.clock.time_s(), reason="given up")

    @precondition(lambda self: self.run_id)
    @rule(planned=PLANNED)
    def undo(self, planned: list[tuple[int, tuple[str, Any]]]) -> None:
        """Take the run back, where there is something to take back and the floor allows it."""
        self.points, self.planned = 0, {}
        try:
            plan = plan_undo(self.run_id, self.adapters, self.store)
        except (OrchestratorError, KempError):
            return
        for at, happening in planned:
            self.planned.setdefault(at, []).append(happening)
        self.asked_away = True
        with suppress(Died):
            self._begin(plan)
        self.planned = {}

    # -- what happens -----------------------------------------------------------------------

    def point(self) -> None:
        self.points += 1
        planned = self.planned.pop(self.points, [])
        for happening in planned:
            self.happen(*happening)
        if planned:
            self.happened_before.add(len(self.world.box.calls))

    def happen(self, what: str, about: Any) -> None:
        world = self.world
        host = world.driver.hosts.get(about)
        match what:
            case "ask":
                word, _, target = about.partition(" ")
                self._ask(RequestKind(word), "batch 1" if word == "approve" else target)
            case "skip" | "retry":
                self._ask(RequestKind(what), about)
            case "down" | "up":
                world.box.set_health(ADDRESS[about], 80, what == "up")
            case "unreachable" | "reachable" if host is not None:
                host.down = "no route" if what == "unreachable" else None
            case "boot" if host is not None:
                host.boot()
                host.sockets = [listener()]
            case "client" | "gone" if host is not None:
                host.sockets = [listener(), *([connection()] if what == "client" else [])]
            case "enable" | "disable" | "weight":
                self._meddle(what, about)
            case "lose":
                world.box.arm(Fault(kind=FaultKind(about), times=2))
            case "jump":
                world.clock._epoch_offset_s += about
            case "pass":
                world.clock.advance(about)
            case _:
                raise Died

    def _ask(self, kind: RequestKind, target: str) -> None:
        if self.run_id:
            with suppress(AlreadyAsked):
                self._put(kind, target)
            self.asked_away |= kind in (RequestKind.SKIP, RequestKind.ABORT)

    def _put(self, kind: RequestKind, target: str) -> None:
        self.store.requests.ask(
            self.run_id,
            kind,
            target,
            asked_by="ada",
            now_s=self.world.clock.time_s(),
            once=kind is RequestKind.APPROVE,
        )

    def _meddle(self, what: str, name: str) -> None:
        """Somebody else changes a server on the LoadMaster."""
        params = {"enable": {"enable": "Y", "disable": "N"}.get(what), "weight": None}
        if what == "weight":
            params["weight"] = "7"
        given = {key: value for key, value in params.items() if value is not None}
        # By hand, so that no fault of ours strikes it and no call of it is ours.
        self.world.box.run(
            "modrs", vs=VIP, port=80, prot="tcp", rs=ADDRESS[name], rsport=80, **given
        )
        self.meddled = True

    # -- what must hold while it happens ----------------------------------------------------

    def hear(self, event: Event) -> None:
        key = (event.run_id, event.step or "")
        word = key[1].partition("/")[2]
        if event.kind == "step-ended":
            self.done.add(key)
        if event.kind == "acting":
            if word in ("disable", "action", "delete-server"):
                assert key not in self.done, f"{event.step} was done, and is done again"
            if word in ("enable", "put-back"):
                assert event.server is not None
                assert self.right(event.server), f"{event.server} is enabled and not right"
                if not self.meddled:
                    assert event.server not in self.found_disabled
        self.point()

    def _before_change(self, name: str) -> Callable[[NetChange], str | None]:
        def look(_: NetChange) -> str | None:
            assert self.silent(name), f"{name} has the VIP and answers ARP for it"
            self.point()
            return None

        return look

    def silent(self, name: str) -> bool:
        """Return whether a host does not answer for the VIP, if it has it."""
        host = self.world.driver.hosts[name]
        if not self.world.carries_vip(name):
            return True
        values = [
            max(host.sysctls[f"conf/all/{key}"], host.sysctls[f"conf/eth0/{key}"])
            for key in ("arp_ignore", "arp_announce")
        ]
        return values[0] in (1, 2) and values[1] == 2

    def right(self, name: str) -> bool:
        host = self.world.driver.hosts[name]
        return self.world.carries_vip(name) and self.silent(name) and bool(host.sockets)

    # -- what must hold after each stretch --------------------------------------------------

    @property
    def state(self) -> RunState:
        return self.store.standing(self.run_id)[0]

    @property
    def adapters(self) -> Adapters:
        lm = self.world.lm
        pointed = SimpleNamespace(
            virtual_services=lm.virtual_services,
            statistics=lm.statistics,
            parameters=lm.parameters,
            interfaces=lm.interfaces,
            high_availability=lm.high_availability,
            system=lm.system,
            real_servers=_Pointed(lm.real_servers, self.point),
        )
        return dataclasses.replace(
            self.world.adapters, loadmaster=lambda _: cast("LoadMaster", pointed)
        )

    @invariant()
    def the_floor_held(self) -> None:
        calls = self.world.box.calls
        for number, call in enumerate(calls[self.checked :], start=self.checked):
            disables = call.command == "modrs" and call.params.get("enable") == "N"
            # The floor is looked at one call earlier: nobody can see what happens in between.
            if disables and number not in self.happened_before:
                self._floor_held(call)
        self.checked = len(calls)

    def _floor_held(self, call: CallRecord) -> None:
        mine = [one for one in call.servers if one.address == call.params["rs"]]
        if not mine or not (mine[0].enabled and mine[0].healthy):
            return  # a dead one is no loss
        left = [one for one in call.servers if one not in mine and one.enabled and one.healthy]
        assert left, "the last healthy server was disabled"
        out = len(call.servers) - len(left)
        assert out <= MOST_OUT.get(self.kind, 1), f"{out} were out at the same time"

    @invariant()
    def nobody_answers_for_the_vip(self) -> None:
        assert all(self.silent(name) for name in NAMES)

    @invariant()
    def locks_are_those_of_runs_that_have_not_ended(self) -> None:
        held = {one.run_id for one in self.store.locks.all()}
        open_runs = {one.run_id for one in self.store.runs() if one.state not in ENDED}
        assert held == open_runs

    @invariant()
    def every_server_has_an_outcome(self) -> None:
        for run in self.store.runs():
            found = report(run.run_id, self.store)
            planned = self.store.run(run.run_id).plan.servers
            assert set(found.hosts) == {one.name for one in planned}
            if run.state is RunState.FINISHED and found.kind != "undo":
                left = [one.outcome for one in found.hosts.values()]
                assert "in_progress" not in left
                assert "not_attempted" not in left

    # -- how it ends ------------------------------------------------------------------------

    def _comes_to_an_end(self) -> None:
        """With nothing in its way any more, every run ends; one without strangers, well."""
        world = self.world
        world.box.disarm()
        for name in NAMES:
            world.box.set_health(ADDRESS[name], 80, True)
            host = world.driver.hosts[name]
            host.down, host.sockets = None, [listener()]
        for request in self.store.requests.open(self.run_id):
            if request.kind is not RequestKind.APPROVE:
                self.store.requests.refuse(request, "over", now_s=world.clock.time_s())
        for _ in range(6):
            if self.state in ENDED:
                break
            if self.kind == "canary":
                with suppress(AlreadyAsked):
                    self._put(RequestKind.APPROVE, "batch 1")
            resume_lightly(
                self.run_id, self.adapters, self.store, on_event=self.hear, threads=False
            )
        self.the_floor_held()
        self.nobody_answers_for_the_vip()
        if self.meddled:
            return  # what is a stranger's stays as it is, and may stop the run for good
        last = report(self.run_id, self.store)
        assert self.state in ENDED, last.reason
        if self.state is RunState.ABANDONED or self.asked_away or last.kind == "undo":
            return
        failed = {record.status for record in self.store.steps(self.run_id).values()} & {
            StepStatus.FAILED
        }
        if not failed and self.kind in ("roll", "pairs", "canary"):
            wanted = {name: name not in self.found_disabled for name in NAMES}
            assert world.enabled() == wanted
            worked_on = [name for name in NAMES if world.driver.hosts[name].commands]
            assert worked_on == list(NAMES)


EXAMPLES = int(os.environ.get("KEMP_MODEL_EXAMPLES", runs(short=6, long=3000)))


@pytest.mark.soak
def test_whatever_happens_to_a_rollout() -> None:
    run_state_machine_as_test(
        Rollouts,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=runs(short=6, long=12),
            deadline=None,
            # The same ones each time in CI; new ones under soak.
            derandomize=EXAMPLES < 100,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
