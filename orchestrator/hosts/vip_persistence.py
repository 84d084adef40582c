"""Changes that make VIPs come back after a boot, or not. Pure.

Files of others are never written over: that needs ``adopt``, and then the undo record has them.
"""

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import HostChangeFailed
from orchestrator.hosts import ifcfg_files, keyfiles, tools, vip_unit
from orchestrator.hosts.changes import AddAddress, NetChange, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.sections import Persistence
from orchestrator.hosts.state import NetState
from orchestrator.hosts.undo_record import UndoRecord
from orchestrator.hosts.vip_at_boot import (
    LOOPBACK,
    QUIET,
    ROOT,
    Keeper,
    at_boot,
    is_ours,
    is_taken,
    keeper_of,
    persistence_of,
    profiles_of_lo,
    strangers_on_lo,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What makes VIPs come back.

    Attributes:
        labels: the label that each gets on lo, so that it looks now as it will after a boot;
            None for none.
        devices: where each is to be: lo, or the dummy interface.
    """

    changes: tuple[NetChange, ...]
    labels: Mapping[str, str | None]
    devices: Mapping[str, str]


def plan_keep(state: NetState, host: Host, vips: Sequence[str], *, adopt: bool) -> Kept:
    """Return what makes the VIPs come back after a boot, and under which label.

    Raises:
        HostChangeFailed: somebody else's file is in the way.
    """
    devices = {
        one.address: one.interface
        for one in at_boot(state, host)
        if one.interface in QUIET and one.prefix == ipaddress.ip_address(one.address).max_prefixlen
    }
    labels: dict[str, str | None] = {}
    by_keeper: dict[Keeper, list[str]] = {}
    used = _labels_in_use(state)
    for vip in vips:
        keeper = keeper_of(state, host, vip)
        labels[vip] = _label(state, vip, keeper, used)
        if vip not in devices:
            by_keeper.setdefault(keeper, []).append(vip)
            devices[vip] = keyfiles.DUMMY if keeper is Keeper.DUMMY else LOOPBACK
        elif devices[vip] == keyfiles.DUMMY and keyfiles.DUMMY not in state.interfaces:
            by_keeper.setdefault(Keeper.DUMMY, [])  # cut off before its profile was raised
    planned = _Planned(state=state, host=host, adopt=adopt)
    changes: list[NetChange] = []
    for keeper, missing in by_keeper.items():
        if keeper is Keeper.NETWORK_SCRIPTS:
            changes += planned.aliases({vip: labels[vip] for vip in missing})
        elif keeper is Keeper.NETWORK_MANAGER:
            changes += planned.profile(missing)
        elif keeper is Keeper.DUMMY:
            changes += planned.dummy(missing)
        elif keeper is Keeper.UNIT:
            changes += planned.unit({vip: labels[vip] for vip in missing})
    return Kept(changes=tuple(changes), labels=labels, devices=devices)


def _labels_in_use(state: NetState) -> set[str]:
    files = persistence_of(state).files
    named = {f"lo:{path.rpartition(':')[2]}" for path in ifcfg_files.alias_files(files)}
    return {one.label for one in state.addresses if one.label} | named


def _label(state: NetState, vip: str, keeper: Keeper, used: set[str]) -> str | None:
    """Return the label that a VIP has or gets, and note that it is in use."""
    if ":" in vip or keeper in (Keeper.NETWORK_MANAGER, Keeper.DUMMY):
        return None
    files = persistence_of(state).files
    for address, _, path in ifcfg_files.on_lo(files):
        if address == vip:
            return ifcfg_files.settings(files[path].content)["DEVICE"]
    live = [
        one.label
        for one in state.addresses
        if one.address == vip and one.label and ifcfg_files.is_alias(one.label)
    ]
    if live and ifcfg_files.alias_path(live[0]) not in files:
        return live[0]
    number = 0
    while f"lo:{number}" in used:
        number += 1
    used.add(f"lo:{number}")
    return f"lo:{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """Changes of one host's files, by who reads them."""

    state: NetState
    host: Host
    adopt: bool

    def aliases(self, labels: Mapping[str, str | None]) -> list[NetChange]:
        return [
            change
            for vip, label in labels.items()
            if label is not None
            for change in self._write(
                ifcfg_files.alias_path(label), ifcfg_files.alias_file(label, vip)
            )
        ]

    def profile(self, vips: Sequence[str]) -> list[NetChange]:
        persistence = persistence_of(self.state)
        profiles = profiles_of_lo(persistence)
        if len(profiles) > 1:
            raise HostChangeFailed(
                f"{self.host.name}: {' and '.join(profiles)} are both for lo, and NetworkManager "
                "raises only one: put the addresses of all into one and remove the others"
            )
        path = profiles[0] if profiles else keyfiles.PROFILE
        old = persistence.files.get(path)
        if old is not None and old.owner != ROOT:
            raise HostChangeFailed(
                f"{self.host.name}: {path} is not root's, so NetworkManager leaves it out: "
                f"chown root {path}, then apply again"
            )
        content = keyfiles.with_addresses(old.content if profiles and old else None, vips)
        changes = self._write(path, content, mode=keyfiles.MODE)
        if changes or not is_taken(persistence, path):
            changes += load(self.state, path)
        active = {one.path for one in persistence.profiles if one.device == LOOPBACK}
        if persistence.nm_running and path not in active:
            self._refuse_to_wipe(content)
            changes.append(tools.raise_profile(keyfiles.uuid_of(content)))
        return changes

    def _refuse_to_wipe(self, content: str) -> None:
        """Refuse to raise a profile that lacks an address which is on lo."""
        named = {address for address, _ in keyfiles.addresses(content)}
        lost = [
            one.address
            for one in self.state.addresses
            if one.interface == LOOPBACK
            and not ipaddress.ip_address(one.address).is_loopback
            and one.address not in named
        ]
        if lost:
            raise HostChangeFailed(
                f"{self.host.name}: NetworkManager would take {', '.join(lost)} from lo when it "
                "raises the profile: take them off first, or say persistence: unit in the "
                "inventory"
            )

    def dummy(self, vips: Sequence[str]) -> list[NetChange]:
        persistence, path = persistence_of(self.state), keyfiles.DUMMY_PROFILE
        if not persistence.nm_running and keyfiles.DUMMY not in self.state.interfaces:
            raise HostChangeFailed(
                f"{self.host.name}: NetworkManager does not run, and only it makes the interface "
                f"{keyfiles.DUMMY}: start it, or say persistence: unit in the inventory"
            )
        old = persistence.files.get(path)
        content = keyfiles.dummy_with(old.content if old and is_ours(old) else None, vips)
        changes = self._write(path, content, mode=keyfiles.MODE)
        if changes or not is_taken(persistence, path):
            changes += load(self.state, path)
        active = {one.path for one in persistence.profiles if one.device == keyfiles.DUMMY}
        if persistence.nm_running and path not in active:
            changes.append(tools.raise_profile(keyfiles.uuid_of(content)))
        return changes

    def unit(self, labels: Mapping[str, str | None]) -> list[NetChange]:
        persistence = persistence_of(self.state)
        old = persistence.files.get(vip_unit.PATH)
        there = vip_unit.vips_of(old.content) if old is not None and is_ours(old) else {}
        kept = {vip: label for vip, (_, label) in there.items()}
        changes = self._write(vip_unit.PATH, vip_unit.unit_file({**kept, **labels}))
        return [*changes, *reload(self.state), tools.enable_unit(vip_unit.UNIT)]

    def _write(self, path: str, content: str, *, mode: int | None = None) -> list[NetChange]:
        old = persistence_of(self.state).files.get(path)
        if old is not None and not is_ours(old) and not self.adopt:
            raise HostChangeFailed(
                f"{self.host.name}: {path} was not written by kemp and is needed for the VIP: look "
                "at it, then move it away or take it over (--adopt)"
            )
        if old is not None and old.content == content and mode in (None, old.mode):
            return []
        return [
            WriteFile(
                path=path,
                content=content,
                before=old.content if old else None,
                mode=mode,
                before_mode=old.mode if old else None,
            )
        ]


def plan_drop(state: NetState, vips: Collection[str], record: UndoRecord) -> tuple[NetChange, ...]:
    """Return what keeps the VIPs from coming back after a boot, as far as our files do it.

    To be carried out when the VIPs have left lo: NetworkManager takes from lo what is in none
    of its profiles when it loses one, so what others put there is put back.
    """
    persistence = persistence_of(state)
    changes: list[NetChange] = []
    for path in _ours_with(persistence, vips):
        file = persistence.files[path]
        if path == vip_unit.PATH:
            left = {
                vip: label
                for vip, (_, label) in vip_unit.vips_of(file.content).items()
                if vip not in vips
            }
            if left:
                changes += [_rewrite(state, path, vip_unit.unit_file(left)), *reload(state)]
            else:
                changes += [tools.disable_unit(vip_unit.UNIT), _rewrite(state, path, None)]
                changes += reload(state)
        elif path == keyfiles.DUMMY_PROFILE:
            changes += _drop_from_dummy(state, vips)
        elif keyfiles.is_loopback(file.content):
            changes += _drop_from_profile(state, path, vips, record)
        else:
            changes.append(_given_back(state, path, record))
    known = {one.path for one in persistence.profiles}
    for path in (keyfiles.PROFILE, keyfiles.DUMMY_PROFILE):
        if path in known and path not in persistence.files:
            # The file went, but NetworkManager was not told: it would still raise the profile.
            changes += load(state, path)
    return tuple(changes)


def _ours_with(persistence: Persistence, vips: Collection[str]) -> list[str]:
    """Return our files that have one of the VIPs, read by anybody at boot or not."""

    def carried(content: str) -> set[str]:
        return {
            *(address for address, _ in keyfiles.addresses(content)),
            *vip_unit.vips_of(content),
            ifcfg_files.settings(content).get("IPADDR", ""),
        }

    return sorted(
        path
        for path, file in persistence.files.items()
        if is_ours(file) and not carried(file.content).isdisjoint(vips)
    )


def _drop_from_profile(
    state: NetState, path: str, vips: Collection[str], record: UndoRecord
) -> list[NetChange]:
    content = persistence_of(state).files[path].content
    left = keyfiles.with_addresses(content, (), remove=vips)
    others = set(keyfiles.addresses(left)) - keyfiles.LOCAL
    found = record.files[path].before if path in record.files else None
    if found is not None and others <= set(keyfiles.addresses(found)):
        return [_given_back(state, path, record), *load(state, path)]
    if others:
        return [_rewrite(state, path, left), *load(state, path)]
    back = [
        AddAddress(address=one)
        for one in state.addresses
        if one.interface == LOOPBACK and one.address in strangers_on_lo(state)
        if one.address not in vips
    ]
    lower = [tools.lower_profile(keyfiles.uuid_of(content))] if load(state, path) else []
    return [*lower, _rewrite(state, path, None), *load(state, path), *back]


def _drop_from_dummy(state: NetState, vips: Collection[str]) -> list[NetChange]:
    path = keyfiles.DUMMY_PROFILE
    content = persistence_of(state).files[path].content
    left = keyfiles.dummy_with(content, (), remove=vips)
    if keyfiles.addresses(left):
        return [_rewrite(state, path, left), *load(state, path)]
    # The interface goes with its profile.
    lower = [tools.lower_profile(keyfiles.uuid_of(content))] if load(state, path) else []
    return [*lower, _rewrite(state, path, None), *load(state, path)]


def _rewrite(
    state: NetState, path: str, content: str | None, *, mode: int | None = None
) -> WriteFile:
    file = persistence_of(state).files[path]
    return WriteFile(
        path=path, content=content, before=file.content, mode=mode, before_mode=file.mode
    )


def _given_back(state: NetState, path: str, record: UndoRecord) -> WriteFile:
    """Return the change that puts a file back as it was found; none was there: it goes."""
    taken = record.files.get(path)
    return _rewrite(
        state, path, taken.before if taken else None, mode=taken.mode if taken else None
    )


def load(state: NetState, path: str) -> list[NetChange]:
    """Return what makes NetworkManager read a profile, where it runs."""
    return [tools.load_profile(path)] if persistence_of(state).nm_running else []


def reload(state: NetState) -> list[NetChange]:
    """Return what makes systemd read its units, where it runs."""
    return [tools.reload_units()] if persistence_of(state).systemd else []
