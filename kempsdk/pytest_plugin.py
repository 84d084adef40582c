"""Fixtures for tests of scripts that use kempsdk; pytest finds them when it is installed.

``virtual_loadmaster``, ``loadmaster``: a virtual LoadMaster, new for each test, and a client
of it. ``recorded_loadmaster``: a client of a recording. See the testing guide.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster
    from kempsdk.emulator.box import VirtualLoadMaster

RecordedLoadMaster = Callable[..., "LoadMaster"]

_ERROR = pytest.StashKey[BaseException]()
"""What ended a test before its last line: a failure, or ``pytest.skip``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project say where its recordings are."""
    parser.addini("kemp_recordings", "directory of recordings for recorded_loadmaster", "string")


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker."""
    config.addinivalue_line(
        "markers",
        "virtual_loadmaster(**options): options of kempsdk.emulator.VirtualLoadMaster "
        "for the fixture of that name",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> None:
    """Remember how a test ended, for ``recorded_loadmaster``."""
    if call.when == "call" and call.excinfo is not None:
        item.stash[_ERROR] = call.excinfo.value


@pytest.fixture
def virtual_loadmaster(request: pytest.FixtureRequest) -> "Iterator[VirtualLoadMaster]":
    """A virtual LoadMaster on this machine, without services.

    Servers are taken to be up; ``@pytest.mark.virtual_loadmaster(health="auto")`` and the
    like give other options.
    """
    from kempsdk.emulator import VirtualLoadMaster

    marker = request.node.get_closest_marker("virtual_loadmaster")
    options: dict[str, Any] = {"health": "up", **(marker.kwargs if marker else {})}
    with VirtualLoadMaster(**options) as box:
        yield box


@pytest.fixture
def loadmaster(virtual_loadmaster: "VirtualLoadMaster") -> "Iterator[LoadMaster]":
    """A client of the virtual LoadMaster of this test."""
    with virtual_loadmaster.client() as lm:
        yield lm


@pytest.fixture
def recorded_loadmaster(request: pytest.FixtureRequest) -> Iterator[RecordedLoadMaster]:
    """A function from the name of a recording to a client of it.

    ``recorded_loadmaster("listvs/two-services-v1")``; further arguments as for ``replay``.
    Names are below ``kemp_recordings`` of the pytest configuration, ``fixtures`` by default.
    The test fails if it did not ask for everything that was recorded.
    """
    from kempsdk.recording import replay

    place = request.config.rootpath / (request.config.getini("kemp_recordings") or "fixtures")
    with ExitStack() as opened:

        def open_recording(name: str, **options: Any) -> "LoadMaster":
            box = opened.enter_context(replay(place / name, **options))
            return opened.enter_context(box.client())

        yield open_recording
        error = request.node.stash.get(_ERROR, None)
        if error is not None:
            # What a test that failed had yet to ask for is no news, and would hide why.
            opened.pop_all().__exit__(type(error), error, error.__traceback__)
