"""Remote syslog: where events of which severity go."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from kempsdk.errors import InvalidRequest
from kempsdk.fields import Number, Switch, Table, Word, field
from kempsdk.parameter_groups import Items, ParameterGroup

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SyslogProtocol(str, Enum):
    """How events travel."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogSettings:
    """Remote syslog. Each level gets events of its severity and worse; a host is in one.

    Attributes:
        emergency, critical, error, warning, notice, info: hosts, at most 10.
        port: on the hosts.
        check_certificate: whether a TLS host must have its name in its certificate.
    """

    emergency: tuple[str, ...]
    critical: tuple[str, ...]
    error: tuple[str, ...]
    warning: tuple[str, ...]
    notice: tuple[str, ...]
    info: tuple[str, ...]
    port: int
    protocol: SyslogProtocol
    check_certificate: bool


class SyslogChanges(TypedDict, total=False):
    """What can be changed; see ``SyslogSettings``. An empty list removes a level's hosts."""

    emergency: Sequence[str]
    critical: Sequence[str]
    error: Sequence[str]
    warning: Sequence[str]
    notice: Sequence[str]
    info: Sequence[str]
    port: int
    protocol: SyslogProtocol
    check_certificate: bool


_LEVELS = {
    "emergency": "syslogemergency",
    "critical": "syslogcritical",
    "error": "syslogerror",
    "warning": "syslogwarn",
    "notice": "syslognotice",
    "info": "sysloginfo",
}
# The vendor's description allows 10 in all in one place and 10 for each level in another.
_MOST = 10


class Syslog(ParameterGroup[SyslogSettings]):
    """Remote syslog of one LoadMaster: ``lm.syslog``."""

    name = "syslog"
    model = SyslogSettings
    table = Table(
        [
            field("syslogport", "port", Number(low=1, high=65535)),
            field(
                "syslogprot",
                "protocol",
                Word(SyslogProtocol, default=SyslogProtocol.UDP, other=SyslogProtocol.OTHER),
            ),
            # Needs TLS, so after the protocol.
            field("syslogcert", "check_certificate", Switch()),
            *(field(wire, name, Items(most=_MOST)) for name, wire in _LEVELS.items()),
        ]
    )

    def update(self, **settings: "Unpack[SyslogChanges]") -> SyslogSettings:
        """Change some of it and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting, a wrong value or a host in two levels;
                nothing was sent.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it; it moves a host that
                was in another level.
        """
        seen: dict[str, str] = {}
        for level in _LEVELS:
            for host in settings.get(level) or ():  # type: ignore[attr-defined]  # a list of texts
                if host in seen:
                    raise InvalidRequest(
                        f"{level}: {host} is in {seen[host]} already; a host is in one level",
                        field=level,
                        value=host,
                    )
                seen[host] = level
        return self._update(settings)
