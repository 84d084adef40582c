"""How something on a LoadMaster is to be, and what that changes.

::

    web = VirtualServiceSpec(
        ref=VsRef.parse("tcp/10.0.1.250:80"),
        settings={"nickname": "web", "force_l4": True},
        real_servers=(RealServerSpec(ref=RsRef.parse("10.0.1.11:80")),),
    )
    result = lm.virtual_services.ensure(web)

What is not mentioned is never touched: neither settings, nor servers, nor rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from kempsdk.errors import FieldDifference, WriteNotApplied, describe
from kempsdk.managers import Managers
from kempsdk.references import RsRef, VsRef
from kempsdk.rule_models import Phase

RULE_LISTS: Final = {
    "pre_process_rules": Phase.PRE,
    "request_rules": Phase.REQUEST,
    "response_rules": Phase.RESPONSE,
    "body_rules": Phase.RESPONSE_BODY,
}
"""Lists of attached rules by their attribute of a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealServerSpec:
    """A server in a service.

    Attributes:
        ref: its address and port.
        settings: see ``RsSettings``, without ``new_port``.
        match_rules: rules that must be attached, in this order; others stay.
    """

    ref: RsRef
    settings: Mapping[str, Any] = field(default_factory=dict)
    match_rules: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubVsSpec:
    """A SubVS. It is known by its nickname, since slots cannot be chosen.

    Several of one nickname, or without any, are told apart by their order.

    Attributes:
        nickname: None for one without.
        settings: see ``VsSettings``, and ``SlotSettings`` for its share in the parent.
        rules: by phase, rules that must be attached, in this order; others stay.
        match_rules: the same for the rules that send requests to it.
        real_servers: those that must be in it; others stay.
        features: as for a service.
    """

    nickname: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[Phase, Sequence[str]] = field(default_factory=dict)
    match_rules: Sequence[str] = ()
    real_servers: Sequence[RealServerSpec] = ()
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServiceSpec:
    """A virtual service.

    Attributes:
        ref: protocol, address and port.
        settings: see ``VsSettings``.
        rules: by phase, rules that must be attached, in this order; others stay.
        real_servers: those that must be in it; others stay.
        sub_services: those that must be in it; others stay.
        features: settings of ``waf_tuning`` and ``pre_authentication``, by keyword; what is
            left out stays.
    """

    ref: VsRef
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[Phase, Sequence[str]] = field(default_factory=dict)
    real_servers: Sequence[RealServerSpec] = ()
    sub_services: Sequence[SubVsSpec] = ()
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Kind(str, Enum):
    """What a change is about."""

    HEALTH_CHECKS = "health_checks"
    ADAPTIVE_CHECK = "adaptive_check"
    PARAMETER = "parameter"
    RULE = "rule"
    SERVICE = "service"
    SUB_SERVICE = "sub_service"
    SERVER = "server"
    ATTACHMENT = "attachment"
    ACCESS_ENTRY = "access_entry"
    FEATURE = "feature"
    INTERFACE = "interface"
    ADDRESS = "address"
    ROUTE = "route"
    HOSTS_ENTRY = "hosts_entry"
    CLIENT_LIMIT = "client_limit"
    LIMIT_RULE = "limit_rule"
    CIPHER_SET = "cipher_set"
    USER_GROUP = "user_group"
    USER = "user"
    LDAP_ENDPOINT = "ldap_endpoint"
    SSO_DOMAIN = "sso_domain"
    WAF = "waf"
    GEO = "geo"
    GEO_LOCATION = "geo_location"
    GEO_RANGE = "geo_range"
    GEO_CLUSTER = "geo_cluster"
    GEO_FQDN = "geo_fqdn"
    GEO_SITE = "geo_site"
    GEO_RECORD = "geo_record"


class Action(str, Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, as it is and as it is to be; plain values."""

    field: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.field}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one thing. Equal to another that does the same.

    Attributes:
        name: of the thing: ``tcp/10.0.1.250:80``, ``tcp/10.0.1.250:80 10.0.1.11:80``, ...
        differences: fields before and after; for a new thing, those asked for.
        guarded: it can cut off whoever makes it, so it is made only where it is allowed by name.
        run: makes the change and reads it back.
    """

    kind: Kind
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()
    guarded: bool = False
    run: Callable[[Managers], object] = field(repr=False, compare=False)

    def __str__(self) -> str:
        fields = "; ".join(map(str, self.differences))
        said = f"{self.action.value} {self.kind.value} {self.name}"
        return f"{said}: {fields}" if fields else said


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Everything was as it is to be; nothing was sent that changes anything."""

    @property
    def changes(self) -> tuple[Change, ...]:
        return ()

    @property
    def differences(self) -> tuple[Difference, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed, or would be.

    Attributes:
        changes: in the order in which they are made.
        applied: False after a dry run.
    """

    changes: tuple[Change, ...]
    applied: bool = True

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The fields of all changes."""
        return tuple(one for change in self.changes for one in change.differences)


Result = Changed | Unchanged


def bring_about(
    hands: Managers,
    plan: Callable[[], Sequence[Change]],
    changes: Sequence[Change],
    *,
    on_change: Callable[[Change], None] = lambda _: None,
) -> Result:
    """Make changes and look again. Changes the device.

    Args:
        hands: what makes them.
        plan: reads the appliance and returns what is still to be changed.
        changes: what it returned before.
        on_change: told of each change after it was made and read back.

    Raises:
        KempError: of the change that failed; those before it were made.
        WriteNotApplied: all were made, and something is different still.
    """
    if not changes:
        return Unchanged()
    made: list[Change] = []
    left = tuple(changes)
    # One change can undo another: a new type of service drops body rules, for instance.
    for _ in range(2):
        for one in left:
            one.run(hands)
            made.append(one)
            on_change(one)
        left = tuple(plan())
        if not left:
            return Changed(tuple(made))
    wrong = [
        FieldDifference(f"{one.name} {each.field}", each.after, each.before)
        for one in left
        for each in one.differences or (Difference(one.action.value, False, True),)
    ]
    raise WriteNotApplied(
        f"{left[0].name}: still different after it was changed: {describe(wrong)}",
        differences=wrong,
        target=left[0].name,
    )


def plain_value(value: object) -> object:
    """Return a value as YAML and JSON can hold it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [plain_value(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(map(plain_value, value), key=str)
    return value
