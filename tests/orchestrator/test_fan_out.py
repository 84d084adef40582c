"""Hosts side by side in few round trips: the short form of tests/benchmarks/hosts_fanout.py."""

from pathlib import Path

import pytest

from orchestrator.errors import IsolationUnavailable
from tests.orchestrator import fan_out
from tests.orchestrator.hosts.sshd import need_openssh


def test_simulated_hosts_are_done_side_by_side() -> None:
    found = fan_out.simulated(48)
    assert found.whole, found.applied
    assert len(found.cutting) == 24
    assert {found.round_trips[name] for name in found.cutting} == {4}
    assert max(count for name, count in found.round_trips.items() if name not in found.cutting) == 3
    # 16 at a time: together far less than one after the other.
    assert found.wall_s < sum(found.seconds.values()) / 2


@pytest.mark.kernel
def test_real_hosts_are_done_in_four_round_trips(tmp_path: Path) -> None:
    need_openssh()
    try:
        found = fan_out.over_ssh(3, tmp_path)
    except IsolationUnavailable as error:
        pytest.skip(f"no network namespaces: {error}")
    assert found.whole, (found.applied, found.again, found.round_trips)
    assert found.cutting == {"web2"}
    assert found.round_trips == {"web1": 3, "web2": 4, "web3": 3}
