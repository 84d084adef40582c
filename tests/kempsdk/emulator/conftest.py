from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from kempsdk.emulator import Switches
from kempsdk.emulator.box import VirtualLoadMaster
from tests.kempsdk.emulator.wire import Wire

Start = Callable[..., Wire]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start virtual LoadMasters over plain HTTP, without the rate limit unless asked for."""
    with ExitStack() as stack:

        def run(**options: Any) -> Wire:
            options.setdefault("http", True)
            options.setdefault("health", "down")
            switches: dict[str, Any] = options.pop("switches", {})
            options["switches"] = Switches(**{"rate_limit": False, **switches})
            box = stack.enter_context(VirtualLoadMaster(**options))
            return stack.enter_context(closing(Wire(box)))

        yield run


@pytest.fixture
def wire(start: Start) -> Wire:
    return start()
