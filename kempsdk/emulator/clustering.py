"""Clusters of LoadMasters, and high availability in clouds."""

from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo_state import site_address
from kempsdk.emulator.network import network_of
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.values import Params

_UP: Final = 1
_DISABLED: Final = 2
_PRIMARY: Final = 5
_NO_CLUSTER: Final = "Command not available."


@dataclass(slots=True, kw_only=True)
class Node:
    id: int
    address: str
    enabled: bool


@section("cluster", part=BASE)
@dataclass(slots=True, kw_only=True)
class ClusterState:
    """Attributes:
    shared: address of the cluster; empty outside of one. This unit is node 1.
    joining: this unit waits to be taken into another cluster.
    """

    shared: str = ""
    nodes: list[Node] = field(default_factory=list)
    joining: bool = False


def _cluster(box: Appliance) -> ClusterState:
    """Return the cluster.

    Raises:
        Refusal: this unit is in none; documented as an error, the text is a guess.
    """
    found = box.state.section(ClusterState)
    if not found.shared:
        raise Refusal(_NO_CLUSTER)
    return found


def _status(node: Node) -> int:
    if node.id == 1:
        return _PRIMARY
    return _UP if node.enabled else _DISABLED


@command("cluster/status")
def status(box: Appliance, _request: Request) -> Answer:
    cluster = _cluster(box)
    nodes: list[Members] = [
        [
            ("Id", one.id),
            ("Address", one.address),
            ("Enabled", int(one.enabled)),
            ("Status", _status(one)),
        ]
        for one in cluster.nodes
    ]
    members: Members = [("SharedAddress", cluster.shared), ("Node", Many(nodes))]
    return Answer(members=[("Status", One(members))])


@command("cluster/create", mutates=True)
def create(box: Appliance, request: Request) -> Answer:
    cluster = box.state.section(ClusterState)
    shared = site_address(request.params.need("sharedaddress", "Address"), "SharedAddress")
    if cluster.shared:
        raise Refusal(_NO_CLUSTER)
    own = next(iter(network_of(box).interfaces.values())).address.partition("/")[0]
    cluster.shared, cluster.nodes = shared, [Node(id=1, address=own, enabled=True)]
    box.changed_globally()
    return DONE


@command("cluster/joincluster", mutates=True)
def joincluster(box: Appliance, _request: Request) -> Answer:
    """Wait to be taken in; no other unit ever does that here."""
    box.state.section(ClusterState).joining = True
    box.changed()
    return DONE


@command("cluster/addnode", mutates=True)
def addnode(box: Appliance, request: Request) -> Answer:
    cluster = _cluster(box)
    address = site_address(request.params.need("address", "Address"), "Address")
    known = {one.address for one in cluster.nodes}
    if address in known or address not in box.switches.waiting_nodes:
        # A node that does not wait cannot be contacted; the text is a guess.
        raise Refusal(f"Could not contact {address}")
    number = max(one.id for one in cluster.nodes) + 1
    cluster.nodes.append(Node(id=number, address=address, enabled=False))
    box.changed_globally()
    return DONE


def _node(box: Appliance, params: Params) -> Node:
    params.need("nodeid")
    for one in _cluster(box).nodes:
        if one.id == params.number("nodeid"):
            return one
    # The text is a guess.
    raise Refusal("Unknown node")


@command("cluster/enablenode", "cluster/disablenode", mutates=True)
def switch_node(box: Appliance, request: Request) -> Answer:
    _node(box, request.params).enabled = request.command.endswith("/enablenode")
    box.changed_globally()
    return DONE


@command("cluster/deletenode", mutates=True)
def deletenode(box: Appliance, request: Request) -> Answer:
    node = _node(box, request.params)
    if node.id == 1:
        # That a unit cannot delete itself is a guess.
        raise Refusal(_NO_CLUSTER)
    _cluster(box).nodes.remove(node)
    box.changed_globally()
    return DONE


@section("cloud_ha", part=BASE)
@dataclass(slots=True, kw_only=True)
class CloudHa:
    """Attributes:
    mode: first, second or single.
    """

    mode: str = "single"
    partner: str = ""
    port: int = 8444
    prefers_first: bool = True
    all_interfaces: bool = False


_SHOWN_MODES: Final = {"first": "master", "second": "slave", "single": "single"}
"""Words of answers: ``master`` is documented, the others are guesses."""


def _cloud(box: Appliance, cloud: str) -> CloudHa:
    """Return the settings; the commands of one cloud are there in that cloud only.

    Raises:
        Refusal: this unit is in another one, or in none.
    """
    where = box.switches.cloud
    if not where or cloud not in ("Cloud", where):
        raise Refusal("Command not available.")
    return box.state.section(CloudHa)


def _register(cloud: str, show: str, set_mode: str, set_params: str, root: str) -> None:
    @command(show)
    def shown(box: Appliance, _request: Request) -> Answer:
        ha = _cloud(box, cloud)
        members: Members = [
            ("HaMode", _SHOWN_MODES[ha.mode]),
            ("HaPrefered", int(ha.prefers_first)),
            ("Partner", ha.partner),
            ("Port", ha.port),
        ]
        return Answer(members=[(root, One(members))])

    @command(set_mode, mutates=True)
    def mode(box: Appliance, request: Request) -> Answer:
        ha = _cloud(box, cloud)
        wanted = request.params.need("hamode")
        if wanted not in _SHOWN_MODES:
            raise missing("hamode")
        ha.mode = wanted
        box.changed_globally()
        return DONE

    @command(set_params, mutates=True)
    def parameters(box: Appliance, request: Request) -> Answer:
        ha = _cloud(box, cloud)
        params = request.params
        port = params.number("hcp")
        if port is not None and not 1 <= port <= 65535:
            raise Refusal("hcp: Port out of range")
        ha.partner = params.get("partner") or ha.partner
        ha.port = port or ha.port
        prefers, everywhere = params.flag("haprefered"), params.flag("hcai")
        ha.prefers_first = ha.prefers_first if prefers is None else prefers
        ha.all_interfaces = ha.all_interfaces if everywhere is None else everywhere
        box.changed_globally()
        return DONE


# AwsHA is documented; the two other roots are guesses after it.
_register("aws", "getawshaparams", "awshamode", "awshaparam", "AwsHA")
_register("azure", "getazurehaparams", "azurehamode", "azurehaparam", "AzureHA")
_register("Cloud", "getCloudHaParams", "setcloudhamode", "setcloudhaparam", "CloudHA")
