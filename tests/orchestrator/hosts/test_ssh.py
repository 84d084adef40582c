"""The ssh driver beyond the contract, with a real sshd in a real network namespace."""

import shlex
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostUnreachable
from orchestrator.hosts.changes import AddAddress, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, NetState
from tests.orchestrator.hosts.by_loopback import METHOD, plan_add, plan_remove
from tests.orchestrator.hosts.reached import Reached
from tests.orchestrator.hosts.segment import LOOK_ON, VIP, VIP_ON_LO, Segment, sysctl
from tests.orchestrator.hosts.sshd import Sshd
from tests.processes import gone, readable

pytestmark = pytest.mark.kernel


def test_reads_what_the_netlink_driver_reads(reached: Reached) -> None:
    for directory in ("etc/sysctl.d", "usr/lib/sysctl.d"):
        (reached.member.root / directory).mkdir(parents=True)
    line = "net.ipv4.conf.all.arp_ignore = {}\n".format
    (reached.member.root / "etc/sysctl.conf").write_text(line(1))
    (reached.member.root / "etc/sysctl.d/99-sysctl.conf").symlink_to("/etc/sysctl.conf")
    (reached.member.root / "usr/lib/sysctl.d/50-default.conf").write_text(line(3))
    (reached.member.root / "etc/sysctl.d/50-default.conf").symlink_to("/dev/null")
    (reached.member.root / "etc/sysctl.d/.hidden.conf").write_text(line(2))
    (reached.member.root / "etc/sysctl.d/not.conf.bak").write_text(line(2))
    reached.member.add_address("192.0.2.77", 24, reached.host.interface)
    reached.apply(
        [
            AddAddress(address=VIP_ON_LO),
            WriteFile(path=RECORD_FILE, content="{}", before=None),
            sysctl("all", "rp_filter", 2),
        ],
    )
    over_ssh, here = reached.read(), NetlinkDriver().read(reached.host, METHOD.sections)
    assert over_ssh.persistent_sysctls
    assert over_ssh.default_route == (LOOK_ON, reached.host.interface)
    assert ("tcp", 22, "listen") in {
        (one.protocol, one.local_port, one.state) for one in over_ssh.sockets
    }
    assert set(over_ssh.sockets) == set(here.sockets)
    assert replace(over_ssh, sockets=()) == replace(here, sockets=())


def test_a_file_that_cannot_be_read_is_not_an_empty_one(reached: Reached) -> None:
    (reached.member.root / "etc").mkdir()
    (reached.member.root / "etc/sysctl.d").symlink_to("sysctl.d")
    with pytest.raises(HostUnreachable, match="circles"):
        reached.read()


def test_a_whole_change_is_three_round_trips_over_one_connection(
    reached: Reached, tmp_path: Path
) -> None:
    arguments = tmp_path / "arguments"
    client = tmp_path / "client"
    ssh = shlex.quote(shutil.which("ssh") or "")
    client.write_text(f'#!/bin/sh\necho "$*" >>{arguments}\nexec {ssh} "$@"\n')
    client.chmod(0o755)
    with SshDriver(config_file=reached.sshd.config, program=str(client)) as driver:
        changes = plan_add(driver.read(reached.host, METHOD.sections), host=reached.host, vip=VIP)
        driver.apply(reached.host, changes)
        after = driver.read(reached.host, METHOD.sections)
        calls = arguments.read_text().splitlines()
    assert reached.wrong(after) == ()
    assert reached.to_add(after) == ()
    assert len(calls) == reached.sshd.round_trips() == 3
    assert reached.sshd.logins() == 1
    assert not any(VIP in call or "arp" in call for call in calls)


def test_every_change_has_its_way_back(reached: Reached) -> None:
    before = reached.settled()
    changes = reached.to_add(before)
    reached.apply(changes)
    away = plan_remove(reached.read(), host=reached.host, vip=VIP)
    reached.apply(away)
    assert reached.settled() == before


def test_only_arp_sysctls_are_ever_written(reached: Reached) -> None:
    for change in (sysctl("../..", "arp_ignore", 1), sysctl("all", "forwarding", 1)):
        with pytest.raises(HostChangeFailed, match="not a sysctl that is set here"):
            reached.apply([change])


def test_nothing_of_the_connections_is_left(reached: Reached) -> None:
    driver = SshDriver(config_file=reached.sshd.config)
    driver.read(reached.host)
    masters = connections_from_here()
    assert len(masters) == 1
    driver.close()
    assert all(gone(pid) for pid in masters)
    with pytest.raises(HostUnreachable, match="closed"):
        driver.read(reached.host)


def test_a_driver_that_is_dropped_closes_its_connections(reached: Reached) -> None:
    driver = SshDriver(config_file=reached.sshd.config)
    driver.read(reached.host)
    masters = connections_from_here()
    del driver
    assert all(gone(pid) for pid in masters)


def connections_from_here() -> list[int]:
    """Return the clients' background processes that hold connections from this namespace."""
    found = [
        int(process.parent.name)
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if readable(process).startswith(b"ssh: ") and b"[mux]" in readable(process)
    ]
    here = Path("/proc/thread-self/ns/net")
    return [pid for pid in found if here.samefile(f"/proc/{pid}/ns/net")]


def test_several_hosts_at_once(segment: Segment, reached: Reached, tmp_path: Path) -> None:
    behind = segment.attach("web2")
    with Sshd(behind.namespace, behind.host.address, tmp_path / "sshd2") as second:
        second.start()
        second.user_key.write_bytes(reached.sshd.user_key.read_bytes())
        (second.folder / "authorized_keys").write_text(
            (reached.sshd.folder / "authorized_keys").read_text()
        )
        with reached.sshd.known_hosts.open("a") as known:
            known.write(second.known_hosts.read_text())
        found: dict[str, list[NetState]] = {"web1": [], "web2": []}

        def work(host: Host) -> None:
            # A thread of its own starts where the one that made it is: on the segment.
            found[host.name] += [reached.driver.read(host) for _ in range(3)]

        threads = [
            threading.Thread(target=work, args=[one.host]) for one in (reached.member, behind)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for host in (reached.host, behind.host):
        assert len(found[host.name]) == 3
        for state in found[host.name]:
            assert host.address in {one.address for one in state.addresses}
