"""Global parameters, one by one and in groups."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.codec import texts
from kempsdk.mail import MailSecurity
from kempsdk.ntp import NtpKeyType
from kempsdk.recording.cases.case import case, raw
from kempsdk.recording.cases.material import PASSWORD
from kempsdk.snmp import SnmpAuthentication, SnmpPrivacy
from kempsdk.syslog import SyslogProtocol

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster


def _listed(lm: "LoadMaster") -> list[str]:
    found = lm.command("listapi").data["commands"]
    names = texts(found["cmd"] if isinstance(found, Mapping) else found)
    # v2 has a dot where v1 has a slash.
    return [one.replace("/", ".") for one in names]


CASES: Final = (
    case(
        "get/kinds-of-values",
        *[
            lambda lm, name=name: lm.parameters.get(name)
            for name in ("Hostname", "version", "finalpersist", "sshaccess", "nameserver")
        ],
    ),
    case("get/unknown", lambda lm: lm.parameters.get("nosuchparameter")),
    # The client would not send this.
    case("get/param-missing", raw("get")),
    case(
        "set/drain-time",
        lambda lm: lm.parameters.set("finalpersist", 120),
        lambda lm: lm.parameters.set("dropatdrainend", value=True),
    ),
    case("set/secret", lambda lm: lm.parameters.set("radiussecret", PASSWORD)),
    case("getall/defaults", lambda lm: dict(lm.parameters.list())),
    case(
        "set/snmp",
        lambda lm: lm.snmp.update(
            enabled=True,
            community=PASSWORD,
            location="rack 7",
            clients=["192.0.2.5", "192.0.2.6"],
            v3_authentication=SnmpAuthentication.SHA,
            v3_privacy=SnmpPrivacy.AES,
        ),
    ),
    case(
        "set/syslog",
        lambda lm: lm.syslog.update(
            protocol=SyslogProtocol.TLS, critical=["192.0.2.7", "logs.example"], info=["192.0.2.8"]
        ),
    ),
    case(
        "set/mail",
        lambda lm: lm.mail.update(
            enabled=True,
            server="mail.example",
            security=MailSecurity.STARTTLS,
            password=PASSWORD,
            critical="ops@shop.example",
        ),
    ),
    case(
        "set/ntp",
        lambda lm: lm.ntp.update(
            servers=["192.0.2.1"], key_id=7, key_type=NtpKeyType.SHA1, key_secret=PASSWORD
        ),
    ),
    case("listapi/all", _listed, grows=True),
)
