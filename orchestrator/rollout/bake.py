"""Watching a batch after all is well with it: what shows only after a while shows here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kempsdk import RsStatus, Statistics
from kempsdk.errors import KempError
from orchestrator.errors import GateRefused
from orchestrator.members import Member
from orchestrator.rollout import failover
from orchestrator.rollout.changes import Result
from orchestrator.rollout.context import Context
from orchestrator.rollout.facts import find_server
from orchestrator.rollout.floors import healthy
from orchestrator.rollout.plan import Step, StepKind
from orchestrator.rollout.records import StepRecord
from orchestrator.rollout.web import WebRequest
from orchestrator.rollout_spec import CheckSpec

_TOLD = 200
"""Letters of a command's output that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look at one thing showed."""

    name: str
    right: bool
    words: str

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"


def bake(context: Context, step: Step, record: StepRecord) -> Result:
    """Look again and again until the time is over.

    Raises:
        GateRefused: more looks failed than may.
    """
    wanted, clock = context.rollout.bake, context.adapters.clock
    servers = _of_batch(context, step)
    until = context.first_start_s(record) + wanted.time_s
    marks = {
        name: context.watch(name).services.mark()
        for name in dict.fromkeys(place.loadmaster for place in _places(context, servers))
    }
    looks, failed = 0, []
    while True:
        failover.check(context)
        seen = [
            *_up(context, servers, marks, max_age_s=wanted.every_s),
            *(one for check in wanted.checks for one in _make(context, check, servers, step)),
        ]
        looks += 1
        wrong = [one for one in seen if not one.right]
        failed += wrong[:1]
        left_s = until - clock.monotonic_s()
        context.emit(
            "waiting",
            "; ".join(str(one) for one in wrong or seen),
            server=step.server,
            step=step.id,
            right=not wrong,
            checks={one.name: one.right for one in seen},
            deadline_in_s=round(max(0.0, left_s), 1),
        )
        if len(failed) > wanted.failures:
            raise GateRefused(
                f"{step.server} ({', '.join(servers)}): {wrong[0]}",
                gate="bake",
                evidence=[str(one) for one in (*failed[:-1], *wrong)],
            )
        if left_s <= 0:
            return Result(
                evidence=(
                    f"{looks} looks over {wanted.time_s:g} s, {len(failed)} failed",
                    *(str(one) for one in seen),
                )
            )
        context.wait(min(wanted.every_s, left_s))


def _of_batch(context: Context, step: Step) -> tuple[str, ...]:
    """Return the servers of the batch before this gate that are to be in service now."""
    names = [gate.name for gate in context.plan.gates]
    batch = context.plan.batches[names.index(step.server) - 1]
    return tuple(one for one in batch if _came_in(context, one))


def _came_in(context: Context, name: str) -> bool:
    records = context.records(name, StepKind.HEALTHY)
    return bool(records) and all(
        record is not None and record.status.complete for _, record in records
    )


def _places(context: Context, servers: Iterable[str]) -> tuple[Member, ...]:
    """Return the places that the run has enabled."""
    return tuple(
        context.place(step)
        for name in servers
        for step in context.servers[name].of_kind(StepKind.ENABLE)
    )


# -- what is looked at ----------------------------------------------------------------


def _up(
    context: Context, servers: Iterable[str], marks: Mapping[str, int], *, max_age_s: float
) -> Iterable[_Seen]:
    """Look whether the LoadMasters still call every server of the batch up."""
    for place in _places(context, servers):
        name = f"{place.host} up in {place.vs}"
        try:
            services = context.services(
                place.loadmaster, after=marks[place.loadmaster], max_age_s=max_age_s
            )
        except KempError as error:
            yield _Seen(name=name, right=False, words=f"unreadable ({type(error).__name__})")
            continue
        service = services.get(place.vs)
        server = find_server(service, place.rs) if service else None
        if server is None or not server.enabled:
            yield _Seen(name=name, right=False, words="disabled" if server else "gone")
        else:
            up = server.status is RsStatus.UP
            yield _Seen(name=name, right=up, words=server.status.value)


def _make(
    context: Context, check: CheckSpec, servers: Iterable[str], step: Step
) -> Iterable[_Seen]:
    if check.http is not None:
        yield from _pages(context, check, servers)
    elif check.traffic is not None:
        yield from _traffic(context, check, servers)
    else:
        yield _command(context, check, step)


def _pages(context: Context, check: CheckSpec, servers: Iterable[str]) -> Iterable[_Seen]:
    """Ask for the page through the VIP of each service concerned."""
    http = check.http
    assert http is not None  # noqa: S101 - asked by the caller
    for vs in dict.fromkeys(place.vs for place in _places(context, servers)):
        address = f"[{vs.address}]" if ":" in vs.address else vs.address
        url = f"{'https' if http.tls else 'http'}://{address}:{vs.port}{http.path}"
        headers = {"Host": http.host} if http.host else {}
        asked = WebRequest(
            method="GET", url=url, headers=headers, timeout_s=check.timeout_s, verify=False
        )
        answer = context.adapters.web(asked)
        right = (
            answer.status in http.expect
            if http.expect
            else answer.status is not None and 200 <= answer.status < 300
        )
        yield _Seen(
            name=check.name,
            right=right,
            words=f"{url} answered {answer.status or answer.failure} after {answer.seconds:.2f} s",
        )


def _traffic(context: Context, check: CheckSpec, servers: Iterable[str]) -> Iterable[_Seen]:
    """Compare what a server gets with what the others of its service get."""
    assert check.traffic is not None  # noqa: S101 - asked by the caller
    least = check.traffic.least
    for place in _places(context, servers):
        name = f"{check.name} of {place.host} in {place.vs}"
        try:
            service = context.read_service(place)
            watch = context.watch(place.loadmaster)
            statistics = watch.statistics.get(after=0, max_age_s=5.0).value
        except KempError as error:
            yield _Seen(name=name, right=False, words=f"unreadable ({type(error).__name__})")
            continue
        rate = _rates(statistics, {rs.rs_index: rs.weight for rs in service.real_servers})
        up = healthy(service)
        own = find_server(service, place.rs)
        others = [
            rate[rs.rs_index]
            for rs in service.real_servers
            if rs.ref in up and rs.ref != place.rs and rs.rs_index in rate
        ]
        mean = sum(others) / len(others) if others else 0.0
        mine = rate.get(own.rs_index) if own is not None else None
        if mine is None:
            yield _Seen(name=name, right=False, words="no counters")
        else:
            share = 100.0 if mean == 0 else 100 * mine / mean
            yield _Seen(
                name=name,
                right=share >= least,
                words=f"{share:.0f}% of what others get for their weight (at least {least}%)",
            )


def _rates(statistics: Statistics, weights: Mapping[int, int]) -> dict[int, float]:
    """Return new connections a second for each unit of weight, by index of the server."""
    return {
        row.rs_index: row.connections_per_s / max(1, weights[row.rs_index])
        for row in statistics.servers
        if row.rs_index in weights
    }


def _command(context: Context, check: CheckSpec, step: Step) -> _Seen:
    fields = {"batch": step.server, "run": context.run_id}
    argv = [argument.format_map(fields) for argument in check.argv]
    done = context.adapters.here(argv, check.timeout_s)
    how = (
        f"did not end within {check.timeout_s:g} s"
        if done.exit_code is None
        else f"exit code {done.exit_code}"
    )
    said = (done.stderr.strip() or done.stdout.strip())[-_TOLD:]
    return _Seen(
        name=check.name, right=done.exit_code == 0, words=f"{how}: {said}" if said else how
    )
