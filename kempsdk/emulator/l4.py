"""The virtual LoadMaster's layer-4 data path for direct server return.

Frames for a virtual service get the chosen server's MAC as destination and go out again
where they came in; the IP packet is left alone, so the server sees the client's address
and answers it directly. Needs Linux and CAP_NET_RAW in the current network namespace,
whose kernel must not own the virtual addresses and must not forward.
"""

import fcntl
import logging
import os
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kempsdk.clock import Clock, SystemClock
from kempsdk.emulator.datapath import L4Connection, L4Service, ServerCounters
from kempsdk.emulator.l4_connections import TCP, UDP, ConnectionTable, Destination, Service

_log = logging.getLogger(__name__)

_ETH_P_IP, _ETH_P_ARP = 0x0800, 0x0806
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_PACKET_HOST, _PACKET_BROADCAST = 0, 1
_SIOCGIFADDR = 0x8915
_BROADCAST = b"\xff" * 6

# Before each frame the kernel puts what it has not done yet (checksum, segmentation).
# Handed back with the frame, big segments of a veth stay whole and checksums get right.
_VNET = struct.Struct("=BBHHHH")  # flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
_ETHERNET_AT = _VNET.size
_IP_AT = _ETHERNET_AT + 14
_ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_REQUEST, _REPLY = 1, 2

_BUFFER_SIZE = _IP_AT + (1 << 16)
_RECEIVE_BUFFER = 4 << 20
_BATCH = 128
_TICK_S = 1.0
_REFRESH_TICKS = 10
_HELD_PER_SERVER = 64


