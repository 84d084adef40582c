"""High availability: what this unit of a pair is, and how the pair behaves."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.codec import MalformedAnswer
from kempsdk.fields import Number, Switch, Table, Word, field
from kempsdk.interfaces import Interfaces
from kempsdk.parameter_groups import ParameterGroup
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


class HaState(str, Enum):
    """What a unit is at the moment."""

    NOT_CONFIGURED = "HA not configured"
    ACTIVE = "Active"
    STANDBY = "Standby"
    PASSIVE = "Passive"
    UNKNOWN = "unknown"


class HaMode(str, Enum):
    """What a unit is set up as; a number on the wire."""

    SINGLE = "single"
    FIRST = "first"
    SECOND = "second"
    CLOUD = "cloud"
    CLUSTER = "cluster"
    OTHER = "other"


class HaPreference(str, Enum):
    """Which unit becomes active again when it comes back; a number on the wire."""

    NONE = "none"
    FIRST = "first"
    SECOND = "second"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class HaStatus:
    """What the unit that answered is.

    Attributes:
        state: Passive is as it should be in a pair, not set yet in a cloud, and disabled in
            a cluster.
        booted_at_s: seconds since the epoch, by its own clock.
        active_since_s: the same; None on a standby unit.
    """

    state: HaState
    booted_at_s: int
    active_since_s: int | None

    @property
    def takes_writes(self) -> bool:
        """Whether services should be configured here.

        What a standby unit does with a write is not documented; the pair is configured
        through its shared address.
        """
        return self.state in (HaState.ACTIVE, HaState.NOT_CONFIGURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HaSettings:
    """How the pair behaves.

    Attributes:
        mode: takes effect with a reboot; needs partner and shared addresses too, see
            ``Interface``.
        carp: partner check with CARP instead of the old heartbeat; after both have rebooted.
        timeout_s: how long the active unit must be gone, 3 to 15 in steps of 3; None where
            it does not say.
        wait_s: after booting, before it becomes active, 0 to 200.
        virtual_id: tells pairs on one network apart, 1 to 255; 0 where it does not say.
        sync_interface, multicast_interface: numbers of interfaces.
        broadcast: CARP packets go to the broadcast address.
        virtual_mac: the shared address has a MAC address of its own.
        l4_sync: connections live through a switchover. l7_sync: persistence does.
    """

    mode: HaMode
    preferred: HaPreference
    carp: bool
    timeout_s: int | None
    wait_s: int
    virtual_id: int
    sync_interface: int
    multicast_interface: int
    broadcast: bool
    virtual_mac: bool
    l4_sync: bool
    l7_sync: bool
    reboot_on_link_failure: bool


class HaChanges(TypedDict, total=False):
    """What can be changed; see ``HaSettings``."""

    mode: HaMode
    preferred: HaPreference
    carp: bool
    timeout_s: int
    wait_s: int
    virtual_id: int
    sync_interface: int
    multicast_interface: int
    broadcast: bool
    virtual_mac: bool
    l4_sync: bool
    l7_sync: bool
    reboot_on_link_failure: bool


_STEP_S: Final = 3
_SINGLE: Final = ("", "0")


class _Timeout(Number):
    """Seconds, in steps of three on the wire."""

    __slots__ = ()

    # Shadows the table of Number: here it is about one value, not thousands.
    @staticmethod
    def read(raw: object) -> int:
        return int(str(raw)) * _STEP_S

    def write(self, value: object, *, name: str) -> int:
        return super().write(value, name=name) // _STEP_S


class HighAvailability(ParameterGroup[HaSettings]):
    """The pair that a LoadMaster belongs to: ``lm.high_availability``."""

    name = "high availability"
    model = HaSettings
    table = Table(
        [
            field("hastyle", "carp", Switch()),
            field("hatimeout", "timeout_s", _Timeout(low=3, high=15, step=_STEP_S, default=None)),
            field("hawait", "wait_s", Number(high=200)),
            field("havhid", "virtual_id", Number(low=1, high=255)),
            field("haif", "sync_interface", Number()),
            field("mcast", "multicast_interface", Number()),
            field("macglobal", "broadcast", Switch()),
            field("vmac", "virtual_mac", Switch()),
            field("hal4update", "l4_sync", Switch()),
            field("hal7update", "l7_sync", Switch()),
            field("halinkfailreboot", "reboot_on_link_failure", Switch()),
            field(
                # Spelled so on the wire.
                "haprefered",
                "preferred",
                Word(
                    HaPreference,
                    default=HaPreference.NONE,
                    other=HaPreference.OTHER,
                    codes={
                        "0": HaPreference.NONE,
                        "1": HaPreference.FIRST,
                        "2": HaPreference.SECOND,
                    },
                ),
            ),
            # Last: the rest is in place when the unit next boots.
            field(
                "hamode",
                "mode",
                Word(
                    HaMode,
                    default=HaMode.SINGLE,
                    other=HaMode.OTHER,
                    codes={
                        "0": HaMode.SINGLE,
                        "1": HaMode.FIRST,
                        "2": HaMode.SECOND,
                        "3": HaMode.CLOUD,
                        "4": HaMode.CLUSTER,
                    },
                ),
            ),
        ]
    )

    def status(self) -> HaStatus:
        """Return what the unit that answers is now. Three calls.

        Behind the shared address that is the active unit, and after a failover another one.
        """
        state = self._value("hastatus")
        known = {one.value: one for one in HaState}
        active_since_s = self._time("activetime")
        return HaStatus(
            state=known.get(state, HaState.UNKNOWN),
            booted_at_s=self._time("boottime"),
            active_since_s=active_since_s or None,
        )

    def shared_address(self) -> str | None:
        """Return the address that leads to the active unit; None: it is single, or has none.

        Both units say the same. One call, and more in a pair: see ``Interfaces.list``.
        """
        if self._value("hamode") in _SINGLE:
            return None
        found = Interfaces(self._appliance).list()
        return next((one.shared_address for one in found if one.shared_address), None)

    def update(self, **settings: "Unpack[HaChanges]") -> HaSettings:
        """Change how the pair behaves and return it as it is now. Changes the device.

        Each unit of a pair has these settings of its own.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)

    def _time(self, name: str) -> int:
        def read(tree: Tree) -> int:
            try:
                return int(_only(tree, name))
            except ValueError:
                raise MalformedAnswer(f"{name} is not a time") from None

        return self._appliance.read("get", {"param": name}, read, target=name)

    def _value(self, name: str) -> str:
        return self._appliance.read(
            "get", {"param": name}, lambda tree: _only(tree, name), target=name
        )


def _only(tree: Tree, name: str) -> str:
    for key in tree:
        if key.lower() == name:
            return str(tree[key]).strip()
    raise MalformedAnswer("the answer is about another parameter")
