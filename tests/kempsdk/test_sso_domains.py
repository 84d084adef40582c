"""SSO domains."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.codec import XmlTree, parse_xml
from kempsdk.errors import BadAnswer, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.sso_domains import (
    SSO_DOMAIN,
    LogonFormat,
    SessionLimit,
    SsoProtocol,
    SsoSettings,
    _read,
)
from tests.kempsdk.recordings import recording
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_a_captured_answer() -> None:
    data = parse_xml(recording("showdomain.xml")).find("Success/Data")
    assert data is not None
    (found,) = _read(XmlTree(data))
    assert (found.name, found.protocol) == ("CLIENTDOMAINNAME", SsoProtocol.LDAP_STARTTLS)
    assert (found.session_limit, found.idle_public_s) == (SessionLimit.IDLE, 900)
    assert (found.locked_s, found.kerberos_kdc) == (1800, None)
    assert found.extra["ldap_version"] == "3"


def test_keywords_are_the_table() -> None:
    assert set(SsoSettings.__annotations__) == set(SSO_DOMAIN.by_setting)


def test_domains(lm: LoadMaster) -> None:
    assert lm.sso_domains.list() == ()
    made = lm.sso_domains.create(
        "office",
        protocol=SsoProtocol.RADIUS_AND_LDAPS,
        servers=["10.0.0.5", "10.0.0.6"],
        logon_format=LogonFormat.USER_NAME,
        logon_domain="office.example",
        radius_secret="s3cret",
        failed_logins=5,
        failures_forgotten_s=120,
        locked_s=600,
        session_limit=SessionLimit.DURATION,
        duration_public_s=3600,
    )
    assert (made.name, made.protocol) == ("OFFICE", SsoProtocol.RADIUS_AND_LDAPS)
    assert (made.servers, made.logon_domain) == (("10.0.0.5", "10.0.0.6"), "office.example")
    assert (made.failed_logins, made.locked_s) == (5, 600)
    assert lm.sso_domains.get("Office") == made
    assert lm.sso_domains.update("OFFICE", locked_s=900).locked_s == 900
    with pytest.raises(InvalidRequest, match="below"):
        lm.sso_domains.update("office", locked_s=100)
    lm.sso_domains.unlock_user("office", "ada")
    lm.sso_domains.end_all_sessions("office")
    lm.sso_domains.create("other")
    lm.sso_domains.delete("office")
    assert [one.name for one in lm.sso_domains.list()] == ["OTHER"]
    for call in (lm.sso_domains.get, lm.sso_domains.delete, lm.sso_domains.end_all_sessions):
        with pytest.raises(NotFound):
            call("office")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for name in ("", " office", "x" * 65):
        with pytest.raises(InvalidRequest):
            lm.sso_domains.create(name)
    with pytest.raises(InvalidRequest, match="below"):
        lm.sso_domains.create("office", failures_forgotten_s=600, locked_s=600)
    with pytest.raises(InvalidRequest, match="60 to 604800"):
        lm.sso_domains.update("office", idle_public_s=59)
    assert transport.calls == []


def test_odd_answers() -> None:
    row = {"Name": "OFFICE", "auth_type": "LDAP-LDAPS", "logon_domain": "a"}
    lm, _ = scripted(showdomain=[{"Domain": [row]}], moddomain=[DONE], deldomain=[DONE])
    with pytest.raises(WriteNotApplied, match="logon_domain: asked 'b', got 'a'"):
        lm.sso_domains.update("office", logon_domain="b")
    with pytest.raises(WriteNotApplied):
        lm.sso_domains.delete("office")
    lm, _ = scripted(showdomain=[{"Domain": [{"auth_type": "LDAP-LDAPS"}]}])
    with pytest.raises(BadAnswer):
        lm.sso_domains.list()


def test_two_factors_and_certificates(lm: LoadMaster) -> None:
    made = lm.sso_domains.create(
        "office",
        protocol=SsoProtocol.RADIUS_AND_LDAPS,
        second_servers=["10.0.0.7"],
        second_logon_format=LogonFormat.USER_NAME,
        latin1_logons=True,
        certificate_user="cn=reader",
        certificate_password="s3cret",
        match_security_identities=True,
        match_common_name=True,
        check_as_admin=False,
        idp_exact_certificate=True,
        sp_certificate="useselfsigned",
    )
    assert (made.second_servers, made.second_logon_format) == (
        ("10.0.0.7",),
        LogonFormat.USER_NAME,
    )
    assert (made.latin1_logons, made.certificate_user) == (True, "cn=reader")
    assert (made.match_security_identities, made.match_common_name) == (True, True)
    assert (made.check_as_admin, made.server_side) == (False, False)
    assert (made.idp_exact_certificate, made.sp_certificate) == (True, "useselfsigned")
    assert lm.sso_domains.update("office", server_side=True).server_side is True
    lm.sso_domains.flush_cache()
