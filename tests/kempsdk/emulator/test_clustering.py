"""Clusters, and high availability in clouds."""

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

GONE = (422, "Command not available.")


def test_a_cluster_of_two(start: Start) -> None:
    wire = start(switches={"waiting_nodes": ("192.0.2.11",)})
    assert wire.v1("cluster/status").error == GONE
    assert wire.v1("cluster/create", SharedAddress="192.0.2.100").status == 200
    assert wire.v1("cluster/create", SharedAddress="192.0.2.100").error == GONE
    # Only a unit that waits can be reached.
    assert wire.v2("cluster.addnode", Address="192.0.2.12").status == 422
    assert wire.v2("cluster.addnode", Address="192.0.2.11").status == 200
    assert wire.v2("cluster.addnode", Address="192.0.2.11").status == 422

    def nodes() -> list[tuple[int, int, int]]:
        shown = wire.v2("cluster.status").json["Status"]
        assert shown["SharedAddress"] == "192.0.2.100"
        return [(one["Id"], one["Enabled"], one["Status"]) for one in shown["Node"]]

    # 5 is the primary control node, 2 is disabled, 1 is up.
    assert nodes() == [(1, 1, 5), (2, 0, 2)]
    assert wire.v1("cluster/enablenode", nodeid=2).status == 200
    assert nodes() == [(1, 1, 5), (2, 1, 1)]
    status = wire.v1("cluster/status").data.find("Status")
    assert status is not None
    assert [one.tag for one in status] == ["SharedAddress", "Node", "Node"]
    assert [one.tag for one in status[1]] == ["Id", "Address", "Enabled", "Status"]
    assert wire.v1("cluster/disablenode", nodeid=2).status == 200
    assert nodes() == [(1, 1, 5), (2, 0, 2)]
    assert wire.v1("cluster/deletenode", NodeId=2).status == 200
    assert wire.v1("cluster/deletenode", NodeId=2).status == 422
    assert wire.v1("cluster/deletenode", NodeId=1).status == 422
    assert wire.v1("cluster/joincluster").status == 200


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_high_availability_in_a_cloud(start: Start, cloud: str) -> None:
    wire = start(switches={"cloud": cloud})
    other = "azure" if cloud == "aws" else "aws"
    assert wire.v2(f"get{other}haparams").error == GONE
    assert wire.v2(f"{cloud}hamode", hamode="first").status == 200
    assert wire.v2(f"{cloud}hamode", hamode="third").status == 400
    reply = wire.v2(f"{cloud}haparam", partner="172.18.0.5", hcp=8444, haprefered=0)
    assert reply.status == 200
    (shown,) = [one for one in wire.v2(f"get{cloud}haparams").json.values() if type(one) is dict]
    assert shown["HaMode"] == "master"
    assert (shown["HaPrefered"], shown["Partner"], shown["Port"]) == (0, "172.18.0.5", 8444)
    assert wire.v2(f"{cloud}haparam", hcp=70000).status == 422
    assert wire.v2("getCloudHaParams").status == 200


def test_outside_of_clouds_there_is_none(wire: Wire) -> None:
    for command in ("getawshaparams", "getazurehaparams", "getCloudHaParams"):
        assert wire.v1(command).error == GONE
