"""A host as it will be once changes were carried out, for planning what comes after them. Pure.

Of the tools only what later plans look at is foreseen: units that are started at boot, and
which profiles NetworkManager has and where. The rules of arptables and firewalld are each
planned for once, so nothing looks at them again.
"""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.hosts import keyfiles
from orchestrator.hosts.changes import (
    AddAddress,
    AddRule,
    CallTool,
    NetChange,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SetSysctl,
    WriteFile,
)
from orchestrator.hosts.sections import HostFile, NmProfile, Persistence
from orchestrator.hosts.state import (
    ARPTABLES_FILE,
    MANAGED_FILES,
    HostAddress,
    NetState,
    Route,
)
from orchestrator.hosts.sysctl_files import DIRECTORIES, lines_about_arp, reading_order
from orchestrator.hosts.undo_record import same_place


def foreseen(state: NetState, changes: Iterable[NetChange]) -> NetState:
    """Return the state after the changes, all of which do what they say."""
    for change in changes:
        state = _after(state, change)
    return state


def _after(state: NetState, change: NetChange) -> NetState:
    match change:
        case SetSysctl(key=key, value=value):
            return replace(state, sysctls={**state.sysctls, key: value})
        case WriteFile():
            return _after_writing(state, change)
        case AddAddress(address=address):
            return replace(state, addresses=(*_others(state, address), address))
        case RemoveAddress(address=address):
            return replace(state, addresses=_others(state, address))
        case SetRoute(route=route):
            return replace(state, routes=(*_other_routes(state, route), route))
        case RemoveRoute(route=route):
            return replace(state, routes=_other_routes(state, route))
        case AddRule(rule=rule):
            rules = tuple(one for one in state.rules if one != rule)
            return replace(state, rules=(*rules, rule))
        case RemoveRule(rule=rule):
            return replace(state, rules=tuple(one for one in state.rules if one != rule))
        case CallTool() if state.persistence is not None:
            return replace(state, persistence=_after_call(state.persistence, change.argv))
        case CallTool():
            return state


def _others(state: NetState, address: HostAddress) -> tuple[HostAddress, ...]:
    return tuple(one for one in state.addresses if not same_place(one, address))


def _other_routes(state: NetState, route: Route) -> tuple[Route, ...]:
    def place(one: Route) -> tuple[int, str, str, int]:
        return (one.version, one.destination, one.table, one.metric)

    return tuple(one for one in state.routes if place(one) != place(route))


def _after_writing(state: NetState, change: WriteFile) -> NetState:
    path, content = change.path, change.content
    if path in MANAGED_FILES:
        files = {one: text for one, text in state.files.items() if one != path}
        if content is not None:
            files[path] = content
        state = replace(state, files=files)
    if path.rpartition("/")[0] in DIRECTORIES:
        return _after_sysctl_file(state, path, content)
    if path == ARPTABLES_FILE and state.arptables is not None:
        saved = _file(change, state.arptables.saved)
        return replace(state, arptables=replace(state.arptables, saved=saved))
    if state.persistence is not None and path not in MANAGED_FILES:
        known = {one: file for one, file in state.persistence.files.items() if one != path}
        file = _file(change, state.persistence.files.get(path))
        if file is not None:
            known[path] = file
        return replace(state, persistence=replace(state.persistence, files=known))
    return state


def _after_sysctl_file(state: NetState, path: str, content: str | None) -> NetState:
    lines = [one for one in state.persistent_sysctls if one.path != path]
    lines += lines_about_arp({path: content}) if content is not None else ()
    order = reading_order({one.path for one in lines})
    # Stable: the lines of one file keep their order.
    lines.sort(key=lambda one: order.index(one.path))
    return replace(state, persistent_sysctls=tuple(lines))


def _file(change: WriteFile, old: HostFile | None) -> HostFile | None:
    if change.content is None:
        return None
    mode = change.mode if change.mode is not None else (old.mode if old else 0o644)
    return HostFile(content=change.content, mode=mode, owner=old.owner if old else 0)


def _after_call(persistence: Persistence, argv: tuple[str, ...]) -> Persistence:
    match argv:
        case ("systemctl", "enable" | "disable" as verb, unit):
            units = {**persistence.units, unit.removesuffix(".service"): f"{verb}d"}
            return replace(persistence, units=units)
        case ("nmcli", "connection", "load", path):
            return replace(persistence, profiles=_after_loading(persistence, path))
        case ("nmcli", *_, "up" | "down" as verb, "uuid", uuid):
            devices = {
                one.path: keyfiles.section(file.content, "connection").get("interface-name", "")
                for one in persistence.profiles
                if (file := persistence.files.get(one.path)) is not None
            }
            profiles = tuple(
                replace(one, device=devices.get(one.path, "") if verb == "up" else "")
                if one.uuid == uuid
                else one
                for one in persistence.profiles
            )
            return replace(persistence, profiles=profiles)
    return persistence


def _after_loading(persistence: Persistence, path: str) -> tuple[NmProfile, ...]:
    others = tuple(one for one in persistence.profiles if one.path != path)
    file = persistence.files.get(path)
    if file is None:
        return others
    device = next((one.device for one in persistence.profiles if one.path == path), "")
    return (*others, NmProfile(uuid=keyfiles.uuid_of(file.content), device=device, path=path))
