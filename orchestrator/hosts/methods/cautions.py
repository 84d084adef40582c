"""What the loopback method cannot put right by itself: said before and while it works. Pure."""

from dataclasses import replace
from pathlib import PurePosixPath

from orchestrator.hosts.driver import Host
from orchestrator.hosts.effective import RIGHT, keys_for
from orchestrator.hosts.findings import Finding
from orchestrator.hosts.methods.method import Method, Wanted
from orchestrator.hosts.state import SYSCTL_FILE, NetState, PersistentSysctl
from orchestrator.hosts.sysctl_files import LAST_FILE

_A_PERSONS = (
    "interface-missing",
    "ipv6-off",
    "sysctl-overruled",
    "two-loopback-profiles",
    "vip-is-host-address",
    "vip-on-interface",
    "vip-on-interface-persistent",
)


def exposed(method: Method, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
    """Return why a host that has a VIP gives out its own MAC for it; nothing: it does not.

    Whoever learned that MAC keeps it after the host is repaired.
    """
    if not any(one.address in wanted.vips for one in state.addresses):
        return ()
    return tuple(
        one
        for one in method.verify(state, wanted)
        if one.id.endswith("-live") or one.id == "vip-on-interface"
    )


def not_mended(method: Method, state: NetState, wanted: Wanted) -> tuple[Finding, ...]:
    """Return what is wrong with the host and stays so after ``plan_add``: a person's work."""
    mended = replace(state, persistent_sysctls=_with_our_lines(state, wanted.host))
    return tuple(
        one
        for one in method.verify(mended, wanted)
        if one.id in _A_PERSONS or (one.id.startswith("arp-") and one.id.endswith("-persistent"))
    )


def _with_our_lines(state: NetState, host: Host) -> tuple[PersistentSysctl, ...]:
    """Return the lines that the boot reads once our file is written, in their order."""
    ours = [
        PersistentSysctl(path=SYSCTL_FILE, key=key, value=str(values[0]))
        for key in keys_for(host.interface)
        for name, values in RIGHT.items()
        if key.endswith(f"/{name}")
    ]
    others = [line for line in state.persistent_sysctls if line.path != SYSCTL_FILE]
    later = [line for line in others if line.path == LAST_FILE or _name(line.path) > _OURS]
    return (*(line for line in others if line not in later), *ours, *later)


def _name(path: str) -> str:
    return PurePosixPath(path).name


_OURS = _name(SYSCTL_FILE)
