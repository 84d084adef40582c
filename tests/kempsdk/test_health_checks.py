"""The global timers of the health checks."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import InvalidRequest, WriteNotApplied
from kempsdk.models import HealthCheckTimers
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
