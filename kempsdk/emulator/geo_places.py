"""GEO: clusters, address ranges, custom locations, parameters, and the switch of it all."""

import ipaddress
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo import seconds_of_arc
from kempsdk.emulator.geo_state import (
    CLUSTER_TABLE,
    PARAMETER_TABLE,
    Cluster,
    Geo,
    Range,
    geo_of,
    site_address,
)
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.values import Params

_NO_COUNTRY: Final = "-1"
_MASKS: Final = range(8, 33)


def _cluster(geo: Geo, params: Params) -> Cluster:
    """Return the cluster that ``id``, or in clients ``ip``, names."""
    if "id" not in params and "ip" not in params:
        raise missing("id")
    for one in geo.clusters.values():
        if one.index == params.number("id") or one.address == params.get("ip"):
            return one
    # The text is a guess.
    raise Refusal("Unknown cluster")


def _cluster_members(one: Cluster) -> Members:
    return [
        # Nobody checks clusters here.
        ("Status", "Up" if one.settings["Enable"] else "Down"),
        ("Index", one.index),
        ("IPAddress", one.address),
        *CLUSTER_TABLE.members(one.settings),
        ("LocationLatitude", one.latitude_s),
        ("LocationLongitude", one.longitude_s),
    ]


@command("listclusters")
def listclusters(box: Appliance, _request: Request) -> Answer:
    rows = [_cluster_members(one) for one in geo_of(box).clusters.values()]
    return Answer(members=[("cluster", Many(rows))] if rows else [])


@command("showcluster")
def showcluster(box: Appliance, request: Request) -> Answer:
    cluster = _cluster(geo_of(box), request.params)
    return Answer(members=[("cluster", One(_cluster_members(cluster)))])


