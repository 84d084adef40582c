"""Facts made by hand, and plans of them without a world."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from kempsdk import Forward, RealServer, RsRef, RsStatus, VirtualService
from orchestrator.hosts.driver import Host
from orchestrator.hosts.state import NetState
from orchestrator.rollout.facts import Facts, LoadMasterFacts
from orchestrator.rollout.plan import Plan, Step, StepKind
from orchestrator.rollout.planner import make_plan
from tests.fakes.host import FakeHostDriver, plain_host
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.rollout.world import (
    MAC,
    NAMES,
    SERVER,
    VIP,
    VS,
    listener,
    spec_for,
)

S = StepKind
HOST = [S.PREPARE_HOST, S.VERIFY_HOST, S.ARP_PROOF, S.SERVICE_BOUND]


def real_server(name: str, **changes: Any) -> RealServer:
    return RealServer(
        **{
            "ref": SERVER[name],
            "vs_index": 1,
            "rs_index": 10 + NAMES.index(name),
            "forward": Forward.ROUTE,
            "enabled": True,
            "status": RsStatus.UP,
            **changes,
        }
    )


def service(servers: Iterable[RealServer] = (), **changes: Any) -> VirtualService:
    return VirtualService(
        **{
            "ref": VS,
            "index": 1,
            "layer": 4,
            "enabled": True,
            "force_l4": True,
            "real_servers": tuple(servers),
            **changes,
        }
    )


def all_three(
    changed: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any
) -> VirtualService:
    """Return the service with all servers in service.

    Args:
        changed: how servers differ, by name. changes: how the service does.
    """
    return service(
        (real_server(name, **(changed or {}).get(name, {})) for name in NAMES), **changes
    )


def _listening(name: str) -> tuple[FakeHostDriver, Host]:
    driver, host = FakeHostDriver(), spec_for("kind: add").host(name)
    driver.add(host, plain_host(host, mac=MAC[name])).sockets.append(listener())
    return driver, host


def plain(name: str) -> NetState:
    """Return a host with the program and nothing of ours."""
    driver, host = _listening(name)
    return driver.read(host, by_loopback.METHOD.sections)


def plains() -> dict[str, NetState]:
    return {name: plain(name) for name in NAMES}


def carrying(name: str) -> NetState:
    """Return a host that carries the VIP as the product leaves it."""
    driver, host = _listening(name)
    driver.apply(
        host,
        by_loopback.plan_add(driver.read(host, by_loopback.METHOD.sections), host=host, vip=VIP),
    )
    return driver.read(host, by_loopback.METHOD.sections)


def carriers(**others: NetState) -> dict[str, NetState]:
    """Return all hosts as the product leaves them, but for those that are given."""
    return {name: others.get(name) or carrying(name) for name in NAMES}


def facts(
    vs: VirtualService | None = None,
    hosts: Mapping[str, NetState] | None = None,
    *,
    others: tuple[VirtualService, ...] = (),
    connections: Mapping[RsRef, int] | None = None,
    drain_time_s: int | None = None,
) -> Facts:
    there = vs or all_three()
    counted = {(there.ref, rs): count for rs, count in (connections or {}).items()}
    return Facts(
        loadmasters={
            "lb1": LoadMasterFacts(
                services=(there, *others),
                connections=counted,  # type: ignore[arg-type] # no SubVS here
                drain_time_s=drain_time_s,
                appliance="LoadMaster with serial number 1",
            )
        },
        hosts=hosts or carriers(),
    )


def planned(rollout: str, given: Facts | None = None, **more: Any) -> Plan:
    """Return the plan of a rollout; without facts, where all is right."""
    return make_plan(spec_for(rollout, **more), given or facts())


def kinds(plan: Plan, name: str) -> list[StepKind]:
    return [step.kind for step in plan.server(name).steps]


def step_of(plan: Plan, name: str, kind: StepKind) -> Step:
    return next(step for step in plan.server(name).steps if step.kind is kind)


def loaded(connections: int, rate: int, *, drain_time_s: int | None = None, **vs: Any) -> Facts:
    """Return facts in which web1 has this load."""
    there = all_three(**vs)
    made = facts(there, connections={SERVER["web1"]: connections}, drain_time_s=drain_time_s)
    box = dataclasses.replace(made.loadmasters["lb1"], rates={(VS, SERVER["web1"]): rate})
    return dataclasses.replace(made, loadmasters={"lb1": box})
