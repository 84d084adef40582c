"""API keys: against a virtual LoadMaster, and against scripted oddities."""

import logging
import threading

import pytest

from kempsdk.auth import ApiKey, Password
from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import (
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    OutcomeUnknown,
    WriteNotApplied,
)
from kempsdk.permissions import Permission
from kempsdk.secret import Secret
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_a_life(box: VirtualLoadMaster, lm: LoadMaster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert lm.api_keys.list() == (Secret(box.api_key),)
    key = lm.api_keys.create()
    assert lm.api_keys.list() == (Secret(box.api_key), key)
    with box.client(auth=ApiKey(key), clock=FakeClock()) as other:
        assert other.virtual_services.list() == ()
        lm.api_keys.delete(key.reveal())
        with pytest.raises(AuthenticationFailed):
            other.virtual_services.list()
    assert key not in lm.api_keys.list()
    with pytest.raises(CommandRejected) as caught:
        lm.api_keys.delete(key)
    for text in (caplog.text, str(caught.value), repr(lm.api_keys.list())):
        assert key.reveal() not in text
        assert box.api_key not in text


def test_the_key_in_use_is_not_deleted(box: VirtualLoadMaster, lm: LoadMaster) -> None:
    with pytest.raises(InvalidRequest, match="logs in with that key") as caught:
        lm.api_keys.delete(box.api_key)
    assert box.api_key not in repr(vars(caught.value))
    with pytest.raises(InvalidRequest, match="empty"):
        lm.api_keys.delete("")
    assert lm.api_keys.list() == (Secret(box.api_key),)


def test_the_oldest_is_dropped_only_on_request(box: VirtualLoadMaster) -> None:
    with box.client(auth=Password(box.user, box.password), clock=FakeClock()) as lm:
        for _ in range(15):
            lm.api_keys.create()
        with pytest.raises(InvalidRequest, match="16 keys"):
            lm.api_keys.create()
        assert Secret(box.api_key) in lm.api_keys.list()
        newest = lm.api_keys.create(drop_oldest=True)
        keys = lm.api_keys.list()
        assert len(keys) == 16
        assert keys[-1] == newest
        assert Secret(box.api_key) not in keys


def test_the_new_key_is_known_even_if_the_own_one_was_dropped(
    box: VirtualLoadMaster, lm: LoadMaster
) -> None:
    for _ in range(15):
        lm.api_keys.create()
    newest = lm.api_keys.create(drop_oldest=True)
    with pytest.raises(AuthenticationFailed):
        lm.api_keys.list()
    with box.client(auth=ApiKey(newest), clock=FakeClock()) as other:
        assert other.api_keys.list()[-1] == newest


def test_another_users_key(box: VirtualLoadMaster, lm: LoadMaster) -> None:
    lm.users.create("deploy", password="a long password", permissions=[Permission.RULES])
    with box.client(auth=Password("deploy", "a long password"), clock=FakeClock()) as other:
        key = other.api_keys.create()
        with pytest.raises(CommandRejected):
            lm.api_keys.delete(key)
        lm.api_keys.delete(key, user="deploy")
        assert other.api_keys.list() == ()


def test_threads_get_a_key_each(lm: LoadMaster) -> None:
    made: list[Secret] = []
    threads = [threading.Thread(target=lambda: made.append(lm.api_keys.create())) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert len(set(made)) == 5


def test_oddities() -> None:
    lm, _ = scripted(listapikeys=[{"apikeys": ["a"]}], addapikey=[DONE], delapikey=[DONE])
    with pytest.raises(WriteNotApplied, match="keys: asked 'one more'"):
        lm.api_keys.create()
    with pytest.raises(WriteNotApplied, match="still there"):
        lm.api_keys.delete("a")
    lm, transport = scripted(
        listapikeys=[{"apikeys": ["a"]}, {"apikeys": ["a", "b", "c"]}], addapikey=[DONE]
    )
    with pytest.raises(OutcomeUnknown, match="2 API keys are new"):
        lm.api_keys.create()
    assert transport.commands == ["listapikeys", "addapikey", "listapikeys"]
    lm, _ = scripted(listapikeys=[{"keys": ["a"]}])
    with pytest.raises(BadAnswer, match="no API keys"):
        lm.api_keys.list()
