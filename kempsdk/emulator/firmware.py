"""What differs between firmware families, as far as recordings of them show it."""

from typing import Final

from kempsdk.emulator.answers import Many, Members, One, Value
from kempsdk.emulator.attributes import Setting
from kempsdk.emulator.switches import Firmware
from kempsdk.emulator.values import words

VERSIONS: Final[dict[Firmware, str]] = {
    "7.1": "7.1.34.3",
    "7.2.50": "7.2.50.0.18765.RELEASE",
    "7.2.54": "7.2.54.12.22642.RELEASE",
}
"""Versions that were seen; that of 7.1 only in the tests of the vendor's Python SDK."""

_NOT_IN_7_1: Final = frozenset(
    words(
        "Layer InterceptMode OwaspOpts BlockingParanoia IPReputationBlocking"
        " ExecutingParanoia AnomalyScoringThreshold PCRELimit JSONDLimit BodyLimit ForceL4"
        " SecurityHeaderOptions SameSite VerifyBearer HTTPReschedule NMatchBodyRules"
        " IsTransparent AllowHTTP2 PassCipher PassSni ChkInterval ChkTimeout ChkRetryCount"
        " Bandwidth ConnsPerSecLimit RequestsPerSecLimit MaxConnsLimit RefreshPersist"
        " ResponseStatusRemap ResponseRemapMsgFormat"
    )
)
_NOT_IN_7_1_STATS: Final = frozenset(
    words(
        "MBtotal MBused MBfree ConnsRateBlocked RequestsRateBlocked MaxConnsBlocked InterceptMode"
    )
)
_NOT_IN_7_1_SERVERS: Final = frozenset(words("DnsName RateLimit Follow Nrules"))


def has_v2(firmware: Firmware) -> bool:
    """Whether there is the second API (beta in 7.2.50)."""
    return firmware != "7.1"


def server_as_shown(members: Members, firmware: Firmware) -> Members:
    """Return what a firmware shows of a server or of a SubVS in its parent."""
    if firmware != "7.1":
        return members
    return [one for one in members if one[0] not in _NOT_IN_7_1_SERVERS]


def service_as_shown(members: Members, firmware: Firmware) -> Members:
    """Return what a firmware shows of a service."""
    if firmware != "7.1":
        return members
    shown: Members = []
    is_parent = any(name == "SubVS" for name, _ in members)
    for name, value in members:
        if name in _NOT_IN_7_1 or (is_parent and name == "EnhancedHealthChecks"):
            continue
        if isinstance(value, Many):
            shown.append((name, Many([server_as_shown(one, firmware) for one in value.items])))
        else:
            shown.append((name, value))
    return shown


def stats_as_shown(members: Members, firmware: Firmware) -> Members:
    """Return what a firmware shows of the counters, and in which order.

    That the counters of limits came with the limits is a guess.
    """
    if firmware != "7.1":
        return members
    given = {name: _without(value, _NOT_IN_7_1_STATS) for name, value in members}
    order = words("CPU Memory Network TPS VStotals Vs Rs")
    return [(name, given[name]) for name in order if name in given]


def _without(value: Value, names: frozenset[str]) -> Value:
    """Leave members out of a group, or of each of many."""
    if isinstance(value, One):
        return One([one for one in value.members if one[0] not in names])
    if isinstance(value, Many):
        return Many([[one for one in row if one[0] not in names] for row in value.items])
    return value


def interface_as_shown(members: Members, firmware: Firmware, *, has_wui: bool) -> Members:
    """Return what a firmware shows of an interface; 7.1 has one word for switches."""
    if firmware != "7.1":
        return members
    shown: Members = [(name, _word(value)) for name, value in members]
    return [*shown, ("AdminWuiEnable", _word(has_wui))]


def _word(value: Value) -> Value:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def adapt_fresh(settings: dict[str, Setting], firmware: Firmware) -> dict[str, Setting]:
    """Give the settings of a service that was just made the defaults of a firmware."""
    if firmware == "7.1":
        settings.update(Transparent=True, SubnetOriginating=False, Idletime=0)
    return settings
