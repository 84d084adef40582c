"""LDAP end points."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.ldap_endpoints import LdapSecurity
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_end_points(lm: LoadMaster) -> None:
    assert lm.ldap_endpoints.list() == ()
    made = lm.ldap_endpoints.create(
        "office",
        security=LdapSecurity.LDAPS,
        servers=["10.0.0.5", "10.0.0.6:3269"],
        timeout_s=10,
        admin_user="cn=reader",
        admin_password="s3cret",
    )
    assert (made.name, made.security, made.timeout_s) == ("office", LdapSecurity.LDAPS, 10)
    assert (made.servers, made.admin_user) == (("10.0.0.5", "10.0.0.6:3269"), "cn=reader")
    assert made.revalidation_s == 60
    assert lm.ldap_endpoints.update("office", referrals=3).referrals == 3
    assert lm.ldap_endpoints.update("office") == lm.ldap_endpoints.get("office")
    lm.ldap_endpoints.create("backup")
    assert {one.name for one in lm.ldap_endpoints.list()} == {"office", "backup"}
    with pytest.raises(CommandRejected):
        lm.ldap_endpoints.create("backup")
    lm.ldap_endpoints.delete("backup")
    for call in (lm.ldap_endpoints.get, lm.ldap_endpoints.delete, lm.ldap_endpoints.update):
        with pytest.raises(NotFound):
            call("backup")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest):
        lm.ldap_endpoints.create("of fice")
    with pytest.raises(InvalidRequest, match="5 to 60"):
        lm.ldap_endpoints.update("office", timeout_s=4)
    assert transport.calls == []


def test_odd_answers() -> None:
    row = {"name": "office", "ldaptype": "0", "vinterval": 60, "timeout": 5}
    lm, _ = scripted(
        showldaplist=[{"LDAP": [row]}], modifyldapendpoint=[DONE], deleteldapendpoint=[DONE]
    )
    with pytest.raises(WriteNotApplied, match="timeout_s: asked 9, got 5"):
        lm.ldap_endpoints.update("office", timeout_s=9)
    with pytest.raises(WriteNotApplied):
        lm.ldap_endpoints.delete("office")
    lm, _ = scripted(showldaplist=[{"LDAP": [{"ldaptype": "0"}]}])
    with pytest.raises(BadAnswer):
        lm.ldap_endpoints.list()
