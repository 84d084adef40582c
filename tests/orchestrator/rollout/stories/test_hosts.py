"""What happens to a server's host: stories 10 to 12."""

import pytest

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.changes import AddAddress, NetChange
from tests.orchestrator.rollout.world import ALL_IN, MAC, ROLL, World, step


@pytest.mark.parametrize("lost", ["vip", "silence"])
def test_10_a_reboot_took_the_vip_or_the_silence_away(quick: World, lost: str) -> None:
    """Its own address answers, so the LoadMaster calls it up; it is not enabled all the same."""
    host = quick.driver.hosts["web1"]

    def lose() -> None:
        if lost == "vip":
            host.addresses = [one for one in host.addresses if one.prefix != 32]
        else:
            host.sysctls |= {"conf/all/arp_ignore": 0, "conf/eth0/arp_ignore": 0}

    result = quick.run_until(f"{ROLL}, hosts: [web1]", "web1/enable", lose)
    assert step(result, "web1/enable").gate == "host-verified"
    assert quick.enabled() == {**ALL_IN, "web1": False}
    # Looked at again, mended, and proven before it is let in.
    assert quick.resume(result.run_id).finished
    assert quick.carries_vip("web1")
    assert quick.enabled() == ALL_IN


def test_11_the_neighbours_keep_the_old_mac(quick: World) -> None:
    """The host is right again; who learned its MAC is not. A third machine is asked, twice."""
    quick.segment.claims = {MAC["web1"]: 1}
    result = quick.run(f"{ROLL}, hosts: [web1]")
    said = result.hosts["web1"].reason
    assert step(result, "web1/arp-proof").status == "failed"
    assert "whoever learned its MAC keeps it" in said
    assert "gratuitous ARP for the VIP from the LoadMaster" in said
    assert not quick.resume(result.run_id).finished
    assert quick.enabled() == {**ALL_IN, "web1": False}
    quick.segment.claims = {}
    assert quick.resume(result.run_id).finished


@pytest.mark.parametrize("comes_back", [True, False])
def test_12_ssh_dies_in_the_middle_of_the_address_change(world: World, comes_back: bool) -> None:
    """Half the host is changed: it is read when it is back, or the run says what it knows."""
    world.light = True
    host = world.driver.hosts["web1"]

    def cut(change: NetChange) -> str | None:
        if isinstance(change, AddAddress) and host.down is None:
            host.down = "connection lost"
            if comes_back:
                world.clock.after(20, lambda: setattr(host, "down", None))
                host.refuse = lambda _: None
            raise HostUnreachable("web1: connection lost")
        return None

    host.refuse = cut
    result = world.run("kind: add, hosts: [web1]")
    if comes_back:
        assert result.finished, result.reason
    else:
        assert step(result, "web1/prepare-host").status == "failed"
        assert result.hosts["web1"].standing == "host prepared?"
        assert not world.enabled()
        host.down, host.refuse = None, lambda _: None
        assert world.resume(result.run_id).finished
    assert world.carries_vip("web1")
    # What had been done before was seen, and not done again.
    assert len(host.applied) == len({repr(one) for one in host.applied})
