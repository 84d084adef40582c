"""Which server a client's connection goes to at layer 7, and what ends it. Pure.

Persistence, draining and limits as the vendor documents them. That a connection stays with
one server for all requests on it, and that persistence is looked up once, with the first of
them, are guesses: they hold for services without content rules.
"""

import ipaddress
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kempsdk.emulator.datapath import L7Server, L7Service, ServerCounters
from kempsdk.emulator.schedules import Chooser

COOKIE_MODES = frozenset({"cookie", "cookie-src", "active-cookie", "active-cook-src"})
SOURCE_MODES = frozenset({"src", "cookie-src", "active-cook-src"})
"""Modes that know a client by its address, those with a cookie where there is none.

The other modes of the appliance (header, URL, SSL session, ...) are taken for none.
"""

DEFAULT_COOKIE = "JSESSIONID"
"""Name of the appliance's own cookie where none is given: a guess."""


class Target:
    """A server of one service, with its running totals and open connections."""

    __slots__ = ("bytes", "connections", "credit", "drain_began_s", "server", "total")

    def __init__(self, server: L7Server) -> None:
        self.server = server
        self.connections: set[Connection] = set()
        self.total = 0
        self.bytes = 0
        self.credit = 0
        self.drain_began_s: float | None = None

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def weight(self) -> int:
        return self.server.weight

    @property
    def load(self) -> int:
        return len(self.connections)

    @property
    def has_room(self) -> bool:
        return not self.server.limit or self.load < self.server.limit

    @property
    def eligible(self) -> bool:
        """Return whether a client that is not known may be sent here."""
        return self.server.enabled and self.server.healthy and self.has_room


class Connection:
    """One client's connection to a server.

    Attributes:
        key: of the persistence record that knows the client; None where none does.
        cookie: name and value that the client is to be given; None: nothing.
        learns: the value of the server's own cookie will make the record.
    """

    __slots__ = ("cookie", "key", "learns", "target")

    def __init__(self, target: Target, key: str | None = None) -> None:
        self.target = target
        self.key = key
        self.cookie: tuple[str, str] | None = None
        self.learns = False


@dataclass(slots=True)
class _Record:
    target: Target
    until_s: float


class L7ConnectionTable:
    """Servers, open connections and persistence records of one service."""

    def __init__(self, service: L7Service) -> None:
        self.service = service
        self._targets: dict[tuple[str, int], Target] = {}
        self._records: dict[str, _Record] = {}
        self._chooser = Chooser()

    def program(self, service: L7Service, *, now_s: float) -> Iterator[Connection]:
        """Take over new settings; yield the connections that end with them.

        Servers are recognised by address and port. Connections of a server that is gone
        from its service end (a guess); those of one that was disabled go on, unless the
        settings say otherwise.
        """
        self.service = service
        self._chooser.schedule = service.schedule
        known, self._targets = self._targets, {}
        for server in service.servers:
            identity = (server.address, server.port)
            target = known.pop(identity, None) or Target(server)
            was, target.server = target.server, server
            self._targets[identity] = target
            if server.enabled:
                target.drain_began_s = None
            elif target.drain_began_s is None:
                target.drain_began_s = now_s
                yield from self._begin_drain(target)
            if service.cut_on_failure and was.healthy and not server.healthy:
                yield from tuple(target.connections)
        for target in known.values():
            self._forget(target)
            yield from tuple(target.connections)

    def expire(self, *, now_s: float) -> Iterator[Connection]:
        """Forget what is over; yield the connections that end with it."""
        self._records = {
            key: record for key, record in self._records.items() if record.until_s > now_s
        }
        for target in self._targets.values():
            if target.drain_began_s is None or self._draining(target, now_s):
                continue
            self._forget(target)
            if self.service.cut_after_drain:
                yield from tuple(target.connections)

    def open(
        self, client: str, cookies: Mapping[str, str] | None, *, now_s: float
    ) -> Connection | None:
        """Return a new connection to the server that it goes to; None where there is none.

        Args:
            client: the client's address.
            cookies: those of its first request; None where it is not HTTP.
        """
        persist = self.service.persist
        sent = (cookies or {}).get(self.cookie_name) if persist in COOKIE_MODES else None
        key = f"cookie {sent}" if sent is not None else None
        if key is None and persist in SOURCE_MODES:
            key = f"from {client}"
        connection = self._known(key, now_s)
        if connection is None:
            target = self._choose(client)
            if target is None:
                return None
            connection = Connection(target)
            self._make_known(connection, key, cookies is not None, now_s)
        connection.target.connections.add(connection)
        connection.target.total += 1
        return connection

    def learned(self, connection: Connection, value: str, *, now_s: float) -> None:
        """Note the value that the server itself gave the client's cookie."""
        self._remember(connection, f"cookie {value}", now_s)

    def close(self, connection: Connection) -> None:
        """Forget a connection; once or more often."""
        connection.target.connections.discard(connection)

    @property
    def cookie_name(self) -> str:
        return self.service.cookie or DEFAULT_COOKIE

    @property
    def connections(self) -> Iterator[Connection]:
        """Yield every open connection."""
        for target in self._targets.values():
            yield from tuple(target.connections)

    def counters(self) -> Iterator[tuple[int, ServerCounters]]:
        """Yield the totals of each server with its RsIndex."""
        for one in self._targets.values():
            yield (
                one.server.rs_index,
                ServerCounters(
                    active_connections=one.load, total_connections=one.total, bytes=one.bytes
                ),
            )

    def _known(self, key: str | None, now_s: float) -> Connection | None:
        record = self._records.get(key) if key is not None else None
        if record is None or record.until_s <= now_s:
            return None
        target = record.target
        if not (target.server.healthy and target.has_room and target.weight > 0):
            return None
        if not (target.server.enabled or self._draining(target, now_s)):
            return None
        # Each use renews the record, on a draining server too.
        record.until_s = now_s + self.service.persist_timeout_s
        return Connection(target, key)

    def _choose(self, client: str) -> Target | None:
        return self._chooser.choose(
            [one for one in self._targets.values() if one.eligible],
            ipaddress.ip_address(client).packed,
        )

    def _make_known(
        self, connection: Connection, key: str | None, is_http: bool, now_s: float
    ) -> None:
        persist = self.service.persist
        if is_http and persist.startswith("active-"):
            value = secrets.token_hex(8)
            connection.cookie = (self.cookie_name, value)
            self._remember(connection, f"cookie {value}", now_s)
        elif is_http and persist in COOKIE_MODES:
            connection.learns = True
        if persist in SOURCE_MODES and key is not None and key.startswith("from "):
            self._remember(connection, key, now_s)

    def _remember(self, connection: Connection, key: str, now_s: float) -> None:
        connection.key = key
        self._records[key] = _Record(connection.target, now_s + self.service.persist_timeout_s)

    def _draining(self, target: Target, now_s: float) -> bool:
        """Return whether a disabled server still takes clients that are known."""
        began_s = target.drain_began_s
        return began_s is not None and now_s - began_s < self.service.drain_time_s

    def _begin_drain(self, target: Target) -> Iterator[Connection]:
        if self.service.drain_time_s == 0:
            self._forget(target)
            yield from tuple(target.connections)
        elif self.service.cut_after_drain:
            yield from (one for one in tuple(target.connections) if not self._has_record(one))

    def _has_record(self, connection: Connection) -> bool:
        record = self._records.get(connection.key or "")
        return record is not None and record.target is connection.target

    def _forget(self, target: Target) -> None:
        self._records = {
            key: record for key, record in self._records.items() if record.target is not target
        }