class PacketDirector:
    """Implements :class:`kempsdk.emulator.datapath.SyncedDataPath` with packet sockets.

    ``start`` opens its sockets in the network namespace of the calling thread; all other
    methods may be called from any thread. Not handled: VLAN tags, IPv6, ICMP to a VIP.
    """

    def __init__(self, interface: str, *, clock: Clock | None = None) -> None:
        """Describe a director on one interface; nothing is opened before ``start``."""
        self._interface = interface
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._table = ConnectionTable()
        self._vips: frozenset[bytes] = frozenset()
        self._servers: frozenset[bytes] = frozenset()
        self._server_macs: dict[bytes, bytes] = {}
        self._held: dict[bytes, list[bytes]] = {}
        self._fragments: dict[bytes, Destination] = {}
        self._drops: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._ip: socket.socket
        self._arp: socket.socket
        self._wake_r = self._wake_w = -1
        self._mac = self._address = b""

    # -- life ------------------------------------------------------------------------

    def start(self) -> None:
        """Open the sockets in the current network namespace and begin to forward.

        Raises:
            OSError: no such interface, no address on it, or no permission.
        """
        if self._thread is not None:
            raise RuntimeError("the director is running")
        ip = arp = None
        try:
            ip = _packet_socket(self._interface, _ETH_P_IP)
            arp = _packet_socket(self._interface, _ETH_P_ARP)
            ip.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
            ip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._address = _interface_address(self._interface)
            self._mac = ip.getsockname()[4]
            self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            for opened in (ip, arp):
                if opened is not None:
                    opened.close()
            raise
        self._ip, self._arp = ip, arp
        self._thread = threading.Thread(target=self._forward, name="l4-director", daemon=True)
        self._thread.start()
        with self._lock:
            self._resolve(self._servers)
            vips = self._vips
        for vip in vips:
            self._announce(vip)

    def stop(self) -> None:
        """Stop forwarding and close the sockets; totals stay readable. Repeatable."""
        if self._thread is None:
            return
        os.write(self._wake_w, b"x")
        self._thread.join()
        with self._lock:
            self._thread = None
            self._ip.close()
            self._arp.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    # -- what the LoadMaster calls -----------------------------------------------------

    def program(self, services: Sequence[L4Service]) -> None:
        """Replace the whole set of services.

        Open connections stay with their servers, also with those that stopped being
        eligible; those of servers deleted from their service are forgotten. A VIP that is
        new is announced with gratuitous ARP. Services and servers that are not IPv4 are left
        out, with a line in the log.

        Raises:
            ValueError: a protocol that is not tcp or udp.
        """
        services = [_ipv4_only(service) for service in services if _is_ipv4(service.address)]
        keyed = {_service_key(service): service for service in services}
        vips = frozenset(vip for _protocol, vip, _port in keyed)
        servers = frozenset(
            _packed(server.address) for service in services for server in service.servers
        )
        with self._lock:
            self._table.program(keyed)
            new_vips = vips - self._vips
            new_servers = servers - self._servers
            self._vips, self._servers = vips, servers
            for address in self._server_macs.keys() - servers:
                del self._server_macs[address]
            if self._thread is None:
                return
            self._resolve(new_servers)
        for vip in new_vips:
            self._announce(vip)

    def announce(self, vip: str) -> None:
        """Tell the segment that this director has the VIP: the cure of poisoned neighbours.

        Sends one gratuitous ARP request and one reply; caches that have an entry for the VIP
        take it at once.

        Raises:
            ValueError: no programmed service has that address, or it is not running.
        """
        address = _packed(vip) if _is_ipv4(vip) else b""
        if address not in self._vips or self._thread is None:
            raise ValueError(f"{vip} is no address of a running service here")
        self._announce(address)

    def counters(self) -> Mapping[int, ServerCounters]:
        """Return totals by RsIndex. Packets are counted as on the wire, big segments cut."""
        with self._lock:
            return self._table.counters()

    def connections(self) -> tuple[L4Connection, ...]:
        """Return the connections that are open or just being closed."""
        with self._lock:
            return self._table.alive(now_s=self._clock.monotonic_s())

    def hand_over(self) -> tuple[L4Connection, ...]:
        """Move nothing any more, as after ``program([])``, and return what there was."""
        with self._lock:
            found = self._table.alive(now_s=self._clock.monotonic_s())
            self._vips = frozenset()
            self._table.program({})
        return found

    def adopt(self, connections: Sequence[L4Connection]) -> None:
        """Go on with connections that another director moved until now."""
        with self._lock:
            self._table.adopt(connections, now_s=self._clock.monotonic_s())

    @property
    def drops(self) -> Mapping[str, int]:
        """Return how many packets for services were dropped, by reason."""
        with self._lock:
            return dict(self._drops)

    # -- ARP -----------------------------------------------------------------------------

    def _announce(self, vip: bytes) -> None:
        for operation, target_mac in ((_REQUEST, bytes(6)), (_REPLY, self._mac)):
            self._send_arp(_BROADCAST, operation, vip, target_mac, vip)

    def _resolve(self, servers: frozenset[bytes]) -> None:
        for address in servers:
            self._send_arp(_BROADCAST, _REQUEST, self._address, bytes(6), address)

    def _send_arp(
        self, to: bytes, operation: int, sender: bytes, target_mac: bytes, target: bytes
    ) -> None:
        try:
            self._arp.send(_arp_frame(self._mac, to, operation, sender, target_mac, target))
        except OSError as error:
            _log.debug("ARP frame not sent on %s: %s", self._interface, error)

    def _heard_arp(self, frame: bytes) -> None:
        if len(frame) < _ARP.size:
            return
        fields = _ARP.unpack_from(frame)
        operation, sender_mac, sender, target = fields[7], fields[8], fields[9], fields[11]
        if sender in self._servers:
            self._server_macs[sender] = sender_mac
            for held in self._held.pop(sender, ()):
                self._send(memoryview(bytearray(held)), sender_mac)
        # A request about the VIP that names the VIP as its own sender is somebody else's
        # claim: answering it would only add to the quarrel (the kernel does not either).
        if operation == _REQUEST and target in self._vips and sender != target:
            self._send_arp(sender_mac, _REPLY, target, sender_mac, sender)

    # -- packets -----------------------------------------------------------------------

    def _forward(self) -> None:
        buffer = bytearray(_BUFFER_SIZE)
        ticks, next_tick_s = 0, self._clock.monotonic_s() + _TICK_S
        with selectors.DefaultSelector() as selector:
            for source in (self._ip, self._arp, self._wake_r):
                selector.register(source, selectors.EVENT_READ)
            while True:
                timeout = max(0.0, next_tick_s - self._clock.monotonic_s())
                ready = {key.fileobj for key, _events in selector.select(timeout)}
                if self._wake_r in ready:
                    return
                now_s = self._clock.monotonic_s()
                with self._lock:
                    if self._arp in ready:
                        self._receive_arp(buffer)
                    if self._ip in ready:
                        self._receive_ip(buffer, now_s)
                    if now_s >= next_tick_s:
                        ticks, next_tick_s = ticks + 1, now_s + _TICK_S
                        self._tick(now_s, refresh=ticks % _REFRESH_TICKS == 0)

    def _tick(self, now_s: float, *, refresh: bool) -> None:
        self._table.expire(now_s)
        self._drops["server did not answer ARP"] += sum(map(len, self._held.values()))
        self._held.clear()
        self._fragments.clear()
        missing = self._servers - self._server_macs.keys()
        self._resolve(self._servers if refresh else missing)

    def _receive_arp(self, buffer: bytearray) -> None:
        for _ in range(_BATCH):
            try:
                size, origin = self._arp.recvfrom_into(buffer)
            except OSError:  # nothing more, or the interface went down
                return
            if origin[2] in (_PACKET_HOST, _PACKET_BROADCAST):
                self._heard_arp(bytes(buffer[:size]))

    def _receive_ip(self, buffer: bytearray, now_s: float) -> None:
        view = memoryview(buffer)
        for _ in range(_BATCH):
            try:
                size, origin = self._ip.recvfrom_into(buffer)
            except OSError:  # as above
                return
            if origin[2] == _PACKET_HOST and size >= _IP_AT + 28:
                self._received(view[:size], now_s)

    def _received(self, frame: memoryview, now_s: float) -> None:
        vip = bytes(frame[_IP_AT + 16 : _IP_AT + 20])
        if vip not in self._vips:
            return  # the load balancer's own traffic
        destination = self._destination(frame, vip, now_s)
        if destination is None:
            return
        _flags, gso_type, header, segment, _start, _offset = _VNET.unpack_from(frame)
        payload = len(frame) - _ETHERNET_AT - header
        destination.packets += -(-payload // segment) if gso_type and segment else 1
        destination.bytes += len(frame) - _IP_AT
        server = _packed(destination.server.address)
        mac = self._server_macs.get(server)
        if mac is not None:
            self._send(frame, mac)
            return
        held = self._held.setdefault(server, [])
        if not held:
            self._resolve(frozenset((server,)))
        if len(held) < _HELD_PER_SERVER:
            held.append(bytes(frame))
        else:
            self._drops["server did not answer ARP"] += 1

    def _destination(self, frame: memoryview, vip: bytes, now_s: float) -> Destination | None:
        protocol = frame[_IP_AT + 9]
        fragment = int.from_bytes(frame[_IP_AT + 6 : _IP_AT + 8], "big") & 0x3FFF
        # Identification, protocol, both addresses: what the fragments of a packet share.
        packet_id = bytes(frame[_IP_AT + 4 : _IP_AT + 6]) + bytes((protocol,))
        packet_id += bytes(frame[_IP_AT + 12 : _IP_AT + 20])
        if fragment & 0x1FFF:  # only the first fragment names the ports
            destination = self._fragments.get(packet_id)
            if destination is None:
                self._drops["fragment without its beginning"] += 1
            return destination
        ports_at = _IP_AT + (frame[_IP_AT] & 0x0F) * 4
        service = (protocol, vip, bytes(frame[ports_at + 2 : ports_at + 4]))
        if service not in self._table:
            self._drops["no such service"] += 1
            return None
        tcp_flags = None
        if protocol == TCP:
            if len(frame) < ports_at + 20:
                self._drops["malformed"] += 1
                return None
            tcp_flags = frame[ports_at + 13]
        client = bytes(frame[_IP_AT + 12 : _IP_AT + 16]) + bytes(frame[ports_at : ports_at + 2])
        destination = self._table.route(service, client, tcp_flags=tcp_flags, now_s=now_s)
        if destination is None:
            self._drops["no eligible server, or no such connection"] += 1
        elif fragment:
            self._fragments[packet_id] = destination
        return destination

    def _send(self, frame: memoryview, mac: bytes) -> None:
        frame[_ETHERNET_AT : _ETHERNET_AT + 12] = mac + self._mac
        try:
            self._ip.send(frame)
        except OSError as error:
            self._drops[f"not sent: {error.strerror}"] += 1


def announce(interface: str, vip: str) -> None:
    """Say on the segment that this interface of the current namespace has the VIP.

    For whoever stands beside a director that runs in another process; the same frames as
    :meth:`PacketDirector.announce`.

    Raises:
        OSError: no such interface, no permission, or ``vip`` is not an IPv4 address.
    """
    address = _packed(vip)
    with _packet_socket(interface, _ETH_P_ARP) as arp:
        mac = arp.getsockname()[4]
        for operation, target_mac in ((_REQUEST, bytes(6)), (_REPLY, mac)):
            arp.send(_arp_frame(mac, _BROADCAST, operation, address, target_mac, address))


def _arp_frame(
    mac: bytes, to: bytes, operation: int, sender: bytes, target_mac: bytes, target: bytes
) -> bytes:
    ethernet = (to, mac, _ETH_P_ARP)
    kinds = (1, _ETH_P_IP, 6, 4)
    return _ARP.pack(*ethernet, *kinds, operation, mac, sender, target_mac, target)


def _packet_socket(interface: str, protocol: int) -> socket.socket:
    # Opened with protocol 0: nothing arrives from other interfaces before the bind.
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        opened.bind((interface, protocol))
    except OSError:
        opened.close()
        raise
    return opened


def _interface_address(interface: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, _SIOCGIFADDR, struct.pack("256s", interface.encode()))
    return answer[20:24]


def _is_ipv4(address: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, address)
    except OSError:
        _log.warning("packets for %s are not moved: not an IPv4 address", address)
        return False
    return True


def _ipv4_only(service: L4Service) -> L4Service:
    servers = tuple(server for server in service.servers if _is_ipv4(server.address))
    return replace(service, servers=servers)


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET, address)


def _service_key(service: L4Service) -> Service:
    protocols = {"tcp": TCP, "udp": UDP}
    if service.protocol not in protocols:
        raise ValueError(f"not a layer-4 protocol: {service.protocol!r}")
    return protocols[service.protocol], _packed(service.address), service.port.to_bytes(2, "big")
