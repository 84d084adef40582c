"""Recorded hosts: what was read comes back the same, and nothing is ever changed."""

import json

import pytest

from orchestrator.errors import HostChangeFailed, HostUnreachable
from orchestrator.hosts.changes import SetSysctl
from orchestrator.hosts.driver import Host
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.recorded import RecordedHostDriver, facts_from_json, facts_to_json
from orchestrator.hosts.sections import Section
from tests.orchestrator.hosts.segment import Segment

HOST = Host(name="web1", address="192.0.2.1", interface="eth0")


@pytest.mark.kernel
def test_a_hosts_facts_survive_the_file(segment: Segment) -> None:
    host = segment.attach("web1").host
    state = NetlinkDriver().read(host, list(Section))
    again = facts_from_json(facts_to_json(state))
    assert again == state
    assert again.read_at == state.read_at
    driver = RecordedHostDriver({"web1": again})
    assert driver.read(host, list(Section)) == state
    assert driver.read(host) == NetlinkDriver().read(host)


@pytest.mark.kernel
def test_a_recording_changes_nothing(segment: Segment) -> None:
    host = segment.attach("web1").host
    driver = RecordedHostDriver({"web1": NetlinkDriver().read(host)})
    driver.apply(host, [])
    with pytest.raises(HostChangeFailed, match="it is a recording"):
        driver.apply(host, [SetSysctl(key="conf/all/arp_ignore", value=1, before=0)])
    with pytest.raises(HostUnreachable, match="it is a recording"):
        driver.run(host, ["true"], timeout_s=1)
    with pytest.raises(HostUnreachable, match="lacks firewalld, persistence"):
        driver.read(host, [Section.PERSISTENCE, Section.FIREWALLD])


def test_a_host_that_was_not_recorded_is_unreachable() -> None:
    with pytest.raises(HostUnreachable, match="no recording"):
        RecordedHostDriver({}).read(HOST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": 2, "facts": {}}),
        json.dumps({"format": 1, "facts": {"interfaces": {"lo": ""}, "addresses": "x"}}),
    ],
)
def test_what_are_no_facts_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        facts_from_json(text)
