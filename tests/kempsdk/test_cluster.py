"""Clusters."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.cluster import NodeState
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from tests.fakes.transport import Scripted
from tests.kempsdk.test_virtual_services import DONE, scripted


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_two_units(api: str) -> None:
    waiting = Switches(rate_limit=False, waiting_nodes=("10.0.0.21",))
    with VirtualLoadMaster(switches=waiting) as box, box.client(api=api) as lm:
        made = lm.cluster.create("10.0.0.100")
        assert made.shared_address == "10.0.0.100"
        assert [one.state for one in made.nodes] == [NodeState.PRIMARY]
        second = lm.cluster.add_node("10.0.0.21")
        assert (second.address, second.enabled) == ("10.0.0.21", False)
        assert second.state is NodeState.DISABLED
        assert lm.cluster.enable_node(second.id).state is NodeState.UP
        assert not lm.cluster.disable_node(second.id).enabled
        lm.cluster.delete_node(second.id)
        with pytest.raises(NotFound):
            lm.cluster.enable_node(second.id)
        with pytest.raises(CommandRejected):
            lm.cluster.add_node("10.0.0.99")
        lm.cluster.join()


def test_outside_of_a_cluster(lm: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        lm.cluster.status()
    with pytest.raises(InvalidRequest):
        lm.cluster.create("here")


def test_what_was_not_done() -> None:
    node = {"Id": 2, "Address": "10.0.0.21", "Enabled": 1, "Status": 9}
    status = {"Status": {"SharedAddress": "10.0.0.100", "Node": [node]}}
    names = ("create", "addnode", "enablenode", "disablenode", "deletenode")
    script: dict[str, list[Scripted]] = {"cluster/status": [status]}
    script |= {f"cluster/{name}": [DONE] for name in names}
    lm, _ = scripted(None, **script)
    assert lm.cluster.node(2).state is NodeState.UNKNOWN
    with pytest.raises(WriteNotApplied):
        lm.cluster.create("10.0.0.200")
    with pytest.raises(WriteNotApplied):
        lm.cluster.add_node("10.0.0.22")
    with pytest.raises(WriteNotApplied):
        lm.cluster.disable_node(2)
    with pytest.raises(WriteNotApplied):
        lm.cluster.delete_node(2)
    script["cluster/status"] = [{}]
    lm, _ = scripted(None, **script)
    with pytest.raises(BadAnswer):
        lm.cluster.status()
