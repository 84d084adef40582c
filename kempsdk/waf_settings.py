"""What the web application firewall does for all services: its logs, its commercial rules."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, entries, flatten
from kempsdk.errors import FieldDifference, will_not_do
from kempsdk.fields import Number, Switch, Table, Text, Word, compare, field, write_settings
from kempsdk.read_back import check_applied, not_applied
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


class WafLogFormat(str, Enum):
    """How the firewall's log is written."""

    NATIVE = "native"
    JSON = "json"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class WafSettings:
    """The firewall of all services.

    Attributes:
        log_format: of its log.
        logs_sent: whether the log goes to a server, and ``log_server`` which one.
        auto_update: newer commercial rules are downloaded every day.
        auto_install: and installed, at ``install_hour``, 0 to 23.
    """

    log_format: WafLogFormat
    logs_sent: bool
    log_server: str | None
    auto_update: bool
    auto_install: bool
    install_hour: int


class WafChanges(TypedDict, total=False):
    """What can be changed; see ``WafSettings``."""

    log_format: WafLogFormat
    auto_update: bool
    auto_install: bool
    install_hour: int


# The names of the answer are those that a client reads; the vendor's description has none.
WAF_SETTINGS: Final = Table(
    [
        field(
            "logformat",
            "log_format",
            Word(WafLogFormat, default=WafLogFormat.NATIVE, other=WafLogFormat.OTHER),
        ),
        field("remoteloggingenabled", "logs_sent", Switch(), read_only=True),
        field("remoteuri", "log_server", Text(), read_only=True),
        field("autoupdate", "auto_update", Switch()),
        field("autoinstall", "auto_install", Switch()),
        field("installhour", "install_hour", Number(high=23)),
    ]
)
_WRITERS: Final = {
    "log_format": ("setwaflogformat", "logformat"),
    "auto_update": ("setwafautoupdate", "enable"),
    "auto_install": ("setwafautoinstall", "enable"),
    # Counts while installing by itself is on, so it comes after that.
    "install_hour": ("setwafinstalltime", "hour"),
}


class WafControl:
    """The firewall of all services on one LoadMaster: ``lm.waf_settings``. Needs a licence."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self) -> WafSettings:
        """Return the settings."""
        return self._appliance.read("getwafsettings", {}, _read)

    def update(self, **settings: "Unpack[WafChanges]") -> WafSettings:
        """Change some of them and return them as they are now. Changes the device.

        Each takes a call of its own; what is right already is not sent.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            CommandRejected: the appliance refused; those before it are in effect.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        asked: dict[str, object] = dict(settings)
        params = write_settings(WAF_SETTINGS, asked)
        now = self.get()
        for name, (command, param) in _WRITERS.items():
            known = WAF_SETTINGS.by_setting[name]
            if name in asked and not known.kind.same(asked[name], getattr(now, name)):
                self._appliance.write(command, {param: params[known.request]}, target=name)
        now = self.get()
        check_applied("setwaf", "firewall", compare(WAF_SETTINGS, asked, now))
        return now

    def send_logs(self, server: str, user: str, password: str | Secret) -> WafSettings:
        """Send the firewall's log to a server. Changes the device.

        Args:
            server: its address, ``https://logs.example/waf``.
            user: who logs in there.
            password: of that user; cannot be read back.

        Raises:
            InvalidRequest: something is empty; nothing was sent.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the log goes somewhere else.
        """
        plain = password.reveal() if isinstance(password, Secret) else password
        for name, given in (("server", server), ("user", user), ("password", plain)):
            if not given:
                raise will_not_do(name, given, "not empty")
        params: dict[str, ParamValue] = {"remoteuri": server, "username": user, "passwd": plain}
        self._appliance.write("enablewafremotelogging", params, target=server)
        now = self.get()
        if now.log_server != server:
            wrong = FieldDifference("log_server", server, now.log_server)
            raise not_applied("enablewafremotelogging", server, wrong)
        return now

    def keep_logs(self) -> WafSettings:
        """Send the firewall's log nowhere. Changes the device.

        Raises:
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it is still sent.
        """
        self._appliance.write("disablewafremotelogging", {}, target="firewall")
        now = self.get()
        if now.logs_sent:
            still = FieldDifference("logs_sent", False, True)
            raise not_applied("disablewafremotelogging", "firewall", still)
        return now


def _read(tree: Tree) -> WafSettings:
    # v1 has them in an element of their own.
    rows = entries(tree, "WAF")
    row = {name.lower(): value for name, value in flatten(rows[0] if rows else tree).items()}
    if not row.keys() & {one.wire for one in WAF_SETTINGS.fields}:
        raise MalformedAnswer("no settings of the firewall in the answer")
    return WafSettings(**WAF_SETTINGS.read(row))
