"""GEO: further records, and what it does for all names."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.geo_parameters import GEO_SETTINGS, GeoSettingsChanges
from kempsdk.geo_records import GeoRecordType
from tests.kempsdk.test_virtual_services import DONE, scripted

NAME = "www.shop.example"


def test_records(lm: LoadMaster) -> None:
    lm.geo_fqdns.create(NAME)
    assert lm.geo_records.list(NAME) == ()
    text = lm.geo_records.add(NAME, GeoRecordType.TXT, "v=spf1 -all")
    mail = lm.geo_records.add(NAME, GeoRecordType.MX, "mail.shop.example", priority=10)
    alias = lm.geo_records.add(NAME, GeoRecordType.CNAME, "other.example")
    assert (text.type, text.data, text.priority) == (GeoRecordType.TXT, "v=spf1 -all", 0)
    assert (mail.data, mail.priority) == ("mail.shop.example", 10)
    assert lm.geo_records.list(NAME) == (text, mail, alias)
    assert lm.geo_records.update(NAME, mail.id, priority=20).priority == 20
    assert lm.geo_records.update(NAME, alias.id, data="new.example").data == "new.example"
    assert lm.geo_records.update(NAME, text.id) == text
    lm.geo_records.delete(NAME, text.id)
    assert len(lm.geo_records.list(NAME)) == 2
    with pytest.raises(NotFound):
        lm.geo_records.get(NAME, text.id)
    with pytest.raises(NotFound):
        lm.geo_records.delete(NAME, text.id)
    with pytest.raises(CommandRejected):
        lm.geo_records.list("other.example")
    # They do not get in the way of the names themselves.
    assert lm.geo_fqdns.get(NAME).name == NAME


def test_wrong_records_are_not_sent() -> None:
    lm, transport = scripted()
    for kind, data, priority in (
        (GeoRecordType.TXT, "", None),
        (GeoRecordType.OTHER, "x", None),
        (GeoRecordType.TXT, "x", 5),
        (GeoRecordType.MX, "x", 65_536),
    ):
        with pytest.raises(InvalidRequest):
            lm.geo_records.add(NAME, kind, data, priority=priority)
    with pytest.raises(InvalidRequest):
        lm.geo_records.update(NAME, 1, data="")
    assert transport.calls == []


def test_odd_records() -> None:
    row = {"Index": 1, "Type": "txt", "RData": "old"}
    fqdn = {"fqdn": {"FullyQualifiedDomainName": "www.", "AdditionalRecord": [row]}}
    lm, _ = scripted(showfqdn=[fqdn], addrr=[DONE], modrr=[DONE], delrr=[DONE])
    with pytest.raises(WriteNotApplied):
        lm.geo_records.add(NAME, GeoRecordType.TXT, "new")
    with pytest.raises(WriteNotApplied, match="data: asked 'new', got 'old'"):
        lm.geo_records.update(NAME, 1, data="new")
    with pytest.raises(InvalidRequest, match="only mail servers"):
        lm.geo_records.update(NAME, 1, priority=1)
    with pytest.raises(WriteNotApplied):
        lm.geo_records.delete(NAME, 1)
    lm, _ = scripted(showfqdn=[{"fqdn": {"AdditionalRecord": [{"Type": "txt"}]}}])
    with pytest.raises(BadAnswer):
        lm.geo_records.list(NAME)


def test_keywords_are_the_table() -> None:
    assert set(GeoSettingsChanges.__annotations__) == set(GEO_SETTINGS.by_setting)


def test_settings_of_all_names(lm: LoadMaster) -> None:
    fresh = lm.geo_parameters.get()
    assert (fresh.check_interval_s, fresh.check_timeout_s, fresh.check_retries) == (120, 20, 2)
    assert fresh.name_server_address is None
    now = lm.geo_parameters.update(
        zone="shop.example",
        contact="ops.shop.example",
        name_server_address="10.0.0.53",
        ttl_s=60,
        client_subnet=False,
        check_interval_s=30,
        check_timeout_s=5,
    )
    assert (now.zone, now.name_server_address, now.ttl_s) == ("shop.example", "10.0.0.53", 60)
    assert (now.client_subnet, now.check_interval_s) == (False, 30)
    now = lm.geo_parameters.update(name_server_address=None, zone=None)
    assert (now.name_server_address, now.zone) == (None, None)
    assert lm.geo_parameters.update() == now
    # The appliance would raise the interval without a word.
    with pytest.raises(InvalidRequest, match="more than 150"):
        lm.geo_parameters.update(check_retries=10, check_timeout_s=15)
    assert lm.geo_parameters.get() == now


def test_a_setting_that_is_not_taken() -> None:
    shown = {"TTL": 10, "CheckInterval": 120, "ConnTimeout": 20, "RetryAttempts": 2}
    lm, _ = scripted(listparams=[shown], modparams=[DONE])
    with pytest.raises(WriteNotApplied, match="ttl_s: asked 20, got 10"):
        lm.geo_parameters.update(ttl_s=20)
    with pytest.raises(InvalidRequest):
        lm.geo_parameters.update(ttl_s=0)
