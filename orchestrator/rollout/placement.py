"""How the servers of a plan are spread over workers. Pure.

Servers that share a LoadMaster are worked on in one process, whatever the number of
workers: so one look serves all of them, the appliance's limit of calls is kept in one
place, and two of them cannot both take the last place above the floor.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.rollout.plan import Plan, ServerPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Servers of a batch that are worked on in one process.

    Attributes:
        name: of the LoadMasters that they share.
    """

    name: str
    servers: tuple[str, ...]


def stages(plan: Plan) -> tuple[tuple[Group, ...], ...]:
    """Return the groups of each batch and of each gate, in the plan's order."""
    boxes_of = {one.name: _boxes(one) for one in plan.servers}
    name_of = {box: name for name, boxes in _joined(plan).items() for box in boxes}
    found: list[tuple[Group, ...]] = []
    anywhere = next(iter(name_of.values()))
    for stage in plan.stages:
        groups: dict[str, list[str]] = {}
        for lane in stage:
            name = name_of[min(boxes_of[lane])] if lane in boxes_of else anywhere
            groups.setdefault(name, []).append(lane)
        found.append(
            tuple(Group(name=name, servers=tuple(servers)) for name, servers in groups.items())
        )
    return tuple(found)


def group_names(plan: Plan) -> tuple[str, ...]:
    """Return the names of all groups of a plan."""
    return tuple(_joined(plan))


def _joined(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Return the LoadMasters of the plan, joined where a server is behind several."""
    joined: list[frozenset[str]] = []
    for server in plan.servers:
        boxes = _boxes(server)
        apart = [one for one in joined if not one & boxes]
        joined = [*apart, boxes.union(*(one for one in joined if one & boxes))]
    return {"+".join(sorted(one)): one for one in sorted(joined, key=sorted)}


def _boxes(server: ServerPlan) -> frozenset[str]:
    return frozenset(one.loadmaster for one in server.places)


def place(groups: Sequence[str], workers: Iterable[str]) -> Mapping[str, str]:
    """Return a worker for each group: the same one each time, and none with more than its part.

    Whoever comes or goes moves as few groups as that allows. At least one worker.
    """
    names = sorted(workers)
    most = -(-len(groups) // len(names))
    load = dict.fromkeys(names, 0)
    placed: dict[str, str] = {}
    for group in sorted(groups):
        free = [name for name in names if load[name] < most]
        placed[group] = max(free, key=lambda name: _rank(group, name))
        load[placed[group]] += 1
    return placed


def _rank(group: str, worker: str) -> bytes:
    return hashlib.sha256(f"{group} {worker}".encode()).digest()
