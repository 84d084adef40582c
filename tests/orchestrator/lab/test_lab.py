"""Hosts, router, client and load balancer as real namespaces."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml

from orchestrator.errors import HostUnreachable, OrchestratorError
from orchestrator.inventory import parse_spec
from orchestrator.lab.lab import Lab
from orchestrator.lab.loadmaster import LabLoadMaster
from orchestrator.lab.rollout_file import PAIRED_KINDS, rollout_file
from orchestrator.lab.station import METHODS, LabMethod
from orchestrator.network_namespace import NetworkNamespace
from tests.orchestrator.lab.web_servers import WebServers

pytestmark = pytest.mark.kernel


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def _wait_until_gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _is_running(pid)


def test_the_client_reaches_a_server_through_the_router(lab: Lab) -> None:
    def listen() -> socket.socket:
        return socket.create_server(("203.0.113.11", 0))

    with lab.namespaces["web1"].run(listen) as listener:
        address = listener.getsockname()
        with (
            lab.namespaces["client"].run(lambda: socket.create_connection(address, 5)),
            listener.accept()[0] as accepted,
        ):
            assert accepted.getpeername()[0] == "198.51.100.10"


def test_nobody_has_the_vip_to_begin_with(lab: Lab) -> None:
    def connect() -> None:
        socket.create_connection((lab.vip, 80), 1.0).close()

    with pytest.raises(OSError, match=r"timed out|No route to host"):
        lab.namespaces["admin"].run(connect)


@pytest.mark.parametrize("method", METHODS)
def test_the_file_of_a_lab_is_one_that_can_be_used(lab: Lab, method: LabMethod) -> None:
    box = cast("LabLoadMaster", SimpleNamespace(url="https://203.0.113.10", fingerprint="0" * 64))
    for kind in PAIRED_KINDS:
        content = yaml.safe_dump(rollout_file(lab, box, kind, ["web1", "web2"], method=method))
        spec = parse_spec(content, path="lab.yaml")
        assert {one.method for one in spec.services.values()} == {method}
        assert spec.rollout is not None
        assert spec.rollout.kind == kind


def test_hosts_start_with_the_arp_settings_of_a_fresh_machine(lab: Lab) -> None:
    for name, namespace in lab.namespaces.items():
        device = "segment" if name == "admin" else "eth0"
        for scope in ("all", "default", device):
            for key in ("arp_ignore", "arp_announce"):
                path = Path(f"/proc/sys/net/ipv4/conf/{scope}/{key}")
                assert namespace.read_text(path) == "0\n", (name, scope, key)


def test_only_the_router_forwards(lab: Lab) -> None:
    path = Path("/proc/sys/net/ipv4/ip_forward")
    forwarding = {name for name, one in lab.namespaces.items() if one.read_text(path) == "1\n"}
    assert forwarding == {"router"}


def test_devices_have_the_macs_that_evidence_names(lab: Lab) -> None:
    for name, mac in lab.macs.items():
        device = "segment" if name == "admin" else "eth0"
        # /sys shows the devices of the namespace it was mounted in: ask the kernel instead.
        with lab.namespaces[name].run(
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        ) as asking:
            asking.bind((device, 0))
            assert asking.getsockname()[4].hex(":") == mac


def test_hosts_look_like_centos_and_keep_their_files_apart(lab: Lab) -> None:
    assert [host.name for host in lab.hosts] == ["web1", "web2"]
    assert len({host.root for host in lab.hosts}) == 2
    for host in lab.hosts:
        root = Path(host.root)
        assert 'ID="centos"' in (root / "etc/os-release").read_text()
        assert (root / "etc/sysctl.d").is_dir()
        assert (root / "etc/sysconfig/network-scripts").is_dir()


def test_a_hosts_namespace_path_opens_that_namespace(lab: Lab) -> None:
    host = lab.hosts[1]
    with NetworkNamespace(host.namespace) as opened:
        listener = opened.run(lambda: socket.create_server((host.address, 0)))
        listener.close()
        with pytest.raises(OSError, match="Cannot assign requested address"):
            opened.run(lambda: socket.create_server((lab.hosts[0].address, 0)))


def test_a_thread_that_enters_a_namespace_comes_back(lab: Lab) -> None:
    home = Path("/proc/thread-self/ns/net").readlink()
    with lab.namespaces["admin"].entered():
        assert Path("/proc/thread-self/ns/net").readlink() != home
        socket.create_server(("203.0.113.2", 0)).close()
    assert Path("/proc/thread-self/ns/net").readlink() == home


def test_a_process_that_does_not_start_is_explained_with_its_messages(lab: Lab) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no good')"]
    with pytest.raises(OrchestratorError, match="did not start on web1: no good"):
        lab.spawn_ready("web1", argv)


def test_a_web_server_is_renewed_with_another_version(lab: Lab) -> None:
    servers = WebServers(lab)
    with lab.namespaces["admin"].entered():
        bodies = []
        for version in ("1", "2"):
            servers.renew("web1", version=version)
            with socket.create_connection(("203.0.113.11", 80), 5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
            bodies.append(answer.rpartition(b"\r\n\r\n")[2])
    servers.stop("web1")
    assert bodies == [
        b'{"server": "web1", "version": "1"}\n',
        b'{"server": "web1", "version": "2"}\n',
    ]


@pytest.mark.usefixtures("as_root")
def test_nothing_is_left_when_the_lab_closes(tmp_path: Path) -> None:
    with Lab(hosts=1, directory=tmp_path) as lab:
        child = lab.spawn("web1", ["sleep", "600"])
        path = lab.hosts[0].namespace
        NetworkNamespace(path).close()
    assert child.returncode == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(HostUnreachable):
        NetworkNamespace(path)


@pytest.mark.usefixtures("as_root")
def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)\n"
    with Lab(hosts=1, directory=tmp_path) as lab:
        argv = [sys.executable, "-c", stubborn + "time.sleep(600)"]
        process, _line = lab.spawn_ready("web1", argv)
        assert lab.end(process, grace_s=0.1) == -signal.SIGKILL


_LAB_WITH_A_SERVER = """
import signal
from orchestrator.lab.lab import Lab
from tests.orchestrator.lab.web_servers import WebServers
with Lab(hosts=1) as lab:
    WebServers(lab).start("web1")
    print(lab.directory, *(child.pid for child in lab._children), flush=True)
    signal.pause()
"""


@pytest.mark.usefixtures("as_root")
def test_children_end_when_the_lab_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LAB_WITH_A_SERVER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        _directory, child = process.stdout.readline().split()
        assert _is_running(int(child))
        process.kill()
    assert _wait_until_gone(int(child))
