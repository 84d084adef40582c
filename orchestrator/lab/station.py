"""What a lab is asked to be, and what is told of its stations: plain data for both its sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from orchestrator.lab.release import Release

Init = Literal["none", "systemd"]
LabMethod = Literal["loopback", "arptables", "firewalld", "gateway", "none"]
METHODS: tuple[LabMethod, ...] = get_args(LabMethod)
MIXED = tuple(Release)
MAX_SYSTEMD_HOSTS = 24
"""Some 60 MiB each, and two seconds of a processor to boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What to keep up.

    Attributes:
        directory: existing or new directory for the state file, the API key and the log.
        hosts: number of real servers, 1 to 200, each with a web server on port 80; at most
            24 that run systemd.
        releases: what they look like, in their order, from the first one again when there
            are more hosts.
        init: systemd: hosts that boot, to be reached over ssh; needs root.
        method: how they are to get their traffic. It decides at which layer the LoadMaster
            works and whether firewalld runs; nothing of it is set up on the hosts.
        time_scale: of the virtual LoadMaster.
        pair: two of them, lb1 and lb2, as a high availability pair.
    """

    directory: Path
    hosts: int = 3
    releases: tuple[Release, ...] = (Release.STREAM9,)
    init: Init = "none"
    method: LabMethod = "loopback"
    time_scale: float = 5.0
    pair: bool = False

    def __post_init__(self) -> None:
        if self.init == "systemd" and self.hosts > MAX_SYSTEMD_HOSTS:
            raise ValueError(f"at most {MAX_SYSTEMD_HOSTS} hosts with systemd, not {self.hosts}")
        if self.method == "firewalld" and self.init == "none":
            raise ValueError("firewalld runs on hosts that boot only: take init systemd")
        if not self.releases:
            raise ValueError("a lab needs a release for its hosts")

    @property
    def layer(self) -> Literal[4, 7]:
        """Return at which layer its LoadMaster moves traffic."""
        return 7 if self.method in ("gateway", "none") else 4


@dataclass(frozen=True, slots=True, kw_only=True)
class StationStatus:
    """One station of the lab.

    Attributes:
        namespace: path of its network namespace inside the lab's world.
        root: directory that holds its files there; "" where it has none, or a disk of its own.
        release: what a host looks like; "" for the other stations.
        boot_file: where a host that boots says its boot's number and its systemd's process
            id; "" for the other stations.
    """

    address: str
    mac: str
    namespace: str
    root: str = ""
    release: str = ""
    boot_file: str = ""


def options_as_json(options: LabOptions) -> dict[str, Any]:
    """Return the options as plain data."""
    return {
        "directory": str(options.directory),
        "hosts": options.hosts,
        "releases": [release.value for release in options.releases],
        "init": options.init,
        "method": options.method,
        "time_scale": options.time_scale,
        "pair": options.pair,
    }


def options_of(data: Mapping[str, Any]) -> LabOptions:
    """Read what ``options_as_json`` wrote."""
    releases = tuple(Release(name) for name in data["releases"])
    return LabOptions(**{**data, "directory": Path(data["directory"]), "releases": releases})
