"""Typed groups of global parameters: SNMP, syslog, e-mail, NTP, DNS, gateways, limits."""

from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from kempsdk.client import LoadMaster
from kempsdk.dns import Dns, DnsChanges
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest, WriteNotApplied
from kempsdk.high_availability import HaChanges, HighAvailability
from kempsdk.limits import LimitAnswer, LimitChanges, _Settings
from kempsdk.mail import Mail, MailChanges, MailSecurity
from kempsdk.ntp import Ntp, NtpChanges, NtpKeyType
from kempsdk.parameter_groups import ParameterGroup
from kempsdk.routes import GatewayChanges, Gateways
from kempsdk.secret import Secret
from kempsdk.snmp import Snmp, SnmpAuthentication, SnmpChanges, SnmpPrivacy
from kempsdk.syslog import Syslog, SyslogChanges, SyslogProtocol
from tests.kempsdk.test_virtual_services import DONE, scripted

GROUPS: list[tuple[type[ParameterGroup[Any]], type]] = [
    (Snmp, SnmpChanges),
    (Syslog, SyslogChanges),
    (Mail, MailChanges),
    (Ntp, NtpChanges),
    (Dns, DnsChanges),
    (Gateways, GatewayChanges),
    (HighAvailability, HaChanges),
    (_Settings, LimitChanges),
]


@pytest.mark.parametrize(("group", "changes"), GROUPS)
def test_keywords_models_and_tables_agree(group: type[ParameterGroup[Any]], changes: type) -> None:
    table = group.table
    assert set(changes.__annotations__) == set(table.by_setting)
    assert {one.attribute for one in table.fields if one.attribute} == {
        one.name for one in fields(group.model)
    }
    assert all(one.wire == one.wire.lower() == one.request.lower() for one in table.fields)
    assert get_type_hints(group.model)


@pytest.mark.parametrize(("group", "_changes"), GROUPS)
def test_all_of_them_are_parameters_of_the_catalogue(
    group: type[ParameterGroup[Any]], _changes: type
) -> None:
    from kempsdk.catalogue import find_parameter

    assert [one.request for one in group.table.fields if find_parameter(one.request) is None] == []


def test_snmp(lm: LoadMaster) -> None:
    assert not lm.snmp.get().enabled
    now = lm.snmp.update(
        enabled=True,
        community="s3cret",
        location="rack 7",
        clients=["10.0.0.5", "10.0.0.6"],
        v3=True,
        v3_user="watcher",
        v3_password=Secret("s3cret"),
        v3_authentication=SnmpAuthentication.SHA,
        v3_encrypted=True,
        v3_privacy=SnmpPrivacy.AES,
        trap_sink_v2="10.0.0.9",
    )
    assert (now.enabled, now.location, now.clients) == (True, "rack 7", ("10.0.0.5", "10.0.0.6"))
    assert (now.v3_authentication, now.v3_privacy) == (SnmpAuthentication.SHA, SnmpPrivacy.AES)
    assert now.trap_sink_v2 == "10.0.0.9"
    assert lm.snmp.update(clients=[], location=None).clients == ()
    assert lm.snmp.get().location is None


