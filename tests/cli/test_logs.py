"""What may stand in a log."""

import logging
from collections.abc import Iterator

import pytest

from cli import logs


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_http_libraries_are_kept_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    logging.getLogger("urllib3.connectionpool").warning("GET /access/listvs?apikey=hush")
    logging.getLogger("kempsdk.client").info("listvs")
    text = capsys.readouterr().err
    assert "listvs" in text
    assert "hush" not in text
    assert "urllib3" not in text


@pytest.mark.parametrize(
    "line", ["?apikey=hush&x=1", '{"apipass": "hush"}', "password=hush", "APIKEY=hush"]
)
def test_what_looks_like_a_credential_is_masked(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    logging.getLogger("anything").info("sent %s", line)
    text = capsys.readouterr().err
    assert "********" in text
    assert "hush" not in text


def test_level_decides(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning")
    logging.getLogger("kempsdk").info("read")
    logging.getLogger("kempsdk").warning("odd")
    text = capsys.readouterr().err
    assert "odd" in text
    assert "read" not in text


def test_level_decides_over_a_logger_with_a_level_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    talkative = logging.getLogger("tests.talkative")
    talkative.setLevel("DEBUG")
    logs.configure("warning")
    talkative.info("read")
    talkative.warning("odd")
    text = capsys.readouterr().err
    assert "odd" in text
    assert "read" not in text
