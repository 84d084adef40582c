"""The lab's layout."""

import ipaddress

import pytest

from orchestrator.lab.topology import LB_ADDRESS, MAX_HOSTS, topology


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("hosts", [1, 3, MAX_HOSTS])
def test_no_address_or_mac_is_used_twice(hosts: int, pair: bool) -> None:
    layout = topology(hosts, pair=pair)
    stations = [*layout.segment, layout.client, layout.router_uplink]
    assert len({station.address for station in stations} | {layout.vip}) == len(stations) + 1
    assert len({station.mac for station in stations}) == len(stations)


def test_all_addresses_are_reserved_for_documentation() -> None:
    layout = topology(MAX_HOSTS)
    segment = ipaddress.ip_network("203.0.113.0/24")
    for address in (layout.vip, *(station.address for station in layout.segment)):
        assert ipaddress.ip_address(address) in segment
    assert ipaddress.ip_address(layout.client.address) not in segment


def test_macs_can_be_read_in_evidence() -> None:
    layout = topology(3)
    macs = {station.name: station.mac for station in layout.segment}
    assert macs["lb"] == "02:00:00:00:00:0a"
    assert [macs[f"web{n}"] for n in (1, 2, 3)] == [f"02:00:00:00:00:1{n}" for n in (1, 2, 3)]


def test_a_pair_shares_the_address_that_one_load_balancer_has() -> None:
    one, two = topology(3), topology(3, pair=True)
    (alone,) = one.balancers
    assert [station.name for station in two.balancers] == ["lb1", "lb2"]
    assert alone.address == LB_ADDRESS
    assert LB_ADDRESS not in {station.address for station in two.segment}
    assert {*one.segment} - {alone} == {*two.segment} - {*two.balancers}


@pytest.mark.parametrize("hosts", [0, -1, MAX_HOSTS + 1])
def test_a_number_of_hosts_that_does_not_fit_is_refused(hosts: int) -> None:
    with pytest.raises(ValueError, match=f"1 to {MAX_HOSTS} hosts"):
        topology(hosts)
