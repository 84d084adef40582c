"""How many servers of a service must stay in: what the file asks for, as numbers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from kempsdk import RsRef, RsStatus, VirtualService
from orchestrator.errors import GateRefused
from orchestrator.members import ServiceKey
from orchestrator.rollout.facts import rollout_of
from orchestrator.rollout_spec import Amount, amount
from orchestrator.spec import Spec
from orchestrator.targets import targets


def healthy(service: VirtualService) -> frozenset[RsRef]:
    """Return the servers that are enabled and up, by what the LoadMaster says."""
    return frozenset(
        rs.ref for rs in service.real_servers if rs.enabled and rs.status is RsStatus.UP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFloor:
    """The floor of one service, as the file has it.

    Attributes:
        min_healthy: what its pools say; the strictest holds, and percentages are rounded up.
        max_unavailable: the same; percentages are rounded down.
        may_empty: none holds: the rollout may leave the service without a server.
    """

    key: ServiceKey
    min_healthy: tuple[Amount, ...]
    max_unavailable: tuple[Amount, ...]
    may_empty: bool = False

    def least_healthy(self, servers: int) -> int:
        """Return how many healthy servers must be left of so many."""
        if self.may_empty:
            return 0
        return max(amount(one, servers, up=True) for one in self.min_healthy)

    def most_out(self, servers: int) -> int:
        """Return how many of so many servers may be out."""
        if self.may_empty:
            return servers
        return min(amount(one, servers, up=False) for one in self.max_unavailable)

    def refuse_impossible(self, servers: int) -> None:
        """Refuse a floor under which no server can ever be taken out.

        Raises:
            GateRefused: says which of the numbers makes it so.
        """
        if self.may_empty:
            return
        if servers == 1:
            why = "it has one server only, and the last one is never taken out"
            cure = "add a second one first, or put a new one in its place (kind: replace)"
        elif self.most_out(servers) == 0:
            why = f"max_unavailable {_words(self.max_unavailable)} of {servers} is less than one"
            cure = f"write max_unavailable: 1, or at least {-(-100 // servers)}%"
        elif self.least_healthy(servers) >= servers:
            why = f"min_healthy {_words(self.min_healthy)} of {servers} is all of them"
            cure = f"write min_healthy: {servers - 1}, or less"
        else:
            return
        raise GateRefused(
            f"{self.key}: no server can be taken out: {why}; {cure}; rollout.may_empty names "
            "pools that may be left without a server",
            gate="floor-impossible",
        )


def _words(values: tuple[Amount, ...]) -> str:
    return " and ".join(str(one) for one in dict.fromkeys(values))


def service_floors(spec: Spec) -> Mapping[ServiceKey, ServiceFloor]:
    """Return the floor of every service that the rollout is about, in the order they are met."""
    rollout = rollout_of(spec)
    pools: dict[ServiceKey, dict[str, None]] = {}
    for places in targets(spec, rollout).values():
        for one in places:
            pools.setdefault(one.service, {})[one.pool] = None
    return {
        key: ServiceFloor(
            key=key,
            min_healthy=tuple(spec.pools[one].min_healthy or rollout.min_healthy for one in names),
            max_unavailable=tuple(
                spec.pools[one].max_unavailable or rollout.max_unavailable for one in names
            ),
            may_empty=not set(rollout.may_empty).isdisjoint(names),
        )
        for key, names in pools.items()
    }
