"""The global timers of the health checks."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import InvalidRequest, WriteNotApplied
from kempsdk.models import AdaptiveCheck, HealthCheckTimers
from tests.kempsdk.test_virtual_services import scripted

DEFAULT = {"RetryInterval": 9, "Timeout": 4, "RetryCount": 2}


def test_read_and_change(lm: LoadMaster) -> None:
    assert lm.health_checks.get() == HealthCheckTimers(
        retry_interval_s=9, timeout_s=4, retry_count=2
    )
    now = lm.health_checks.update(retry_interval_s=30, timeout_s=5, retry_count=3)
    assert now == HealthCheckTimers(retry_interval_s=30, timeout_s=5, retry_count=3)
    assert lm.health_checks.get() == now


def test_the_interval_goes_in_a_call_of_its_own() -> None:
    changed = {"RetryInterval": 30, "Timeout": 5, "RetryCount": 2}
    lm, transport = scripted(showhealth=[DEFAULT, changed], modhealth=[changed])
    lm.health_checks.update(retry_interval_s=30, timeout_s=5)
    assert [dict(one.params) for one in transport.calls if one.mutates] == [
        {"Timeout": 5},
        {"RetryInterval": 30},
    ]


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"timeout_s": 3}, "4 to 60"),
        ({"retry_count": 16}, "2 to 15"),
        ({"retry_interval_s": 8}, "9 to 901"),
        ({"retry_interval_s": 20, "timeout_s": 10, "retry_count": 2}, "21 to 120"),
        ({"retry_interval_s": 121}, "9 to 120"),
    ],
)
def test_out_of_range_is_not_written(settings: dict[str, int], hint: str) -> None:
    lm, transport = scripted(showhealth=[DEFAULT])
    with pytest.raises(InvalidRequest, match=hint):
        lm.health_checks.update(**settings)
    assert not any(one.mutates for one in transport.calls)


def test_something_else_was_stored() -> None:
    lm, _ = scripted(showhealth=[DEFAULT], modhealth=[DEFAULT])
    with pytest.raises(WriteNotApplied, match="timeout_s: asked 9, got 4"):
        lm.health_checks.update(timeout_s=9)


def test_the_adaptive_check(lm: LoadMaster) -> None:
    before = lm.health_checks.adaptive()
    assert lm.health_checks.update_adaptive() == before
    now = lm.health_checks.update_adaptive(url="/busy", port=8080, interval_s=10, min_percent=20)
    assert now == AdaptiveCheck(url="/busy", port=8080, interval_s=10, min_percent=20)
    assert lm.health_checks.update_adaptive(min_percent=0).min_percent == 0
    assert lm.health_checks.adaptive().url == "/busy"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"url": "load"}, "begins with /"),
        ({"url": "/" + "x" * 126}, "126"),
        ({"port": 2}, "3 to 65530"),
        ({"interval_s": 0}, "1 to 86400"),
        ({"min_percent": 101}, "0 to 100"),
    ],
)
def test_an_adaptive_check_out_of_range(settings: dict[str, object], hint: str) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match=hint):
        lm.health_checks.update_adaptive(**settings)  # type: ignore[arg-type]  # wrong on purpose
    assert transport.calls == []


def test_an_adaptive_check_that_was_not_stored() -> None:
    shown = {"AdaptiveURL": "/load", "AdaptivePort": 80, "AdaptiveInterval": 7, "MinPercent": 0}
    lm, _ = scripted(showadaptive=[shown], modadaptive=[{}])
    with pytest.raises(WriteNotApplied, match="port: asked 81, got 80"):
        lm.health_checks.update_adaptive(port=81)
