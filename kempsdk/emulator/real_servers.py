"""addrs, modrs, showrs, delrs, enablers, disablers."""

from kempsdk.emulator.addressing import find_backend, find_service
from kempsdk.emulator.answers import DONE, Answer, Many, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.firmware import server_as_shown
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.state import Backend, RealServer, SubSlot, VirtualService
from kempsdk.emulator.values import Params, address_of, number_of
from kempsdk.emulator.views import server_members, slot_members
from kempsdk.emulator.virtual_services import remove_service

_PORTS = range(3, 65536)


def _shown(box: Appliance, service: VirtualService, backend: Backend) -> Answer:
    if isinstance(backend, SubSlot):
        members = slot_members(box.state, box.health, service, backend)
        members = server_as_shown(members, box.switches.firmware)
        return Answer(members=[("SubVS", Many([members]))])
    if isinstance(backend, RealServer):
        members = server_members(box.state, box.health, service, backend)
        members = server_as_shown(members, box.switches.firmware)
        return Answer(members=[("Rs", Many([members]))])
    raise TypeError(type(backend).__name__)


def _set(box: Appliance, service: VirtualService, backend: Backend, params: Params) -> None:
    """Apply what is acceptable; QUIRK: the rest is ignored silently (7.2.50 to 7.2.63)."""
    weight = params.number("weight")
    if weight is not None and 1 <= weight <= 65535:
        backend.weight = weight
    limit = params.number("limit")
    if limit is not None and limit <= 100000:
        backend.limit = limit
    rate_limit = params.number("ratelimit")
    if rate_limit is not None and rate_limit <= 100000000:
        backend.rate_limit = rate_limit
    follow = params.number("follow")
    if follow is not None:
        backend.follow = follow
    enable = params.flag("enable")
    if enable is not None:
        backend.enable = enable
    critical = params.flag("critical")
    if critical is not None:
        backend.critical = critical
    forward = params.get("forward")
    # On a layer-7 service route is accepted and has no effect.
    if forward == "nat" or (forward == "route" and service.layer == 4):
        backend.forward = forward
    if isinstance(backend, RealServer):
        non_local = params.flag("non_local")
        allowed = box.state.parameters.get("nonlocalrs") == "yes"
        if non_local is False or (non_local and allowed and not service.settings["Transparent"]):
            backend.non_local = non_local


def _add(box: Appliance, service: VirtualService, params: Params) -> RealServer:
    text = params.need("rs", "Address")
    port = number_of(params.need("rsport"))
    name = ""
    address = address_of(text)
    names_on = box.state.parameters.get("dnsnamesenable") == "yes"
    if address is None and names_on and text in box.switches.dns_names:
        name, address = text, address_of(box.switches.dns_names[text])
    if address is None:
        raise missing("rs", "Address")
    if service.slots or port is None or port not in _PORTS:
        # For the port the text is a guess.
        raise Refusal("Couldn't create RS")
    if any(one.address == address and one.port == port for one in service.servers):
        raise Refusal(box.switches.duplicate_server)
    server = RealServer(
        rs_index=box.state.new_rs_index(), address=address, port=port, dns_name=name
    )
    _set(box, service, server, params)
    if box.switches.addrs_ignores_forward:
        server.forward = "nat"
    service.servers.append(server)
    box.changed(service)
    return server


@command("addrs", mutates=True)
def addrs(box: Appliance, request: Request) -> Answer:
    params = request.params
    service = find_service(box, params)
    server = _add(box, service, params)
    parent = box.state.parent_of(service)
    if parent is not None and params.flag("addtoallsubvs"):
        for slot in parent.slots:
            sibling = box.state.services[slot.service]
            if sibling is service or any(
                one.address == server.address and one.port == server.port for one in sibling.servers
            ):
                continue
            _add(box, sibling, params)
    return _shown(box, service, server)


@command("modrs", mutates=True)
def modrs(box: Appliance, request: Request) -> Answer:
    params = request.params
    service = find_service(box, params)
    backend = find_backend(box, service, params)
    new_port = params.number("newport")
    if isinstance(backend, RealServer) and new_port in _PORTS and new_port != backend.port:
        if any(one.address == backend.address and one.port == new_port for one in service.servers):
            raise Refusal(box.switches.duplicate_server)
        backend.port = int(new_port or 0)
    _set(box, service, backend, params)
    box.changed(service)
    return DONE


@command("showrs")
def showrs(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    return _shown(box, service, find_backend(box, service, request.params))


@command("delrs", mutates=True)
def delrs(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    backend = find_backend(box, service, request.params)
    if isinstance(backend, SubSlot):
        # That deleting the slot deletes its SubVS is a guess.
        remove_service(box, box.state.services[backend.service])
        return DONE
    service.servers = [one for one in service.servers if one is not backend]
    if service.settings["RsMinimum"] and int(str(service.settings["RsMinimum"])) > len(
        service.servers
    ):
        service.settings["RsMinimum"] = len(service.servers) if len(service.servers) > 1 else 0
    box.changed(service)
    return DONE


def servers_at(box: Appliance, params: Params) -> list[tuple[VirtualService, RealServer]]:
    """Return every server with the address that enablers/disablers name."""
    text = params.need("rs", "Address")
    address = address_of(text)
    return [
        (service, server)
        for service in box.state.services.values()
        for server in service.servers
        if server.address == address or (server.dns_name and server.dns_name == text)
    ]


def _switch_everywhere(box: Appliance, request: Request, enable: bool) -> Answer:
    found = servers_at(box, request.params)
    if not found and box.switches.enablers_unknown_address == "refuse":
        raise Refusal("Unknown RS")
    for service, server in found:
        server.enable = enable
        box.changed(service)
    return DONE


@command("enablers", mutates=True)
def enablers(box: Appliance, request: Request) -> Answer:
    return _switch_everywhere(box, request, True)


@command("disablers", mutates=True)
def disablers(box: Appliance, request: Request) -> Answer:
    return _switch_everywhere(box, request, False)
