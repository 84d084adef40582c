"""SNMP: who may ask, and where traps go."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from kempsdk.fields import Switch, Table, Text, Word, field
from kempsdk.parameter_groups import Items, ParameterGroup, credential

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret


class SnmpAuthentication(str, Enum):
    """How users of SNMP v3 prove who they are."""

    MD5 = "MD5"
    SHA = "SHA"
    UNSET = ""
    OTHER = "other"


class SnmpPrivacy(str, Enum):
    """How SNMP v3 encrypts."""

    DES = "DES"
    AES = "AES"
    UNSET = ""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpSettings:
    """The SNMP agent.

    Attributes:
        clients: addresses that may ask; empty lets everybody. How the appliance separates
            them is not documented; blanks are a guess.
        v3_user, v3_authentication, v3_privacy: of SNMP v3.
        traps: whether events send traps, to the two sinks.
        traps_from_shared_address: in a pair.
    """

    enabled: bool
    location: str | None
    contact: str | None
    clients: tuple[str, ...]
    v3: bool
    v3_user: str | None
    v3_authentication: SnmpAuthentication
    v3_encrypted: bool
    v3_privacy: SnmpPrivacy
    traps: bool
    trap_sink_v1: str | None
    trap_sink_v2: str | None
    traps_from_shared_address: bool


class SnmpChanges(TypedDict, total=False):
    """What can be changed; see ``SnmpSettings``. Credentials are never read back."""

    enabled: bool
    community: "str | Secret | None"
    location: str | None
    contact: str | None
    clients: Sequence[str]
    v3: bool
    v3_user: str | None
    v3_password: "str | Secret | None"
    v3_authentication: SnmpAuthentication
    v3_encrypted: bool
    v3_privacy_password: "str | Secret | None"
    v3_privacy: SnmpPrivacy
    traps: bool
    trap_sink_v1: str | None
    trap_sink_v2: str | None
    traps_from_shared_address: bool


class Snmp(ParameterGroup[SnmpSettings]):
    """SNMP of one LoadMaster: ``lm.snmp``."""

    name = "SNMP"
    model = SnmpSettings
    table = Table(
        [
            credential("snmpcommunity", "community"),
            field("snmplocation", "location", Text()),
            field("snmpcontact", "contact", Text()),
            field("snmpclient", "clients", Items(joiner=" ")),
            field("snmpv3user", "v3_user", Text()),
            credential("snmpv3userpasswd", "v3_password"),
            field(
                "snmpauthprot",
                "v3_authentication",
                Word(
                    SnmpAuthentication,
                    default=SnmpAuthentication.UNSET,
                    other=SnmpAuthentication.OTHER,
                ),
                request="snmpAuthProt",
            ),
            credential("snmpv3privpasswd", "v3_privacy_password"),
            field(
                "snmpprivprot",
                "v3_privacy",
                Word(SnmpPrivacy, default=SnmpPrivacy.UNSET, other=SnmpPrivacy.OTHER),
                request="snmpPrivProt",
            ),
            field("snmpv3privenable", "v3_encrypted", Switch(), request="snmpV3Privenable"),
            field("snmpv3enable", "v3", Switch(), request="snmpV3enable"),
            # Sinks can be names too.
            field("snmpv1sink", "trap_sink_v1", Text()),
            field("snmpv2sink", "trap_sink_v2", Text()),
            field("snmphatrap", "traps_from_shared_address", Switch(), request="snmpHATrap"),
            field("snmptrapenable", "traps", Switch()),
            # Last: with its clients and credentials in place.
            field("snmpenable", "enabled", Switch()),
        ]
    )

    def update(self, **settings: "Unpack[SnmpChanges]") -> SnmpSettings:
        """Change some of it and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells, except of credentials.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)
