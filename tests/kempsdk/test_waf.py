"""The web application firewall."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import VsRef
from kempsdk.waf import WafFile
from tests.kempsdk.test_virtual_services import DONE, SHOWN, scripted

RULE = "911100"
REF = VsRef.parse("tcp/10.0.1.250:80")


def test_rules_of_a_service(lm: LoadMaster, web: VsRef) -> None:
    assert lm.waf.rule(RULE).enabled is None
    with pytest.raises(CommandRejected):
        lm.waf.rules(web)
    lm.virtual_services.update(web, waf=True, waf_mode=2)
    assert lm.waf.rule(RULE, web).enabled is True
    now = lm.waf.disable_rule(web, RULE)
    assert (now.enabled, now.kind) == (False, "CRS")
    # Only that one, and not all that begin like it.
    assert lm.waf.rule("913100", web).enabled is True
    assert lm.waf.enable_rule(web, RULE).enabled is True
    with pytest.raises(NotFound):
        lm.waf.disable_rule(web, "91")


def test_rule_sets_of_a_service(lm: LoadMaster, web: VsRef) -> None:
    lm.virtual_services.update(web, waf=True, waf_mode=2)
    # Neither core nor part of a set, although its name begins like one.
    lm.waf.upload(WafFile.OWASP_RULE, "913mine.conf", b"SecRule ...")
    lm.waf.enable_rule(web, "913mine")
    off = lm.waf.disable_rule_set(web, "913")
    assert off
    assert all(one.enabled is False and one.id.startswith("913") for one in off)
    assert lm.waf.rule("913mine", web).enabled is True
    assert lm.waf.rule(RULE, web).enabled is True
    on = lm.waf.enable_rule_set(web, "913")
    assert [one.id for one in on] == [one.id for one in off]
    assert all(one.enabled is True for one in on)
    with pytest.raises(NotFound):
        lm.waf.disable_rule_set(web, "999")
    for number in ("", "9", "911100", "abc"):
        with pytest.raises(InvalidRequest, match="three digits"):
            lm.waf.disable_rule_set(web, number)


def test_custom_rules(lm: LoadMaster, web: VsRef) -> None:
    lm.virtual_services.update(web, waf=True, waf_mode=2)
    lm.waf.upload(WafFile.OWASP_RULE, "mine.conf", b"SecRule ...")
    assert lm.waf.download(WafFile.OWASP_RULE, "mine.conf") == b"SecRule ..."
    assert lm.waf.rule("mine", web).enabled is False
    now = lm.waf.enable_rule(web, "mine", run_first=True)
    assert (now.enabled, now.run_first, now.kind) == (True, True, "custom")
    lm.waf.delete(WafFile.OWASP_RULE, "mine.conf")
    with pytest.raises(NotFound):
        lm.waf.download(WafFile.OWASP_RULE, "mine")


@pytest.mark.parametrize("kind", [WafFile.OWASP_DATA, WafFile.LEGACY_DATA])
def test_data_files(lm: LoadMaster, kind: WafFile) -> None:
    lm.waf.upload(kind, "bots.data", b"bot\n")
    lm.waf.upload(kind, "bots.data", b"bot\nspider\n")
    assert lm.waf.download(kind, "bots.data") == b"bot\nspider\n"
    lm.waf.delete(kind, "bots.data")
    with pytest.raises(NotFound):
        lm.waf.download(kind, "bots.data")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for name in ("", "../etc", ".conf", "a b"):
        with pytest.raises(InvalidRequest):
            lm.waf.upload(WafFile.OWASP_RULE, name, b"x")
        with pytest.raises(InvalidRequest):
            lm.waf.delete(WafFile.OWASP_RULE, name)
    with pytest.raises(InvalidRequest, match="empty"):
        lm.waf.upload(WafFile.OWASP_RULE, "a.conf", b"")
    assert transport.calls == []


def test_odd_answers() -> None:
    row = {"Id": RULE, "Type": "CRS", "Enabled": "yes"}
    lm, _ = scripted(showvs=[SHOWN], owasprules=[{"Rule": [row]}, {"Rule": [row]}, DONE, row])
    assert lm.waf.rule(RULE, REF).enabled
    with pytest.raises(WriteNotApplied, match="enabled: asked False, got True"):
        lm.waf.disable_rule(REF, RULE)
    lm, _ = scripted(showvs=[SHOWN], owasprules=[{"Rule": [row]}, DONE, {"Rule": [row]}])
    with pytest.raises(WriteNotApplied, match=f"enabled of {RULE}: asked False, got True"):
        lm.waf.disable_rule_set(REF, RULE[:3])
    lm, _ = scripted(addwafcustomrule=[DONE], downloadwafcustomrule=[{"data": "b3RoZXI="}])
    with pytest.raises(WriteNotApplied, match="content"):
        lm.waf.upload(WafFile.LEGACY_RULE, "a.conf", b"mine")
    lm, _ = scripted(owasprules=[{"Rule": [{**row, "Enabled": "perhaps"}]}])
    with pytest.raises(BadAnswer):
        lm.waf.rules()
