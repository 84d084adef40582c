"""What differs between firmware families, as far as recordings of them show it."""

from typing import Final

from kempsdk.emulator.answers import Many, Members
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


def adapt_fresh(settings: dict[str, Setting], firmware: Firmware) -> dict[str, Setting]:
    """Give the settings of a service that was just made the defaults of a firmware."""
    if firmware == "7.1":
        settings.update(Transparent=True, SubnetOriginating=False, Idletime=0)
    return settings
