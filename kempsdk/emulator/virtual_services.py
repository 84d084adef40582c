"""addvs, modvs, showvs, listvs, delvs."""

import time

from kempsdk.emulator.addressing import (
    UNKNOWN_VS,
    find_service,
    is_hidden,
    port_of,
    service_at,
    triplet,
)
from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.cipher_sets import take_ciphers
from kempsdk.emulator.firmware import adapt_fresh, service_as_shown
from kempsdk.emulator.parameters import connection_timeout_s
from kempsdk.emulator.registry import Api, Request, command
from kempsdk.emulator.rule_order import move_rules
from kempsdk.emulator.service_settings import (
    apply_settings,
    check_settings,
    fresh_settings,
    set_audit_default,
)
from kempsdk.emulator.state import SubSlot, VirtualService
from kempsdk.emulator.templates import apply_template
from kempsdk.emulator.values import Params, address_of, number_of
from kempsdk.emulator.views import service_members

_PORTS = range(3, 65531)


def _shown(box: Appliance, service: VirtualService, request: Request) -> Answer:
    return Answer(members=_members(box, service, request.api))


def _members(box: Appliance, service: VirtualService, api: Api) -> Members:
    members = service_members(box.state, box.health, service, api)
    return service_as_shown(members, box.switches.firmware)


def _check_port(text: str, name: str) -> int:
    port = port_of(text)
    if port is None or (port != 0 and port not in _PORTS):
        # The range is the vendor's; the text is a guess.
        raise Refusal(f"{name}: Port out of range")
    return port


def _check_free(box: Appliance, address: str, port: int, protocol: str) -> None:
    if service_at(box, address, port, protocol) is not None:
        raise Refusal(box.switches.duplicate_service)


def _apply(box: Appliance, service: VirtualService, params: Params) -> None:
    apply_settings(
        service,
        params,
        default_idle_s=connection_timeout_s(box.state),
        rs_count=len(service.servers) + len(service.slots),
    )
    take_ciphers(box, service, params)


@command("addvs", mutates=True)
def addvs(box: Appliance, request: Request) -> Answer:
    params = request.params
    address_text, port_text, protocol = triplet(params)
    address = address_of(address_text)
    if address is None:
        raise missing("vs", "Address")
    if protocol not in ("tcp", "udp"):
        raise missing("prot")
    port = _check_port(port_text, "port")
    check_settings(params)
    _check_free(box, address, port, protocol)
    service = VirtualService(
        uid=box.state.new_uid(),
        index=box.state.new_index(),
        protocol=protocol,
        address=address,
        port=port,
        settings=adapt_fresh(
            fresh_settings(protocol, port, transparent_http=box.switches.http_services_transparent),
            box.switches.firmware,
        ),
    )
    template = params.get("template")
    if template:
        apply_template(box, service, template)
    _apply(box, service, params)
    if not template:
        set_audit_default(service, params)
    box.state.services[service.uid] = service
    if box.switches.new_service_hidden_s:
        box.hidden_until_s[service.uid] = time.monotonic() + box.switches.new_service_hidden_s
    box.changed(service)
    if template:
        return Answer(message="Template VS added")
    return _shown(box, service, request)


@command("modvs", mutates=True)
def modvs(box: Appliance, request: Request) -> Answer:
    params = request.params
    service = find_service(box, params)
    check_settings(params)
    if "createsubvs" in params:
        _create_sub(box, service, params)
        if not box.switches.createsubvs_changes_parent:
            return _shown(box, service, request)
    _move(box, service, params)
    _apply(box, service, params)
    move_rules(service, params)
    box.changed(service)
    return _shown(box, service, request)


def _create_sub(box: Appliance, parent: VirtualService, params: Params) -> None:
    if parent.parent is not None or parent.servers:
        # A SubVS cannot have SubVSs, nor a service both; the text is a guess.
        raise Refusal("Couldn't create SubVS")
    if box.switches.http_services_transparent:
        parent.settings.update(Transparent=True, SubnetOriginating=False)
    service = VirtualService(
        uid=box.state.new_uid(),
        index=box.state.new_index(),
        protocol="tcp",
        address="",
        port=0,
        parent=parent.uid,
        settings=adapt_fresh(
            fresh_settings(
                "tcp", 0, transparent_http=False, service_type=str(parent.settings["VStype"])
            ),
            box.switches.firmware,
        ),
    )
    # A check of its own kind by the parent's port: a guess.
    service.settings["CheckType"] = parent.settings["CheckType"]
    _apply(box, service, params)
    box.state.services[service.uid] = service
    parent.slots.append(SubSlot(rs_index=box.state.new_rs_index(), service=service.uid))
    box.changed(parent, service)


def _move(box: Appliance, service: VirtualService, params: Params) -> None:
    """Give a service another address, port or protocol."""
    if service.parent is not None:
        return
    address, port, protocol = service.address, service.port, service.protocol
    if given := params.get("vsaddress"):
        address = address_of(given) or address
    # A client sends 0 with every change that is to leave the port alone.
    if (given := params.get("vsport")) and given != "0":
        port = _check_port(given, "vsport")
    by_index = number_of(params.get("vs")) is not None
    if by_index and (given := params.get("prot").lower()) in ("tcp", "udp"):
        protocol = given
    if (address, port, protocol) == (service.address, service.port, service.protocol):
        return
    _check_free(box, address, port, protocol)
    service.address, service.port, service.protocol = address, port, protocol


@command("showvs")
def showvs(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    if is_hidden(box, service):
        raise Refusal(UNKNOWN_VS)
    return _shown(box, service, request)


@command("listvs")
def listvs(box: Appliance, request: Request) -> Answer:
    # QUIRK: top-level services come first and SubVSs backwards, as recorded on 7.1; the
    # order is not promised.
    ordered = sorted(
        box.state.services.values(),
        key=lambda one: (
            one.parent is not None,
            one.index if one.parent is None else -one.index,
        ),
    )
    members: Members = []
    if ordered:
        members.append(
            (
                "VS",
                Many([_members(box, one, request.api) for one in ordered]),
            )
        )
    if "timestamp" in request.params:
        members.append(("timestamp", box.state.changed_at_s))
    return Answer(members=members)


def remove_service(box: Appliance, service: VirtualService) -> None:
    """Remove a service with its SubVSs and servers, or a SubVS with its slot."""
    for slot in service.slots:
        sub = box.state.services.pop(slot.service)
        box.changed(sub)
    parent = box.state.parent_of(service)
    if parent is not None:
        parent.slots = [one for one in parent.slots if one.service != service.uid]
        box.changed(parent)
    del box.state.services[service.uid]
    box.changed(service)


@command("delvs", mutates=True)
def delvs(box: Appliance, request: Request) -> Answer:
    remove_service(box, find_service(box, request.params))
    return DONE
