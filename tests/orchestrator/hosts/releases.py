"""Hosts in memory that look like the releases: who is there to bring the network back."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.hosts import keyfiles
from orchestrator.hosts.changes import CallTool
from orchestrator.hosts.driver import Host
from orchestrator.hosts.sections import NmProfile, Persistence
from orchestrator.hosts.state import Release
from tests.fakes.host import FakeHost, plain_host

_NM = {"network": "", "NetworkManager": "enabled"}
RELEASES = {
    "centos7": Persistence(
        systemd=True,
        network_scripts=True,
        units={"network": "enabled", "NetworkManager": "enabled"},
        nm_version="1.18.8",
        nm_running=True,
        devices={"lo": "unmanaged"},
    ),
    "stream8": Persistence(
        systemd=True,
        units=_NM,
        nm_version="1.40.16",
        nm_running=True,
        devices={"lo": "unmanaged"},
    ),
    "stream9": Persistence(
        systemd=True,
        units=_NM,
        nm_version="1.48.10",
        nm_running=True,
        devices={"lo": "connected (externally)"},
    ),
    "stream9.0": Persistence(
        systemd=True,
        units=_NM,
        nm_version="1.36.0",
        nm_running=True,
        devices={"lo": "unmanaged"},
    ),
    "stream10": Persistence(
        systemd=True,
        units=_NM,
        nm_version="1.52.0",
        nm_running=True,
        devices={"lo": "connected (externally)"},
    ),
}
KEEPERS = {
    "centos7": "/etc/sysconfig/network-scripts/ifcfg-lo:0",
    "stream8": "/etc/systemd/system/kemp-vip.service",
    "stream9": keyfiles.PROFILE,
    "stream9.0": keyfiles.DUMMY_PROFILE,
    "stream10": keyfiles.PROFILE,
}
"""The file that is to carry the first VIP."""


def host_of(host: Host, release: str) -> FakeHost:
    """Return a plain host of a release, whose tools do what they must."""
    fake = plain_host(host)
    number = release.removeprefix("centos").removeprefix("stream")
    fake.release = Release(id="centos", version_id=number)
    fake.persistence = RELEASES[release]
    fake.sysctls6 = {f"conf/{name}/disable_ipv6": 0 for name in ("all", "lo", host.interface)}
    fake.on_tool = _tools(fake)
    return fake


def _tools(fake: FakeHost) -> Callable[[CallTool], str | None]:
    def call(call: CallTool) -> str | None:
        match call.argv:
            case ("systemctl", "enable" | "disable" as verb, unit):
                if f"/etc/systemd/system/{unit}" not in fake.files:
                    return f"Unit file {unit} does not exist"
                word = "enabled" if verb == "enable" else "disabled"
                units = {**fake.persistence.units, unit.removesuffix(".service"): word}
                fake.persistence = replace(fake.persistence, units=units)
            case ("systemctl", "daemon-reload"):
                return None
            case ("nmcli", "connection", "load", path):
                others = [one for one in fake.persistence.profiles if one.path != path]
                if fake.modes.get(path) == 0o600 and path in fake.files:
                    uuid = keyfiles.section(fake.files[path], "connection")["uuid"]
                    known = [one for one in fake.persistence.profiles if one.path == path]
                    device = known[0].device if known else ""
                    others.append(NmProfile(uuid=uuid, device=device, path=path))
                fake.persistence = replace(fake.persistence, profiles=tuple(others))
            case ("nmcli", "--wait", "30", "connection", "up" | "down" as verb, "uuid", uuid):
                if uuid not in {one.uuid for one in fake.persistence.profiles}:
                    return None if verb == "down" else f"unknown connection {uuid}"
                (path,) = (one.path for one in fake.persistence.profiles if one.uuid == uuid)
                device = "lo" if path == keyfiles.PROFILE else keyfiles.DUMMY
                if path == keyfiles.DUMMY_PROFILE:  # the interface comes and goes with it
                    fake.interfaces.pop(device, None)
                    fake.addresses = [one for one in fake.addresses if one.interface != device]
                    if verb == "up":
                        fake.interfaces[device] = "02:00:00:00:00:99"
                fake.persistence = replace(
                    fake.persistence,
                    profiles=tuple(
                        replace(one, device=device if verb == "up" else "")
                        if one.uuid == uuid
                        else one
                        for one in fake.persistence.profiles
                    ),
                )
            case _:
                return f"there is no {call.argv[0]} like that"
        return None

    return call
