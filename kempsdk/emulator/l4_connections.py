"""Which server a connection goes to, and what is counted about it. Pure: no packets, no sockets.

Modelled on the Linux virtual server in direct-routing mode, which sees only what clients
send: one decision per connection, at its first packet; a connection stays with its server
when that stops being eligible; a server's ``active_connections`` are those past their
handshake whose client has not closed. That the appliance counts the same way is a guess.
"""

from collections.abc import Iterable, Mapping

from kempsdk.emulator.datapath import L4Connection, L4Server, L4Service, ServerCounters
from kempsdk.emulator.schedules import Chooser

Service = tuple[int, bytes, bytes]
"""IP protocol number, VIP (4 bytes), port (2 bytes)."""

TCP, UDP = 6, 17
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

# The kernel's own timeouts for what sees one direction only: unfinished handshakes must
# not look like work in progress, closed connections linger for what still has to be
# acknowledged (a half-closed client may be receiving a long answer).
OPENING_S = 60.0
CLOSING_S = 15.0
"""That long the last packets of a closed connection may still be sent again."""
CLOSED_S = 120.0
IDLE_S = 660.0
"""The appliance's global connection timeout, seen on 7.2.50-7.2.63 where a service has none."""


class Destination:
    """A server of one service, with its running totals."""

    __slots__ = ("active", "bytes", "credit", "entries", "packets", "server", "total")

    def __init__(self, server: L4Server) -> None:
        self.server = server
        self.active = 0
        self.entries = 0
        self.total = 0
        self.packets = 0
        self.bytes = 0
        self.credit = 0

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def weight(self) -> int:
        return self.server.weight

    @property
    def load(self) -> int:
        """Return the load as the kernel's least-connection schedulers weigh it."""
        return self.active * 255 + self.entries


class _Connection:
    __slots__ = ("acknowledged", "closed", "destination", "last_s")

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.acknowledged = False
        self.closed = False
        self.last_s = 0.0

    @property
    def active(self) -> bool:
        return self.acknowledged and not self.closed


class _Programmed:
    __slots__ = ("chooser", "connections", "destinations", "idle_s")

    def __init__(self) -> None:
        self.connections: dict[bytes, _Connection] = {}
        self.destinations: dict[tuple[str, int], Destination] = {}
        self.chooser = Chooser()
        self.idle_s = IDLE_S


class ConnectionTable:
    """Services, their servers and open connections. Not safe for several threads at once."""

    def __init__(self) -> None:
        self._services: dict[Service, _Programmed] = {}

    def program(self, services: Mapping[Service, L4Service]) -> None:
        """Replace the services. What stays keeps its connections and totals.

        Servers are recognised by address and port, since indices may be renumbered. The
        connections of a server that was deleted from its service are forgotten, and what
        still comes for them is dropped, as the kernel does: only a disabled server drains.
        """
        kept: dict[Service, _Programmed] = {}
        for key, service in services.items():
            programmed = self._services.get(key) or _Programmed()
            programmed.chooser.schedule = service.schedule
            programmed.idle_s = service.idle_timeout_s if service.idle_timeout_s > 0 else IDLE_S
            known, programmed.destinations = programmed.destinations, {}
            for server in service.servers:
                identity = (server.address, server.port)
                destination = known.pop(identity, None) or Destination(server)
                destination.server = server
                programmed.destinations[identity] = destination
            gone = set(map(id, known.values()))
            if gone:
                programmed.connections = {
                    client: connection
                    for client, connection in programmed.connections.items()
                    if id(connection.destination) not in gone
                }
            kept[key] = programmed
        self._services = kept

    def __contains__(self, service: Service) -> bool:
        return service in self._services

    def route(
        self, service: Service, client: bytes, *, tcp_flags: int | None, now_s: float
    ) -> Destination | None:
        """Return where a packet goes; None to drop it.

        Args:
            service: one that is programmed.
            client: address and port of the sender.
            tcp_flags: None for UDP. A TCP packet of no known connection that does not begin
                one is dropped: no server has that connection's state, so sending it
                anywhere would only have it reset.
            now_s: monotonic time.
        """
        programmed = self._services[service]
        connection = programmed.connections.get(client)
        begins = tcp_flags is None or tcp_flags & (SYN | ACK | RST) == SYN
        if connection is not None and connection.closed and begins:
            self._forget(programmed, client, connection)  # the client uses the port again
            connection = None
        if connection is None:
            if not begins:
                return None
            destination = programmed.chooser.choose(
                [one for one in programmed.destinations.values() if one.server.eligible],
                client[:4],
            )
            if destination is None:
                return None
            connection = programmed.connections[client] = _Connection(destination)
            destination.entries += 1
            destination.total += 1
        connection.last_s = now_s
        destination = connection.destination
        was_active = connection.active
        if tcp_flags is None or tcp_flags & ACK:
            connection.acknowledged = True
        if tcp_flags is not None and tcp_flags & (FIN | RST):
            connection.closed = True
        destination.active += connection.active - was_active
        return destination

    def alive(self, *, now_s: float) -> tuple[L4Connection, ...]:
        """Return the connections that are open or just being closed."""
        return tuple(
            L4Connection(
                service=service,
                client=client,
                server=(one.destination.server.address, one.destination.server.port),
                acknowledged=one.acknowledged,
                closed=one.closed,
            )
            for service, programmed in self._services.items()
            for client, one in programmed.connections.items()
            if not one.closed or now_s - one.last_s < CLOSING_S
        )

    def adopt(self, connections: Iterable[L4Connection], *, now_s: float) -> None:
        """Add connections that began elsewhere; they do not count as begun here.

        Left out are those whose service or server is not here, and clients known already.
        """
        for told in connections:
            programmed = self._services.get(told.service)
            if programmed is None or told.client in programmed.connections:
                continue
            destination = programmed.destinations.get(told.server)
            if destination is None:
                continue
            connection = programmed.connections[told.client] = _Connection(destination)
            connection.acknowledged, connection.closed = told.acknowledged, told.closed
            connection.last_s = now_s
            destination.entries += 1
            destination.active += connection.active

    def expire(self, now_s: float) -> None:
        """Forget connections whose time is over."""
        for programmed in self._services.values():
            over = [
                (client, connection)
                for client, connection in programmed.connections.items()
                if now_s - connection.last_s > _lifetime_s(connection, programmed.idle_s)
            ]
            for client, connection in over:
                self._forget(programmed, client, connection)

    def counters(self) -> dict[int, ServerCounters]:
        """Return totals by the RsIndex that each server has now.

        A virtual service with several ports is programmed as several services whose
        servers share their indices: those are added up.
        """
        sums: dict[int, ServerCounters] = {}
        for programmed in self._services.values():
            for one in programmed.destinations.values():
                others = sums.get(one.server.rs_index, ServerCounters())
                sums[one.server.rs_index] = ServerCounters(
                    active_connections=others.active_connections + one.active,
                    total_connections=others.total_connections + one.total,
                    packets=others.packets + one.packets,
                    bytes=others.bytes + one.bytes,
                )
        return sums

    @staticmethod
    def _forget(programmed: _Programmed, client: bytes, connection: _Connection) -> None:
        del programmed.connections[client]
        connection.destination.entries -= 1
        connection.destination.active -= connection.active


def _lifetime_s(connection: _Connection, idle_s: float) -> float:
    if connection.closed:
        return CLOSED_S
    return idle_s if connection.acknowledged else min(OPENING_S, idle_s)
