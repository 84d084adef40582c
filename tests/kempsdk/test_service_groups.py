"""Settings of services that have a group of their own: pre-authentication, the firewall."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.pre_authentication import PreAuthenticationChanges, PreAuthentications, SameSite
from kempsdk.references import SubVsRef, VsRef
from kempsdk.secret import Secret
from kempsdk.waf_tuning import WafTuningChanges, WafTunings
from tests.kempsdk.test_virtual_services import DONE, SHOWN, scripted

REF = VsRef.parse("tcp/10.0.1.250:80")


def test_keywords_are_the_tables() -> None:
    assert set(PreAuthenticationChanges.__annotations__) == set(PreAuthentications.table.by_setting)
    assert set(WafTuningChanges.__annotations__) == set(WafTunings.table.by_setting)


def test_pre_authentication(lm: LoadMaster, web: VsRef) -> None:
    lm.virtual_services.update(web, esp_enabled=True, input_auth_mode=2)
    fresh = lm.pre_authentication.get(web)
    assert (fresh.sso_domain, fresh.logs, fresh.same_site) == (None, 7, SameSite.SYSTEM)
    now = lm.pre_authentication.update(
        web,
        sso_domain="OFFICE",
        allowed_hosts="mail.example",
        allowed_group_sids=["S-1-5-32-544", "S-1-5-32-545"],
        same_site=SameSite.LAX,
        logs=3,
        warn_of_expiry=True,
        warn_days=7,
        captcha_private_key=Secret("s3cret"),
    )
    assert (now.sso_domain, now.allowed_hosts, now.same_site) == (
        "OFFICE",
        "mail.example",
        SameSite.LAX,
    )
    assert now.allowed_group_sids == ("S-1-5-32-544", "S-1-5-32-545")
    assert (now.logs, now.warn_of_expiry, now.warn_days) == (3, True, 7)
    assert lm.pre_authentication.get(web) == now
    assert lm.pre_authentication.update(web, allowed_hosts=None).allowed_hosts is None
    assert lm.pre_authentication.update(web) == lm.pre_authentication.get(web)


def test_what_is_not_shown_is_not_taken_for_done(lm: LoadMaster, web: VsRef) -> None:
    with pytest.raises(WriteNotApplied, match="sso_domain"):
        lm.pre_authentication.update(web, sso_domain="OFFICE")


def test_tuning_of_the_firewall(lm: LoadMaster, web: VsRef) -> None:
    now = lm.waf_tuning.update(
        web,
        blocking_paranoia=1,
        executing_paranoia=2,
        anomaly_threshold=50,
        body_bytes=2_000_000,
        ip_reputation=True,
        other_content_types=["text/plain", "text/csv"],
    )
    assert (now.executing_paranoia, now.anomaly_threshold) == (2, 50)
    assert (now.body_bytes, now.ip_reputation) == (2_000_000, True)
    assert set(now.other_content_types) == {"text/plain", "text/csv"}
    assert lm.waf_tuning.get(web) == now


def test_a_sub_service_has_its_own(lm: LoadMaster) -> None:
    parent = VsRef.parse("tcp/10.0.1.251:80")
    lm.virtual_services.create(parent)
    first = lm.sub_virtual_services.create(parent, nickname="first").ref
    second = lm.sub_virtual_services.create(parent, nickname="second").ref
    assert lm.waf_tuning.update(first, anomaly_threshold=77).anomaly_threshold == 77
    assert lm.waf_tuning.get(second).anomaly_threshold != 77
    with pytest.raises(NotFound):
        lm.waf_tuning.get(SubVsRef(parent, 99))


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"blocking_paranoia": 5}, "1 to 4"),
        ({"anomaly_threshold": 0}, "1 to 10000"),
        ({"body_bytes": 1000}, "1024"),
        ({"paranoia": 1}, "not a setting here"),
    ],
)
def test_wrong_values_are_not_sent(settings: dict[str, int], hint: str) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match=hint):
        lm.waf_tuning.update(REF, **settings)  # type: ignore[arg-type]  # that is the point
    assert transport.calls == []


def test_odd_answers() -> None:
    lm, _ = scripted(showvs=[{**SHOWN, "BlockingParanoia": "high"}])
    with pytest.raises(BadAnswer):
        lm.waf_tuning.get(REF)
    lm, _ = scripted(showvs=[{**SHOWN, "ESPLogs": 7}], modvs=[DONE])
    with pytest.raises(WriteNotApplied, match="logs: asked 1, got 7"):
        lm.pre_authentication.update(REF, logs=1)
