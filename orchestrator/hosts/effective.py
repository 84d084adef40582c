"""What the ARP sysctls amount to, as the kernel computes it: now, and after a reboot. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import get_args

from orchestrator.hosts.state import ArpKey, NetState, PersistentSysctl
from orchestrator.hosts.sysctl_files import LAST_FILE

RIGHT: Mapping[ArpKey, tuple[int, ...]] = {"arp_ignore": (1, 2), "arp_announce": (2,)}
"""Effective values with which a host keeps quiet about an address on lo (Linux 6.18, measured).

arp_ignore 3 still answers for an address of scope global, 8 answers for nothing at all, the
health-checked address included; arp_announce 1 still names a VIP of the asked one's subnet.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveArp:
    """What the kernel acts on for one interface.

    Attributes:
        silent: neither answers for a VIP on lo nor names it as sender, yet answers for the
            interface's own address.
    """

    arp_ignore: int
    arp_announce: int

    @property
    def silent(self) -> bool:
        return self.is_right("arp_ignore") and self.is_right("arp_announce")

    def is_right(self, key: ArpKey) -> bool:
        """Return whether this one value is as it must be."""
        return self.value(key) in RIGHT[key]

    def value(self, key: ArpKey) -> int:
        """Return the effective value of the key."""
        return self.arp_ignore if key == "arp_ignore" else self.arp_announce


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentArp:
    """What the files lead to.

    Attributes:
        after_boot: as systemd-sysctl sets it.
        after_reload: as ``sysctl --system`` sets it, which reads /etc/sysctl.conf last.
        boot_winners: the line that decides at boot, by key; no entry: none sets it.
        reload_winners: the same for ``sysctl --system``.
        conflicts: every line that sets one of the keys to a value that is not right, or that
            is no number, whether it wins or not.
    """

    after_boot: EffectiveArp
    after_reload: EffectiveArp
    boot_winners: Mapping[str, PersistentSysctl]
    reload_winners: Mapping[str, PersistentSysctl]
    conflicts: tuple[PersistentSysctl, ...]

    @property
    def silent(self) -> bool:
        return self.after_boot.silent and self.after_reload.silent


def keys_for(interface: str) -> tuple[str, ...]:
    """Return the four keys that count for an interface.

    ``lo`` and ``default`` are not among them: lo is not where the request comes in, default
    only seeds interfaces that are made later.
    """
    return tuple(f"conf/{scope}/{key}" for key in get_args(ArpKey) for scope in ("all", interface))


def effective_arp(state: NetState, interface: str) -> EffectiveArp:
    """Return the live values that the kernel acts on for ARP heard on the interface.

    Raises:
        KeyError: the host has no such interface.
    """
    return _combined(state.sysctls, interface)


def persistent_arp(state: NetState, interface: str) -> PersistentArp:
    """Return what the host's sysctl files lead to for the interface.

    A key that no file sets counts as 0, the kernel's own start value; ``default`` is not
    believed, because it depends on when the interface appears.
    """
    lines = state.persistent_sysctls
    boot = _winners([line for line in lines if line.path != LAST_FILE], interface)
    reload = _winners(lines, interface)
    return PersistentArp(
        after_boot=_from_winners(boot, interface),
        after_reload=_from_winners(reload, interface),
        boot_winners=boot,
        reload_winners=reload,
        conflicts=tuple(line for line in lines if _is_wrong(line, interface)),
    )


def _combined(values: Mapping[str, int], interface: str) -> EffectiveArp:
    def largest(key: ArpKey) -> int:
        return max(values[f"conf/all/{key}"], values[f"conf/{interface}/{key}"])

    return EffectiveArp(
        arp_ignore=largest("arp_ignore"),
        arp_announce=largest("arp_announce"),
    )


def _winners(lines: Sequence[PersistentSysctl], interface: str) -> dict[str, PersistentSysctl]:
    """Return the line that decides each key.

    A line that names the key beats every pattern, wherever it stands (systemd 246 and newer,
    procps 4); older ones know no patterns at all.
    """
    winners: dict[str, PersistentSysctl] = {}
    for key in keys_for(interface):
        named = [line for line in lines if line.key == key]
        for line in named or [line for line in lines if _matches(line.key, key)]:
            winners[key] = line
    return {key: line for key, line in winners.items() if line.value}


def _from_winners(winners: Mapping[str, PersistentSysctl], interface: str) -> EffectiveArp:
    values = {
        key: number(winners[key].value) if key in winners else 0 for key in keys_for(interface)
    }
    return _combined(values, interface)


def _is_wrong(line: PersistentSysctl, interface: str) -> bool:
    name = line.key.rpartition("/")[2]
    return bool(line.value) and any(
        _matches(line.key, key) and number(line.value) not in RIGHT[arp_key]
        for key in keys_for(interface)
        for arp_key in get_args(ArpKey)
        if fnmatchcase(arp_key, name) and key.endswith(arp_key)
    )


def _matches(pattern: str, key: str) -> bool:
    parts, wanted = pattern.split("/"), key.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, wanted, parts))


def number(value: str) -> int:
    """Return the value as the kernel takes it: its first word, octal after a 0.

    A non-number, which the kernel refuses, counts as 0.
    """
    word = next(iter(value.split()), "")
    octal = len(word) > 1 and word.startswith("0") and word.isdigit()
    try:
        return int(word, 8 if octal else 0)
    except ValueError:
        return 0
