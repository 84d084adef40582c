"""No secret in ``fixtures/``: the recorder takes them out, this looks again, in its own way."""

import base64
import ipaddress
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
import yaml

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
FILES: Final = sorted(path for path in FIXTURES.rglob("*") if path.is_file())

SECRET_NAMES: Final = re.compile(
    r"(?i)(api)?key|api(user|pass)|.*(password|passwd|secret|community|serial|privatekey).*"
)
NOT_SECRET: Final = frozenset({"minpassword", "ssldisablemastersecret", "disablepasswordform"})
HARMLESS: Final = re.compile(r"scrubbed\d+|\**|")
KEYLIKE: Final = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])(?=\w*[A-Z])[A-Za-z0-9]{32,}\b")
PATTERNS: Final = {
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY-----(?!scrubbed0)"),
    "a login": re.compile(r"(?i)authorization|\bbasic [a-z0-9+/]{8}|\bbearer "),
    "a machine's own path": re.compile(r"/(home|root|work|tmp)/"),
}
# What looks like a key and is none: certificates, their public keys, and files in base64,
# which are looked into as well.
CERTIFICATE: Final = re.compile(r"(-----BEGIN CERTIFICATE-----)[\sA-Za-z0-9+/=\\]*")
PUBLIC_KEY: Final = re.compile(r'(<publickey>|"publickey"\s*:\s*")[A-Za-z0-9+/=]+')
FILE: Final = re.compile(r"((?:\"data\"|base64)\s*:\s*(?:\"|\|\s))([\sA-Za-z0-9+/=]+)")
# The answers of "get" and "getall" show these of the virtual LoadMaster.
PUBLIC: Final = frozenset(map(ipaddress.ip_address, ("8.8.8.8", "8.8.4.4", "10.0.0.2")))
RESERVED: Final = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8"),
    )
)


def _named(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a tree with the name it stands under."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _named(one, str(key))
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, name)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield name, str(value)


def _bodies(document: dict[str, object]) -> Iterator[str]:
    for name, text in _named(document):
        if name == "body":
            yield text
            # A download in v2.
            yield from (
                base64.b64decode(one[2]).decode("iso-8859-1") for one in FILE.finditer(text)
            )
        elif name == "base64":
            yield base64.b64decode(text).decode("iso-8859-1")


def _without_what_is_public(text: str) -> str:
    for pattern in (CERTIFICATE, PUBLIC_KEY, FILE):
        text = pattern.sub(r"\1", text)
    return text


def _leaves(body: str) -> Iterator[tuple[str, str]]:
    try:
        yield from _named(json.loads(body))
    except ValueError:
        try:
            root = ElementTree.fromstring(body)  # noqa: S314 - our own files
        except ElementTree.ParseError:
            return  # a hostile one; the patterns look at its text
        for one in root.iter():
            yield one.tag, (one.text or "").strip()
            yield from one.attrib.items()


def test_there_are_fixtures() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_clean(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return
    document = yaml.safe_load(text)
    bodies = list(_bodies(document))
    for where in (text, *bodies):
        for what, pattern in PATTERNS.items():
            assert not pattern.search(where), what
        assert not KEYLIKE.search(_without_what_is_public(where)), "something like an API key"
        for found in re.findall(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])", where):
            _check_address(found)
    leaves = [*_named(document), *(leaf for body in bodies for leaf in _leaves(body))]
    for name, value in leaves:
        if SECRET_NAMES.fullmatch(name) and name.lower() not in NOT_SECRET:
            assert HARMLESS.fullmatch(value), f"a value of {name}"


def _check_address(text: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return
    known = address in PUBLIC or any(address in one for one in RESERVED)
    known = known or address.is_unspecified
    mask_or_version = text.startswith(("255.", "7.2."))
    assert known or mask_or_version, f"address {text}"


@pytest.mark.parametrize(
    "planted",
    [
        "<password>hunter2</password>",
        '{"apikeys": ["a"], "apikey": "b"}',
        '{"serialnumber": 1234567}',
        "-----BEGIN PRIVATE KEY-----\nMIIE",
        '{"data": "' + base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----\nMIIE").decode() + '"}',
        '{"data": "' + base64.b64encode(b"key: " + b"x0A" * 14).decode() + '"}',
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + "x0A" * 14,
        "Authorization: Basic YmFsOnNlY3JldA==",
        "<Addr>10.20.30.40</Addr>",
        "x0A" * 14,
    ],
)
def test_a_planted_secret_is_found(planted: str, tmp_path: Path) -> None:
    path = tmp_path / "planted.yaml"
    path.write_text(yaml.safe_dump({"exchanges": [{"reply": {"body": planted}}]}))
    with pytest.raises(AssertionError):
        test_clean(path)
