"""A cluster of LoadMasters: its nodes, and how they come in and go. Needs a licence for it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, entries, flatten
from kempsdk.errors import FieldDifference
from kempsdk.fields import Address, Number, Switch, Table, Word, field
from kempsdk.read_back import not_applied
from kempsdk.references import check_address
from kempsdk.transport.call import Tree


class NodeState(str, Enum):
    """What a node does; a number on the wire.

    ``DISABLED`` is also the state of a node without services; ``DRAINING`` lasts 10 s by
    default.
    """

    DOWN = "down"
    UP = "up"
    DISABLED = "disabled"
    DRAINING = "draining"
    STARTING = "starting"
    PRIMARY = "primary"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNode:
    """One LoadMaster of a cluster."""

    id: int
    address: str
    enabled: bool
    state: NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """A cluster.

    Attributes:
        shared_address: what services are configured through; None where it does not say.
    """

    shared_address: str | None
    nodes: tuple[ClusterNode, ...]


_NODE: Final = Table(
    [
        field("Id", "id", Number()),
        field("Address", "address", Address()),
        field("Enabled", "enabled", Switch()),
        field(
            "Status",
            "state",
            Word(
                NodeState,
                default=NodeState.UNKNOWN,
                other=NodeState.UNKNOWN,
                codes={
                    "0": NodeState.DOWN,
                    "1": NodeState.UP,
                    "2": NodeState.DISABLED,
                    "3": NodeState.DRAINING,
                    "4": NodeState.STARTING,
                    "5": NodeState.PRIMARY,
                },
            ),
        ),
    ]
)


class Cluster:
    """The cluster that a LoadMaster is in: ``lm.cluster``.

    To make one of two units: ``create`` on the first, ``join`` on the second, ``add_node``
    on the first right afterwards, then ``enable_node`` there. A call for a unit that is in
    no cluster is refused.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def status(self) -> ClusterStatus:
        """Return the cluster and its nodes.

        Raises:
            CommandRejected: this unit is in no cluster, or has no licence for one.
        """
        return self._appliance.read("cluster/status", {}, _read)

    def node(self, node_id: int) -> ClusterNode:
        """Return one node.

        Raises:
            NotFound: the cluster has no such node.
        """
        for one in self.status().nodes:
            if one.id == node_id:
                return one
        raise not_found(
            f"the cluster has no node {node_id}", command="cluster/status", target=str(node_id)
        )

    def create(self, shared_address: str) -> ClusterStatus:
        """Turn this LoadMaster into the first node of a cluster. Changes the device.

        Args:
            shared_address: of the new cluster.

        Raises:
            InvalidRequest: no address; nothing was sent.
            CommandRejected: the appliance refused, for instance since it is in a cluster.
            OutcomeUnknown: no answer; ``status`` tells.
            WriteNotApplied: the cluster has another address.
        """
        wanted = check_address(shared_address, field="shared_address")
        self._appliance.write("cluster/create", {"SharedAddress": wanted}, target=wanted)
        now = self.status()
        if now.shared_address not in (wanted, None):
            wrong = FieldDifference("shared_address", wanted, now.shared_address)
            raise not_applied("cluster/create", wanted, wrong)
        return now

    def join(self) -> None:
        """Let this LoadMaster wait to be taken into a cluster. Changes the device.

        Nothing shows that it waits; ``add_node`` on the cluster must follow at once.

        Raises:
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``add_node`` tells.
        """
        self._appliance.write("cluster/joincluster", {}, target="cluster")

    def add_node(self, address: str) -> ClusterNode:
        """Take in a LoadMaster that waits, disabled at first. Changes the device.

        Args:
            address: its own address.

        Raises:
            InvalidRequest: no address; nothing was sent.
            CommandRejected: the appliance refused, for instance since it does not wait.
            OutcomeUnknown: no answer; ``status`` tells.
            WriteNotApplied: the cluster has no node with this address.
        """
        wanted = check_address(address, field="address")
        self._appliance.write("cluster/addnode", {"Address": wanted}, target=wanted)
        for one in self.status().nodes:
            if one.address == wanted:
                return one
        raise not_applied("cluster/addnode", wanted, FieldDifference("node", wanted, None))

    def enable_node(self, node_id: int) -> ClusterNode:
        """Give a node traffic. Changes the device.

        Raises:
            NotFound: the cluster has no such node.
            OutcomeUnknown: no answer; ``node`` tells.
            WriteNotApplied: it is still disabled.
        """
        return self._switch("cluster/enablenode", node_id, enabled=True)

    def disable_node(self, node_id: int) -> ClusterNode:
        """Take new traffic away from a node, which drains first. Changes the device.

        Raises:
            NotFound: the cluster has no such node.
            OutcomeUnknown: no answer; ``node`` tells.
            WriteNotApplied: it is still enabled.
        """
        return self._switch("cluster/disablenode", node_id, enabled=False)

    def delete_node(self, node_id: int) -> None:
        """Take a node out of the cluster. Changes the device.

        Raises:
            NotFound: the cluster has no such node.
            OutcomeUnknown: no answer; ``status`` tells.
            WriteNotApplied: it is still there.
        """
        self.node(node_id)
        target = f"node {node_id}"
        # QUIRK: documented with capitals here and without for the two switches.
        self._appliance.write("cluster/deletenode", {"NodeId": node_id}, target=target)
        if any(one.id == node_id for one in self.status().nodes):
            raise not_applied("cluster/deletenode", target, FieldDifference("node", None, node_id))

    def _switch(self, command: str, node_id: int, *, enabled: bool) -> ClusterNode:
        self.node(node_id)
        target = f"node {node_id}"
        self._appliance.write(command, {"nodeid": node_id}, target=target)
        now = self.node(node_id)
        if now.enabled is not enabled:
            raise not_applied(command, target, FieldDifference("enabled", enabled, now.enabled))
        return now


def _read(tree: Tree) -> ClusterStatus:
    found = entries(tree, "Status")
    if not found:
        raise MalformedAnswer("no status of a cluster")
    shared = Address().read(flatten(found[0]).get("SharedAddress", ""))
    return ClusterStatus(
        shared_address=shared,
        nodes=tuple([ClusterNode(**_NODE.read(flatten(one))) for one in entries(found[0], "Node")]),
    )
