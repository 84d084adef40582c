"""The web application firewall of all services."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, InvalidRequest, WriteNotApplied
from kempsdk.secret import Secret
from kempsdk.waf_settings import WAF_SETTINGS, WafChanges, WafLogFormat
from tests.kempsdk.test_virtual_services import DONE, scripted

SHOWN = {"AutoUpdate": False, "AutoInstall": False, "InstallHour": 4, "LogFormat": "native"}


def test_keywords_are_the_table() -> None:
    assert set(WafChanges.__annotations__) == set(WAF_SETTINGS.by_setting)


def test_settings(lm: LoadMaster) -> None:
    now = lm.waf_settings.update(
        log_format=WafLogFormat.JSON, auto_update=True, auto_install=True, install_hour=3
    )
    assert (now.log_format, now.auto_update, now.auto_install) == (WafLogFormat.JSON, True, True)
    assert now.install_hour == 3
    now = lm.waf_settings.send_logs("https://logs.example/waf", "waf", Secret("s3cret"))
    assert (now.logs_sent, now.log_server) == (True, "https://logs.example/waf")
    now = lm.waf_settings.keep_logs()
    assert (now.logs_sent, now.log_server) == (False, None)


def test_what_is_right_already_is_not_sent() -> None:
    lm, transport = scripted(getwafsettings=[SHOWN], setwafautoupdate=[DONE])
    with pytest.raises(WriteNotApplied, match="auto_update"):
        lm.waf_settings.update(auto_update=True, install_hour=4)
    assert transport.commands == ["getwafsettings", "setwafautoupdate", "getwafsettings"]


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest):
        lm.waf_settings.update(install_hour=24)
    for server, user, password in (("", "u", "p"), ("s", "", "p"), ("s", "u", "")):
        with pytest.raises(InvalidRequest):
            lm.waf_settings.send_logs(server, user, password)
    assert transport.calls == []


def test_odd_answers() -> None:
    lm, _ = scripted(
        getwafsettings=[{**SHOWN, "RemoteLoggingEnabled": True, "RemoteURI": "https://other"}],
        enablewafremotelogging=[DONE],
        disablewafremotelogging=[DONE],
    )
    with pytest.raises(WriteNotApplied):
        lm.waf_settings.send_logs("https://logs.example", "waf", "s3cret")
    with pytest.raises(WriteNotApplied):
        lm.waf_settings.keep_logs()
    lm, _ = scripted(getwafsettings=[{"Rules": 3}])
    with pytest.raises(BadAnswer):
        lm.waf_settings.get()
