"""Both interfaces give equal models of the same state: rules, certificates, accounts, ..."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.permissions import Permission
from kempsdk.references import VsRef
from kempsdk.rule_models import AddHeaderRule, MatchContentRule, OnService, Phase
from tests.fakes.certificates import self_signed
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_rules import SIX

WEB = VsRef.parse("tcp/10.0.1.250:80")


def _client(box: VirtualLoadMaster, api: str) -> LoadMaster:
    return box.client(api=api, clock=FakeClock())


def _fill(lm: LoadMaster) -> None:
    made = self_signed("first.test")
    file = made.cert.read_bytes() + made.key.read_bytes()
    lm.virtual_services.create(WEB, nickname="shop")
    for rule in SIX:
        lm.rules.create(rule)
    lm.rule_attachments.attach(OnService(WEB, Phase.RESPONSE_BODY), "body")
    lm.certificates.add("first", file)
    lm.intermediate_certificates.add("ca", made.cert.read_bytes())
    lm.cipher_sets.set("Mine", ["ECDHE-RSA-AES256-GCM-SHA384"])
    lm.templates.upload(lm.templates.export(WEB))
    lm.api_keys.create()
    lm.users.create("deploy", password="a long password", permissions=[Permission.GEO])
    lm.users.create_certificate("deploy")
    lm.user_groups.create("Web Operators", permissions=[Permission.RULES, Permission.BACKUP])


READS: dict[str, Callable[[LoadMaster], object]] = {
    "rules": lambda lm: lm.rules.list(),
    "rule": lambda lm: lm.rules.get("images"),
    "attachments": lambda lm: lm.rule_attachments.list(OnService(WEB, Phase.RESPONSE_BODY)),
    "certificates": lambda lm: lm.certificates.list(),
    "certificate": lambda lm: lm.certificates.read_pem("first"),
    "intermediates": lambda lm: lm.intermediate_certificates.list(),
    "intermediate": lambda lm: lm.intermediate_certificates.read_pem("ca"),
    "cipher set": lambda lm: lm.cipher_sets.get("Mine"),
    "templates": lambda lm: lm.templates.list(),
    "template": lambda lm: lm.templates.export(WEB),
    "API keys": lambda lm: lm.api_keys.list(),
    "users": lambda lm: lm.users.list(),
    "user certificate": lambda lm: lm.users.read_certificate("deploy"),
    "user file": lambda lm: lm.users.download_certificate("deploy"),
    "groups": lambda lm: lm.user_groups.list(),
}


def test_every_read(box: VirtualLoadMaster) -> None:
    with _client(box, "v1") as v1, _client(box, "v2") as v2:
        _fill(v1)
        for name, read in READS.items():
            found = read(v1)
            assert found, name
            assert found == read(v2), name


_TEXT = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["C", "Z"]),
    min_size=1,
    max_size=40,
)
_FLAGS = st.integers(0, 9)
_RULES = st.builds(
    MatchContentRule,
    name=st.just("a"),
    pattern=_TEXT,
    header=_TEXT | st.just(""),
    negate=st.booleans(),
    must_fail=st.booleans(),
    set_flag=_FLAGS,
    only_on_flag=_FLAGS,
)
_HEADERS = st.builds(
    AddHeaderRule,
    name=st.just("b"),
    header=_TEXT,
    # Blanks count in what is written, also at the ends.
    value=st.builds("{} {} ".format, _TEXT, _TEXT) | st.just(""),
    only_on_no_flag=_FLAGS,
)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_any_rule_comes_back_as_it_was_written(box: VirtualLoadMaster, api: str) -> None:
    with _client(box, api) as lm:
        lm.rules.create(MatchContentRule(name="a", pattern="/"))
        lm.rules.create(AddHeaderRule(name="b", header="X"))

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(_RULES | _HEADERS)
        def check(rule: MatchContentRule | AddHeaderRule) -> None:
            assert lm.rules.replace(rule) == rule

        check()
