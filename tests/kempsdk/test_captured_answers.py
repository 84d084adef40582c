"""Rules and certificates as real appliances showed them."""

from collections.abc import Mapping

import pytest

from kempsdk.auth import ApiKey
from kempsdk.client import LoadMaster
from kempsdk.rule_models import MatchContentRule, MatchType
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from kempsdk.transport.v1 import V1
from tests.fakes.clock import FakeClock
from tests.kempsdk.recordings import recording


class _Captured:
    """A transport that answers each command of v1 with one body."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies
        self._dialect = V1(ApiKey("captured"))

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        body = self._bodies[call.command]
        return self._dialect.read(HttpAnswer(status=200, content_type="text/xml", body=body), call)

    def close(self) -> None:
        """Nothing is open."""


def _client(**names: str) -> LoadMaster:
    bodies = {command: recording(name) for command, name in names.items()}
    return LoadMaster(
        "https://lb.example", ApiKey("key"), clock=FakeClock(), transport=_Captured(bodies)
    )


def test_certificates_of_both_kinds() -> None:
    lm = _client(listcert="listcert-ecc-and-rsa.xml")
    ecc, rsa = lm.certificates.list()
    assert (ecc.name, ecc.key_type, ecc.modulus) == ("ecccert", "ECC", None)
    assert ecc.public_key is not None
    assert ecc.public_key.startswith("MFkwEwYHKoZIzj0C")
    assert (rsa.name, rsa.key_type, rsa.public_key) == ("rsacertificate", "RSA", None)
    assert rsa.modulus is not None
    assert int(rsa.modulus, 16) > 0


@pytest.mark.parametrize("command", ["addrule", "showrule"])
def test_a_new_rule(command: str) -> None:
    names = {"showrule": "addrule-matchcontent.xml", command: "addrule-matchcontent.xml"}
    lm = _client(**names)
    rule = MatchContentRule(name="contentrule", pattern="pattern", match_type=MatchType.REGEX)
    if command == "addrule":
        assert lm.rules.create(rule) == rule
    assert lm.rules.get("contentrule") == rule
    assert lm.rules.get("contentrule").extra == {}


def test_no_rules() -> None:
    assert _client(showrule="showrule-empty.xml").rules.list() == ()
