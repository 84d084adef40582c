"""A replay gives what was recorded, and nothing else, and says what does not fit."""

import re
import socket
from pathlib import Path
from typing import Final, NoReturn

import pytest
import requests
import responses

from kempsdk import ApiKey, ClientCert, Insecure, LoadMaster, Password, Pin, Secret, VsRef
from kempsdk.emulator.certificate import self_signed
from kempsdk.recording import (
    InvalidConversation,
    ReplayClock,
    UnmatchedRequest,
    UnusedExchanges,
    replay,
)

FIXTURES: Final = Path(__file__).parents[3] / "fixtures"
DSR: Final = VsRef.parse("tcp/192.0.2.100:80")
WEB: Final = VsRef.parse("tcp/192.0.2.101:80")


def test_three_lines() -> None:
    with replay(FIXTURES / "listvs/two-services-v1") as box, box.client() as lm:
        services = lm.virtual_services.list()
    assert [one.ref for one in services] == [DSR, WEB]


def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with replay(FIXTURES / "listvs/two-services-v2") as box, box.client() as lm:
        assert len(lm.virtual_services.list()) == 2


@pytest.mark.parametrize("tls", [Insecure(), Pin("ab" * 32)])
@pytest.mark.parametrize("auth", [ApiKey("anything"), Password("bal", "anything")])
def test_any_login_and_any_trust_will_do(tls: Insecure | Pin, auth: ApiKey | Password) -> None:
    with (
        replay(FIXTURES / "showhealth/defaults-v2") as box,
        LoadMaster(box.url, auth, api="v2", tls=tls) as lm,
    ):
        assert lm.health_checks.get().retry_count == 2


def test_a_client_certificate_will_do(tmp_path: Path) -> None:
    identity = self_signed("192.0.2.9")
    pem = tmp_path / "client.pem"
    pem.write_bytes(identity.key + identity.certificate)
    with (
        replay(FIXTURES / "showhealth/defaults-v1") as box,
        LoadMaster(box.url, ClientCert(pem)) as lm,
    ):
        assert lm.health_checks.get().retry_count == 2


def test_an_unmatched_call_names_the_nearest() -> None:
    with (
        pytest.raises(UnmatchedRequest) as raised,
        replay(FIXTURES / "showvs/dsr-service-v1") as box,
        box.client() as lm,
    ):
        lm.virtual_services.get(VsRef.parse("tcp/192.0.2.9:80"))
    text = str(raised.value)
    assert "no answer recorded here for: v1 showvs vs=192.0.2.9 port=80 prot=tcp" in text
    assert "nearest is 1: v1 showvs vs=192.0.2.100 port=80 prot=tcp" in text
    assert "vs: recorded 192.0.2.100, sent 192.0.2.9" in text
    assert "port: recorded" not in text


def test_the_nearest_is_the_same_command_first() -> None:
    with (
        pytest.raises(UnmatchedRequest, match=r"next is 1: v1 backup\n.*nearest is 2: v1 delvs "),
        replay(FIXTURES / "restore/all-v1") as box,
        box.client() as lm,
    ):
        lm.virtual_services.delete(WEB)


def test_a_call_too_many() -> None:
    def twice(lm: LoadMaster) -> None:
        lm.virtual_services.list()
        lm.virtual_services.list()

    with (
        pytest.raises(UnmatchedRequest, match="all 1 exchanges are used up, asked for: v1 listvs"),
        replay(FIXTURES / "listvs/empty-v1") as box,
        box.client() as lm,
    ):
        twice(lm)


def test_unused_exchanges_are_listed() -> None:
    expected = re.escape("never asked for:\n  1: v2 listvs")
    with pytest.raises(UnusedExchanges, match=expected), replay(FIXTURES / "listvs/empty-v2"):
        pass


def test_a_failure_that_the_script_swallows_is_raised_at_the_end() -> None:
    def careless(lm: LoadMaster) -> None:
        try:
            lm.virtual_services.list()
        except Exception:  # noqa: BLE001 - what a careless script does
            lm.health_checks.get()

    with (
        pytest.raises(UnmatchedRequest, match="listvs"),
        replay(FIXTURES / "showhealth/defaults-v1") as box,
        box.client() as lm,
    ):
        careless(lm)


def test_the_error_of_the_script_itself_wins() -> None:
    with pytest.raises(ZeroDivisionError), replay(FIXTURES / "listvs/empty-v2"):
        raise ZeroDivisionError


