"""What of a LoadMaster's configuration is built for a rehearsal, and what is not. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kempsdk.configuration_file import read_wanted
from kempsdk.desired_state import VirtualServiceSpec
from kempsdk.references import Protocol, RsRef, VsRef
from kempsdk.words import CheckType, Forward
from orchestrator.errors import CannotRehearse

EXPORTED = ("health_checks", "parameters", "services")
"""The parts of an export that are looked at."""

_KEPT = (
    "nickname",
    "enable",
    "force_l4",
    "force_l7",
    "transparent",
    "subnet_originating",
    "schedule",
    "persist",
    "persist_timeout_s",
    "cookie",
    "idle_timeout_s",
    "check_type",
    "check_url",
    "check_port",
    "check_host",
    "check_use_http11",
    "check_method",
    "check_codes",
)
_NOT_BUILT = (
    "ssl_acceleration",
    "ssl_reencrypt",
    "extra_ports",
    "waf",
    "cache",
    "compress",
    "esp_enabled",
    "standby_address",
)
_BUILT_CHECKS = (CheckType.HTTP, CheckType.TCP, CheckType.ICMP, CheckType.NONE)
_DRAIN_TIME = "finalpersist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One LoadMaster, as far as it is rebuilt.

    Attributes:
        services: those concerned, by what they are in production.
        health_checks, parameters: as ``configuration.apply`` takes them.
        notes: what is left out of it, for people.
    """

    services: Mapping[VsRef, VirtualServiceSpec]
    health_checks: Mapping[str, Any]
    parameters: Mapping[str, Any]
    notes: tuple[str, ...]

    def data(self, addresses: Mapping[str, str]) -> dict[str, Any]:
        """Return it as ``configuration.apply`` takes it, with other addresses."""
        return {
            "health_checks": dict(self.health_checks),
            "parameters": dict(self.parameters),
            "services": {
                str(moved(ref, addresses)): {
                    **_settings(one),
                    "servers": {
                        str(RsRef(addresses[rs.ref.address], rs.ref.port)): {
                            name: value for name, value in rs.settings.items() if name in _SERVER
                        }
                        for rs in one.real_servers
                    },
                }
                for ref, one in self.services.items()
            },
        }

    def ports(self, address: str) -> tuple[int, ...]:
        """Return the TCP ports that a server listens on, for clients and for checks."""
        found: dict[int, None] = {}
        for one in self.services.values():
            for rs in one.real_servers:
                if rs.ref.address == address:
                    found[rs.ref.port] = None
                    if port := one.settings.get("check_port"):
                        found[int(port)] = None
        return tuple(found)


_SERVER = ("critical", "enable", "forward", "limit", "weight")


def moved(ref: VsRef, addresses: Mapping[str, str]) -> VsRef:
    """Return a service at another address."""
    return VsRef(ref.protocol, addresses[ref.address], ref.port)


def is_direct(service: VirtualServiceSpec) -> bool:
    """Return whether the servers of a service answer clients themselves."""
    return any(rs.settings.get("forward") == Forward.ROUTE.value for rs in service.real_servers)


def concerned(
    name: str, export: Mapping[str, Any], wanted: Collection[VsRef], hosts: Collection[str]
) -> Configuration:
    """Take out of an export the services that a rollout is about, or that share its servers.

    Args:
        name: of the LoadMaster, for messages.
        wanted: services that must be there.
        hosts: addresses of the servers that are worked on.

    Raises:
        CannotRehearse: a service is missing, or nothing like it can be built.
        InvalidConfiguration: not an export.
    """
    read = read_wanted(
        {key: export[key] for key in ("version", "defaults", *EXPORTED) if key in export}
    )
    services = {one.ref: one for one in read.services}
    if missing := [ref for ref in wanted if ref not in services]:
        raise CannotRehearse(
            f"the export of {name} has no service {missing[0]}; it has: "
            f"{', '.join(map(str, services)) or 'none'}"
        )
    kept = {
        ref: one
        for ref, one in services.items()
        if ref in wanted or any(rs.ref.address in hosts for rs in one.real_servers)
    }
    notes: list[str] = []
    for ref, one in kept.items():
        notes += _notes(ref, one, asked=ref in wanted)
    return Configuration(
        services=kept,
        health_checks=read.health_checks,
        parameters={
            key: value for key, value in read.parameters.items() if key.lower() == _DRAIN_TIME
        },
        notes=tuple(notes),
    )


def _notes(ref: VsRef, one: VirtualServiceSpec, *, asked: bool) -> Sequence[str]:
    if one.sub_services and asked:
        raise CannotRehearse(f"{ref} has SubVSs, which the virtual LoadMaster does not carry")
    left = [name for name in _NOT_BUILT if one.settings.get(name)]
    if any(one.rules.values()) or any(rs.match_rules for rs in one.real_servers):
        left.append("content rules")
    notes = [f"{ref}: not rebuilt: {', '.join(left)}"] if left else []
    if ref.protocol is Protocol.UDP:
        notes.append(f"{ref}: UDP: no load is made on it")
    check = one.settings.get("check_type")
    if check is not None and (built := _check(str(check))) != check:
        notes.append(f"{ref}: checked by {built} instead of {check}")
    return notes


def _settings(one: VirtualServiceSpec) -> dict[str, Any]:
    kept = {name: one.settings[name] for name in _KEPT if name in one.settings}
    if "check_type" in kept:
        kept["check_type"] = _check(str(kept["check_type"]))
        if kept["check_type"] != CheckType.HTTP.value:
            kept = {key: value for key, value in kept.items() if key in _ANY_CHECK}
    return {key: value for key, value in kept.items() if value not in ("", None, [])}


_ANY_CHECK = frozenset(one for one in _KEPT if not one.startswith("check_")) | {
    "check_type",
    "check_port",
}


def _check(word: str) -> str:
    """Return the check that stands in for one that the lab's servers do not answer."""
    if word == CheckType.HTTPS.value:
        return CheckType.HTTP.value
    return word if word in [one.value for one in _BUILT_CHECKS] else CheckType.TCP.value
