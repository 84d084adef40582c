"""The licence, and the initial configuration."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import (
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    Outcome,
)
from kempsdk.licensing import AnalyticsEula, Eula, LicenseModel
from kempsdk.secret import Secret
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_the_licence(lm: LoadMaster) -> None:
    found = lm.licensing.get()
    # Quotes, line ends and doubled blanks are not part of it.
    assert (found.model, found.until) == ("perm", "unlimited")
    assert found.status == "Permanent License"
    assert found.extra


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("online", [True, False])
def test_from_eula_to_password(api: str, online: bool) -> None:
    new = Switches(rate_limit=False, unlicensed=True, licensing_disables_api=False)
    with VirtualLoadMaster(switches=new) as box, box.client(api=api) as lm:
        eula = lm.licensing.read_eula()
        assert "virtual LoadMaster" in eula.text
        assert eula.magic not in repr(eula)
        second = lm.licensing.accept(eula, LicenseModel.PERPETUAL)
        assert second.magic != eula.magic
        with pytest.raises(CommandRejected):
            lm.licensing.license_online("ops@example.org", "s3cret")
        lm.licensing.answer_analytics(second, send=False)
        if online:
            lm.licensing.license_online("ops@example.org", Secret("s3cret"), order_id="42")
        else:
            lm.licensing.license_offline(b"Dear customer,\nbegin 644 x\n...\nend\nYours\n")
        lm.licensing.set_initial_password("correct horse")
        assert lm.virtual_services.list() == ()
        assert "correct" not in str(box.calls)


def test_steps_out_of_order() -> None:
    new = Switches(rate_limit=False, unlicensed=True)
    with VirtualLoadMaster(switches=new) as box, box.client() as lm:
        old = lm.licensing.read_eula()
        lm.licensing.read_eula()
        with pytest.raises(CommandRejected, match="out of sequence"):
            lm.licensing.accept(old, LicenseModel.FREE)
        with pytest.raises(CommandRejected, match="out of sequence"):
            lm.licensing.answer_analytics(AnalyticsEula("", old.magic), send=True)
        with pytest.raises((CommandRejected, AuthenticationFailed, BadAnswer)):
            lm.licensing.set_initial_password("correct horse")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest) as caught:
        lm.licensing.set_initial_password("short")
    assert caught.value.value is None
    for blob in (b"", b"no such words", b"end of what did not begin"):
        with pytest.raises(InvalidRequest):
            lm.licensing.license_offline(blob)
    assert transport.calls == []


def test_odd_answers() -> None:
    lm, _ = scripted(readeula=[{"Eula": "text"}], accepteula=[DONE], licenseinfo=[{}])
    with pytest.raises(BadAnswer, match="no magic"):
        lm.licensing.read_eula()
    with pytest.raises(BadAnswer, match="begin again") as caught:
        lm.licensing.accept(Eula("", "m"), LicenseModel.FREE)
    assert caught.value.outcome is Outcome.UNKNOWN
    with pytest.raises(BadAnswer, match="empty licence"):
        lm.licensing.get()
