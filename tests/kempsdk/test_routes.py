"""Static routes and hosts entries."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.dns import HostsEntry
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.routes import Route
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_routes(lm: LoadMaster) -> None:
    assert lm.routes.list() == ()
    made = lm.routes.add("10.9.0.0/16", "10.0.0.99")
    assert made == Route(destination="10.9.0.0/16", gateway="10.0.0.99")
    lm.routes.add("192.0.2.7", "10.0.0.98")
    assert lm.routes.get("192.0.2.7").gateway == "10.0.0.98"
    with pytest.raises(CommandRejected):
        lm.routes.add("10.9.0.0/16", "10.0.0.1")
    lm.routes.delete("10.9.0.0/16")
    assert [one.destination for one in lm.routes.list()] == ["192.0.2.7/32"]
    with pytest.raises(NotFound):
        lm.routes.delete("10.9.0.0/16")


def test_hosts(lm: LoadMaster) -> None:
    assert lm.hosts.list() == ()
    made = lm.hosts.add("10.0.1.11", "web1.example")
    assert made == HostsEntry(address="10.0.1.11", name="web1.example")
    assert lm.hosts.get("10.0.1.11") == made
    lm.hosts.delete("10.0.1.11")
    with pytest.raises(NotFound):
        lm.hosts.get("10.0.1.11")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for destination, gateway in (
        ("10.9.0.1/16", "10.0.0.1"),
        ("10.9.0.0/16", "gw"),
        ("::/0", "10.0.0.1"),
    ):
        with pytest.raises(InvalidRequest):
            lm.routes.add(destination, gateway)
    for address, name in (("web1", "web1.example"), ("10.0.0.1", "web one"), ("10.0.0.1", "")):
        with pytest.raises(InvalidRequest):
            lm.hosts.add(address, name)
    assert transport.calls == []


def test_what_was_not_stored() -> None:
    row = {"Destination": "10.9.0.0/16", "Gateway": "10.0.0.1"}
    lm, _ = scripted(addroute=[DONE], delroute=[DONE], showroute=[{"Route": [row]}])
    with pytest.raises(WriteNotApplied, match="gateway"):
        lm.routes.add("10.9.0.0/16", "10.0.0.2")
    with pytest.raises(WriteNotApplied):
        lm.routes.delete("10.9.0.0/16")
    entry = {"HostIPAddress": "10.0.0.1", "HostFqdn": "a.example"}
    lm, _ = scripted(addhostsentry=[DONE], delhostsentry=[DONE], gethosts=[{"HostsEntry": [entry]}])
    with pytest.raises(WriteNotApplied, match="name"):
        lm.hosts.add("10.0.0.1", "b.example")
    with pytest.raises(WriteNotApplied):
        lm.hosts.delete("10.0.0.1")


def test_an_unknown_shape_is_not_an_empty_list() -> None:
    lm, _ = scripted(showroute=[{"R": [{"To": "x"}]}], gethosts=[{"H": {"Is": "x"}}])
    with pytest.raises(BadAnswer):
        lm.routes.list()
    with pytest.raises(BadAnswer):
        lm.hosts.list()
    lm, _ = scripted(
        showroute=[{"Route": [{"Destination": "x", "Gateway": "10.0.0.1"}]}],
        gethosts=[{"HostsEntry": [{"HostIPAddress": "10.0.0.1"}]}],
    )
    with pytest.raises(BadAnswer):
        lm.routes.list()
    with pytest.raises(BadAnswer):
        lm.hosts.list()
