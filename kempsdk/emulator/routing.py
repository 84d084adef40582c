"""Routes, hosts and names, telemetry, and where the web interface is reached."""

import ipaddress

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.network import UNKNOWN_INTERFACE, host_address, interface_of, network_of
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.values import Params


@command("showroute")
def showroute(box: Appliance, _request: Request) -> Answer:
    rows: list[Members] = [
        [("Destination", destination), ("Gateway", gateway)]
        for destination, gateway in network_of(box).routes.items()
    ]
    return Answer(members=[("Route", Many(rows))] if rows else [])


def _destination(params: Params) -> str:
    try:
        return str(ipaddress.ip_network(params.need("dest", "Address"), strict=False))
    except ValueError:
        raise Refusal("dest: Invalid address format") from None


@command("addroute", mutates=True)
def addroute(box: Appliance, request: Request) -> Answer:
    destination = _destination(request.params)
    gateway = host_address("gateway", request.params.need("gateway", "Address"))
    routes = network_of(box).routes
    if destination in routes:
        # The text is a guess.
        raise Refusal("Route already exists")
    routes[destination] = gateway
    box.changed_globally()
    return DONE


@command("delroute", mutates=True)
def delroute(box: Appliance, request: Request) -> Answer:
    if network_of(box).routes.pop(_destination(request.params), None) is None:
        raise Refusal("Unknown route")
    box.changed_globally()
    return DONE


@command("gethosts")
def gethosts(box: Appliance, _request: Request) -> Answer:
    rows: list[Members] = [
        [("HostIPAddress", address), ("HostFqdn", name)]
        for address, name in network_of(box).hosts.items()
    ]
    return Answer(members=[("HostsEntry", Many(rows))] if rows else [])


@command("addhostsentry", mutates=True)
def addhostsentry(box: Appliance, request: Request) -> Answer:
    address = host_address("hostip", request.params.need("hostip", "Address"))
    name = request.params.need("hostfqdn")
    hosts = network_of(box).hosts
    if address in hosts:
        # The text is a guess.
        raise Refusal("Hosts entry already exists")
    hosts[address] = name
    box.changed_globally()
    return DONE


@command("delhostsentry", mutates=True)
def delhostsentry(box: Appliance, request: Request) -> Answer:
    address = host_address("hostip", request.params.need("hostip", "Address"))
    if network_of(box).hosts.pop(address, None) is None:
        raise Refusal("Unknown hosts entry")
    box.changed_globally()
    return DONE


@command("resolvenow", mutates=True)
def resolvenow(box: Appliance, _request: Request) -> Answer:
    """Give servers with a DNS name its present address; hosts entries come first."""
    known = {**box.switches.dns_names, **{n: a for a, n in network_of(box).hosts.items()}}
    for service in box.state.services.values():
        for server in service.servers:
            address = known.get(server.dns_name)
            if address is not None and address != server.address:
                server.address = address
                box.changed(service)
    return DONE


@command("showtelemetry")
def showtelemetry(box: Appliance, request: Request) -> Answer:
    if "interface" in request.params:
        shown = [interface_of(box, request.params)]
    else:
        shown = list(network_of(box).interfaces.values())
    # Both names are a client's guess.
    rows: list[Members] = [[("Id", one.id), ("TelemetryEnabled", one.telemetry)] for one in shown]
    return Answer(members=[("Interface", Many(rows))])


@command("enabletelemetry", mutates=True)
def enabletelemetry(box: Appliance, request: Request) -> Answer:
    one = interface_of(box, request.params)
    request.params.need("enable")
    one.telemetry = bool(request.params.flag("enable"))
    box.changed_globally()
    return DONE


@command("setadminaccess", mutates=True)
def setadminaccess(box: Appliance, request: Request) -> Answer:
    params = request.params
    for name in ("wuiiface", "wuiport"):
        params.need(name)
    number, port = params.number("wuiiface"), params.number("wuiport")
    if number not in network_of(box).interfaces:
        raise Refusal(UNKNOWN_INTERFACE)
    if port is None or not 3 <= port <= 65535:
        raise Refusal("wuiport: Port out of range")
    box.state.parameters.update(wuiiface=str(number), wuiport=str(port))
    if gateway := params.get("wuidefaultgateway"):
        box.state.parameters["admingw"] = host_address("wuidefaultgateway", gateway)
    box.changed_globally()
    return DONE
