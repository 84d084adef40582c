"""The gateway method of layer-7 transparency: the LoadMaster is the servers' default route.

Servers see the clients' addresses, so what they answer must come back to the LoadMaster. A
client on the servers' own subnet is answered directly, which it does not expect.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import NetChange, RemoveRoute, SetRoute, WriteFile, inverse
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.gateway_at_boot import (
    GatewayAtBoot,
    gateway_at_boot,
    gateway_in,
    with_gateway,
)
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.record_file import read_record, write_record
from orchestrator.hosts.sections import Section
from orchestrator.hosts.state import NetState, Route, same_way
from orchestrator.hosts.undo_record import UndoRecord, digest
from orchestrator.hosts.vip_at_boot import persistence_of

NAME = "gateway"
_DIRECT = ("loopback", "arptables", "firewalld")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The method, as the registry holds it."""

    direct_return: bool = False
    vip_on_host: bool = False
    changes_host: bool = True
    sections: frozenset[Section] = frozenset({Section.PERSISTENCE})

    def plan_add(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that make the LoadMaster the default route; none if it is.

        The files first, then the running route.

        Raises:
            HostChangeFailed: no gateway is named, the host takes part in direct return, which
                needs the real one, or its files are not to be changed here.
        """
        gateway = _checked(state, wanted)
        if not blocking(self.verify(state, wanted)):
            return self._recorded(state, wanted)
        changes: list[NetChange] = []
        at_boot = _at_boot(state, wanted)
        if at_boot.gateway != gateway and not at_boot.why_not:
            try:
                changes += at_boot.changes(gateway, running=persistence_of(state).nm_running)
            except ValueError as error:
                raise HostChangeFailed(f"{wanted.host.name}: {error}") from None
        now = state.default_route_of(4)
        if now is None or (now.gateway, now.interface) != (gateway, wanted.host.interface):
            route = Route(
                destination="default",
                gateway=gateway,
                interface=wanted.host.interface,
                metric=now.metric if now else 0,
                protocol="static",
            )
            changes.append(SetRoute(route=route, before=now))
        record = read_record(state, wanted.host).noting(changes)
        for vip in wanted.vips:
            record = record.carrying(vip, NAME, state)
        return (*write_record(state, wanted.host, record), *changes)

    def _recorded(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return what names further VIPs in the record, if the route is our work.

        Otherwise it would go with the first one's removal.
        """
        record = read_record(state, wanted.host)
        if not any(how.method == NAME for how in record.vips.values()):
            return ()
        for vip in wanted.vips:
            record = record.carrying(vip, NAME, state)
        return write_record(state, wanted.host, record)

    def plan_remove(self, state: NetState, wanted: Wanted) -> tuple[NetChange, ...]:
        """Return the changes that give the old gateway back, with the last service that needs
        the LoadMaster; see ``left_alone``."""
        record = read_record(state, wanted.host)
        gone = [vip for vip in wanted.vips if vip not in wanted.kept_vips]
        left = record.without(gone, method=NAME)
        if any(how.method == NAME for how in left.vips.values()) or not record.vips:
            return write_record(state, wanted.host, left) if record.vips else ()
        changes: list[NetChange] = [
            inverse(call) for call in reversed(record.calls) if "ipv4.gateway" in call.argv
        ]
        changes += _files_back(state, wanted, record)
        now = state.default_route_of(4)
        for taken in record.routes:
            if now is None or taken.set is None or not same_way(now, taken.set):
                continue
            if taken.before is None:
                changes.append(RemoveRoute(route=now))
            else:
                old = taken.before
                back = replace(now, gateway=old.gateway, interface=old.interface)
                changes.append(SetRoute(route=back, before=now))
        rest = replace(
            left,
            routes=(),
            calls=tuple(one for one in left.calls if "ipv4.gateway" not in one.argv),
            files={
                path: one
                for path, one in left.files.items()
                if path != _at_boot(state, wanted).place
            },
        )
        return (*changes, *write_record(state, wanted.host, rest if rest.vips else UndoRecord()))

    def verify(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what is wrong: the route now, the files of the next boot, and who is too near."""
        gateway = wanted.gateway
        if gateway is None:
            return (
                Finding(
                    id="gateway-unnamed",
                    message="the LoadMaster's address on the servers' segment is not named",
                    cure="give gateway: to the service in the inventory",
                ),
            )
        return (*_verify_routes(state, wanted, gateway), *_verify_neighbours(state, wanted))

    def left_alone(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return why the old gateway does not come back, where it does not."""
        record = read_record(state, wanted.host)
        now = state.default_route_of(4)
        changed = [
            one
            for one in record.routes
            if one.set is not None and (now is None or not same_way(one.set, now))
        ]
        return tuple(
            Finding(
                id="route-changed-since",
                message=f"the default route is via {now.gateway if now else 'nothing'}, not the "
                "one that was set here: somebody changed it, it stays",
                cure=f"ip route replace default via {one.before.gateway}",
                blocks=False,
            )
            for one in changed
            if one.before is not None
        )

    def not_mended(self, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
        """Return what stays wrong after ``plan_add``, and what is to be known of the method."""
        return (
            *(
                one
                for one in self.verify(state, wanted)
                if not one.blocks or one.id in ("gateway-unnamed", "gateway-elsewhere")
            ),
            Finding(
                id="gateway-same-subnet",
                message="clients on the servers' own subnet will not work with this service: "
                "they are answered past the LoadMaster",
                cure="keep clients, monitors and other servers that use the VIP off that subnet",
                blocks=False,
            ),
        )

    def exposed(self, _state: NetState, _wanted: Wanted) -> tuple[Finding, ...]:
        return ()

    def evidence(self, state: NetState, wanted: Wanted) -> tuple[str, ...]:
        """Return the route now, and the file that keeps it."""
        return (
            f"default route via {wanted.gateway}, the LoadMaster",
            f"after a boot by {_at_boot(state, wanted).place}",
        )


def _verify_routes(state: NetState, wanted: Wanted, gateway: str) -> Iterator[Finding]:
    host = wanted.host
    network = _network(state, wanted)
    if network is not None and ipaddress.ip_address(gateway) not in network:
        yield Finding(
            id="gateway-elsewhere",
            message=f"{gateway} is not on {host.interface}'s network {network}",
            cure="name the LoadMaster's address on the servers' segment",
        )
        return
    now = state.default_route_of(4)
    if now is None or (now.gateway, now.interface) != (gateway, host.interface):
        via = f"{now.gateway} on {now.interface}" if now else "nowhere"
        yield Finding(
            id="gateway-live",
            message=f"the default route leads via {via}: what the server answers does not come "
            "back to the LoadMaster, and clients time out",
            cure=f"ip route replace default via {gateway} dev {host.interface}",
        )
    at_boot = _at_boot(state, wanted)
    if at_boot.gateway != gateway:
        yield Finding(
            id="gateway-persistent",
            message=f"after a boot the gateway is {at_boot.gateway or 'not known'} "
            f"({at_boot.place})" + (f": {at_boot.why_not}" if at_boot.why_not else ""),
            cure="apply again" if not at_boot.why_not else "see there",
            blocks=not at_boot.why_not,
        )


def _verify_neighbours(state: NetState, wanted: Wanted) -> Iterator[Finding]:
    """Yield who is on the servers' own subnet and asks for the service."""
    network = _network(state, wanted)
    if network is None:
        return
    ports = {one.port for one in wanted.services}
    seen = {
        one.peer_address
        for one in state.sockets
        if one.state == "established"
        and one.local_address == wanted.host.address
        and one.local_port in ports
    }
    for address in sorted({*wanted.clients, *seen} - {wanted.gateway or ""}):
        if ipaddress.ip_address(address) in network:
            yield Finding(
                id="client-same-subnet",
                message=f"{address} is on the server's own subnet {network}: through the VIP it "
                "is answered past the LoadMaster, and does not work",
                cure=f"move {address} to another subnet, or have it ask the server itself",
                blocks=False,
            )


def _network(
    state: NetState, wanted: Wanted
) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    for one in state.addresses:
        if (one.address, one.interface) == (wanted.host.address, wanted.host.interface):
            return ipaddress.ip_network(f"{one.address}/{one.prefix}", strict=False)
    return None


def _at_boot(state: NetState, wanted: Wanted) -> GatewayAtBoot:
    return gateway_at_boot(persistence_of(state), wanted.host)


def _files_back(state: NetState, wanted: Wanted, record: UndoRecord) -> Iterator[NetChange]:
    at_boot = _at_boot(state, wanted)
    taken = record.files.get(at_boot.place)
    if at_boot.file is None or taken is None or taken.before is None:
        return
    ours = {wanted.gateway, *(one.set.gateway for one in record.routes if one.set)}
    if at_boot.gateway not in ours:
        return
    path, now = at_boot.file
    if digest(now.content) == taken.set:
        content = taken.before
    else:  # somebody else changed it too: only the gateway goes back, none where it named none
        content = with_gateway(now.content, gateway_in(taken.before))
    yield WriteFile(path=path, content=content, before=now.content, before_mode=now.mode)


def _checked(state: NetState, wanted: Wanted) -> str:
    name = wanted.host.name
    if wanted.gateway is None:
        raise HostChangeFailed(f"{name}: name the LoadMaster's address (gateway: in the inventory)")
    if ":" in wanted.gateway:
        raise HostChangeFailed(f"{name}: {wanted.gateway} is IPv6; this method is for IPv4")
    record = read_record(state, wanted.host)
    direct = sorted(vip for vip, how in record.vips.items() if how.method in _DIRECT)
    if direct:
        raise HostChangeFailed(
            f"{name} also serves {', '.join(direct)} by direct return, whose answers must go "
            "through the real gateway: one server cannot do both"
        )
    for one in blocking(_verify_routes(state, wanted, wanted.gateway)):
        if one.id == "gateway-elsewhere":
            raise HostChangeFailed(f"{name}: {one.message}: {one.cure}")
    return wanted.gateway
