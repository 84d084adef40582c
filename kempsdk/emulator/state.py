"""Everything the virtual LoadMaster remembers: one tree of plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from kempsdk.emulator.attributes import Setting
from kempsdk.emulator.sections import SECTIONS, build, name_of

_Section = TypeVar("_Section")

FORMAT = 1
"""Version of the JSON form; another one is refused."""


@dataclass(slots=True, kw_only=True)
class Backend:
    """What a real server and a SubVS have in common as targets of a service."""

    rs_index: int
    forward: str = "nat"
    weight: int = 1000
    limit: int = 0
    rate_limit: int = 0
    follow: int = 0
    enable: bool = True
    critical: bool = False
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class RealServer(Backend):
    """A real server of one service."""

    address: str
    port: int
    dns_name: str = ""
    non_local: bool = False


@dataclass(slots=True, kw_only=True)
class SubSlot(Backend):
    """The place of a SubVS in its parent; the SubVS itself is a service."""

    service: int


@dataclass(slots=True, kw_only=True)
class AclEntry:
    address: str
    comment: str = ""


@dataclass(slots=True, kw_only=True)
class AccessLists:
    block: list[AclEntry] = field(default_factory=list)
    allow: list[AclEntry] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ServiceWaf:
    """WAF rules of one service.

    Attributes:
        disabled: OWASP rules that are switched off, by number.
        custom: custom OWASP rule files that are assigned; whether each runs first.
        legacy: rule sets of the legacy WAF, as ``prefix/name``.
        legacy_disabled: numbers of single legacy rules that are switched off.
    """

    disabled: list[str] = field(default_factory=list)
    custom: dict[str, bool] = field(default_factory=dict)
    legacy: list[str] = field(default_factory=list)
    legacy_disabled: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class VirtualService:
    """A service or a SubVS.

    Attributes:
        uid: never changes and never shows, unlike ``index``.
        address, port: empty and 0 on a SubVS; port 0 on another service is ``*``.
        parent: uid of the service that a SubVS belongs to.
        settings: by wire name, as listed in ``attributes``.
        waf: None until a rule is switched or assigned.
        error_file: what is answered while no server is up, in base64.
    """

    uid: int
    index: int
    protocol: str
    address: str
    port: int
    settings: dict[str, Setting]
    parent: int | None = None
    servers: list[RealServer] = field(default_factory=list)
    slots: list[SubSlot] = field(default_factory=list)
    pre_rules: list[str] = field(default_factory=list)
    request_rules: list[str] = field(default_factory=list)
    response_rules: list[str] = field(default_factory=list)
    body_rules: list[str] = field(default_factory=list)
    access: AccessLists = field(default_factory=AccessLists)
    waf: ServiceWaf | None = None
    error_file: str = ""

    @property
    def layer(self) -> int:
        return 4 if self.settings["ForceL4"] else 7

    @property
    def text(self) -> str:
        """``tcp/192.0.2.1:80``, as FollowVS prints it; a SubVS has only its index."""
        if self.parent is not None:
            return f"#{self.index}"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol}/{host}:{self.port or '*'}"

    def backends(self) -> Iterator[Backend]:
        yield from self.servers
        yield from self.slots


@dataclass(slots=True, kw_only=True)
class Rule:
    """A content rule; what applies depends on the type, 0 to 5."""

    name: str
    type: int
    pattern: str = ""
    match_type: str = "regex"
    add_host: bool = False
    negate: bool = False
    case_independent: bool = False
    include_query: bool = False
    header: str = ""
    must_fail: bool = False
    replacement: str = ""
    set_flag: int = 0
    only_on_flag: int = 0
    only_on_no_flag: int = 0


@dataclass(slots=True, kw_only=True)
class HealthTimers:
    retry_interval_s: int = 9
    timeout_s: int = 4
    retry_count: int = 2


@dataclass(slots=True, kw_only=True)
class AdaptiveCheck:
    url: str = "/load"
    port: int = 80
    interval_s: int = 7
    min_percent: int = 0


@dataclass(slots=True, kw_only=True)
class PacketFilter:
    """The global access lists and their switches."""

    enabled: bool = True
    drop: bool = False
    interface_block: bool = False
    wui_block: bool = False
    wui_address: str = ""
    lists: AccessLists = field(default_factory=AccessLists)


@dataclass(slots=True, kw_only=True)
class User:
    """A user; password and keys are kept as digests only.

    Attributes:
        permissions: the rights given; None is every right, as ``bal`` has.
        radius: the password is checked by a RADIUS server, which is never asked here.
        certificate: PEM of the certificate made for this user; its key is not kept.
    """

    name: str
    password: str
    api_keys: list[str] = field(default_factory=list)
    permissions: list[str] | None = None
    radius: bool = False
    certificate: str = ""


@dataclass(slots=True, kw_only=True)
class ApplianceState:
    """The root of the tree.

    Attributes:
        parameters: values of get/set parameters that are set, by lower-case name.
        changed_at_s: epoch of the last configuration change.
        sections: what families of commands remember, by name; see ``section``.
    """

    users: dict[str, User]
    services: dict[int, VirtualService] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    health: HealthTimers = field(default_factory=HealthTimers)
    adaptive: AdaptiveCheck = field(default_factory=AdaptiveCheck)
    packet_filter: PacketFilter = field(default_factory=PacketFilter)
    next_uid: int = 1
    next_rs_index: int = 1
    changed_at_s: int = 0
    sections: dict[str, Any] = field(default_factory=dict)

    def section(self, kind: type[_Section]) -> _Section:
        """Return the section of this kind; it is made when it is first asked for."""
        name = name_of(kind)
        found: _Section | None = self.sections.get(name)
        if found is None:
            found = self.sections[name] = kind()
        return found

    def new_index(self) -> int:
        """Return the next number of the sequence that services and SubVSs share."""
        return max((one.index for one in self.services.values()), default=0) + 1

    def new_uid(self) -> int:
        self.next_uid += 1
        return self.next_uid - 1

    def new_rs_index(self) -> int:
        """Return the next number of the appliance-wide sequence; none is used twice."""
        self.next_rs_index += 1
        return self.next_rs_index - 1

    def parent_of(self, service: VirtualService) -> VirtualService | None:
        return None if service.parent is None else self.services[service.parent]

    def slot_of(self, service: VirtualService) -> SubSlot | None:
        """Return the slot of a SubVS in its parent; None for any other service."""
        parent = self.parent_of(service)
        if parent is None:
            return None
        return next(slot for slot in parent.slots if slot.service == service.uid)

    def renumber(self) -> None:
        """Give every service a new index: top-level ones first, then SubVSs, no gaps."""
        ordered = sorted(
            self.services.values(), key=lambda one: (one.parent is not None, one.index)
        )
        for index, service in enumerate(ordered, start=1):
            service.index = index


def to_json(state: ApplianceState) -> dict[str, Any]:
    """Return the state as JSON data."""
    return {"format": FORMAT, **asdict(state)}


def _access(data: Mapping[str, Any]) -> AccessLists:
    return AccessLists(
        block=[AclEntry(**one) for one in data["block"]],
        allow=[AclEntry(**one) for one in data["allow"]],
    )


def service_from_json(data: Mapping[str, Any]) -> VirtualService:
    return VirtualService(
        **{
            **data,
            "servers": [RealServer(**one) for one in data["servers"]],
            "slots": [SubSlot(**one) for one in data["slots"]],
            "access": _access(data["access"]),
            "waf": None if data.get("waf") is None else ServiceWaf(**data["waf"]),
        }
    )


def from_json(data: Mapping[str, Any]) -> ApplianceState:
    """Return the state that ``to_json`` wrote.

    Raises:
        ValueError: not such data, or of another version.
    """
    if data.get("format") != FORMAT:
        raise ValueError(f"not a virtual LoadMaster's state of format {FORMAT}")
    try:
        return ApplianceState(
            users={name: User(**one) for name, one in data["users"].items()},
            services={int(uid): service_from_json(one) for uid, one in data["services"].items()},
            rules={name: Rule(**one) for name, one in data["rules"].items()},
            parameters=dict(data["parameters"]),
            health=HealthTimers(**data["health"]),
            adaptive=AdaptiveCheck(**data["adaptive"]),
            packet_filter=PacketFilter(
                **{**data["packet_filter"], "lists": _access(data["packet_filter"]["lists"])}
            ),
            next_uid=data["next_uid"],
            next_rs_index=data["next_rs_index"],
            changed_at_s=data["changed_at_s"],
            sections={
                name: build(SECTIONS[name].kind, one)
                for name, one in data.get("sections", {}).items()
            },
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"not a virtual LoadMaster's state: {wrong}") from None
