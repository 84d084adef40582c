"""Whatever the HTTP libraries raise, now or in a later version, must not get out."""

import http.client
import inspect
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import urllib3

from kempsdk.auth import ApiKey
from kempsdk.errors import KempError, Outcome, OutcomeUnknown, Unreachable
from kempsdk.transport.call import Call
from kempsdk.transport.connections import PROGRESS, Stage
from kempsdk.transport.detection import WireTransport
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.tls import Insecure
from tests.fakes.clock import FakeClock

SECRET = "k3yThatNobodyMaySee"


def _classes(module: Any) -> Iterator[type[Exception]]:
    for _, one in inspect.getmembers(module, inspect.isclass):
        if issubclass(one, Exception) and not issubclass(one, Warning):
            yield one


CLASSES = sorted(
    {
        *_classes(requests.exceptions),
        *_classes(urllib3.exceptions),
        *_classes(http.client),
        *_classes(ssl),
        socket.gaierror,
        TimeoutError,
        ConnectionResetError,
        UnicodeError,
    },
    key=lambda one: f"{one.__module__}.{one.__name__}",
)


def make(kind: type[Exception]) -> Exception:
    # Their constructors differ; what matters is the class.
    error = kind.__new__(kind)
    error.args = (f"https://lb.example/access/listvs?apikey={SECRET}",)
    return error


@pytest.mark.parametrize("kind", CLASSES, ids=lambda one: f"{one.__module__}.{one.__name__}")
@pytest.mark.parametrize("stage", list(Stage))
def test_is_mapped(kind: type[Exception], stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    def fail(*args: object, **kwargs: object) -> None:
        nonlocal sent
        sent += 1
        PROGRESS.stage = stage
        raise make(kind)

    monkeypatch.setattr(requests.Session, "request", fail)
    monkeypatch.setattr("kempsdk.transport.tls.shown_fingerprint", lambda *_, **__: "ab" * 32)
    wire = WireTransport(
        Endpoint("https", "lb.example", 443),
        auth=ApiKey(SECRET),
        api="v1",
        trust=Insecure(),
        timeout_s=5,
        clock=FakeClock(),
    )
    with pytest.raises(KempError) as caught:
        wire.send(Call(command="modvs", mutates=True))
    wire.close()
    error: BaseException | None = caught.value
    if stage is Stage.WRITING:
        assert isinstance(error, OutcomeUnknown)
        assert sent == 1
    else:
        assert isinstance(error, Unreachable)
        assert error.outcome is Outcome.NOT_SENT
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert isinstance(error, KempError)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
