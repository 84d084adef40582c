"""The appliance itself: identity, firmware, power."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest, OutcomeUnknown, Unreachable
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import DONE, scripted


def facts(boottime: int) -> dict[str, object]:
    return {"hostname": "lb100", "version": "7.2.54", "serialnumber": 7, "boottime": boottime}


def test_identity(lm: LoadMaster) -> None:
    found = lm.system.identity()
    assert (found.hostname, found.version[:4]) == ("lb100", "7.2.")
    assert found.serial_number == lm.system.serial_number() != ""
    assert found.booted_at_s > 0


def test_a_reboot_needs_the_right_name(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    for name in ("", "lb1", "LB100"):
        with pytest.raises(InvalidRequest, match="this is 'lb100'"):
            lm.system.reboot(confirm=name)
        with pytest.raises(InvalidRequest):
            lm.system.shut_down(confirm=name)
        with pytest.raises(InvalidRequest):
            lm.system.install_firmware(b"patch", confirm=name)
        with pytest.raises(InvalidRequest):
            lm.system.restore_previous_firmware(confirm=name)
    assert {one.command for one in box.calls} == {"getall"}
    assert lm.system.reboot(confirm="lb100") is None
    assert box.calls[-1].command == "reboot"


def test_waiting_until_it_is_back() -> None:
    clock = FakeClock()
    down = Unreachable("down")
    starting = BadAnswer("503")
    lm, _ = scripted(
        clock,
        getall=[facts(100), facts(100), down, starting, facts(200)],
        # It may go down before it answers.
        reboot=[OutcomeUnknown("no answer")],
    )
    now = lm.system.reboot(confirm="lb100", wait_s=300)
    assert now is not None
    assert now.booted_at_s == 200
    assert clock.monotonic_s() == 1020


def test_it_does_not_come_back() -> None:
    clock = FakeClock()
    lm, _ = scripted(clock, getall=[facts(100)], reboot=[DONE])
    with pytest.raises(OutcomeUnknown, match="not back within 60 s"):
        lm.system.reboot(confirm="lb100", wait_s=60)
    assert clock.monotonic_s() == 1060
    lm, _ = scripted(getall=[facts(100)], reboot=[OutcomeUnknown("no answer")])
    with pytest.raises(OutcomeUnknown, match="no answer"):
        lm.system.reboot(confirm="lb100")


def test_firmware_and_power() -> None:
    lm, transport = scripted(
        getall=[facts(100)],
        installpatch=[DONE],
        restorepatch=[DONE],
        shutdown=[DONE],
        getpreviousversion=[{"PreviousVersion": "7.2.50"}],
    )
    lm.system.install_firmware(b"patch", confirm="lb100")
    lm.system.restore_previous_firmware(confirm="lb100")
    lm.system.shut_down(confirm="lb100")
    assert lm.system.previous_version() == "7.2.50"
    assert [one.command for one in transport.calls if one.mutates] == [
        "installpatch",
        "restorepatch",
        "shutdown",
    ]
    assert next(one.body for one in transport.calls if one.command == "installpatch") == b"patch"
    with pytest.raises(InvalidRequest, match="empty"):
        lm.system.install_firmware(b"", confirm="lb100")


def test_an_appliance_without_a_name_cannot_be_confirmed() -> None:
    lm, _ = scripted(getall=[{**facts(1), "hostname": ""}])
    with pytest.raises(InvalidRequest):
        lm.system.reboot(confirm="")
    lm, _ = scripted(getall=[{"hostname": "lb100"}], getpreviousversion=[{}])
    with pytest.raises(BadAnswer):
        lm.system.identity()
    with pytest.raises(BadAnswer):
        lm.system.previous_version()
