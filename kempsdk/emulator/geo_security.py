"""GEO: its access list, DNSSEC, and its partners."""

import ipaddress
import time

from kempsdk.emulator import signing_keys
from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, Texts, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.geo_state import Dnssec, geo_of
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.values import Params


def _word(on: bool) -> str:
    return "yes" if on else "no"


@command("geoacl/getsettings")
def geoacl_getsettings(box: Appliance, _request: Request) -> Answer:
    access = geo_of(box).access
    members: Members = [
        ("AutoUpdate", _word(access.auto_update)),
        ("AutoInstall", _word(access.auto_install)),
        ("InstallTime", access.install_hour),
        ("LastUpdated", access.updated),
        ("LastInstalled", access.installed),
    ]
    return Answer(members=[("GeoAcl", One(members))])


@command("geoacl/setautoupdate", "geoacl/setautoinstall", mutates=True)
def geoacl_switch(box: Appliance, request: Request) -> Answer:
    access = geo_of(box).access
    request.params.need("enable")
    on = bool(request.params.flag("enable"))
    if request.command.endswith("update"):
        access.auto_update = on
    else:
        access.auto_install = on
    box.changed()
    return DONE


@command("geoacl/setinstalltime", mutates=True)
def geoacl_setinstalltime(box: Appliance, request: Request) -> Answer:
    access = geo_of(box).access
    request.params.need("hour")
    hour = request.params.number("hour")
    # Refused as documented; the texts are guesses.
    if not access.auto_install:
        raise Refusal("Command not available.")
    if hour is None or hour > 23:
        raise Refusal("hour: value out of range")
    access.install_hour = hour
    box.changed()
    return DONE


@command("geoacl/updatenow", "geoacl/installnow", mutates=True)
def geoacl_now(box: Appliance, request: Request) -> Answer:
    """Note when; there is no list to fetch. The form of the time is a guess."""
    access = geo_of(box).access
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    if request.command.endswith("updatenow"):
        access.updated = now
    else:
        access.installed = now
    box.changed()
    return DONE


@command("geoacl/downloadlist", "geoacl/downloadchanges")
def geoacl_download(box: Appliance, request: Request) -> Answer:
    """Show the blocked addresses, one a line, and no changes.

    That it is a success in the API's own form is how the vendor's Python SDK takes it; what is
    in it is a guess.
    """
    blocked = geo_of(box).access.blocked if request.command.endswith("list") else []
    return Answer(message="\n".join(blocked))


def _own_list(box: Appliance, params: Params) -> tuple[str, list[str]]:
    # The SDK has a type, white or black; the vendor's description of 2022 has one list.
    access = geo_of(box).access
    black = params.get("type") in ("black", "block")
    return ("Blacklist", access.blocked) if black else ("Whitelist", access.allowed)


@command("geoacl/listcustom")
def geoacl_listcustom(box: Appliance, request: Request) -> Answer:
    name, entries = _own_list(box, request.params)
    addresses = Texts(tuple(entries))
    if request.api == "v2":
        # The name is a client's.
        return Answer(members=[("Addr", addresses)])
    return Answer(members=[(name, One([("addr", addresses)]))])


@command("geoacl/addcustom", "geoacl/removecustom", mutates=True)
def geoacl_custom(box: Appliance, request: Request) -> Answer:
    _, entries = _own_list(box, request.params)
    text = request.params.need("addr", "Address")
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refusal("addr: Invalid address format") from None
    if request.command.endswith("addcustom"):
        if text in entries:
            raise Refusal(f"{text} is already present in the white list")
        entries.append(text)
    elif text in entries:
        entries.remove(text)
    else:
        raise Refusal(f"{text} is not present in the white list")
    box.changed()
    return DONE


@command("geoshowdnssec")
def geoshowdnssec(box: Appliance, _request: Request) -> Answer:
    # All names are guesses.
    dnssec = geo_of(box).dnssec
    members: Members = [("DNSSEC", _word(dnssec.enabled))]
    if dnssec.algorithm:
        members += [("Algorithm", dnssec.algorithm), ("KeySize", dnssec.key_size)]
    return Answer(members=members)


@command("geosetdnssec", mutates=True)
def geosetdnssec(box: Appliance, request: Request) -> Answer:
    dnssec = geo_of(box).dnssec
    request.params.need("enable")
    on = bool(request.params.flag("enable"))
    if on and not dnssec.algorithm:
        # That keys must be there first is a guess.
        raise Refusal("Command not available.")
    dnssec.enabled = on
    box.changed_globally()
    return DONE


@command("geogenerateksk", mutates=True)
def geogenerateksk(box: Appliance, request: Request) -> Answer:
    """Note that there are keys; nothing is signed here, so none are made."""
    algorithm = request.params.get("algorithm") or "RSASHA256"
    size = request.params.number("keysize") or 2048
    if algorithm not in ("RSASHA256", "NSEC3RSASHA1") or size not in (1024, 2048, 4096):
        raise missing("algorithm")
    geo_of(box).dnssec = Dnssec(algorithm=algorithm, key_size=size)
    box.changed_globally()
    return DONE


@command("geoimportksk", mutates=True, takes_file=True)
def geoimportksk(box: Appliance, request: Request) -> Answer:
    geo_of(box).dnssec = signing_keys.imported(request)
    box.changed_globally()
    return DONE


@command("geodeleteksk", mutates=True)
def geodeleteksk(box: Appliance, _request: Request) -> Answer:
    geo_of(box).dnssec = Dnssec()
    box.changed_globally()
    return DONE


@command("getgeopartnerstatus")
def getgeopartnerstatus(box: Appliance, _request: Request) -> Answer:
    """Show the partners that the parameter names; no partner is ever reached."""
    partners = box.state.parameters.get("geopartners", "").replace(",", " ").split()
    rows: list[Members] = [[("Address", one), ("Status", "Unknown")] for one in partners]
    return Answer(members=[("Partner", Many(rows))] if rows else [])
