"""What is trusted, and where connections may go."""

from pathlib import Path

import pytest

from kempsdk.auth import ApiKey, ClientCert, Password
from kempsdk.errors import CertificateNotTrusted, InvalidRequest, Unreachable
from kempsdk.secret import Secret
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.tls import (
    Insecure,
    Pin,
    Verify,
    make_context,
    not_trusted,
    shown_fingerprint,
)
from tests.fakes.certificates import self_signed
from tests.fakes.wire_server import Say, WireServer


def test_a_pin_is_read_with_and_without_colons() -> None:
    digits = "ab" * 32
    with_colons = ":".join(["AB"] * 32)
    assert Pin(with_colons) == Pin(digits)
    assert Pin(with_colons).sha256 == digits


@pytest.mark.parametrize("text", ["", "ab" * 20, "zz" * 32])
def test_other_pins_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        Pin(text)


def test_files_that_are_no_certificates_are_refused(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("hello")
    for trust in (Verify(nonsense), Verify(tmp_path / "absent.pem")):
        with pytest.raises(InvalidRequest):
            make_context(trust, None)
    with pytest.raises(InvalidRequest):
        make_context(Insecure(), ClientCert(nonsense))


def test_the_fingerprint_shown() -> None:
    with WireServer(Say()) as server:
        shown = shown_fingerprint("127.0.0.1", server.port, timeout_s=5)
        assert shown == self_signed().fingerprint
    with pytest.raises(Unreachable):
        shown_fingerprint("127.0.0.1", server.port, timeout_s=1)
    error = not_trusted("127.0.0.1", server.port, pinned=True, timeout_s=1)
    assert isinstance(error, CertificateNotTrusted)
    assert error.fingerprint is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://lb.example", "lb.example:443"),
        ("lb.example", "lb.example:443"),
        ("lb.example:9443", "lb.example:9443"),
        ("https://lb.example:9443/", "lb.example:9443"),
        ("https://[2001:db8::1]:9443", "[2001:db8::1]:9443"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]", "[::1]:80"),
        ("http://localhost", "localhost:80"),
    ],
)
def test_addresses(url: str, text: str) -> None:
    assert str(Endpoint.parse(url, allow_http=False)) == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://lb.example",
        "https://",
        "https://bal:s3cret@lb.example",
        "https://lb.example/access",
        "https://lb.example?apikey=s3cret",
        "https://lb.example:many",
        "http://lb.example",
        "http://10.0.0.1",
    ],
)
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Endpoint.parse(url, allow_http=False)
    assert "s3cret" not in str(caught.value)


def test_http_to_others_when_asked_for() -> None:
    assert Endpoint.parse("http://10.0.0.1", allow_http=True).base == "http://10.0.0.1:80"


def test_credentials_are_masked() -> None:
    for auth in (ApiKey("s3cret"), Password("bal", "s3cret"), ApiKey(Secret("s3cret"))):
        assert "s3cret" not in f"{auth} {auth!r}"


def test_empty_credentials_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        ApiKey("")
    with pytest.raises(InvalidRequest):
        Password("bal", "")
    with pytest.raises(InvalidRequest):
        Password("", "s3cret")
    with pytest.raises(InvalidRequest):
        Password("b:al", "s3cret")
