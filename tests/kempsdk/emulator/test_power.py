"""Firmware, reboot and power: what the SDK's client sees, and what a pair makes of it."""

from collections.abc import Callable, Iterator

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import ControlPort, HighAvailabilityPair, RemoteControl, Switches
from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.errors import CommandRejected, KempError, RateLimited, Unreachable
from kempsdk.references import VsRef
from tests import patience
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire

WEB = VsRef.parse("tcp/10.0.1.250:80")
AWAY_S = 0.5


@pytest.fixture
def box() -> Iterator[VirtualLoadMaster]:
    switches = Switches(rate_limit=False, reboot_s=AWAY_S)
    with VirtualLoadMaster(switches=switches, health="down") as box:
        yield box


@pytest.fixture(params=["v1", "v2"])
def lm(box: VirtualLoadMaster, request: pytest.FixtureRequest) -> Iterator[LoadMaster]:
    with box.client(api=request.param, timeout=5) as lm:
        yield lm


def until(condition: Callable[[], bool]) -> None:
    patience.until(condition, within_s=20)


def answers(lm: LoadMaster) -> bool:
    try:
        lm.system.identity()
    except Unreachable:
        return False
    return True


def test_new_firmware_runs_after_the_reboot(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    before = lm.system.identity()
    with pytest.raises(CommandRejected):
        lm.system.previous_version()
    with pytest.raises(CommandRejected):
        lm.system.restore_previous_firmware(confirm="lb100")
    with pytest.raises(CommandRejected, match="Invalid patch"):
        lm.system.install_firmware(b"anything", confirm="lb100")
    lm.system.install_firmware(b"\x7fpatch to 7.2.63.1.30000.RELEASE\n", confirm="lb100")
    assert lm.system.identity() == before
    lm.system.reboot(confirm="lb100")
    until(lambda: not box.is_on)
    until(lambda: answers(lm))
    now = lm.system.identity()
    assert now.version == "7.2.63.1.30000.RELEASE"
    assert now.booted_at_s > before.booted_at_s
    assert lm.system.previous_version() == before.version
    lm.system.restore_previous_firmware(confirm="lb100")
    lm.system.reboot(confirm="lb100")
    until(lambda: not box.is_on)
    until(lambda: answers(lm))
    assert lm.system.identity().version == before.version


def test_what_was_switched_off_is_off_until_somebody_comes(
    lm: LoadMaster, box: VirtualLoadMaster
) -> None:
    lm.virtual_services.create(WEB)
    before = lm.system.identity()
    lm.system.shut_down(confirm="lb100")
    until(lambda: not answers(lm))
    with pytest.raises(Unreachable) as refused:
        lm.virtual_services.list()
    # A closed port, and not what a busy appliance does.
    assert not isinstance(refused.value, RateLimited)
    with ControlPort(box) as control:
        RemoteControl(control.url).set_power(True)
        RemoteControl(control.url).set_power(True)
    until(lambda: answers(lm))
    assert lm.system.identity().booted_at_s > before.booted_at_s
    assert [one.ref for one in lm.virtual_services.list()] == [WEB]


def test_a_power_cut_ends_open_connections(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    lm.virtual_services.list()
    box.set_power(False)
    with pytest.raises(KempError):
        lm.virtual_services.list()
    box.set_power(True)
    until(lambda: answers(lm))


def test_the_port_stays_its_own(box: VirtualLoadMaster) -> None:
    url = box.url
    for _ in range(3):
        box.set_power(False)
        box.set_power(True)
    with box.client(timeout=5) as lm:
        until(lambda: answers(lm))
    assert box.url == url


def test_a_reboot_that_takes_no_time(start: Start) -> None:
    wire: Wire = start()
    wire.fresh()
    before = int(wire.v1("get", param="boottime").data[0].text or 0)
    assert wire.v1("reboot").status == 200
    assert int(wire.v1("get", param="boottime").data[0].text or 0) > before
    assert len(wire.v2("listvs").json["VS"]) == 1


def test_the_other_unit_takes_over_and_the_first_comes_back_as_standby() -> None:
    with (
        HighAvailabilityPair(health="down", switches=Switches(rate_limit=False)) as pair,
        pair.client(timeout=5) as lm,
    ):
        lm.virtual_services.create(WEB)
        lm.system.shut_down(confirm="lb100")
        until(lambda: pair.active is pair.second)
        until(lambda: answers(lm))
        assert [one.ref for one in lm.virtual_services.list()] == [WEB]
        assert lm.high_availability.status().takes_writes
        with pytest.raises(ValueError, match="other unit is off"):
            pair.failover()
        # What changes while a unit is off, it learns when it is back.
        lm.virtual_services.delete(WEB)
        pair.set_power(True)
        assert pair.active is pair.second
        with pair.first.client(timeout=5) as first:
            until(lambda: answers(first))
            assert first.virtual_services.list() == ()
            assert not first.high_availability.status().takes_writes
        pair.failover()
        assert lm.virtual_services.list() == ()


def test_a_pair_without_power() -> None:
    with (
        HighAvailabilityPair(health="down", switches=Switches(rate_limit=False)) as pair,
        pair.client(timeout=5) as lm,
    ):
        pair.set_power(False)
        assert pair.active is pair.second
        assert answers(lm)
        pair.set_power(False)
        with pytest.raises(Unreachable):
            lm.virtual_services.list()
        pair.set_power(True)
        until(lambda: answers(lm))
