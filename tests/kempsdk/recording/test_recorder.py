"""Recording a client: everything it sees is in the file, and nothing it must not show."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kempsdk import (
    ApiKey,
    BadAnswer,
    InvalidRequest,
    KempError,
    LoadMaster,
    OutcomeUnknown,
    Password,
    Pin,
    RateLimited,
    VsRef,
)
from kempsdk.auth import Auth
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.recording import Closed, ReplayClock, SecretLeft, Tape, read_file, record, replay
from kempsdk.recording.scrubbing import Scrubber

WEB = VsRef.parse("tcp/10.20.30.40:80")
USER_PASSWORD = "Tr0ub4dor&3 <é>"


@pytest.fixture(scope="module")
def box() -> Iterator[VirtualLoadMaster]:
    with VirtualLoadMaster(
        health="up", password=USER_PASSWORD, switches=Switches(rate_limit=False)
    ) as box:
        yield box


def _client(box: VirtualLoadMaster, auth: Auth, api: str) -> LoadMaster:
    return LoadMaster(
        box.url,
        auth,
        "v1" if api == "v1" else "v2",
        Pin(box.fingerprint),
        clock=ReplayClock(),
    )


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_what_was_recorded_can_be_replayed(
    box: VirtualLoadMaster, api: str, tmp_path: Path
) -> None:
    def use(lm: LoadMaster) -> object:
        made = lm.virtual_services.create(WEB, nickname="web")
        lm.virtual_services.delete(WEB)
        return made

    with box.client(api=api) as lm, record(lm, tmp_path / "new" / "case") as tape:
        asked = use(lm)
    assert tape.path == tmp_path / "new" / "case.yaml"
    assert len(tape) == len(read_file(tape.path).exchanges) > 1
    with replay(tape.path) as recorded, recorded.client() as lm:
        assert use(lm) == asked


def test_auto_detection_is_recorded_as_it_happened(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client(api="auto") as lm, record(lm, tmp_path / "auto"):
        timers = lm.health_checks.get()
    with replay(tmp_path / "auto") as recorded, recorded.client(api="auto") as lm:
        assert lm.health_checks.get() == timers


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_neither_key_nor_password_is_in_the_file(
    box: VirtualLoadMaster, api: str, tmp_path: Path
) -> None:
    for name, auth in (("key", ApiKey(box.api_key)), ("pass", Password("bal", USER_PASSWORD))):
        with _client(box, auth, api) as lm, record(lm, tmp_path / name) as tape:
            lm.command("listapikeys")
            lm.command("set", {"param": "radiussecret", "value": "pale blue dot"})
            lm.command("set", {"param": "emailuser", "value": f"x{USER_PASSWORD}x"})
        text = tape.path.read_text("utf-8")
        for secret in (box.api_key, "pale blue dot"):
            assert secret not in text
        assert (USER_PASSWORD in text) is (name == "key")
        assert box.url.partition("//")[2] not in text


@pytest.mark.parametrize("api", ["v1", "v2"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.text("abcdefghijkLMNOPQRSTUVWXYZ0123456789", min_size=12, max_size=44),
    password=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=8),
)
def test_no_secret_given_to_the_client_is_in_the_file(
    box: VirtualLoadMaster, api: str, tmp_path: Path, key: str, password: str
) -> None:
    assume(password.strip("* ") == password and not password.isspace())
    auths: list[Auth] = [ApiKey(key), Password("operator", password)]
    for auth in auths:
        with (
            _client(box, auth, api) as lm,
            record(lm, tmp_path / "refused") as tape,
            pytest.raises(KempError),
        ):
            lm.command("userchangelocpass", {"user": "x", "password": password})
        exchanges = read_file(tape.path).exchanges
        assert exchanges
        for text in (tape.path.read_text("utf-8"), repr(exchanges)):
            assert key not in text
            assert password not in text


FAULTS: list[tuple[Callable[[VirtualLoadMaster], None], type[KempError]]] = [
    (lambda box: box.close_before_tls(9), RateLimited),
    (lambda box: box.drop_after_read(1), OutcomeUnknown),
    (lambda box: box.truncate(1), BadAnswer),
    (lambda box: box.html(1), BadAnswer),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_faults_are_recorded_and_come_again(
    fault: Callable[[VirtualLoadMaster], None], kind: type[KempError], api: str, tmp_path: Path
) -> None:
    def use(lm: LoadMaster) -> KempError:
        with pytest.raises(KempError) as raised:
            lm.virtual_services.delete(WEB)
        return raised.value

    with VirtualLoadMaster(health="up") as box:
        fault(box)
        with box.client(api=api, clock=ReplayClock()) as lm, record(lm, tmp_path / "x"):
            first = use(lm)
    with replay(tmp_path / "x") as recorded, recorded.client() as lm:
        again = use(lm)
    assert type(first) is type(again) is kind
    assert first.outcome is again.outcome


def test_an_attempt_without_connection_is_recorded(tmp_path: Path) -> None:
    with VirtualLoadMaster() as box:
        lm = box.client(clock=ReplayClock(), timeout=0.5)
    with lm, record(lm, tmp_path / "x"), pytest.raises(KempError):
        lm.health_checks.get()
    replies = {one.reply for one in read_file(tmp_path / "x").exchanges}
    assert replies == {Closed.NO_CONNECTION}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_the_firmware_is_what_was_recorded_of_it(
    box: VirtualLoadMaster, api: str, tmp_path: Path
) -> None:
    with box.client(api=api) as lm:
        with record(lm, tmp_path / "told"):
            version = lm.system.identity().version
        with record(lm, tmp_path / "silent"):
            lm.health_checks.get()
        with record(lm, tmp_path / "given", firmware="7.2.99"):
            lm.system.identity()
    firmware = [
        read_file(tmp_path / one).provenance.firmware for one in ("told", "silent", "given")
    ]
    assert firmware == [version, "unknown", "7.2.99"]


def test_addresses_on_request(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client() as lm, record(lm, tmp_path / "x", addresses=True) as tape:
        lm.virtual_services.create(WEB)
        lm.virtual_services.delete(WEB)
    assert WEB.address not in tape.path.read_text("utf-8")
    mapped = VsRef.parse("tcp/192.0.2.1:80")
    with replay(tape.path) as recorded, recorded.client() as lm:
        assert lm.virtual_services.create(mapped).ref == mapped
        lm.virtual_services.delete(mapped)


def test_a_text_to_keep_out(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client() as lm, record(lm, tmp_path / "x") as tape:
        tape.keep_out("bigcustomer")
        lm.command("set", {"param": "hostname", "value": "lb1-bigcustomer"})
        lm.parameters.get("hostname")
    text = tape.path.read_text("utf-8")
    assert "bigcustomer" not in text
    assert "lb1-scrubbed" in text


def test_nothing_is_written_when_the_block_fails(box: VirtualLoadMaster, tmp_path: Path) -> None:
    def fail(lm: LoadMaster) -> None:
        with record(lm, tmp_path / "x"):
            lm.health_checks.get()
            raise RuntimeError("script is wrong")

    with box.client() as lm, pytest.raises(RuntimeError, match="script is wrong"):
        fail(lm)
    assert list(tmp_path.iterdir()) == []


def test_recording_ends_with_the_block(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client() as lm:
        with record(lm, tmp_path / "x") as tape:
            lm.health_checks.get()
        lm.health_checks.get()
    assert len(tape) == 1


def test_one_recording_at_a_time(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with (
        box.client() as lm,
        record(lm, tmp_path / "x"),
        pytest.raises(InvalidRequest),
        record(lm, tmp_path / "y"),
    ):
        pass


def test_threads_of_one_client_are_all_recorded(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client(clock=ReplayClock()) as lm, record(lm, tmp_path / "x") as tape:
        threads = [threading.Thread(target=lm.health_checks.get) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(tape) == 8
    with replay(tape.path, order="any") as recorded, recorded.client() as lm:
        threads = [threading.Thread(target=lm.health_checks.get) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()


def test_a_leak_is_refused_and_not_written(
    box: VirtualLoadMaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A scrubber that misses something, as one could in a form nobody thought of.
    monkeypatch.setattr(Scrubber, "text", lambda _self, text: text)

    def leak(lm: LoadMaster) -> None:
        with record(lm, tmp_path / "x"):
            lm.command("set", {"param": "emailuser", "value": box.api_key})

    with box.client() as lm, pytest.raises(SecretLeft) as raised:
        leak(lm)
    assert box.api_key not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_tape_shows_no_secrets(box: VirtualLoadMaster, tmp_path: Path) -> None:
    with box.client() as lm, record(lm, tmp_path / "x") as tape:
        lm.command("listapikeys")
        assert box.api_key not in repr(tape)
    assert isinstance(tape, Tape)
