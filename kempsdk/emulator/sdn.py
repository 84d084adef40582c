"""SDN controllers in their clusters; no controller is ever asked."""

from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Members, Numbered, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo_state import site_address
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.values import Params

_SHOWN_PASSWORD: Final = "*****"  # noqa: S105 - what stands for one


@dataclass(slots=True, kw_only=True)
class Controller:
    """One controller; of its password only that there is one is kept."""

    cluster: int
    address: str
    port: int
    https: bool = False
    user: str = ""
    has_password: bool = False


@section("sdn", part=BASE)
@dataclass(slots=True, kw_only=True)
class Sdn:
    """Clusters that ever were, in use or not; both numbers are given once only."""

    controllers: dict[int, Controller] = field(default_factory=dict)
    clusters: list[int] = field(default_factory=list)
    next_controller: int = 1
    next_cluster: int = 1


def _sdn(box: Appliance) -> Sdn:
    return box.state.section(Sdn)


def _members(one: Controller) -> Members:
    return [
        ("ipv4", one.address),
        ("port", one.port),
        ("https", "yes" if one.https else "no"),
        ("user", one.user),
        ("password", _SHOWN_PASSWORD if one.has_password else ""),
    ]


def _shown(box: Appliance) -> Answer:
    sdn = _sdn(box)
    clusters: list[tuple[int, Members]] = []
    for number in sdn.clusters:
        inside = [(i, _members(one)) for i, one in sdn.controllers.items() if one.cluster == number]
        clusters.append((number, [("controller", Numbered(inside))] if inside else []))
    groups: Members = [("cluster", Numbered(clusters))] if clusters else []
    return Answer(members=[("controllers", One(groups))])


def _apply(box: Appliance, one: Controller, params: Params) -> None:
    if "ipv4" in params:
        one.address = site_address(params.get("ipv4"), "ipv4")
    if "port" in params:
        port = params.number("port")
        if port is None or not 1 <= port <= 65535:
            raise Refusal("port: Port out of range")
        one.port = port
    if (https := params.flag("https")) is not None:
        one.https = https
    one.user = params.get("user", one.user)
    if "password" in params:
        one.has_password = bool(params.get("password"))
    if "clid" in params:
        number = params.number("clid")
        if number not in _sdn(box).clusters:
            # The text is a guess.
            raise Refusal("Unknown SDN cluster")
        one.cluster = number or 0


def _controller(box: Appliance, params: Params) -> int:
    params.need("cid")
    number = params.number("cid")
    if number is None or number not in _sdn(box).controllers:
        # The text is a guess.
        raise Refusal("Unknown SDN controller")
    return number


@command("getsdncontroller")
def getsdncontroller(box: Appliance, _request: Request) -> Answer:
    return _shown(box)


@command("sdndeviceinfo")
def sdndeviceinfo(box: Appliance, request: Request) -> Answer:
    """Show a controller without devices: none is ever asked."""
    return Answer(members=[("controller", Numbered([(_controller(box, request.params), [])]))])


@command("sdnpathinfo")
def sdnpathinfo(box: Appliance, request: Request) -> Answer:
    """Show no paths."""
    _controller(box, request.params)
    return Answer(members=[("pathinfo", One([]))])


@command("addsdncontroller", mutates=True)
def addsdncontroller(box: Appliance, request: Request) -> Answer:
    for name in ("ipv4", "port"):
        request.params.need(name)
    sdn = _sdn(box)
    one = Controller(cluster=0, address="", port=0)
    _apply(box, one, request.params)
    if not one.cluster:
        one.cluster = sdn.next_cluster
        sdn.clusters.append(one.cluster)
        sdn.next_cluster += 1
    sdn.controllers[sdn.next_controller] = one
    sdn.next_controller += 1
    box.changed_globally()
    return DONE


@command("modsdncontroller", mutates=True)
def modsdncontroller(box: Appliance, request: Request) -> Answer:
    _apply(box, _sdn(box).controllers[_controller(box, request.params)], request.params)
    box.changed_globally()
    return _shown(box)


@command("delsdncontroller", mutates=True)
def delsdncontroller(box: Appliance, request: Request) -> Answer:
    """Delete a controller, or all of a cluster, which stays as an empty one."""
    params = request.params
    controllers = _sdn(box).controllers
    if "cid" in params:
        del controllers[_controller(box, params)]
    elif "clid" in params:
        gone = [i for i, one in controllers.items() if one.cluster == params.number("clid")]
        if not gone:
            raise Refusal("Unknown SDN cluster")
        for number in gone:
            del controllers[number]
    else:
        raise missing("cid")
    box.changed_globally()
    return DONE
