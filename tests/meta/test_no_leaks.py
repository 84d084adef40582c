"""No credential in an error, a log or a representation, whatever goes wrong."""

import logging
import traceback

import pytest

from kempsdk.auth import ApiKey, Auth, Password
from kempsdk.client import LoadMaster
from kempsdk.errors import KempError, as_fields
from kempsdk.transport.tls import Insecure, Pin, Trust, Verify
from tests.fakes.clock import FakeClock
from tests.fakes.wire_server import Action, HangUp, Say, Silence, WireServer

SECRET = "k3yThatNobodyMaySee"
VALUE = "valueThatNobodyMaySee"
ANSWERS: dict[str, Action] = {
    "done": Say(body=b'{"code": 200, "message": "ok", "status": "ok"}'),
    "no": Say(body=b'{"code": 422, "message": "no", "status": "fail"}', status=422),
    "login": Say(body=b"<html>" + SECRET.encode() + b"</html>", status=401),
    "page": Say(body=b"<html>" + SECRET.encode() + b"</html>", content_type="text/html"),
    "elsewhere": Say(status=302, headers={"Location": f"/?apikey={SECRET}"}),
    "cut": Say(body=b"{", length=500, close=True),
    "hang up": HangUp(),
    "silence": Silence(),
}


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("auth", [ApiKey(SECRET), Password("bal", SECRET)], ids=["key", "password"])
@pytest.mark.parametrize("trust", ["pin", "wrong pin", "verify", "insecure"])
@pytest.mark.parametrize("answer", sorted(ANSWERS))
def test_nothing_shows_a_credential(
    api: str, auth: Auth, trust: str, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    with WireServer(ANSWERS[answer]) as server:
        choice: dict[str, Trust] = {
            "pin": Pin(server.certificate.fingerprint),
            "wrong pin": Pin("0" * 64),
            "verify": Verify(),
            "insecure": Insecure(),
        }
        lm = LoadMaster(
            server.url, auth, api=api, tls=choice[trust], timeout=0.3, clock=FakeClock()
        )
        try:
            lm.command("set", {"param": "radiussecret", "value": VALUE})
        except KempError as error:
            shown += [str(error), repr(error), repr(as_fields(error))]
            shown += traceback.format_exception(error)
        lm.close()
        shown += [repr(lm), repr(auth)]
    shown += [record.getMessage() for record in caplog.records]
    shown.append(caplog.text)
    for text in shown:
        assert SECRET not in text
        assert VALUE not in text
    if trust in ("pin", "insecure"):
        # The filter let the rest of the line through: the test looked at something.
        assert any("/access" in record.getMessage() for record in caplog.records) or answer in (
            "hang up",
            "silence",
            "cut",
        )
