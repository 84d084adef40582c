"""Which addresses the files of a host put where at the next boot, and who reads them. Pure."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from orchestrator.hosts import ifcfg_files, keyfiles, vip_unit
from orchestrator.hosts.driver import Host
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.section_script import KEYFILES, OUR_HEADER
from orchestrator.hosts.sections import HostFile, Persistence
from orchestrator.hosts.state import NetState

LOOPBACK = "lo"
QUIET = (LOOPBACK, keyfiles.DUMMY)
"""Devices that no neighbour asks on: a VIP there needs the host to be silent on the others."""
_PROFILES_OF_LO = (1, 42)
"""From this version on NetworkManager has profiles for lo (its release notes)."""
_DUMMIES = (1, 8)
"""From this version on it makes dummy interfaces (its release notes)."""
_KEYFILES_ONLY = 9
"""From this release on NetworkManager is what configures the network (RHEL's documentation)."""
_AT_BOOT = ("enabled", "static", "generated", "alias")
ROOT = 0


class Keeper(str, Enum):
    """Who brings a VIP back after a boot."""

    NETWORK_SCRIPTS = "network-scripts"
    """Files ifcfg-lo:N, read by the service network."""
    NETWORK_MANAGER = "networkmanager"
    """One profile for lo."""
    DUMMY = "dummy"
    """One profile of NetworkManager's for a dummy interface, which carries them instead of lo."""
    UNIT = "unit"
    """A unit of ours."""
    NONE = "none"
    """Nobody that is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtBoot:
    """An address that a file brings at boot."""

    address: str
    prefix: int
    interface: str
    path: str
    ours: bool


def persistence_of(state: NetState) -> Persistence:
    """Return that section.

    Raises:
        ValueError: the state was read without it.
    """
    if state.persistence is None:
        raise ValueError("the host was read without what brings its network back after a boot")
    return state.persistence


def keeper_of(state: NetState, host: Host, vip: str) -> Keeper:
    """Return who is to bring a VIP back: what the inventory says, else what the host has."""
    if host.persistence is not None:
        return Keeper(host.persistence)
    persistence = persistence_of(state)
    if _enabled(persistence, "network") and ":" not in vip:
        return Keeper.NETWORK_SCRIPTS
    # NetworkManager takes from lo what is not in its profile, others' addresses included: where
    # there are any, or a unit of ours, it is better left without one (measured, 1.42).
    in_peace = strangers_on_lo(state) or vip_unit.PATH in persistence.files
    if has_profiles_of_lo(persistence) and (profiles_of_lo(persistence) or not in_peace):
        return Keeper.NETWORK_MANAGER
    if _makes_dummies(state) and vip_unit.PATH not in persistence.files:
        return Keeper.DUMMY
    return Keeper.UNIT if any(persistence.units.values()) else Keeper.NONE


def has_profiles_of_lo(persistence: Persistence) -> bool:
    """Return whether NetworkManager runs at boot and would raise a profile of lo."""
    return (
        _enabled(persistence, "NetworkManager")
        and _version(persistence) >= _PROFILES_OF_LO
        and persistence.devices.get(LOOPBACK) != "unmanaged"
    )


def _makes_dummies(state: NetState) -> bool:
    """Return whether the release leaves its network to a NetworkManager that is too old for lo.

    Not on release 8: there a unit has been proven, and lo is where people look for a VIP.
    """
    persistence, major = persistence_of(state), state.release.major
    return (
        major is not None
        and major >= _KEYFILES_ONLY
        and _enabled(persistence, "NetworkManager")
        and _DUMMIES <= _version(persistence) < _PROFILES_OF_LO
    )


def _version(persistence: Persistence) -> tuple[int, ...]:
    return tuple(int(one) for one in persistence.nm_version.split(".")[:2] if one.isdigit())


def profiles_of_lo(persistence: Persistence) -> list[str]:
    """Return the paths of the profiles of lo that are on the disk."""
    return sorted(
        path
        for path, file in persistence.files.items()
        if path.rpartition("/")[0] in KEYFILES and keyfiles.is_loopback(file.content)
    )


def strangers_on_lo(state: NetState) -> tuple[str, ...]:
    """Return the addresses on lo that no file known here puts there."""
    persistence = persistence_of(state)
    known = {address for address, _, _ in _all_on_lo(persistence)}
    return tuple(
        one.address
        for one in state.addresses
        if one.interface == LOOPBACK
        and not ipaddress.ip_address(one.address).is_loopback
        and one.address not in known
    )


def at_boot(state: NetState, host: Host) -> tuple[AtBoot, ...]:
    """Return what the files bring at boot, as far as somebody there reads them."""
    persistence = persistence_of(state)
    found: list[tuple[str, int, str, str]] = []
    if _enabled(persistence, "network"):
        found += [(*one, LOOPBACK) for one in ifcfg_files.on_lo(persistence.files)]
        found += [
            (*one, host.interface)
            for one in ifcfg_files.on_interface(persistence.files, host.interface)
        ]
    if _enabled(persistence, "NetworkManager"):
        found += _by_profiles(persistence, host)
    if _enabled(persistence, "kemp-vip") and not _wiped(state, persistence):
        found += [(*one, LOOPBACK) for one in _by_unit(persistence)]
    return tuple(
        AtBoot(
            address=address,
            prefix=prefix,
            interface=interface,
            path=path,
            ours=is_ours(persistence.files[path]),
        )
        for address, prefix, path, interface in found
    )


def is_ours(file: HostFile) -> bool:
    """Return whether this product wrote the file."""
    return file.content.startswith(OUR_HEADER)


def _by_profiles(persistence: Persistence, host: Host) -> Iterator[tuple[str, int, str, str]]:
    loopbacks = profiles_of_lo(persistence) if has_profiles_of_lo(persistence) else []
    for path, file in sorted(persistence.files.items()):
        if path.rpartition("/")[0] not in KEYFILES or not is_taken(persistence, path):
            continue
        interface = keyfiles.section(file.content, "connection").get("interface-name", "")
        if not keyfiles.is_loopback(file.content):
            if interface == host.interface or keyfiles.is_dummy(file.content):
                yield from (
                    (address, prefix, path, interface)
                    for address, prefix in keyfiles.addresses(file.content)
                )
        elif loopbacks == [path]:  # of several, which one wins is not known
            yield from (
                (address, prefix, path, LOOPBACK)
                for address, prefix in keyfiles.addresses(file.content)
            )


def is_taken(persistence: Persistence, path: str) -> bool:
    """Return whether NetworkManager takes a profile, and raises it at boot.

    It leaves out files that others than root may read or that are not root's.
    """
    file = persistence.files[path]
    if (file.mode & 0o077 and path.startswith(KEYFILES[0])) or file.owner != ROOT:
        return False
    loaded = {one.path for one in persistence.profiles}
    return keyfiles.starts_by_itself(file.content) and (
        path in loaded or not persistence.nm_running
    )


def _by_unit(persistence: Persistence) -> Iterator[tuple[str, int, str]]:
    if (file := persistence.files.get(vip_unit.PATH)) is not None:
        for address, (prefix, _) in vip_unit.vips_of(file.content).items():
            yield address, prefix, vip_unit.PATH


def _all_on_lo(persistence: Persistence) -> Iterator[tuple[str, int, str]]:
    """Yield what files put on lo, read by anybody at boot or not."""
    yield from ifcfg_files.on_lo(persistence.files)
    yield from _by_unit(persistence)
    for path in profiles_of_lo(persistence):
        for address, prefix in keyfiles.addresses(persistence.files[path].content):
            yield address, prefix, path


def _wiped(state: NetState, persistence: Persistence) -> bool:
    """Return whether NetworkManager takes away at boot what a unit put on lo.

    It does for a profile of lo, and with IPv6 switched off on lo also without one (measured,
    1.42).
    """
    if not has_profiles_of_lo(persistence):
        return False
    return bool(profiles_of_lo(persistence)) or bool(state.sysctls6.get("conf/lo/disable_ipv6"))


def _enabled(persistence: Persistence, unit: str) -> bool:
    return persistence.units.get(unit, "") in _AT_BOOT


# -- what is wrong with it ---------------------------------------------------------------


def verify_boot(state: NetState, host: Host, vip: str) -> Iterator[Finding]:
    """Yield what is wrong with what the files make of a VIP at the next boot."""
    persistence = persistence_of(state)
    found = [one for one in at_boot(state, host) if one.address == vip]
    longest = ipaddress.ip_address(vip).max_prefixlen
    for one in found:
        if one.interface not in QUIET:
            yield Finding(
                id="vip-on-interface-persistent",
                message=f"{one.path} puts {vip} on {one.interface} at boot: the host answers for "
                "it there, whatever silences it",
                cure=f"take {vip} out of {one.path}",
            )
        elif one.prefix != longest:
            yield Finding(
                id="vip-prefix-persistent",
                message=f"{one.path} puts {vip} on {one.interface} as /{one.prefix} at boot: the "
                "host takes the whole network for itself",
                cure=f"make it /{longest} in {one.path}",
            )
    if any(one.interface in QUIET for one in found):
        return
    keeper = keeper_of(state, host, vip)
    profiles = profiles_of_lo(persistence)
    if has_profiles_of_lo(persistence) and len(profiles) > 1:
        yield Finding(
            id="two-loopback-profiles",
            message=f"{' and '.join(profiles)} are both for lo: only one is raised at boot, and "
            "which is not known",
            cure="put the addresses of all into one and remove the others",
        )
    elif keeper is Keeper.NONE:
        yield Finding(
            id="vip-not-persistent",
            message=f"{vip} does not come back after a boot: nothing known here brings it back "
            "on this host",
            cure="apply again after each boot, or say in the inventory who is to bring it back "
            "(persistence)",
            blocks=False,
        )
    else:
        yield Finding(
            id="vip-not-persistent",
            message=f"{vip} does not come back after a boot: {_why(state, keeper)}",
            cure="apply again",
        )


def _why(state: NetState, keeper: Keeper) -> str:
    persistence = persistence_of(state)
    if keeper is Keeper.NETWORK_SCRIPTS:
        return "no alias file of lo has it"
    if keeper is Keeper.UNIT:
        if _wiped(state, persistence):
            return "NetworkManager takes away what a unit puts on lo"
        return f"{vip_unit.UNIT} does not have it, or is not enabled"
    if keeper is Keeper.DUMMY:
        profiles = [one for one in (keyfiles.DUMMY_PROFILE,) if one in persistence.files]
    else:
        profiles = profiles_of_lo(persistence)
    refused = [one for one in profiles if not is_taken(persistence, one)]
    if refused:
        return f"NetworkManager does not take {refused[0]} (its mode, owner or content)"
    return f"no profile of {keyfiles.DUMMY if keeper is Keeper.DUMMY else LOOPBACK} has it"
