"""GEO: FQDNs, their sites, additional records and places.

Element names beyond the vendor's example are those that its Python SDK reads. Sites are never
checked: an enabled one is Up.
"""

from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo_state import (
    FQDN_TABLE,
    MAP_TABLE,
    NO_DATA,
    Fqdn,
    Geo,
    Record,
    Site,
    geo_of,
    site_address,
)
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.values import Params

_MOST_SITES: Final = 256
_RECORD_TYPES: Final = ("txt", "cname", "mx")


def _name(params: Params) -> str:
    name = params.need("fqdn")
    return name if name.endswith(".") else f"{name}."


def _fqdn(geo: Geo, params: Params) -> Fqdn:
    found = geo.fqdns.get(_name(params))
    if found is None:
        # The text is a guess.
        raise Refusal("Unknown FQDN")
    return found


def _site(fqdn: Fqdn, params: Params) -> Site:
    address = site_address(params.need("ip", "Address"))
    for one in fqdn.sites:
        if one.address == address:
            return one
    # The text is a guess.
    raise Refusal("Unknown IP")


def _site_members(geo: Geo, site: Site) -> Members:
    enabled = bool(site.settings["Enable"])
    members: Members = [
        ("Status", "Up" if enabled else "Down"),
        ("Index", site.index),
        ("IPAddress", site.address),
    ]
    cluster = geo.clusters.get(site.cluster)
    if cluster is not None:
        members.append(("Cluster", str(cluster.settings["Name"])))
    if site.check_address:
        members.append(("checkerAddr", site.check_address))
    members += [("CheckerPort", site.check_port), *MAP_TABLE.members(site.settings)]
    members += [("LocationLatitude", site.latitude_s), ("LocationLongitude", site.longitude_s)]
    for name, key, values in (
        ("continent", "code", site.continents),
        ("country", "code", site.countries),
        ("customLocation", "name", site.locations),
    ):
        if values:
            members.append((name, Many([[(key, one)] for one in values])))
    return members


def _members(geo: Geo, name: str, fqdn: Fqdn) -> Members:
    up = any(one.settings["Enable"] for one in fqdn.sites)
    members: Members = [("Status", "Up" if up else "Down"), ("FullyQualifiedDomainName", name)]
    for key, value in FQDN_TABLE.members(fqdn.settings):
        if key in ("LocalTTL", "LocalSticky") and not fqdn.settings["LocalSettings"]:
            continue
        if key == "FailTime" and isinstance(value, int):
            # QUIRK: set in minutes, shown in seconds.
            members.append((key, value * 60))
        else:
            members.append((key, value))
    if fqdn.sites:
        members.append(("Map", Many([_site_members(geo, one) for one in fqdn.sites])))
    if fqdn.records:
        # How they show is a guess but for Index.
        members.append(("AdditionalRecord", Many([_record(one) for one in fqdn.records])))
    return members


def _record(one: Record) -> Members:
    key = "Name" if one.type == "cname" else "RData"
    members: Members = [("Index", one.index), ("Type", one.type), (key, one.data)]
    return [*members, ("Priority", one.priority)] if one.type == "mx" else members


@command("listfqdns")
def listfqdns(box: Appliance, _request: Request) -> Answer:
    geo = geo_of(box)
    if not (geo.fqdns or geo.clusters or geo.ranges or geo.locations):
        raise Refusal(NO_DATA)
    rows = [_members(geo, name, one) for name, one in geo.fqdns.items()]
    return Answer(members=[("fqdn", Many(rows))] if rows else [])


