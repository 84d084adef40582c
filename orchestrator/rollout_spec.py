"""What is to be done with servers, as a person writes it: the section ``rollout`` of the file.

Plain data; orchestrator.inventory reads it, and orchestrator.rollout_checks says what the
types cannot. Durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

Kind = Literal["add", "drain", "remove", "roll", "replace", "rehome"]
AtDeadline = Literal["fail", "skip", "force"]
OnFailure = Literal["pause", "revert-server", "revert-all"]
CanaryGate = Literal["approve", "check"]
Point = Literal[
    "before-run",
    "before-batch",
    "before-drain",
    "after-drain",
    "before-action",
    "after-action",
    "before-in",
    "after-in",
    "after-away",
    "after-batch",
    "after-run",
]
POINTS_OF: Mapping[str, tuple[str, ...]] = {
    "add": ("before-in", "after-in"),
    "drain": ("before-drain", "after-drain"),
    "remove": ("before-drain", "after-drain", "after-away"),
    "replace": ("before-in", "after-in", "before-drain", "after-drain", "after-away"),
    "rehome": ("before-drain", "after-drain", "after-away", "before-in", "after-in"),
    "roll": (
        "before-drain",
        "after-drain",
        "before-action",
        "after-action",
        "before-in",
        "after-in",
    ),
}
"""The points on the way of a server, by what is done."""

OF_A_BATCH = ("before-batch", "after-batch")
BETWEEN = ("before-run", *OF_A_BATCH, "after-run")
"""The points that are not about one server."""

Seconds = Annotated[float, Ge(0), Le(7 * 24 * 3600)]
Period = Annotated[float, Gt(0), Le(7 * 24 * 3600)]
Amount = int | str
"""A number of servers, or a percentage of them such as 25%."""

STRICT: dict[str, object] = {
    "extra": "forbid",
    "use_attribute_docstrings": True,
    "allow_inf_nan": False,
}
"""Read by pydantic, which only orchestrator.inventory imports: unknown keys are mistakes."""

ACTION_FIELDS = frozenset({"host", "address", "run"})
"""What is filled in, in braces, in the arguments of an action."""

BATCH_FIELDS = frozenset({"batch", "run"})
"""The same of a check, and of a hook that is about a batch."""

RUN_FIELDS = frozenset({"run"})
"""The same of a hook that is about the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSpec:
    """When a disabled server counts as drained, and what to do when it does not happen."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    connections: Annotated[int, Ge(0)] = 0
    """Connections that may be left."""
    window_s: Period = 15.0
    """Both counts must stay at the limit this long."""
    poll_s: Period = 5.0
    """Time between observations; the appliance samples about every 5 s."""
    deadline_s: Period = 900.0
    """Counted from the first start of waiting, restarts included."""
    at_deadline: AtDeadline = "fail"
    """fail: the server stays out and the run pauses. skip: put it back and go on with the
    next one. force: go on and cut what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """What the operator wants done to a drained server."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    argv: Annotated[tuple[str, ...], MinLen(1)]
    """The command and its arguments; no shell. {host}, {address} and {run} are filled in. They
    and the end of what it prints are kept with the run: no secret belongs in either."""
    on: Literal["host", "here"] = "host"
    """On the server, or on the machine that runs the rollout."""
    timeout_s: Period = 600.0
    """Ended after this long, which counts as failed."""
    repeatable: bool = True
    """Whether it may run again when it is not known to have ended (the run was killed in the
    middle of it). Otherwise the run pauses and a person decides."""
    finished: tuple[str, ...] = ()
    """A command in the same place that is asked then: exit code 0 says that it did its work,
    1 that it did not and is to run again; anything else pauses the run."""
    undo: tuple[str, ...] = ()
    """A command in the same place that takes the action back when the run is undone; without
    it, what the action did stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHookSpec:
    """A call over HTTP from this machine, with names in its headers and its JSON body."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    url: str
    """http:// or https://; filled in as in a command. No secret belongs here."""
    method: Literal["POST", "PUT", "GET"] = "POST"
    """How it is called."""
    expect: tuple[Annotated[int, Ge(100), Le(599)], ...] = ()
    """Codes that are right; any 2xx where left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSpec:
    """Something of yours, done at a named point: a command, or a call over HTTP.

    A command finds names in its environment: KEMP_RUN, KEMP_TOKEN (the same each time this
    hook is called for this server in this run), KEMP_POINT, KEMP_KIND, and KEMP_SERVER,
    KEMP_ADDRESS, KEMP_POOLS where it is about one server, else KEMP_SERVERS, and KEMP_BATCH
    where it is about a batch. Never a secret.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    at: Point
    """When: before-run, before-batch, before-drain, after-drain, before-action, after-action,
    before-in, after-in, after-away, after-batch or after-run."""
    name: str
    """By which it is told apart."""
    argv: tuple[str, ...] = ()
    """A command and its arguments; no shell. {host}, {address} and {run} are filled in; of
    before-batch and after-batch {batch} and {run}, of before-run and after-run {run}."""
    on: Literal["host", "here"] = "here"
    """On the server, or on the machine that runs the rollout."""
    http: HttpHookSpec | None = None
    """A call instead of a command."""
    timeout_s: Period = 60.0
    """Ended after this long, which counts as failed."""
    repeatable: bool = True
    """Whether it may run again when it is not known to have ended."""
    finished: tuple[str, ...] = ()
    """A command in the same place that is asked then: 0 did its work, 1 did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RampSpec:
    """The weight raised in steps after a server is enabled."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    percent: Annotated[tuple[Annotated[int, Ge(1), Le(99)], ...], MinLen(1), MaxLen(2)] = (10, 50)
    """Of its weight, one step after another; the whole weight is the last step. At most two:
    each costs a change of the LoadMaster's configuration."""
    every_s: Period = 30.0
    """Up without a break this long at each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySpec:
    """A first, small batch, and what must hold before the others."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    hosts: Amount = 1
    """How many: a number, or a percentage, rounded down. The first ones of the rollout."""
    gate: CanaryGate = "approve"
    """approve: a person says so (kemp rollout approve). check: the checks of bake pass."""
    deadline_s: Period = 24 * 3600.0
    """Longest wait for a person; then the run pauses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheckSpec:
    """A page asked for through the VIP of each service, from this machine."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    path: str = "/"
    """Path asked for."""
    tls: bool = False
    """Over TLS; whose certificate it is is not looked at."""
    host: str | None = None
    """Name of the site; the VIP where left out."""
    expect: tuple[Annotated[int, Ge(100), Le(599)], ...] = ()
    """Codes that are right; any 2xx where left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficCheckSpec:
    """New connections a second that each server of the batch must get."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    least: Annotated[int, Ge(1), Le(100)] = 20
    """Percent of what the other servers of the service get, for its weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One look while a batch bakes: http, traffic or argv."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    name: str
    """By which it is told apart."""
    http: HttpCheckSpec | None = None
    """A page through the VIP."""
    traffic: TrafficCheckSpec | None = None
    """The LoadMaster's rates."""
    argv: tuple[str, ...] = ()
    """A command that must end with exit code 0; {batch} and {run} are filled in."""
    timeout_s: Period = 10.0
    """Of the page or the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeSpec:
    """How a batch is watched after all is well with it, before the next one."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    time_s: Seconds = 0.0
    """How long. The LoadMaster must call each server of the batch up all the time."""
    every_s: Period = 10.0
    """Time between two looks."""
    failures: Annotated[int, Ge(0)] = 0
    """Looks that may fail without the batch having failed."""
    checks: tuple[CheckSpec, ...] = ()
    """Made with every look, at least once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSpec:
    """One change to servers, over one or more of their services."""

    __pydantic_config__: ClassVar[dict[str, object]] = STRICT

    kind: Kind
    """add: prepare and put in. drain: take out. remove: take out and away.
    roll: take out, act, put back. replace: put new ones in, then take the old ones away.
    rehome: take out of one pool's service and put into another's."""
    pool: str | None = None
    """Name of the pool, as above; of a rehome, the one that the servers come into."""
    replace: Mapping[str, str] = field(default_factory=dict)
    """kind replace: the new host by the old one, {old: new}. The new one gets the old one's
    places, weight and limit."""
    moves_from: str | None = None
    """kind rehome: the pool that the servers leave. Its service may be the same one, by
    another method."""
    pools: tuple[str, ...] = ()
    """Several pools: each server is taken out of, or put into, all of them that it is in."""
    hosts: tuple[str, ...] = ()
    """Only these, in this order. Without a pool: each over all the pools that it is in."""
    selector: Mapping[str, str] = field(default_factory=dict)
    """Only hosts with all of these labels. Without a pool: over all the pools they are in."""
    batch: Amount | tuple[Amount, ...] = 1
    """Servers worked on together: a number, a percentage of the hosts, rounded down, or a
    growing list such as [1, 10%, 50%], whose last entry repeats."""
    max_unavailable: Amount = 1
    """Servers of a service that may be out at once, by what the LoadMaster says: a number, or
    a percentage of its servers, rounded down. A pool may say otherwise."""
    min_healthy: Amount = 1
    """Healthy servers that must be left of a service after every disable, at least 1: a
    number, or a percentage of its servers, rounded up. A pool may say otherwise."""
    may_empty: tuple[str, ...] = ()
    """Pools that this rollout may leave without a healthy server: no floor holds for them."""
    settle_s: Seconds = 5.0
    """Wait after a disable before counters are trusted."""
    drain: DrainSpec = field(default_factory=DrainSpec)
    """When a disabled server counts as drained."""
    min_healthy_s: Seconds = 10.0
    """Up without a break this long before a server counts as back."""
    healthy_deadline_s: Period = 120.0
    """A server not up for min_healthy_s within this time has failed and is taken out."""
    canary: CanarySpec | None = None
    """A first batch of its own, and a gate after it."""
    bake: BakeSpec = field(default_factory=BakeSpec)
    """How each batch is watched before the next one begins."""
    max_failures: Annotated[int, Ge(0)] = 0
    """Servers that may fail over the whole run before it pauses; they stay out."""
    progress_deadline_s: Period = 4 * 3600.0
    """The run pauses when no step has ended for this long, waiting for a person apart."""
    ramp: RampSpec | None = None
    """How a server's weight is raised after it is enabled; at once where left out."""
    action: ActionSpec | None = None
    """Done to each drained server of a roll."""
    hooks: tuple[HookSpec, ...] = ()
    """Done at named points, in the order written."""
    on_failure: OnFailure = "pause"
    """pause: a failed server stays out, servers not begun are left alone. revert-server: it is
    put back as it was found, and the run pauses. revert-all: the whole run is undone."""
    allow: tuple[str, ...] = ()
    """Ids of rules that this rollout may break."""


