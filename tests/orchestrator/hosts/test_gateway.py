"""The gateway method: planned in memory, and on hosts that boot."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from kempsdk import VsRef
from orchestrator.errors import HostChangeFailed
from orchestrator.hosts.changes import SetRoute, WriteFile, describe
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import Finding, blocking
from orchestrator.hosts.foresight import foreseen
from orchestrator.hosts.gateway_at_boot import gateway_at_boot
from orchestrator.hosts.methods.gateway import Gateway
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.revert import SECTIONS, plan_revert
from orchestrator.hosts.sections import HostFile, NmProfile, Persistence
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.state import RECORD_FILE, HostAddress, NetState, Route, Socket
from orchestrator.hosts.undo_record import UndoRecord
from orchestrator.lab.lab import Lab
from orchestrator.lab.release import Release
from orchestrator.lab.systemd_host import SystemdOptions
from tests.orchestrator.lab.systemd_lab import need_systemd

WEB = VsRef.parse("tcp/203.0.113.250:80")
LB, ROUTER = "203.0.113.10", "203.0.113.1"
HOST = Host(name="web1", address="203.0.113.11", interface="eth0")
METHOD = Gateway()
PROFILE = "/etc/NetworkManager/system-connections/eth0.nmconnection"
IFCFG = "/etc/sysconfig/network-scripts/ifcfg-eth0"


def managed(ipv4: str) -> Persistence:
    content = f"[connection]\nid=eth0\ninterface-name=eth0\n\n[ipv4]\n{ipv4}"
    return Persistence(
        systemd=True,
        units={"NetworkManager": "enabled"},
        nm_version="1.42.4",
        nm_running=True,
        profiles=(NmProfile(uuid="u-1", device="eth0", path=PROFILE),),
        files={PROFILE: HostFile(content=content, mode=0o600, owner=0)},
    )


def scripted(content: str) -> Persistence:
    return Persistence(
        units={"network": "enabled"},
        network_scripts=True,
        files={IFCFG: HostFile(content=content, mode=0o644, owner=0)},
    )


def state(persistence: Persistence, *, via: str = ROUTER, **more: object) -> NetState:
    plain = NetState(
        interfaces={"lo": "", "eth0": "02:00:00:00:00:11"},
        addresses=(HostAddress(address=HOST.address, prefix=24, interface="eth0"),),
        sysctls={},
        routes=(Route(destination="default", gateway=via, interface="eth0", metric=100),),
        persistence=persistence,
    )
    return replace(plain, **more)  # type: ignore[arg-type] # the tests' own fields


def wanted(gateway: str | None = LB, clients: tuple[str, ...] = ()) -> Wanted:
    return Wanted(host=HOST, services=(WEB,), gateway=gateway, clients=clients)


def ids(findings: tuple[Finding, ...]) -> set[str]:
    return {one.id for one in findings}


STATIC = f"method=manual\naddress1=203.0.113.11/24,{ROUTER}\n"


def test_the_profile_first_and_then_the_route() -> None:
    changes = METHOD.plan_add(state(managed(STATIC)), wanted())
    said = [describe(one) for one in changes]
    assert "write the file /var/lib/kemp/dsr.json" in said[0]
    assert "profile u-1 to 203.0.113.10, for the next boot" in said[1]
    assert isinstance(changes[2], SetRoute)
    assert (changes[2].route.gateway, changes[2].route.metric) == (LB, 100)


def test_of_an_ifcfg_file_only_the_gateway_changes() -> None:
    content = f"DEVICE=eth0\nIPADDR=203.0.113.11\nGATEWAY={ROUTER}\nDNS1=192.0.2.53\n"
    changes = METHOD.plan_add(state(scripted(content)), wanted())
    (write,) = [one for one in changes if isinstance(one, WriteFile) and one.path == IFCFG]
    assert write.content == f"DEVICE=eth0\nIPADDR=203.0.113.11\nDNS1=192.0.2.53\nGATEWAY={LB}\n"


@pytest.mark.parametrize(
    ("persistence", "gateway", "why_not"),
    [
        (managed(STATIC), ROUTER, ""),
        (managed(f"method=manual\naddress1=203.0.113.11/24\ngateway={LB}\n"), LB, ""),
        (managed("method=auto\n"), "", "by DHCP"),
        (scripted("BOOTPROTO=dhcp\n"), "", "by DHCP"),
        (scripted("BOOTPROTO=none\n"), "", ""),
        (Persistence(), "", "nothing known here"),
    ],
)
def test_what_the_files_say(persistence: Persistence, gateway: str, why_not: str) -> None:
    found = gateway_at_boot(persistence, HOST)
    assert found.gateway == gateway
    assert why_not in found.why_not


IN_NUMBERS = f"BOOTPROTO=none\nIPADDR0=203.0.113.11\nGATEWAY1={LB}\nGATEWAY0='{ROUTER}'\n"


def test_numbered_gateways_are_what_networkmanager_reads() -> None:
    ours = managed("")
    profile = NmProfile(uuid="u-1", device="eth0", path=IFCFG)
    files = {IFCFG: HostFile(content=IN_NUMBERS, mode=0o644, owner=0)}
    by_manager = replace(ours, profiles=(profile,), files=files)
    assert gateway_at_boot(by_manager, HOST).gateway == ROUTER
    assert ids(METHOD.verify(state(by_manager, via=LB), wanted())) == {"gateway-persistent"}
    plain_first = {IFCFG: HostFile(content=f"{IN_NUMBERS}GATEWAY={LB}\n", mode=0o644, owner=0)}
    assert gateway_at_boot(replace(by_manager, files=plain_first), HOST).gateway == LB
    stopped = replace(by_manager, nm_running=False, profiles=())
    assert gateway_at_boot(stopped, HOST).gateway == ROUTER


def test_network_scripts_do_not_know_numbered_gateways() -> None:
    found = gateway_at_boot(scripted(IN_NUMBERS), HOST)
    assert found.gateway == ""
    (write,) = found.changes(LB, running=True)
    assert isinstance(write, WriteFile)
    # None is left that another reader could take.
    assert write.content == f"BOOTPROTO=none\nIPADDR0=203.0.113.11\nGATEWAY={LB}\n"


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("before", ["DEVICE=eth0\nIPADDR=203.0.113.11\n", IN_NUMBERS])
def test_a_file_that_named_no_gateway_names_none_again(before: str, edited: bool) -> None:
    network = {
        "/etc/sysconfig/network": HostFile(content=f"GATEWAY={ROUTER}\n", mode=0o644, owner=0)
    }
    plain = scripted(before)
    plain = replace(plain, files={**plain.files, **network})
    there = foreseen(state(plain), METHOD.plan_add(state(plain), wanted()))
    assert gateway_at_boot(there.persistence or Persistence(), HOST).gateway == LB
    if edited:
        edit = WriteFile(path=IFCFG, content=f"MTU=1400\nGATEWAY={LB}\n", before=None)
        there = foreseen(there, [edit])
    after = foreseen(there, METHOD.plan_remove(there, wanted()))
    assert gateway_at_boot(after.persistence or Persistence(), HOST).gateway == ROUTER
    assert after.content_of(IFCFG) == ("MTU=1400\n" if edited else before)


def test_a_default_route_in_the_other_form_of_a_file_of_routes() -> None:
    routes = "/etc/sysconfig/network-scripts/route-eth0"
    text = (
        "ADDRESS0=192.0.2.0\nNETMASK0=255.255.255.0\nGATEWAY0=203.0.113.2\n"
        f"ADDRESS1=0.0.0.0\nNETMASK1=0.0.0.0\nGATEWAY1={ROUTER}\n"
    )
    found = scripted(f"GATEWAY={LB}\n")
    files = {**found.files, routes: HostFile(content=text, mode=0o644, owner=0)}
    seen = gateway_at_boot(replace(found, files=files), HOST)
    assert (seen.gateway, seen.place) == (ROUTER, routes)


@pytest.mark.parametrize("line", ["default via {0} dev eth0", "0.0.0.0/0 dev eth0 via {0}"])
def test_a_default_route_in_a_file_of_routes_is_a_persons_work(line: str) -> None:
    routes = "/etc/sysconfig/network-scripts/route-eth0"
    text = f"192.0.2.0/24 via 203.0.113.2\n{line.format(ROUTER)}\n"
    found = scripted(f"GATEWAY={LB}\n")
    files = {**found.files, routes: HostFile(content=text, mode=0o644, owner=0)}
    seen = state(replace(found, files=files), via=LB)
    assert gateway_at_boot(seen.persistence or Persistence(), HOST).gateway == ROUTER
    (finding,) = METHOD.verify(seen, wanted())
    assert (finding.id, finding.blocks) == ("gateway-persistent", False)
    assert f"{routes} has a default route of its own" in finding.message
    others = {
        **found.files,
        routes: HostFile(content="192.0.2.0/24 via 203.0.113.2\n", mode=0o644, owner=0),
    }
    assert METHOD.verify(state(replace(found, files=others), via=LB), wanted()) == ()


def test_right_now_and_after_a_boot_are_told_apart() -> None:
    right = managed(f"method=manual\naddress1=203.0.113.11/24,{LB}\n")
    assert METHOD.verify(state(right, via=LB), wanted()) == ()
    assert METHOD.plan_add(state(right, via=LB), wanted()) == ()
    assert ids(METHOD.verify(state(right), wanted())) == {"gateway-live"}
    assert ids(METHOD.verify(state(managed(STATIC), via=LB), wanted())) == {"gateway-persistent"}


def test_a_second_service_keeps_the_route_when_the_first_one_goes() -> None:
    right = managed(f"method=manual\naddress1=203.0.113.11/24,{LB}\n")
    record = UndoRecord().noting(METHOD.plan_add(state(managed(STATIC)), wanted()))
    record = record.carrying(WEB.address, "gateway", state(right))
    one = state(right, via=LB, files={RECORD_FILE: record.render()})
    both = replace(wanted(), services=(WEB, VsRef.parse("tcp/203.0.113.251:80")))
    (noted,) = METHOD.plan_add(one, both)
    assert isinstance(noted, WriteFile)
    two = state(right, via=LB, files={RECORD_FILE: noted.content})
    assert METHOD.plan_add(two, both) == ()
    assert [describe(one) for one in METHOD.plan_remove(two, wanted())] == [
        f"change the file {RECORD_FILE}"
    ]


def test_what_is_refused() -> None:
    with pytest.raises(HostChangeFailed, match="name the LoadMaster"):
        METHOD.plan_add(state(managed(STATIC)), wanted(None))
    with pytest.raises(HostChangeFailed, match="is not on eth0's network"):
        METHOD.plan_add(state(managed(STATIC)), wanted("198.51.100.1"))
    record = UndoRecord().carrying("203.0.113.251", "loopback", state(managed(STATIC)))
    direct = state(managed(STATIC), files={RECORD_FILE: record.render()})
    with pytest.raises(HostChangeFailed, match="by direct return"):
        METHOD.plan_add(direct, wanted())


def test_who_is_too_near_is_named() -> None:
    near = Socket(
        protocol="tcp",
        local_address=HOST.address,
        local_port=80,
        peer_address="203.0.113.77",
        peer_port=40000,
        state="established",
    )
    found = METHOD.verify(
        state(managed(STATIC), sockets=(near,)), wanted(clients=("203.0.113.5", "198.51.100.5"))
    )
    named = [one.message.split()[0] for one in found if one.id == "client-same-subnet"]
    assert named == ["203.0.113.5", "203.0.113.77"]
    assert "gateway-same-subnet" in ids(METHOD.not_mended(state(managed(STATIC)), wanted()))


@pytest.mark.kernel
@pytest.mark.parametrize("release", [Release.STREAM9, Release.CENTOS7])
def test_added_rebooted_removed_and_reverted(release: Release) -> None:
    need_systemd()
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(hosts=1, releases=(release,), systemd=SystemdOptions()))
        stack.enter_context(lab.namespaces["admin"].entered())
        driver = stack.enter_context(SshDriver(config_file=str(lab.ssh_config)))
        host, machine = lab.hosts[0], lab.machines["web1"]
        asked = Wanted(host=host, services=(WEB,), gateway=lab.lb_address)

        def read() -> NetState:
            return driver.read(host, METHOD.sections | SECTIONS)

        def wrong() -> list[str]:
            return [one.message for one in blocking(METHOD.verify(read(), asked))]

        def gateways() -> Iterator[str]:
            now = read()
            assert now.default_route is not None
            assert now.persistence is not None
            yield now.default_route[0]
            yield gateway_at_boot(now.persistence, host).gateway

        assert list(gateways()) == [ROUTER, ROUTER]
        driver.apply(host, METHOD.plan_add(read(), asked))
        assert wrong() == []
        assert METHOD.plan_add(read(), asked) == ()
        machine.reboot()
        assert wrong() == []
        assert list(gateways()) == [lab.lb_address, lab.lb_address]

        driver.apply(host, METHOD.plan_remove(read(), asked))
        assert list(gateways()) == [ROUTER, ROUTER]
        assert RECORD_FILE not in read().files
        machine.reboot()
        assert list(gateways()) == [ROUTER, ROUTER]

        driver.apply(host, METHOD.plan_add(read(), asked))
        state = read()
        back = plan_revert(UndoRecord.parse(state.files[RECORD_FILE]), state)
        assert back.left == ()
        driver.apply(host, back.changes)
        assert list(gateways()) == [ROUTER, ROUTER]
