"""Which default gateway the files of a host give it at the next boot, and how that is changed.

Pure. IPv4 only: that is what the LoadMaster's transparency is documented for.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.hosts import ifcfg_files, keyfiles
from orchestrator.hosts.changes import CallTool, NetChange, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.section_script import NETWORK_SCRIPTS
from orchestrator.hosts.sections import HostFile, Persistence

_DEFAULT_ROUTE = re.compile(
    r"^\s*(?:default|0\.0\.0\.0/0)\s.*?\bvia\s+(?P<gateway>[0-9.]+)", re.MULTILINE
)
_NUMBERED = re.compile(r"GATEWAY(\d+)", re.ASCII)
_NETWORK = "/etc/sysconfig/network"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAtBoot:
    """What the files say.

    Attributes:
        gateway: "" where they give none.
        place: the file or profile that says so, for people.
        changes: makes it another one; None where that is not to be done here.
        why_not: the reason in that case.
    """

    gateway: str
    place: str
    uuid: str = ""
    file: tuple[str, HostFile] | None = None
    why_not: str = ""

    def changes(self, gateway: str, *, running: bool) -> Sequence[NetChange]:
        """Return what makes it ``gateway`` at the next boot, and nothing now.

        Raises:
            ValueError: that is not to be done here; see ``why_not``.
        """
        if self.why_not:
            raise ValueError(self.why_not)
        if self.uuid:
            if not running:
                raise ValueError("NetworkManager does not run, and only it may change its profile")
            return (_modify(self.uuid, gateway, self.gateway),)
        assert self.file is not None  # noqa: S101 - one of the three is given
        path, old = self.file
        content = with_gateway(old.content, gateway)
        return (WriteFile(path=path, content=content, before=old.content, before_mode=old.mode),)


def gateway_at_boot(persistence: Persistence, host: Host) -> GatewayAtBoot:
    """Return what the files of a host say about the interface's gateway."""
    enabled = persistence.units.get("NetworkManager") == "enabled"
    if enabled:
        for one in persistence.profiles:
            if one.device == host.interface:
                return _of_profile(persistence, one.uuid, one.path)
    path = f"{NETWORK_SCRIPTS}/ifcfg-{host.interface}"
    if path in persistence.files:
        # NetworkManager may read it at boot though it does not run now and tells of no profile.
        numbered = enabled and not persistence.nm_running
        return _of_ifcfg(persistence, path, numbered=numbered)
    return GatewayAtBoot(
        gateway="",
        place="no file that is known here",
        why_not=f"nothing known here configures {host.interface} at boot",
    )


def _of_profile(persistence: Persistence, uuid: str, path: str) -> GatewayAtBoot:
    file = persistence.files.get(path)
    if file is None:
        return GatewayAtBoot(
            gateway="", place=f"profile {uuid}", why_not=f"the profile {uuid} has no file"
        )
    if path.startswith(NETWORK_SCRIPTS):
        found = _of_ifcfg(persistence, path, numbered=True)
        return found if found.why_not else _known(found.gateway, path, uuid)
    ipv4 = keyfiles.section(file.content, "ipv4")
    if ipv4.get("method", "auto") == "auto":
        return GatewayAtBoot(gateway="", place=path, why_not=_by_dhcp(path))
    for key, value in ipv4.items():
        _, comma, gateway = value.partition(",")
        if key.startswith("address") and comma:
            return _known(gateway.strip(), path, uuid)
    return _known(ipv4.get("gateway", ""), path, uuid)


def _known(gateway: str, path: str, uuid: str) -> GatewayAtBoot:
    return GatewayAtBoot(gateway=gateway, place=path, uuid=uuid)


def gateway_in(content: str, *, numbered: bool = False) -> str:
    """Return the gateway that an ifcfg file names; "" where it names none.

    Args:
        numbered: GATEWAY0, GATEWAY1, ... count too, the first of them: so NetworkManager reads
            the file; network-scripts know the plain name only (ifup-eth, by reading).
    """
    values = ifcfg_files.settings(content)
    names = ["GATEWAY"]
    if numbered:
        found = {int(one[1]): one[0] for one in map(_NUMBERED.fullmatch, values) if one}
        names += [found[number] for number in sorted(found)]
    return next((values[name] for name in names if values.get(name)), "")


def _of_ifcfg(persistence: Persistence, path: str, *, numbered: bool) -> GatewayAtBoot:
    file = persistence.files[path]
    values = ifcfg_files.settings(file.content)
    if values.get("BOOTPROTO", "none").lower() in ("dhcp", "bootp"):
        return GatewayAtBoot(gateway="", place=path, why_not=_by_dhcp(path))
    if route := _default_in_routes(persistence, path):
        return route
    gateway = gateway_in(file.content, numbered=numbered)
    if not gateway and _NETWORK in persistence.files:
        gateway = gateway_in(persistence.files[_NETWORK].content)
    return GatewayAtBoot(gateway=gateway, place=path, file=(path, file))


def _default_in_routes(persistence: Persistence, path: str) -> GatewayAtBoot | None:
    """Return the default route that a file route-INTERFACE sets beside GATEWAY=, if it does."""
    routes = path.replace("/ifcfg-", "/route-")
    file = persistence.files.get(routes)
    gateway = _default_gateway(file.content) if file is not None else ""
    if not gateway:
        return None
    return GatewayAtBoot(
        gateway=gateway,
        place=routes,
        why_not=f"{routes} has a default route of its own: take that line out, then apply again",
    )


def _default_gateway(content: str) -> str:
    """Return the gateway of the default route in a file route-INTERFACE, of either form."""
    if found := _DEFAULT_ROUTE.search(content):
        return found["gateway"]
    values = ifcfg_files.settings(content)
    numbers = [
        name.removeprefix("ADDRESS")
        for name, value in values.items()
        if name.startswith("ADDRESS") and value == "0.0.0.0"  # noqa: S104 - every address
    ]
    return next((values.get(f"GATEWAY{number}", "") for number in numbers), "")


def _by_dhcp(path: str) -> str:
    return f"{path} takes the gateway by DHCP: change it at the DHCP server"


def _modify(uuid: str, gateway: str, before: str) -> CallTool:
    def call(value: str) -> CallTool:
        said = f"to {value}" if value else "to none"
        return CallTool(
            argv=("nmcli", "connection", "modify", uuid, "ipv4.gateway", value),
            says=f"set the gateway of NetworkManager's profile {uuid} {said}, for the next boot",
        )

    made = call(gateway)
    return CallTool(argv=made.argv, says=made.says, undo=call(before))


def with_gateway(content: str, gateway: str) -> str:
    """Return an ifcfg file with this gateway and no other, "" for none; all else as it was."""
    line = [f"GATEWAY={ipaddress.IPv4Address(gateway)}"] if gateway else []
    kept = [one for one in content.splitlines() if not re.match(r"\s*GATEWAY\d*=", one)]
    return "\n".join([*kept, *line]) + "\n"
