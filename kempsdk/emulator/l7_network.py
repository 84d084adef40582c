"""What the proxy needs of the kernel where it is not on loopback: its addresses, and replies.

Needs CAP_NET_ADMIN in the network namespace of the calling thread.
"""

import socket
from collections.abc import Iterable

from pyroute2 import IPRoute, NetlinkError  # type: ignore[import-untyped] # it ships no types

from kempsdk.emulator.l4 import announce

_TABLE = 7077
"""Routing table that takes servers' replies to clients in; any number nobody else uses."""

IP_TRANSPARENT = 19

Replies = tuple[str, int]
"""Address and port of a server whose replies carry clients' addresses."""


class ProxyNetwork:
    """Virtual addresses on one interface, and the way back of transparent connections.

    A server answers the client's address; those packets must end at the proxy's socket,
    which was bound to that address, instead of being forwarded.
    """

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self._addresses: set[str] = set()
        self._replies: set[Replies] = set()

    def own(self, addresses: Iterable[str], replies: Iterable[Replies]) -> None:
        """Have exactly these addresses, and take in the replies of exactly these servers.

        New addresses are announced. IPv4 only.

        Raises:
            OSError: the kernel refuses; it may be tried again.
        """
        try:
            self._own(set(addresses), set(replies))
        except NetlinkError as error:
            raise OSError(error.code, f"{self._interface}: {error.args[-1]}") from None

    def _own(self, wanted: set[str], taken_in: set[Replies]) -> None:
        with IPRoute() as ip:
            index = ip.link_lookup(ifname=self._interface)[0]
            for address in sorted(self._addresses - wanted):
                ip.addr("del", index=index, address=address, prefixlen=32)
                self._addresses.discard(address)
            for address in sorted(wanted - self._addresses):
                ip.addr("replace", index=index, address=address, prefixlen=32)
                self._addresses.add(address)
                announce(self._interface, address)
            if taken_in and not self._replies:
                loopback = ip.link_lookup(ifname="lo")[0]
                ip.route(
                    "replace",
                    dst="0.0.0.0/0",
                    type="local",
                    scope="host",
                    table=_TABLE,
                    oif=loopback,
                )
            for server in sorted(self._replies - taken_in):
                ip.rule("del", **self._rule(server))
                self._replies.discard(server)
            for server in sorted(taken_in - self._replies):
                ip.rule("add", **self._rule(server))
                self._replies.add(server)

    def _rule(self, server: Replies) -> dict[str, object]:
        address, port = server
        return {
            "table": _TABLE,
            "priority": _TABLE,
            "src": address,
            "src_len": 32,
            "iifname": self._interface,
            "ip_proto": socket.IPPROTO_TCP,
            "sport_range": f"{port}:{port}",
        }
