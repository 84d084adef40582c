"""The clock: NTP and the time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from kempsdk.fields import Number, Table, Text, Word, field
from kempsdk.parameter_groups import Items, ParameterGroup, credential

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.secret import Secret


class NtpKeyType(str, Enum):
    """Digest of NTP keys."""

    SHA1 = "SHA1"
    LEGACY_SHA = "SHA"
    MD5 = "M"
    UNSET = ""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpSettings:
    """How the appliance keeps time. The time itself cannot be set through the API.

    Attributes:
        servers: the first that answers sets the time.
        timezone: in the appliance's own spelling, which is not documented.
        key_id: 1 to 99; 0 where no key is used.
    """

    servers: tuple[str, ...]
    timezone: str | None
    key_id: int
    key_type: NtpKeyType


class NtpChanges(TypedDict, total=False):
    """What can be changed; see ``NtpSettings``.

    ``key_secret`` has at most 40 characters, is read as hexadecimal above 20, and switches
    authentication off when it is empty. It is never read back.
    """

    servers: Sequence[str]
    timezone: str | None
    key_id: int
    key_type: NtpKeyType
    key_secret: "str | Secret | None"


class Ntp(ParameterGroup[NtpSettings]):
    """Time keeping of one LoadMaster: ``lm.ntp``."""

    name = "NTP"
    model = NtpSettings
    table = Table(
        [
            field("timezone", "timezone", Text()),
            field(
                "ntpkeytype",
                "key_type",
                Word(NtpKeyType, default=NtpKeyType.UNSET, other=NtpKeyType.OTHER),
            ),
            field("ntpkeyid", "key_id", Number(low=1, high=99)),
            credential("ntpkeysecret", "key_secret", longest=40),
            field("ntphost", "servers", Items(joiner=" ")),
        ]
    )

    def update(self, **settings: "Unpack[NtpChanges]") -> NtpSettings:
        """Change some of it and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells, except of the secret.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._update(settings)
