"""Services and servers as answers show them."""

from typing import Final

from kempsdk.emulator.answers import Many, Members, Value, Words
from kempsdk.emulator.attributes import ATTRIBUTES, LAYOUT, Attribute, Kind
from kempsdk.emulator.registry import Api
from kempsdk.emulator.state import ApplianceState, Backend, RealServer, SubSlot, VirtualService
from kempsdk.emulator.status import Health, backend_status, is_enabled, service_status

_ADAPTIVE: Final = {"adaptive": "http_rs", "sdn-adaptive": "sdn_gstats"}


def _plan(api: Api) -> list[tuple[str, Attribute | None]]:
    return [
        (one, None) if isinstance(one, str) else (one.name, one)
        for one in LAYOUT
        if isinstance(one, str) or api == "v1" or not one.only_v1
    ]


_PLANS: Final[dict[Api, list[tuple[str, Attribute | None]]]] = {
    "v1": _plan("v1"),
    "v2": _plan("v2"),
}
_PLAIN: Final = frozenset(
    one.name
    for one in ATTRIBUTES.values()
    if not (one.optional or one.esp or one.kind is Kind.OPTIONS)
)


def _backend(
    state: ApplianceState,
    health: Health,
    owner: VirtualService,
    backend: Backend,
    identity: Members,
) -> Members:
    members: Members = [
        ("Status", backend_status(state, health, owner, backend)),
        *identity,
        ("Forward", backend.forward),
        ("Weight", backend.weight),
        ("Limit", backend.limit),
        ("RateLimit", backend.rate_limit),
        ("Follow", backend.follow),
        ("Enable", backend.enable),
        ("Critical", backend.critical),
        ("Nrules", len(backend.rules)),
    ]
    if backend.rules:
        members.append(("MatchRules", Words("Name", tuple(backend.rules))))
    return members


def server_members(
    state: ApplianceState, health: Health, owner: VirtualService, server: RealServer
) -> Members:
    """Return the members of one ``Rs``."""
    identity: Members = [
        ("VSIndex", owner.index),
        ("RsIndex", server.rs_index),
        ("Addr", server.address),
        ("Port", server.port),
        ("DnsName", server.dns_name),
    ]
    return _backend(state, health, owner, server, identity)


def slot_members(
    state: ApplianceState, health: Health, owner: VirtualService, slot: SubSlot
) -> Members:
    """Return the members of one ``SubVS`` inside its parent."""
    service = state.services[slot.service]
    identity: Members = [
        ("VSIndex", service.index),
        ("RsIndex", slot.rs_index),
        ("Name", str(service.settings["NickName"]) or "-"),
    ]
    return _backend(state, health, owner, slot, identity)


def _rules(names: list[str]) -> Value | None:
    return Words("Name", tuple(names)) if names else None


def _computed(
    state: ApplianceState, health: Health, service: VirtualService
) -> dict[str, Value | None]:
    """Return the members that are no settings; None leaves one out."""
    is_sub = service.parent is not None
    parent = state.parent_of(service)
    wanted = service.settings["FollowVSID"]
    followed = (
        next((one for one in state.services.values() if one.index == wanted), None)
        if wanted
        else None
    )
    return {
        "Status": service_status(state, health, service),
        "Index": service.index,
        "VSAddress": None if is_sub else service.address,
        "VSPort": "*" if service.port == 0 and not is_sub else str(service.port),
        "Layer": service.layer,
        "Enable": is_enabled(state, service),
        "FollowVS": followed.text if followed else None,
        "Protocol": service.protocol,
        "Adaptive": _ADAPTIVE.get(str(service.settings["Schedule"])),
        "NRules": sum(len(one.rules) for one in service.backends()),
        "NRequestRules": len(service.request_rules),
        "RequestRules": _rules(service.request_rules),
        "NResponseRules": len(service.response_rules),
        "ResponseRules": _rules(service.response_rules),
        "NMatchBodyRules": len(service.body_rules),
        "MatchBodyRules": _rules(service.body_rules),
        "NPreProcessRules": len(service.pre_rules),
        "PreProcessRules": _rules(service.pre_rules),
        "MasterVS": len(service.slots),
        "MasterVSID": parent.index if parent else 0,
        # What 1 would mean is unknown; every recording prints 2.
        "IsTransparent": 2,
        "NumberOfRSs": len(service.slots) + len(service.servers),
        "SubVS": Many([slot_members(state, health, service, one) for one in service.slots])
        if service.slots
        else None,
        "Rs": Many([server_members(state, health, service, one) for one in service.servers])
        if service.servers
        else None,
    }


def service_members(
    state: ApplianceState, health: Health, service: VirtualService, api: Api
) -> Members:
    """Return all members of a service in the order of the wire."""
    settings = service.settings
    computed = _computed(state, health, service)
    members: Members = []
    add = members.append
    esp = settings["EspEnabled"]
    for name, attribute in _PLANS[api]:
        if name in computed:
            special = computed[name]
            if special is not None:
                add((name, special))
            continue
        value = settings[name]
        if attribute is None or name in _PLAIN:
            add((name, value if not isinstance(value, list) else Words("Opt", tuple(value))))
        elif isinstance(value, list):
            add((name, Words("Opt", tuple(value))))
        elif (not attribute.optional or value) and (not attribute.esp or esp):
            add((name, value))
    return members
