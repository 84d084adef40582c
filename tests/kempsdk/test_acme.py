"""Certificates from Let's Encrypt."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.references import VsRef
from kempsdk.secret import Secret
from tests.kempsdk.test_virtual_services import DONE, SHOWN, scripted

REF = VsRef.parse("tcp/10.0.1.250:80")


def test_account(lm: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        lm.acme.account()
    account = lm.acme.register("ops@example.org")
    assert account.email == "ops@example.org"
    assert account.directory is not None
    key = b"-----BEGIN PRIVATE KEY-----"
    assert lm.acme.take_over(key, Secret("s3cret")).id != account.id


def test_certificates(lm: LoadMaster, web: VsRef) -> None:
    assert lm.acme.list() == ()
    lm.acme.register()
    made = lm.acme.request(
        "shop", "shop.example", challenge_service=web, names=["www.shop.example"], key_size=4096
    )
    assert (made.name, made.domain, made.names) == ("shop", "shop.example", ("www.shop.example",))
    assert (made.kind, made.key_size) == ("RSA", 4096)
    assert made.challenge_service == lm.virtual_services.get(web).index
    second = lm.acme.request("cafe", "cafe.example", challenge_service=web, elliptic=True)
    assert second.kind == "ECC"
    assert lm.acme.renew("shop").expires
    lm.acme.delete("shop")
    assert [one.name for one in lm.acme.list()] == ["cafe"]
    for call in (lm.acme.get, lm.acme.renew, lm.acme.delete):
        with pytest.raises(NotFound):
            call("shop")
    with pytest.raises(NotFound):
        lm.acme.request("x", "x.example", challenge_service=VsRef.parse("tcp/10.9.9.9:80"))


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    for domain, more in (
        ("a b", {}),
        ("a.example", {"names": ["-"]}),
        ("a.example", {"names": ["b.example"] * 11}),
        ("a.example", {"key_size": 1024}),
        ("a.example", {"key_size": 2048, "elliptic": True}),
    ):
        with pytest.raises(InvalidRequest):
            lm.acme.request("a", domain, challenge_service=REF, **more)
    assert transport.calls == []


def test_odd_answers() -> None:
    row = {"Identifier": "shop", "DomainName": "shop.example", "KeySize": "2048"}
    lm, _ = scripted(
        showvs=[SHOWN],
        listlecert=[{"Data": [row]}],
        addlecert=[DONE],
        dellecert=[DONE],
        registerleaccount=[DONE],
        leaccountinfo=[{"Data": {"AccountID": "7", "AccountEmail": "other@example.org"}}],
    )
    with pytest.raises(WriteNotApplied):
        lm.acme.request("cafe", "cafe.example", challenge_service=REF)
    with pytest.raises(WriteNotApplied):
        lm.acme.delete("shop")
    with pytest.raises(WriteNotApplied, match="email"):
        lm.acme.register("ops@example.org")
    lm, _ = scripted(listlecert=[{"Data": [{"Who": "x"}]}], leaccountinfo=[{}])
    with pytest.raises(BadAnswer):
        lm.acme.list()
    with pytest.raises(BadAnswer):
        lm.acme.account()
