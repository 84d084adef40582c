"""No change on the servers: the LoadMaster speaks to their own addresses (layer 7)."""

from dataclasses import dataclass

from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState


@dataclass(frozen=True, slots=True)
class Untouched:
    """Verifies only."""

    direct_return: bool = False
    vip_on_host: bool = False
    changes_host: bool = False
    sections: frozenset[Section] = frozenset()

    def plan_add(self, _state: NetState, _wanted: Wanted) -> tuple[NetChange, ...]:
        return ()

    def plan_remove(self, _state: NetState, _wanted: Wanted) -> tuple[NetChange, ...]:
        return ()

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return whether the host lacks its own address, or has the service's."""
        host = wanted.host
        own = any(one.address == host.address for one in state.addresses)
        return (
            *(
                [
                    Finding(
                        id="address-missing",
                        message=f"the host does not have its address {host.address}: the "
                        "LoadMaster does not reach it",
                        cure="give the host's own address in the inventory",
                    )
                ]
                if not own
                else []
            ),
            *(
                Finding(
                    id="vip-astray",
                    message=f"{one.address}/{one.prefix} is on {one.interface}, though nothing "
                    "is needed on the servers: the host may answer for the service itself",
                    cure=f"ip address del {one.address}/{one.prefix} dev {one.interface}",
                    blocks=False,
                )
                for one in state.addresses
                if one.address in wanted.vips
            ),
        )

    def left_alone(self, _state: NetState, _wanted: Wanted) -> tuple[Finding, ...]:
        return ()

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        return self.verify(state, wanted)

    def exposed(self, _state: NetState, _wanted: Wanted) -> tuple[Finding, ...]:
        return ()

    def evidence(self, _state: NetState, wanted: Wanted) -> tuple[str, ...]:
        return (f"it has {wanted.host.address}; nothing of ours is needed on it",)