def test_secrets_of_a_call_are_not_in_the_message() -> None:
    with (
        pytest.raises(UnmatchedRequest) as raised,
        replay(FIXTURES / "listvs/empty-v2") as box,
        LoadMaster(box.url, ApiKey("the-key-of-the-client"), api="v2") as lm,
    ):
        lm.command("set", {"param": "radiussecret", "value": "hunter2hunter2"})
    assert "hunter2" not in str(raised.value)
    assert "the-key-of-the-client" not in str(raised.value)


def test_order_is_strict_unless_any_was_asked_for() -> None:
    def twice(lm: LoadMaster) -> None:
        lm.virtual_services.list()
        lm.virtual_services.delete(WEB)

    with (
        pytest.raises(UnmatchedRequest, match="next is 1: v2 delvs"),
        replay(FIXTURES / "delvs/service-v2") as box,
        box.client() as lm,
    ):
        twice(lm)


def test_any_order() -> None:
    with replay(FIXTURES / "restore/all-v2", order="any") as box, box.client() as lm:
        # What the typed delete asks for afterwards stays in its place.
        saved = lm.command("restore", {"type": 15}, body=b"any file").message
        lm.virtual_services.delete(DSR)
        lm.virtual_services.list()
        assert lm.command("backup").file is not None
    assert saved == "Command completed ok"


def test_names_without_case_and_scrubbed_values_match() -> None:
    with replay(FIXTURES / "set/secret-v2") as box, box.client() as lm:
        lm.command("set", {"PARAM": "radiussecret", "Value": "whatever it is today"})
        lm.command("get", {"Param": "radiussecret"})


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_recorded_key_can_be_used(api: str) -> None:
    with replay(FIXTURES / f"delapikey/made-before-{api}") as box, box.client() as lm:
        made = lm.api_keys.create()
        lm.api_keys.delete(made)
        assert lm.api_keys.list() == (Secret("scrubbed1"),)


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_another_recorded_key_is_not_the_recorded_one(api: str) -> None:
    def use_another() -> None:
        with replay(FIXTURES / f"delapikey/made-before-{api}") as box, box.client() as lm:
            lm.api_keys.create()
            lm.api_keys.delete("scrubbed1")

    with pytest.raises(UnmatchedRequest, match="recorded scrubbed2, sent scrubbed1"):
        use_another()


def test_retries_and_pacing_take_no_time() -> None:
    clock = ReplayClock()
    with (
        replay(FIXTURES / "hostile/rate-limit-then-answer-v1") as box,
        box.client(clock=clock) as lm,
    ):
        lm.health_checks.get()
    assert clock.time_s() > 1


def test_two_appliances_at_once() -> None:
    with (
        replay(FIXTURES / "listvs/one-service-v1") as first,
        replay(FIXTURES / "listvs/empty-v2") as second,
        first.client() as one,
        second.client() as other,
    ):
        assert len(one.virtual_services.list()) == 1
        assert len(other.virtual_services.list()) == 0


def test_beside_other_mocks_of_the_same_library() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://cmdb.example/hosts", json=[])
        with replay(FIXTURES / "listvs/empty-v1") as box, box.client() as lm:
            assert requests.get("https://cmdb.example/hosts", timeout=1).json() == []
            assert lm.virtual_services.list() == ()


def test_requests_to_anywhere_else_are_refused() -> None:
    with (
        pytest.raises(UnmatchedRequest, match=r"not for cmdb\.example$"),
        replay(FIXTURES / "listvs/empty-v1"),
    ):
        requests.get("https://cmdb.example/hosts?apikey=x", timeout=1)


def test_requests_that_are_not_the_api_are_refused() -> None:
    with (
        pytest.raises(UnmatchedRequest, match="not a request of the API"),
        replay(FIXTURES / "listvs/empty-v1") as box,
    ):
        requests.get(f"{box.url}/progs/status/logout", timeout=1)


def test_afterwards_requests_are_themselves_again() -> None:
    before = requests.adapters.HTTPAdapter.send
    with replay(FIXTURES / "listvs/empty-v1") as box, box.client() as lm:
        lm.virtual_services.list()
        assert requests.adapters.HTTPAdapter.send is not before
    assert requests.adapters.HTTPAdapter.send is before


def test_a_missing_recording_is_named() -> None:
    with pytest.raises(InvalidConversation, match=r"nothing\.yaml"):
        replay(FIXTURES / "nothing")


@pytest.mark.parametrize("name", ["x" * 100 + "-7.2.63", "Größe 1", "--", "ü"])
def test_a_recording_may_have_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.yaml").write_bytes((FIXTURES / "listvs/empty-v1.yaml").read_bytes())
    with replay(tmp_path / name) as box, box.client() as lm:
        assert lm.virtual_services.list() == ()