def amount(value: Amount, of: int, *, up: bool) -> int:
    """Return a number, or a percentage of ``of`` rounded up or down; may be 0.

    Raises:
        ValueError: neither, or a percentage out of 1% to 100%.
    """
    text = str(value).strip()
    if text.endswith("%") and text[:-1].isascii() and text[:-1].isdigit():
        percent = int(text[:-1])
        if not 1 <= percent <= 100:
            raise ValueError(f"{text} is not between 1% and 100%")
        return (of * percent + (99 if up else 0)) // 100
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{value!r} is neither a number nor a percentage such as 50%")
    return int(text)


def batch_sizes(rollout: RolloutSpec, hosts: int) -> tuple[int, ...]:
    """Return how many servers are worked on together, batch by batch, until all are done.

    Args:
        hosts: how many the rollout is about, at least 1.

    Raises:
        ValueError: not a number or percentage, more than there are, or less than one.
    """
    wanted = rollout.batch
    growing = not isinstance(wanted, int | str)
    entries: tuple[Amount, ...] = (wanted,) if isinstance(wanted, int | str) else wanted
    if not entries:
        raise ValueError("an empty list of batches")
    sizes: list[int] = []
    for entry in entries:
        size = amount(entry, hosts, up=False)
        if str(entry).strip().endswith("%"):
            if size == 0 and not sizes:
                raise ValueError(f"{entry} of {hosts} hosts is less than one; write a number")
            # In a list that grows, a small percentage of few hosts only does not grow.
            size = max(size, sizes[-1] if sizes else 1)
        if size == 0:
            raise ValueError("0 hosts at a time never ends")
        if size > hosts and not growing:
            raise ValueError(f"{size} hosts at a time, but there are only {hosts}")
        if sizes and size < sizes[-1]:
            raise ValueError(f"a list of batches grows, but {entry} is less than the one before")
        sizes.append(size)
    whole: list[int] = [first] if (first := canary_size(rollout, hosts)) else []
    begun = len(whole)
    while (left := hosts - sum(whole)) > 0:
        whole.append(min(left, sizes[min(len(whole) - begun, len(sizes) - 1)]))
    return tuple(whole)


def canary_size(rollout: RolloutSpec, hosts: int) -> int:
    """Return how many servers are tried first, apart from the others; 0: there is no canary.

    Raises:
        ValueError: less than one, or more than there are.
    """
    if rollout.canary is None:
        return 0
    size = amount(rollout.canary.hosts, hosts, up=False)
    if not 0 < size <= hosts:
        raise ValueError(f"a canary of {rollout.canary.hosts} out of {hosts} hosts")
    return size
