"""The loopback method for one VIP of a web service, as most tests ask for it."""

from collections.abc import Sequence

from kempsdk.references import Protocol, VsRef
from orchestrator.hosts.changes import NetChange
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.methods.loopback import Loopback
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.state import NetState

METHOD = Loopback()


def wanted(host: Host, *vips: str, keep: Sequence[str] = ()) -> Wanted:
    """Return port 80 of each VIP, over TCP."""

    def services(addresses: Sequence[str]) -> tuple[VsRef, ...]:
        return tuple(VsRef(Protocol.TCP, address, 80) for address in addresses)

    return Wanted(host=host, services=services(vips), keep=services(keep))


def plan_add(state: NetState, *, host: Host, vip: str) -> tuple[NetChange, ...]:
    return METHOD.plan_add(state, wanted(host, vip))


def plan_remove(
    state: NetState, *, host: Host, vip: str, keep_vips: Sequence[str] = ()
) -> tuple[NetChange, ...]:
    return METHOD.plan_remove(state, wanted(host, vip, keep=keep_vips))


def left_alone(
    state: NetState, *, host: Host, vip: str, keep_vips: Sequence[str] = ()
) -> tuple[Finding, ...]:
    return METHOD.left_alone(state, wanted(host, vip, keep=keep_vips))


def verify(state: NetState, *, host: Host, vip: str) -> tuple[Finding, ...]:
    """Return what keeps traffic away; that a bare directory brings nothing back does not."""
    return blocking(METHOD.verify(state, wanted(host, vip)))
