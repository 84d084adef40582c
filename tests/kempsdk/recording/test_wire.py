"""Requests read back from HTTP, without their credentials."""

import base64
import json

import pytest

from kempsdk import ApiKey, Call, Password
from kempsdk.auth import Auth
from kempsdk.recording.wire import Asked, read_request
from kempsdk.transport.dialect import Dialect
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2

KEY = "QmVmb3JlIHRoZSBmaXJzdCBjYWxsIGl0IGlzIG5vdGh"
PASSWORD = "pa:ss wörd"


def _read(dialect: Dialect, call: Call) -> Asked:
    request = dialect.write(call)
    return read_request(request.method, request.target, request.headers, request.body)


@pytest.mark.parametrize("auth", [ApiKey(KEY), Password("bal", PASSWORD)])
@pytest.mark.parametrize("dialect", [V1, V2])
def test_a_call_of_the_client_without_its_credentials(
    dialect: type[V1] | type[V2], auth: Auth
) -> None:
    call = Call(command="logging/df", params={"vs": "192.0.2.1", "Port": 80}, mutates=False)
    asked = _read(dialect(auth), call)
    port = "80" if dialect is V1 else 80
    assert asked.request.command == "logging/df"
    assert asked.request.params == {"vs": "192.0.2.1", "Port": port}
    assert asked.request.api == dialect.name
    assert (KEY if isinstance(auth, ApiKey) else PASSWORD) in asked.secrets
    assert KEY not in repr(asked)
    assert PASSWORD not in repr(asked)


@pytest.mark.parametrize("dialect", [V1, V2])
def test_an_uploaded_file(dialect: type[V1] | type[V2]) -> None:
    call = Call(command="restore", params={"type": "15"}, body=b"\x1f\x8b\x00", mutates=True)
    asked = _read(dialect(ApiKey(KEY)), call)
    assert asked.request.file == b"\x1f\x8b\x00"
    assert asked.request.params == {"type": "15"}


def test_a_long_v1_call_is_a_form() -> None:
    call = Call(command="modvs", params={"vs": "1", "CheckPostData": "ü" * 900}, mutates=True)
    asked = _read(V1(ApiKey(KEY)), call)
    assert asked.request.params == {"vs": "1", "CheckPostData": "ü" * 900}
    assert asked.request.file is None
    assert asked.request.method == "POST"


def test_credentials_in_any_case_and_data_that_is_no_file() -> None:
    body = json.dumps({"cmd": "x", "ApiKey": KEY, "data": "not base64!"}).encode()
    asked = read_request("POST", "/accessv2", {}, body)
    assert asked.request.params == {"data": "not base64!"}
    assert asked.secrets == (KEY,)


def test_an_authorization_of_another_kind_is_a_secret_too() -> None:
    asked = read_request("GET", "/access/listvs?&", {"authorization": "Bearer " + KEY}, None)
    assert asked.secrets == (KEY,)


def test_a_basic_login_is_a_secret_in_both_spellings() -> None:
    pair = base64.b64encode(b"bal:1fourall").decode()
    asked = read_request("GET", "/access/listvs", {"Authorization": f"Basic {pair}"}, b"")
    assert set(asked.secrets) == {"1fourall", pair}


@pytest.mark.parametrize(("target", "body"), [("/progs/status", None), ("/accessv2", b"[]")])
def test_other_requests_are_refused(target: str, body: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"/access/|JSON object"):
        read_request("GET", target, {}, body)
