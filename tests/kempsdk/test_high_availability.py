"""What a unit of a pair is, and how the pair behaves."""

from typing import Literal

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import HighAvailabilityPair, Switches, VirtualLoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest
from kempsdk.high_availability import HaMode, HaPreference, HaState
from tests.kempsdk.test_virtual_services import scripted


def test_a_single_unit(lm: LoadMaster) -> None:
    status = lm.high_availability.status()
    assert status.state is HaState.NOT_CONFIGURED
    assert status.takes_writes
    assert status.active_since_s == status.booted_at_s
    assert lm.high_availability.get().timeout_s is None


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_standby_unit(api: str) -> None:
    with (
        VirtualLoadMaster(switches=Switches(rate_limit=False, standby=True)) as box,
        box.client(api=api) as lm,
    ):
        status = lm.high_availability.status()
    assert (status.state, status.takes_writes) == (HaState.STANDBY, False)
    assert status.active_since_s is None
    assert status.booted_at_s > 0


def test_how_the_pair_behaves(lm: LoadMaster) -> None:
    now = lm.high_availability.update(
        mode=HaMode.FIRST,
        preferred=HaPreference.SECOND,
        timeout_s=9,
        virtual_id=7,
        virtual_mac=True,
        l4_sync=True,
    )
    assert (now.mode, now.preferred) == (HaMode.FIRST, HaPreference.SECOND)
    assert (now.timeout_s, now.virtual_id, now.virtual_mac) == (9, 7, True)
    assert lm.parameters.get("hatimeout") == 3
    assert lm.high_availability.status().state is HaState.NOT_CONFIGURED
    lm.system.reboot(confirm="lb100")
    assert lm.high_availability.status().state is HaState.ACTIVE


@pytest.mark.parametrize("settings", [{"timeout_s": 4}, {"timeout_s": 18}, {"virtual_id": 0}])
def test_out_of_range(settings: dict[str, int]) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest):
        lm.high_availability.update(**settings)  # type: ignore[arg-type]  # a dict of numbers
    assert transport.calls == []


def test_odd_answers() -> None:
    times = [{"activetime": "7"}, {"boottime": "5"}]
    lm, _ = scripted(get=[{"hastatus": "Sleeping"}, *times])
    assert lm.high_availability.status().state is HaState.UNKNOWN
    lm, _ = scripted(get=[{"hastatus": "Active"}, {"activetime": "long ago"}])
    with pytest.raises(BadAnswer):
        lm.high_availability.status()
    lm, _ = scripted(get=[{"hostname": "lb7"}])
    with pytest.raises(BadAnswer):
        lm.high_availability.status()


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_both_units_of_a_pair_name_its_shared_address(api: Literal["v1", "v2"]) -> None:
    with HighAvailabilityPair(http=True, switches=Switches(rate_limit=False)) as pair:
        clients = [one.client(api=api) for one in (pair, pair.first, pair.second)]
        shared = {lm.high_availability.shared_address() for lm in clients}
        serials = {lm.system.serial_number() for lm in clients}
        own = {lm.interfaces.get(0).address for lm in clients}
        for lm in clients:
            lm.close()
    assert shared == {"192.0.2.12"}
    assert own == {"192.0.2.10/24", "192.0.2.11/24"}
    assert len(serials) == 2


def test_a_single_unit_has_no_shared_address(lm: LoadMaster) -> None:
    assert lm.high_availability.shared_address() is None
