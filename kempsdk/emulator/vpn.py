"""IPsec connections and their daemon: settings and whether they were started, no tunnels."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo_state import site_address
from kempsdk.emulator.network import network_of
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.values import Params

_MOST_SUBNETS: Final = 10
_KEY_LENGTHS: Final = range(16, 65)


@dataclass(slots=True, kw_only=True)
class Connection:
    """One connection; of its key only that there is one is kept."""

    local_ip: str
    local_subnets: list[str]
    local_id: str
    remote_ip: str = ""
    remote_subnets: list[str] = field(default_factory=list)
    remote_id: str = ""
    has_key: bool = False
    forward_secrecy: bool = False
    started: bool = False


@section("vpn", part=BASE)
@dataclass(slots=True, kw_only=True)
class Vpn:
    connections: dict[str, Connection] = field(default_factory=dict)
    daemon: bool = True


def _vpn(box: Appliance) -> Vpn:
    return box.state.section(Vpn)


def _connection(box: Appliance, params: Params) -> Connection:
    found = _vpn(box).connections.get(params.need("name"))
    if found is None:
        # The text is a guess.
        raise Refusal("Unknown VPN connection")
    return found


def _subnets(params: Params, name: str) -> list[str]:
    given = [one.strip() for one in params.need(name).split(",")]
    try:
        found = [str(ipaddress.ip_network(one, strict=False)) for one in given]
    except ValueError:
        raise Refusal(f"{name}: Invalid address format") from None
    if len(found) > _MOST_SUBNETS:
        raise Refusal(f"{name}: too many subnets")
    return found


@command("createvpncon", mutates=True)
def createvpncon(box: Appliance, request: Request) -> Answer:
    name = request.params.need("name")
    connections = _vpn(box).connections
    if name in connections:
        raise Refusal("VPN connection already exists")
    interfaces = network_of(box).interfaces.values()
    own = next((one.address for one in interfaces if one.is_default), "").partition("/")[0]
    connections[name] = Connection(
        local_ip=own, local_subnets=[f"{own}/32"] if own else [], local_id=own
    )
    box.changed_globally()
    return DONE


@command("deletevpncon", mutates=True)
def deletevpncon(box: Appliance, request: Request) -> Answer:
    _connection(box, request.params)
    del _vpn(box).connections[request.params.need("name")]
    box.changed_globally()
    return DONE


@command(
    "setvpnaddr",
    "setvpnlocalip",
    "setvpnlocalsubnets",
    "setvpnremoteip",
    "setvpnremotesubnets",
    mutates=True,
)
def set_addresses(box: Appliance, request: Request) -> Answer:
    params = request.params
    one = _connection(box, params)
    wanted = request.command.removeprefix("setvpn")
    everything = wanted == "addr"
    # All are read before one is changed, so that a bad one changes nothing.
    local_ip = remote_ip = None
    local = remote = None
    if everything or wanted == "localip":
        local_ip = site_address(params.need("localip"), "localip")
    if everything or wanted == "localsubnets":
        local = _subnets(params, "localsubnets")
    if everything or wanted == "remoteip":
        remote_ip = site_address(params.need("remoteip"), "remoteip")
    if everything or wanted == "remotesubnets":
        remote = _subnets(params, "remotesubnets")
    one.local_ip = local_ip or one.local_ip
    one.remote_ip = remote_ip or one.remote_ip
    one.local_subnets = local or one.local_subnets
    one.remote_subnets = remote or one.remote_subnets
    box.changed_globally()
    return DONE


@command("setvpnpfsenable", "setvpnpfsdisable", mutates=True)
def set_forward_secrecy(box: Appliance, request: Request) -> Answer:
    _connection(box, request.params).forward_secrecy = request.command.endswith("enable")
    box.changed_globally()
    return DONE


@command("setvpnsecret", mutates=True)
def setvpnsecret(box: Appliance, request: Request) -> Answer:
    params = request.params
    one = _connection(box, params)
    local, remote = params.need("localid"), params.need("remoteid")
    if len(params.need("key")) not in _KEY_LENGTHS:
        # The length is the vendor's; the text is a guess.
        raise Refusal("key: String Value out of range")
    one.local_id, one.remote_id, one.has_key = local, remote, True
    box.changed_globally()
    return DONE


@command("startvpncon", "stopvpncon", mutates=True)
def switch_connection(box: Appliance, request: Request) -> Answer:
    one = _connection(box, request.params)
    start = request.command == "startvpncon"
    if start and not (one.remote_ip and one.has_key):
        # That an incomplete one is refused is a guess.
        raise Refusal("VPN connection is not complete")
    one.started = start
    box.changed()
    return DONE


def _status(box: Appliance, one: Connection) -> str:
    # The words are guesses. Nothing answers, so a connection never gets further.
    return "Connecting" if one.started and _vpn(box).daemon else "Down"


def _members(box: Appliance, name: str, one: Connection) -> Members:
    # All names are guesses.
    return [
        ("Name", name),
        ("Status", _status(box, one)),
        ("LocalIP", one.local_ip),
        ("LocalSubnets", ",".join(one.local_subnets)),
        ("LocalID", one.local_id),
        ("RemoteIP", one.remote_ip),
        ("RemoteSubnets", ",".join(one.remote_subnets)),
        ("RemoteID", one.remote_id),
        ("PFS", one.forward_secrecy),
    ]


@command("getvpnstatus")
def getvpnstatus(box: Appliance, request: Request) -> Answer:
    return Answer(members=[("status", _status(box, _connection(box, request.params)))])


@command("listvpns")
def listvpns(box: Appliance, _request: Request) -> Answer:
    rows = [_members(box, name, one) for name, one in _vpn(box).connections.items()]
    return Answer(members=[("VPN", Many(rows))] if rows else [])


@command("startikedaemon", "stopikedaemon", mutates=True)
def switch_daemon(box: Appliance, request: Request) -> Answer:
    _vpn(box).daemon = request.command == "startikedaemon"
    box.changed()
    return DONE


@command("statusikedaemon")
def statusikedaemon(box: Appliance, _request: Request) -> Answer:
    # Name and words are guesses.
    return Answer(members=[("status", "Running" if _vpn(box).daemon else "Stopped")])