def test_only_what_differs_is_written(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    lm.syslog.update(port=6514)
    before = len([one for one in box.calls if one.command == "set"])
    lm.syslog.update(port=6514, protocol=SyslogProtocol.UDP)
    assert len([one for one in box.calls if one.command == "set"]) == before


def test_syslog(lm: LoadMaster) -> None:
    now = lm.syslog.update(
        protocol=SyslogProtocol.TLS,
        check_certificate=True,
        critical=["10.0.0.7", "logs.example"],
        info=["10.0.0.8"],
    )
    assert now.critical == ("10.0.0.7", "logs.example")
    assert (now.protocol, now.check_certificate) == (SyslogProtocol.TLS, True)
    assert lm.syslog.update(critical=[]).critical == ()


def test_mail(lm: LoadMaster) -> None:
    now = lm.mail.update(
        enabled=True,
        server="mail.example",
        security=MailSecurity.STARTTLS,
        password="s3cret",
        critical="ops@example.org",
    )
    assert (now.enabled, now.server, now.port) == (True, "mail.example", 25)
    assert (now.security, now.critical) == (MailSecurity.STARTTLS, "ops@example.org")


def test_ntp(lm: LoadMaster) -> None:
    assert lm.ntp.get().servers == ("pool.ntp.org",)
    now = lm.ntp.update(servers=["10.0.0.1", "10.0.0.2"], key_id=7, key_type=NtpKeyType.SHA1)
    assert (now.servers, now.key_id, now.key_type) == (("10.0.0.1", "10.0.0.2"), 7, NtpKeyType.SHA1)
    assert lm.ntp.update(key_secret="ab" * 20) == now


def test_dns(lm: LoadMaster) -> None:
    now = lm.dns.update(hostname="lb7", name_servers=["10.0.0.53"], update_interval_min=5)
    assert (now.hostname, now.name_servers, now.update_interval_min) == ("lb7", ("10.0.0.53",), 5)
    assert lm.dns.get().dnssec is False
    lm.dns.resolve_now()


def test_gateways(lm: LoadMaster) -> None:
    assert lm.gateways.get().ipv4 == "10.0.0.2"
    now = lm.gateways.update(ipv4="10.0.0.1", ipv6="2001:db8::1", strict_source_check=True)
    assert (now.ipv4, now.ipv6, now.strict_source_check) == ("10.0.0.1", "2001:db8::1", True)
    assert lm.gateways.update(ipv6=None).ipv6 is None


def test_limits_on_everything(lm: LoadMaster) -> None:
    now = lm.limits.update_settings(
        connections=80_000, answer=LimitAnswer.TOO_MANY_REQUESTS, client_connections=50
    )
    assert (now.connections, now.client_connections) == (80_000, 50)
    assert now.answer is LimitAnswer.TOO_MANY_REQUESTS
    assert lm.limits.settings() == now


@pytest.mark.parametrize(
    ("group", "settings", "hint"),
    [
        ("snmp", {"clients": "10.0.0.1"}, "a list"),
        ("snmp", {"clients": ["10.0.0.1 10.0.0.2"]}, "without blanks"),
        ("snmp", {"v3_authentication": "md4"}, "MD5, SHA"),
        ("syslog", {"port": 0}, "1 to 65535"),
        ("syslog", {"info": [str(one) for one in range(11)]}, "at most 10"),
        ("syslog", {"info": ["a"], "error": ["a"]}, "one level"),
        ("mail", {"port": 70_000}, "0 to 65535"),
        ("ntp", {"key_id": 100}, "1 to 99"),
        ("dns", {"hostname": "l b"}, "letters"),
        ("dns", {"update_interval_min": 61}, "1 to 60"),
        ("gateways", {"ipv4": "gw"}, "not an IPv4"),
        ("gateways", {"snat": "yes"}, "True or False"),
        ("gateways", {"ipv5": "10.0.0.1"}, "not a setting"),
    ],
)
def test_wrong_values_are_not_sent(group: str, settings: dict[str, object], hint: str) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match=hint):
        getattr(lm, group).update(**settings)
    assert transport.calls == []


def test_a_credential_is_not_in_the_error() -> None:
    lm, _ = scripted()
    with pytest.raises(InvalidRequest) as caught:
        lm.ntp.update(key_secret="x" * 41)
    assert "xxx" not in str(caught.value)
    assert caught.value.value == "********"


def test_what_was_not_stored() -> None:
    lm, _ = scripted(getall=[{}], set=[DONE], get=[{"snmplocation": "rack 1"}])
    with pytest.raises(WriteNotApplied, match="location: asked 'rack 7', got 'rack 1'"):
        lm.snmp.update(location="rack 7")
    lm, _ = scripted(getall=[{}], set=[DONE], get=[{"hostname": "rack 7"}])
    with pytest.raises(BadAnswer, match="another parameter"):
        lm.snmp.update(location="rack 7")
