"""A virtual LoadMaster and clients of it, over both interfaces."""

from collections.abc import Iterator

import pytest

from kempsdk.auth import ApiKey
from kempsdk.client import LoadMaster
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.references import VsRef
from kempsdk.transport.tls import Pin
from tests.fakes.clock import FakeClock


@pytest.fixture
def box() -> Iterator[VirtualLoadMaster]:
    """A virtual LoadMaster without a call limit: the clients here do not really wait."""
    with VirtualLoadMaster(switches=Switches(rate_limit=False)) as running:
        yield running


@pytest.fixture(params=["v1", "v2"])
def lm(box: VirtualLoadMaster, request: pytest.FixtureRequest) -> Iterator[LoadMaster]:
    """A client of that LoadMaster, over each interface."""
    with LoadMaster(
        box.url,
        ApiKey(box.api_key),
        api=request.param,
        tls=Pin(box.fingerprint),
        clock=FakeClock(),
    ) as client:
        yield client


@pytest.fixture
def web(lm: LoadMaster) -> VsRef:
    """A layer-4 service there."""
    ref = VsRef.parse("tcp/10.0.1.250:80")
    lm.virtual_services.create(ref, nickname="web", force_l4=True)
    return ref
