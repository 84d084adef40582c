"""Interfaces and their addresses."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.codec import XmlTree, parse_xml
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.interfaces import BondMode, Interface, _read_all
from tests.fakes.transport import Scripted
from tests.kempsdk.recordings import recording
from tests.kempsdk.test_virtual_services import DONE, scripted

ETH0 = {"Id": 0, "IPAddress": "10.0.0.14/24", "Mtu": "1500", "InterfaceType": "Port"}


def test_captured_answers() -> None:
    def read(name: str) -> tuple[Interface, ...]:
        data = parse_xml(recording(name)).find("Success/Data")
        assert data is not None
        return _read_all(XmlTree(data))

    (one,) = read("showiface-eth0-7.2.63.xml")
    assert (one.id, one.address, one.mtu, one.kind) == (0, "10.0.0.14/24", 1500, "Port")
    assert (one.geo, one.is_default, one.web_interface) == (True, True, False)
    first, second = read("showiface-two-7.1.xml")
    assert (first.id, first.web_interface, second.id, second.geo) == (0, True, 1, False)


def test_list_and_change(lm: LoadMaster) -> None:
    before = lm.interfaces.list()
    assert [one.id for one in before] == list(range(len(before)))
    assert before[0].is_default
    assert before[0] == lm.interfaces.get(0)
    now = lm.interfaces.update(0, mtu=9000, geo=not before[0].geo)
    assert (now.mtu, now.geo) == (9000, not before[0].geo)
    # What is right already is not sent: the appliance would refuse it.
    assert lm.interfaces.update(0, mtu=9000, is_default=True) == now
    with pytest.raises(CommandRejected):
        lm.interfaces.get(77)


def test_addresses(lm: LoadMaster) -> None:
    now = lm.interfaces.add_address(0, "10.0.0.77/24")
    assert now.additional == ("10.0.0.77/24",)
    lm.interfaces.add_address(0, "2001:db8::77/64")
    assert lm.interfaces.get(0).additional == ("10.0.0.77/24", "2001:db8::77/64")
    assert lm.interfaces.list()[0].additional == ("10.0.0.77/24", "2001:db8::77/64")
    assert lm.interfaces.remove_address(0, "10.0.0.77/24").additional == ("2001:db8::77/64",)
    with pytest.raises(NotFound):
        lm.interfaces.remove_address(0, "10.0.0.77/24")


def test_vlans_and_vxlans(lm: LoadMaster) -> None:
    vlan = lm.interfaces.add_vlan(0, 100)
    assert vlan.address is None
    # In a list it shows the address of the interface before it; ours does not.
    assert next(one for one in lm.interfaces.list() if one.id == vlan.id).address is None
    assert lm.interfaces.update(vlan.id, address="10.100.0.1/24").address == "10.100.0.1/24"
    lm.interfaces.delete_vlan(0, 100)
    assert vlan.id not in {one.id for one in lm.interfaces.list()}
    vxlan = lm.interfaces.add_vxlan(0, 5000, remote="10.0.0.200")
    assert str(vxlan.extra["Vni"]) == "5000"
    lm.interfaces.delete_vxlan(vxlan.id)
    assert vxlan.id not in {one.id for one in lm.interfaces.list()}
    with pytest.raises(CommandRejected):
        lm.interfaces.delete_vlan(0, 100)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_bonds(api: str) -> None:
    ports = Switches(rate_limit=False, interfaces=("10.0.0.14/24", ""))
    with VirtualLoadMaster(switches=ports) as box, box.client(api=api) as lm:
        bond = lm.interfaces.make_bond(0)
        assert bond.kind != "Port"
        lm.interfaces.update(0, bond_mode=BondMode.LACP)
        assert [one.params["bondmode"] for one in box.calls if "bondmode" in one.params] == ["4"]
        lm.interfaces.join_bond(1, 0)
        with pytest.raises(CommandRejected):
            lm.interfaces.join_bond(1, 0)
        lm.interfaces.leave_bond(1, 0)
        assert lm.interfaces.unmake_bond(0).kind == "Port"


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for settings in (
        {"address": "10.0.0.1"},
        {"mtu": 511},
        {"is_default": False},
        {"ha_check": False},
        {"speed": 10},
    ):
        with pytest.raises(InvalidRequest):
            lm.interfaces.update(0, **settings)
    for vlan in (0, 4095):
        with pytest.raises(InvalidRequest, match="1 to 4094"):
            lm.interfaces.add_vlan(0, vlan)
    with pytest.raises(InvalidRequest, match="exactly one"):
        lm.interfaces.add_vxlan(0, 1)
    with pytest.raises(InvalidRequest):
        lm.interfaces.add_vxlan(0, 2**24, remote="10.0.0.1")
    with pytest.raises(InvalidRequest):
        lm.interfaces.get(-1)
    assert transport.calls == []


def test_what_was_not_stored() -> None:
    commands: dict[str, list[Scripted]] = {
        name: [DONE]
        for name in (
            "modiface",
            "addadditional",
            "deladditional",
            "addvlan",
            "delvlan",
            "createbond",
        )
    }
    lm, transport = scripted(None, showiface=[{"Interface": [ETH0]}], **commands)
    with pytest.raises(WriteNotApplied, match="mtu"):
        lm.interfaces.update(0, mtu=9000)
    with pytest.raises(WriteNotApplied):
        lm.interfaces.add_address(0, "10.0.0.77/24")
    with pytest.raises(WriteNotApplied):
        lm.interfaces.add_vlan(0, 5)
    with pytest.raises(WriteNotApplied):
        lm.interfaces.delete_vlan(0, 5)
    with pytest.raises(WriteNotApplied):
        lm.interfaces.make_bond(0)
    transport.calls.clear()
    # Each setting in a call of its own.
    with pytest.raises(WriteNotApplied):
        lm.interfaces.update(0, cluster_sync=True, ha_check=True, geo=True)
    assert [dict(one.params) for one in transport.calls if one.mutates] == [
        {"interface": 0, "hacheck": True},
        {"interface": 0, "clupdate": True},
        {"interface": 0, "geotraffic": True},
    ]


def test_an_answer_about_something_else() -> None:
    lm, _ = scripted(showiface=[{"Interface": [ETH0]}])
    with pytest.raises(NotFound):
        lm.interfaces.get(1)
    lm, _ = scripted(showiface=[{"Interface": [{**ETH0, "IPAddress": "here"}]}])
    with pytest.raises(BadAnswer):
        lm.interfaces.list()