@command("addcluster", mutates=True)
def addcluster(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    address = site_address(request.params.need("ip", "Address"))
    name = request.params.need("name")
    if any(one.address == address for one in geo.clusters.values()):
        raise Refusal("Cluster already exists")
    cluster = Cluster(index=geo.new_index(), address=address, settings=CLUSTER_TABLE.defaults())
    cluster.settings["Name"] = name
    geo.clusters[cluster.index] = cluster
    box.changed_globally()
    # The vendor's PowerShell module takes the second word for the address; the others are guesses.
    return Answer(message=f"Cluster {address} created")


@command("modcluster", mutates=True)
def modcluster(box: Appliance, request: Request) -> Answer:
    CLUSTER_TABLE.apply(_cluster(geo_of(box), request.params).settings, request.params)
    box.changed_globally()
    return DONE


@command("clustchangeloc", mutates=True)
def clustchangeloc(box: Appliance, request: Request) -> Answer:
    cluster = _cluster(geo_of(box), request.params)
    cluster.latitude_s = seconds_of_arc(request.params, "latsecs")
    cluster.longitude_s = seconds_of_arc(request.params, "longsecs")
    box.changed_globally()
    return DONE


@command("delcluster", mutates=True)
def delcluster(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    request.params.need("ip", "Address")
    cluster = _cluster(geo, request.params)
    del geo.clusters[cluster.index]
    for fqdn in geo.fqdns.values():
        for site in fqdn.sites:
            if site.cluster == cluster.index:
                site.cluster = 0
    box.changed_globally()
    return DONE


def _network(params: Params) -> tuple[str, int]:
    text = params.get("ip") or params.get("ipaddress") or params.need("ip", "Address")
    try:
        network = ipaddress.ip_interface(text)
    except ValueError:
        raise Refusal("ip: Invalid address format") from None
    mask = network.network.prefixlen
    if network.version == 4 and mask not in _MASKS:
        # The bounds are the SDK's; the text is aclcontrol's.
        raise Refusal("ip: CIDR format out of range")
    return str(network.ip), mask


def _range(geo: Geo, params: Params) -> tuple[str, Range]:
    address, _ = _network(params)
    found = geo.ranges.get(address)
    if found is None:
        # The text is one that a client looks for.
        raise Refusal("Unknown IP")
    return address, found


def _range_members(address: str, one: Range) -> Members:
    members: Members = [
        ("Status", "Up"),
        ("Index", one.index),
        ("IPAddress", address),
        ("Mask", one.mask),
        ("Country", one.country or _NO_COUNTRY),
        ("IsCustom", one.is_custom),
    ]
    if one.latitude_s is not None and one.longitude_s is not None:
        members += [("Longitude", one.longitude_s), ("Latitude", one.latitude_s)]
    return members


@command("listips")
def listips(box: Appliance, _request: Request) -> Answer:
    rows = [_range_members(address, one) for address, one in geo_of(box).ranges.items()]
    return Answer(members=[("IPAddress", Many(rows))] if rows else [])


@command("showip")
def showip(box: Appliance, request: Request) -> Answer:
    address, one = _range(geo_of(box), request.params)
    # The element is listips'; that it stands here too is a guess.
    return Answer(members=[("IPAddress", One(_range_members(address, one)))])


@command("addip", mutates=True)
def addip(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    address, mask = _network(request.params)
    if address in geo.ranges:
        raise Refusal("IP address already exists")
    geo.ranges[address] = Range(index=geo.new_index(), mask=mask)
    box.changed_globally()
    return DONE


@command("delip", mutates=True)
def delip(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    del geo.ranges[_range(geo, request.params)[0]]
    box.changed_globally()
    return DONE


@command("modiploc", "deliploc", mutates=True)
def range_location(box: Appliance, request: Request) -> Answer:
    _, one = _range(geo_of(box), request.params)
    if request.command == "deliploc":
        one.latitude_s = one.longitude_s = None
    else:
        one.latitude_s = seconds_of_arc(request.params, "lat")
        one.longitude_s = seconds_of_arc(request.params, "long")
    box.changed_globally()
    return DONE


@command("addipcountry", "removeipcountry", mutates=True)
def range_country(box: Appliance, request: Request) -> Answer:
    params = request.params
    geo = geo_of(box)
    _, one = _range(geo, params)
    custom = params.get("customloc")
    if request.command == "removeipcountry":
        one.country, one.is_custom = "", False
    elif custom:
        if custom not in geo.locations:
            raise Refusal("Unknown location")
        one.country, one.is_custom = custom, True
    else:
        one.country, one.is_custom = params.need("countrycode"), False
    box.changed_globally()
    return DONE


@command("listcustomlocation")
def listcustomlocation(box: Appliance, _request: Request) -> Answer:
    rows: list[Members] = [[("Name", one)] for one in geo_of(box).locations]
    return Answer(members=[("location", Many(rows))] if rows else [])


@command("addcustomlocation", mutates=True)
def addcustomlocation(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    name = request.params.need("location")
    if name in geo.locations:
        raise Refusal("Location already exists")
    geo.locations.append(name)
    box.changed_globally()
    return DONE


def _location(geo: Geo, name: str) -> int:
    if name not in geo.locations:
        # The text is a guess.
        raise Refusal("Unknown location")
    return geo.locations.index(name)


@command("editcustomlocation", mutates=True)
def editcustomlocation(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    old, new = request.params.need("cloldname"), request.params.need("clnewname")
    geo.locations[_location(geo, old)] = new
    for fqdn in geo.fqdns.values():
        for site in fqdn.sites:
            site.locations = [new if one == old else one for one in site.locations]
    for entry in geo.ranges.values():
        if entry.is_custom and entry.country == old:
            entry.country = new
    box.changed_globally()
    return DONE


@command("deletecustomlocation", mutates=True)
def deletecustomlocation(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    name = request.params.need("clname")
    del geo.locations[_location(geo, name)]
    for fqdn in geo.fqdns.values():
        for site in fqdn.sites:
            site.locations = [one for one in site.locations if one != name]
    for entry in geo.ranges.values():
        if entry.is_custom and entry.country == name:
            entry.country, entry.is_custom = "", False
    box.changed_globally()
    return DONE


@command("listparams")
def listparams(box: Appliance, _request: Request) -> Answer:
    return Answer(members=PARAMETER_TABLE.members(geo_of(box).parameters))


@command("modparams", mutates=True)
def modparams(box: Appliance, request: Request) -> Answer:
    parameters = geo_of(box).parameters
    PARAMETER_TABLE.apply(parameters, request.params)
    parameters["glueip"] = parameters["glueip"] or "0.0.0.0"  # noqa: S104 - shown while unset
    # The interval is raised by itself where the others need it.
    least = int(str(parameters["ConnTimeout"])) * int(str(parameters["RetryAttempts"])) + 1
    parameters["CheckInterval"] = max(int(str(parameters["CheckInterval"])), least)
    box.changed_globally()
    return DONE


@command("isgeoenabled")
def isgeoenabled(box: Appliance, _request: Request) -> Answer:
    # The name of the member is a client's.
    return Answer(members=[("IsEnabled", box.state.section(Geo).enabled)])


@command("enablegeo", "disablegeo", mutates=True)
def enablegeo(box: Appliance, request: Request) -> Answer:
    box.state.section(Geo).enabled = request.command == "enablegeo"
    box.changed_globally()
    return DONE
