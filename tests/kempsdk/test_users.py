"""Local users and remote groups: on a virtual LoadMaster, and scripted oddities."""

import logging

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kempsdk.auth import Password
from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import (
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    WriteNotApplied,
)
from kempsdk.permissions import Account, Permission
from kempsdk.rule_models import MatchContentRule
from kempsdk.secret import Secret
from kempsdk.transport.tls import Pin
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import DONE, scripted

OLD, NEW = "a long password", "another long password"
BOTH = frozenset({Permission.RULES, Permission.BACKUP})


def test_a_users_life(
    box: VirtualLoadMaster, lm: LoadMaster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert lm.users.list() == ()
    made = lm.users.create("deploy", password=OLD)
    assert made == Account(name="deploy")
    assert lm.users.set_permissions("deploy", BOTH).permissions == BOTH
    lm.users.create("second", password=Secret(NEW), permissions=[Permission.GEO])
    assert [one.name for one in lm.users.list()] == ["deploy", "second"]
    with pytest.raises(CommandRejected, match="already exists"):
        lm.users.create("deploy", password=OLD)

    with box.client(auth=Password("deploy", OLD), clock=FakeClock()) as user:
        user.rules.create(MatchContentRule(name="a", pattern="/"))
        lm.users.set_permissions("deploy", [])
        with pytest.raises(PermissionDenied):
            user.rules.delete("a")
        lm.users.set_password("deploy", Secret(NEW))
        with pytest.raises(AuthenticationFailed):
            user.rules.list()
    assert lm.users.get("deploy").permissions == frozenset()

    lm.users.delete("deploy")
    assert [one.name for one in lm.users.list()] == ["second"]
    with pytest.raises(NotFound):
        lm.users.delete("deploy")
    with pytest.raises(NotFound):
        lm.users.set_permissions("deploy", BOTH)
    with pytest.raises(NotFound):
        lm.users.set_password("deploy", OLD)
    assert OLD not in caplog.text
    assert NEW not in caplog.text


def test_users_without_a_password_here(lm: LoadMaster) -> None:
    assert lm.users.create("by_radius", radius=True).name == "by_radius"
    assert lm.users.create("by_certificate").name == "by_certificate"


def test_client_certificates(lm: LoadMaster) -> None:
    lm.users.create("deploy", password=OLD)
    with pytest.raises(CommandRejected):
        lm.users.read_certificate("deploy")
    pem = lm.users.create_certificate("deploy", passphrase="of the key")
    assert lm.users.read_certificate("deploy") == pem
    file = lm.users.download_certificate("deploy")
    certificate = x509.load_pem_x509_certificate(file)
    key = load_pem_private_key(file[file.index(b"-----BEGIN ENCRYPTED") :], b"of the key")
    assert key.public_key() == certificate.public_key()
    lm.users.delete_certificate("deploy")
    with pytest.raises(CommandRejected):
        lm.users.read_certificate("deploy")
    with pytest.raises(NotFound):
        lm.users.create_certificate("nobody")


def test_a_groups_life(lm: LoadMaster) -> None:
    name = "Web Operators + more"
    assert lm.user_groups.list() == ()
    made = lm.user_groups.create(name, permissions=BOTH)
    assert made == Account(name=name, permissions=BOTH)
    assert lm.user_groups.create("b").permissions == frozenset()
    assert lm.user_groups.set_permissions(name, []).permissions == frozenset()
    assert [one.name for one in lm.user_groups.list()] == [name, "b"]
    with pytest.raises(CommandRejected):
        lm.user_groups.create("b")
    lm.user_groups.delete(name)
    with pytest.raises(NotFound):
        lm.user_groups.delete(name)
    with pytest.raises(NotFound):
        lm.user_groups.set_permissions(name, BOTH)


def test_what_is_not_sent() -> None:
    lm, transport = scripted()
    for permissions in (["reboot"], "rules"):
        with pytest.raises(InvalidRequest, match="some of real vs"):
            lm.users.create("deploy", password=OLD, permissions=permissions)  # type: ignore[arg-type] # on purpose
        with pytest.raises(InvalidRequest, match="some of real vs"):
            lm.user_groups.set_permissions("group", permissions)  # type: ignore[arg-type] # on purpose
    with pytest.raises(InvalidRequest, match="needs a name"):
        lm.users.create("")
    with pytest.raises(InvalidRequest, match="RADIUS"):
        lm.users.create("deploy", password=OLD, radius=True)
    with pytest.raises(InvalidRequest, match="empty"):
        lm.users.set_password("deploy", "")
    for name in ("", "a,b", "a!", " a"):
        with pytest.raises(InvalidRequest, match="is not a group's name"):
            lm.user_groups.create(name)
    assert transport.calls == []


def test_all_permissions_are_written_with_commas() -> None:
    rows = {"User": [{"Name": "deploy", "Perms": "real"}]}
    lm, transport = scripted(userlist=[rows], usersetperms=[DONE])
    with pytest.raises(WriteNotApplied, match="permissions: asked 'rules,backup', got 'real'"):
        lm.users.set_permissions("deploy", [Permission.BACKUP, Permission.RULES])
    assert transport.calls[1].params == {"user": "deploy", "perms": "rules,backup"}


@pytest.mark.parametrize(
    "row",
    [
        {"Name": "deploy", "Perms": "rules, backup"},
        {"name": "deploy", "perms": ["backup", "rules"]},
        {"NAME": "deploy", "PERMS": {"Perm": ["rules", "backup"]}},
    ],
)
def test_forms_that_an_answer_may_have(row: dict[str, object]) -> None:
    lm, _ = scripted(userlist=[{"anything": [row]}])
    assert lm.users.list() == (Account(name="deploy", permissions=BOTH),)


def test_words_that_are_not_known_are_kept() -> None:
    lm, _ = scripted(userlist=[{"User": [{"Name": "a", "Perms": "rules fly", "Radius": "no"}]}])
    (found,) = lm.users.list()
    assert found.unknown_permissions == ("fly",)
    assert found.extra == {"radius": "no"}


@pytest.mark.parametrize(
    "answer", [{"User": ["deploy"]}, {"User": [{"Name": ""}]}, {"Name": "a", "Perms": 7}]
)
def test_answers_without_users_are_no_empty_list(answer: dict[str, object]) -> None:
    lm, _ = scripted(userlist=[answer], grouplist=[answer])
    with pytest.raises(BadAnswer):
        lm.users.list()
    with pytest.raises(BadAnswer):
        lm.user_groups.list()


def test_an_answer_nested_without_end_is_no_answer() -> None:
    answer: dict[str, object] = {"a": "x"}
    for _ in range(600):
        answer = {"a": answer}
    lm, _ = scripted(userlist=[answer])
    with pytest.raises(BadAnswer):
        lm.users.list()


def test_things_that_are_not_made_or_stay() -> None:
    rows = {"User": [{"Name": "a"}]}
    lm, _ = scripted(
        userlist=[rows],
        grouplist=[rows],
        useraddlocal=[DONE],
        groupaddremote=[DONE],
        userdellocal=[DONE],
        groupdelremote=[DONE],
    )
    with pytest.raises(WriteNotApplied, match="not there"):
        lm.users.create("b", password=OLD)
    with pytest.raises(WriteNotApplied, match="not there"):
        lm.user_groups.create("b")
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.users.delete("a")
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.user_groups.delete("a")


def test_the_password_of_bal(box: VirtualLoadMaster, lm: LoadMaster) -> None:
    lm.users.set_own_password(box.password, Secret(NEW))
    with LoadMaster(
        box.url, Password("bal", NEW), tls=Pin(box.fingerprint), clock=FakeClock()
    ) as other:
        assert other.users.list() == ()
    with pytest.raises(CommandRejected):
        lm.users.set_own_password("wrong", "a third password")
    with pytest.raises(InvalidRequest):
        lm.users.set_own_password(box.password, "")
