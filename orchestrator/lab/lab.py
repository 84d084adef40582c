"""Hosts, load balancer, router and client as network namespaces on one machine.

Nothing gets a name on the machine: namespaces are held by file descriptors, so all of it
vanishes with this process. Works as root in-process (tests), or as anybody inside
:mod:`orchestrator.lab.isolation`.
"""

import errno
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import IO

from pyroute2 import IPRoute, NetlinkError  # type: ignore[import-untyped] # it ships no types

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.driver import Host
from orchestrator.lab.fitted_files import Fitting
from orchestrator.lab.release import Release, os_release
from orchestrator.lab.ssh_access import SshAccess
from orchestrator.lab.systemd_host import SystemdHost, SystemdOptions, require_systemd
from orchestrator.lab.topology import (
    BRIDGE,
    CLIENT_NETWORK,
    INTERFACE,
    LB_ADDRESS,
    SEGMENT_PREFIX,
    Station,
    topology,
)
from orchestrator.lab.wiring import add_addresses, configure, forget_neighbour, neighbour, prepare
from orchestrator.network_namespace import NetworkNamespace

_STARTED_AT_ONCE = 4
_WEB_PORT = 80


class Lab:
    """A running lab; leave the context to end its processes and let its namespaces go.

    Attributes:
        vip: the virtual service's address. No kernel interface has it to begin with: the
            director answers ARP for it.
        lb_address: the load balancer's own address, where its API listens; of a pair the
            shared one, which no interface has to begin with.
        interface: the name of the network device in every host, the lb and the client.
        directory: holds the hosts' files; removed at exit.
        releases: what the hosts look like, by name.
        machines: the hosts that run systemd, by name; empty without such.
        ssh_config: for ``ssh -F`` on the segment, where there are hosts to log in to.
    """

    interface = INTERFACE

    def __init__(
        self,
        hosts: int = 3,
        *,
        directory: Path | None = None,
        releases: Sequence[Release] = (Release.STREAM9,),
        systemd: SystemdOptions | None = None,
        pair: bool = False,
    ) -> None:
        """Describe a lab; nothing is made before ``__enter__``.

        Args:
            hosts: number of real servers, 1 to 200.
            directory: existing directory in which the lab makes its own; default the
                system's temporary one (inside isolation that is memory of the private world).
            releases: what the hosts look like, in their order, from the first one again.
            systemd: boot the hosts, and reach them over ssh, with ``ssh_config``. None: bare
                namespaces, reached over netlink.
            pair: two load balancers, ``lb1`` and ``lb2``, instead of ``lb``.
        """
        self.topology = topology(hosts, pair=pair)
        self._systemd = systemd
        self.releases: Mapping[str, Release] = {
            station.name: releases[number % len(releases)]
            for number, station in enumerate(self.topology.servers)
        }
        self.vip = self.topology.vip
        self.lb_address = LB_ADDRESS
        self._parent = directory
        self._namespaces: dict[str, NetworkNamespace] = {}
        self._children: list[subprocess.Popen[str]] = []
        self._cleanup = ExitStack()
        self.directory = Path()
        self.hosts: tuple[Host, ...] = ()
        self.machines: Mapping[str, SystemdHost] = {}
        self.ssh_config = Path()

    @property
    def namespaces(self) -> Mapping[str, NetworkNamespace]:
        """Return the namespaces by name: admin, router, lb (or lb1, lb2), client, web1, ..."""
        return MappingProxyType(self._namespaces)

    @property
    def macs(self) -> Mapping[str, str]:
        """Return the MACs on the segment by name (client: on its own network)."""
        stations = (*self.topology.segment, self.topology.client)
        return MappingProxyType({station.name: station.mac for station in stations})

    def __enter__(self) -> "Lab":
        """Build the lab: less than half a second, and about two for each host with systemd.

        Raises:
            IsolationUnavailable: this machine does not let us make namespaces.
            OrchestratorError: a host did not boot.
        """
        with ExitStack() as stack:
            self.directory = Path(tempfile.mkdtemp(prefix="kemp-lab-", dir=self._parent))
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            stations = (*self.topology.segment, self.topology.client)
            for station in stations:
                self._namespaces[station.name] = stack.enter_context(NetworkNamespace())
            stack.callback(self._end_children)
            for name, namespace in self._namespaces.items():
                namespace.run(lambda name=name: prepare(forward=name == "router"))  # type: ignore[misc] # mypy cannot infer a lambda with a default argument
            self._wire()
            if self._systemd is None:
                self.hosts = tuple(self._host(station) for station in self.topology.servers)
            else:
                self._boot(self._systemd, stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()
        self._namespaces.clear()

    def _wire(self) -> None:
        admin, *others = self.topology.segment
        if self._systemd is not None:  # their networks are made when they boot
            others = [one for one in others if one not in self.topology.servers]
        client, uplink = self.topology.client, self.topology.router_uplink
        self._namespaces["admin"].run(lambda: self._make_segment(admin, others))
        self._namespaces["router"].run(lambda: self._make_client_link(client, uplink))
        for station in (admin, *others, uplink, client):
            self._namespaces[station.name].run(lambda station=station: configure(station))  # type: ignore[misc] # as above

    def _make_segment(self, admin: Station, others: Sequence[Station]) -> None:
        with IPRoute() as ip:
            ip.link("add", ifname=BRIDGE, kind="bridge", address=admin.mac)
            for station in others:
                self._plug_in(ip, station)

    def _plug_in(self, ip: IPRoute, station: Station) -> None:
        ip.link(
            "add",
            ifname=station.name,
            kind="veth",
            master=ip.link_lookup(ifname=BRIDGE)[0],
            state="up",
            # The peer is made right in its namespace: moving it there costs more.
            peer=self._peer(station),
        )

    def _make_client_link(self, client: Station, uplink: Station) -> None:
        with IPRoute() as ip:
            ip.link(
                "add",
                ifname=uplink.interface,
                kind="veth",
                address=uplink.mac,
                peer=self._peer(client),
            )

    def _peer(self, station: Station) -> dict[str, object]:
        return {
            "ifname": station.interface,
            "address": station.mac,
            "net_ns_fd": self._namespaces[station.name].path,
        }

    def _host(self, station: Station) -> Host:
        root = self.directory / station.name
        for folder in ("etc/sysctl.d", "etc/sysconfig/network-scripts", "run/sysctl.d"):
            (root / folder).mkdir(parents=True)
        (root / "etc/os-release").write_text(os_release(self.releases[station.name]))
        return Host(
            name=station.name,
            address=station.address,
            interface=station.interface,
            driver="netlink",
            namespace=self._namespaces[station.name].path,
            root=str(root),
        )

    def _boot(self, options: SystemdOptions, stack: ExitStack) -> None:
        servers = self.topology.servers
        require_systemd(tuple(self.releases.values()), firewalld=options.firewalld)
        access = SshAccess(
            self.directory / "ssh", {station.name: station.address for station in servers}
        )
        self.ssh_config = access.config
        machines = {}
        for station in servers:
            machine = SystemdHost(
                self._fitting(station, access, firewalld=options.firewalld),
                network=lambda station=station: self._new_network(station),  # type: ignore[misc] # mypy cannot infer a lambda with a default argument
                directory=self.directory / station.name,
                disk_mib=options.disk_mib,
            )
            machines[station.name] = machine
            stack.callback(machine.close)
        self.machines = MappingProxyType(machines)
        with ThreadPoolExecutor(_STARTED_AT_ONCE) as pool:
            for machine, state in zip(
                machines.values(), pool.map(SystemdHost.start, machines.values()), strict=True
            ):
                if state != "running":
                    failed = machine.run(["systemctl", "--failed", "--no-legend", "--plain"])
                    raise OrchestratorError(f"{machine.name} booted, but: {failed.stdout}")
        self.hosts = tuple(
            Host(
                name=station.name,
                address=station.address,
                interface=station.interface,
                driver="ssh",
                ssh_host=station.name,
            )
            for station in servers
        )

    def _fitting(self, station: Station, access: SshAccess, *, firewalld: bool) -> Fitting:
        argv = (sys.executable, "-m", "orchestrator.lab.webserver", "--name", station.name)
        return Fitting(
            name=station.name,
            address=station.address,
            prefix=SEGMENT_PREFIX,
            gateway=station.gateway or "",
            interface=station.interface,
            release=self.releases[station.name],
            firewalld=firewalld,
            web=(*argv, "--version", "${VERSION}", "--port", str(_WEB_PORT)),
            web_directory=Path(__file__).resolve().parents[2],
            host_key=access.host_key(station.name),
            authorized_key=access.authorized_key,
            hosts={one.name: one.address for one in self.topology.segment},
        )

    def _new_network(self, station: Station) -> NetworkNamespace:
        """Make a server's namespace anew, with a device that is down, as at power on."""
        namespace = self._namespaces[station.name]
        namespace.renew()
        namespace.run(lambda: prepare(forward=False, ipv6=True))

        def plug_in() -> None:
            with IPRoute() as ip:
                # Whoever still holds the old namespace keeps its device, and with it the name.
                for index in ip.link_lookup(ifname=station.name):
                    try:
                        ip.link("del", index=index)
                    except NetlinkError as error:
                        if error.code != errno.ENODEV:  # it has just gone by itself
                            raise
                self._plug_in(ip, station)

        self._namespaces["admin"].run(plug_in)
        return namespace

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        stdout: int | IO[str] = subprocess.DEVNULL,
        stderr: int | IO[str] | None = None,
    ) -> "subprocess.Popen[str]":
        """Start a process inside the namespace ``name``; the lab ends it at exit.

        Its stdin is a pipe that the lab holds: a child that ends at end of file also ends
        when the lab's process is killed.
        """
        process = self._namespaces[name].run(
            lambda: subprocess.Popen(
                list(argv), stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, text=True
            )
        )
        self._children.append(process)
        return process

    def spawn_ready(
        self, name: str, argv: Sequence[str], *, timeout_s: float = 20.0
    ) -> "tuple[subprocess.Popen[str], str]":
        """Start a process as ``spawn`` does and wait for the first line it prints.

        Its messages go to a file of the lab's directory.

        Returns:
            The process and that line.

        Raises:
            OrchestratorError: it ended, or said nothing for ``timeout_s``; with its messages.
        """
        with tempfile.NamedTemporaryFile(
            "w+", prefix=f"{name}-", suffix=".log", dir=self.directory, delete=False
        ) as messages:
            process = self.spawn(name, argv, stdout=subprocess.PIPE, stderr=messages)
            assert process.stdout is not None  # noqa: S101 - made as a pipe just above
            readable, _, _ = select.select((process.stdout,), (), (), timeout_s)
            line = process.stdout.readline().strip() if readable else ""
            if not line:
                self.end(process, grace_s=0.0)
                messages.seek(0)
                raise OrchestratorError(f"{argv[0]} did not start on {name}: {messages.read()}")
        return process, line

    def neighbour(self, station: str, address: str) -> str | None:
        """Return the MAC that a station has learned for an address; None without one."""
        return self._namespaces[station].run(lambda: neighbour(address))

    def more_clients(self, number: int) -> tuple[str, ...]:
        """Give the client that many more addresses, up to 100, and return them.

        Sources of a load: a service that knows clients by address sees as many clients.
        """
        network = CLIENT_NETWORK.rpartition(".")[0]
        found = tuple(f"{network}.{100 + one}" for one in range(min(number, 100)))
        self._namespaces["client"].run(lambda: add_addresses(INTERFACE, found))
        return found

    def forget_neighbour(self, station: str, address: str) -> None:
        """Drop what a station knows of an address's MAC, as the entry's end of life would."""
        self._namespaces[station].run(lambda: forget_neighbour(address))

    def end(self, process: "subprocess.Popen[str]", *, grace_s: float = 3.0) -> int:
        """End one child: SIGTERM, and SIGKILL after ``grace_s``. Returns its exit code."""
        self._children.remove(process)
        return end_children([process], grace_s=grace_s)[0]

    def _end_children(self) -> None:
        children, self._children = self._children, []
        end_children(children, grace_s=3.0)


def end_children(processes: Sequence["subprocess.Popen[str]"], *, grace_s: float) -> list[int]:
    """End processes: SIGTERM, and SIGKILL after ``grace_s``. Returns their exit codes."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    codes = []
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
        codes.append(process.wait())
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                _close(pipe)
    return codes


def _close(pipe: IO[str]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # unsent input of a process that has ended: nobody is left to read it