@command("showfqdn")
def showfqdn(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    fqdn = _fqdn(geo, request.params)
    return Answer(members=[("fqdn", One(_members(geo, _name(request.params), fqdn)))])


@command("addfqdn", mutates=True)
def addfqdn(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    name = _name(request.params)
    if name in geo.fqdns:
        # The text is a guess.
        raise Refusal("FQDN already exists")
    settings = FQDN_TABLE.defaults()
    settings.update(LocalTTL=geo.parameters["TTL"], LocalSticky=geo.parameters["persist"])
    geo.fqdns[name] = Fqdn(settings=settings)
    box.changed_globally()
    return DONE


@command("modfqdn", mutates=True)
def modfqdn(box: Appliance, request: Request) -> Answer:
    fqdn = _fqdn(geo_of(box), request.params)
    before = dict(fqdn.settings)
    FQDN_TABLE.apply(fqdn.settings, request.params)
    if fqdn.settings["SelectionCriteria"] != "lb":
        # Both go with location based selection only (the SDK says so of failover).
        fqdn.settings.update(
            SiteRecoveryMode=before["SiteRecoveryMode"], failover=before["failover"]
        )
    if not fqdn.settings["LocalSettings"]:
        fqdn.settings.update({one: before[one] for one in ("LocalTTL", "LocalSticky")})
    box.changed_globally()
    return DONE


@command("delfqdn", mutates=True)
def delfqdn(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    _fqdn(geo, request.params)
    del geo.fqdns[_name(request.params)]
    box.changed_globally()
    return DONE


def _cluster_number(geo: Geo, text: str) -> int:
    """Return a cluster's number; it is named by number or name. 0 for none."""
    for index, one in geo.clusters.items():
        if text in (str(index), one.settings["Name"]):
            return index
    return 0


@command("addmap", mutates=True)
def addmap(box: Appliance, request: Request) -> Answer:
    params = request.params
    geo = geo_of(box)
    fqdn = _fqdn(geo, params)
    address = site_address(params.need("ip", "Address"))
    if any(one.address == address for one in fqdn.sites):
        # The text is a guess.
        raise Refusal("IP address already exists")
    if len(fqdn.sites) >= _MOST_SITES:
        raise Refusal("Too many IP addresses already specified")
    cluster = _cluster_number(geo, params.get("clust") or params.get("cluster"))
    fqdn.sites.append(
        Site(
            index=geo.new_index(),
            address=address,
            settings=MAP_TABLE.defaults(),
            cluster=cluster,
        )
    )
    box.changed_globally()
    return DONE


@command("modmap", mutates=True)
def modmap(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    site = _site(_fqdn(geo, request.params), request.params)
    MAP_TABLE.apply(site.settings, request.params)
    if "cluster" in request.params:
        site.cluster = _cluster_number(geo, request.params.get("cluster"))
    box.changed_globally()
    return DONE


@command("delmap", mutates=True)
def delmap(box: Appliance, request: Request) -> Answer:
    fqdn = _fqdn(geo_of(box), request.params)
    fqdn.sites.remove(_site(fqdn, request.params))
    box.changed_globally()
    return DONE


def seconds_of_arc(params: Params, name: str) -> int:
    """Return a latitude or longitude; that south and west are negative is a guess.

    Raises:
        Refusal: it is missing, or no whole number.
    """
    text = params.need(name)
    try:
        return int(text)
    except ValueError:
        raise Refusal(f"{name}: value out of range") from None


@command("changemaploc", mutates=True)
def changemaploc(box: Appliance, request: Request) -> Answer:
    params = request.params
    site = _site(_fqdn(geo_of(box), params), params)
    site.latitude_s, site.longitude_s = (seconds_of_arc(params, one) for one in ("lat", "long"))
    box.changed_globally()
    return DONE


@command("changecheckeraddr", mutates=True)
def changecheckeraddr(box: Appliance, request: Request) -> Answer:
    params = request.params
    site = _site(_fqdn(geo_of(box), params), params)
    given = params.get("checkerip")
    port = params.number("port")
    if port is not None and not 1 <= port <= 65530:
        raise Refusal("port: Port out of range")
    site.check_address = site_address(given, "checkerip") if given else ""
    site.check_port = port or 80
    box.changed_globally()
    return DONE


def _places(site: Site, params: Params, geo: Geo) -> list[tuple[list[str], str]]:
    """Return the lists that a call is about, each with the entry."""
    code, custom = params.get("countrycode"), params.get("customlocation")
    if not code and not custom:
        raise missing("countrycode")
    found: list[tuple[list[str], str]] = []
    if code:
        continent = params.flag("iscontinent") or code == "ALL"
        found.append((site.continents if continent else site.countries, code))
    if custom:
        if custom not in geo.locations:
            raise Refusal("Unknown location")
        found.append((site.locations, custom))
    return found


@command("addcountry", "removecountry", mutates=True)
def countries(box: Appliance, request: Request) -> Answer:
    geo = geo_of(box)
    site = _site(_fqdn(geo, request.params), request.params)
    for entries, entry in _places(site, request.params, geo):
        if request.command == "addcountry" and entry not in entries:
            entries.append(entry)
        elif request.command == "removecountry" and entry in entries:
            entries.remove(entry)
    box.changed_globally()
    return DONE


def _record_of(fqdn: Fqdn, params: Params) -> Record:
    params.need("id")
    number = params.number("id")
    for one in fqdn.records:
        if one.index == number:
            return one
    raise Refusal("Unknown record")


@command("addrr", mutates=True)
def addrr(box: Appliance, request: Request) -> Answer:
    params = request.params
    fqdn = _fqdn(geo_of(box), params)
    kind = params.need("type").lower()
    if kind not in _RECORD_TYPES:
        raise missing("type")
    data = params.need("name" if kind == "cname" else "rdata")
    index = max((one.index for one in fqdn.records), default=0) + 1
    fqdn.records.append(Record(index=index, type=kind, data=data))
    box.changed_globally()
    return DONE


@command("modrr", mutates=True)
def modrr(box: Appliance, request: Request) -> Answer:
    params = request.params
    record = _record_of(_fqdn(geo_of(box), params), params)
    name, value = params.need("param").lower(), params.need("value")
    if name == "priority" and record.type == "mx" and value.isdigit():
        record.priority = int(value)
    elif name == ("name" if record.type == "cname" else "rdata"):
        record.data = value
    else:
        raise missing("param")
    box.changed_globally()
    return DONE


@command("delrr", mutates=True)
def delrr(box: Appliance, request: Request) -> Answer:
    fqdn = _fqdn(geo_of(box), request.params)
    fqdn.records.remove(_record_of(fqdn, request.params))
    box.changed_globally()
    return DONE
