"""docs/pages/rollouts.md: its files can be read, and those that are whole are run.

What a block says is laid over the first one of the page, as a reader would.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kempsdk import VsRef
from orchestrator.errors import GateRefused
from orchestrator.inventory import parse_spec
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.report import RunReport
from orchestrator.rollout.store import Store
from orchestrator.spec import Spec
from tests.fakes.host import plain_host
from tests.orchestrator.rollout.test_pairs import NEW_VS, Moving
from tests.orchestrator.rollout.world import LOADMASTER_MAC, VS, listener

PAGE = (Path(__file__).parents[3] / "docs/pages/rollouts.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


NAMED = ("loadmasters", "services", "hosts", "pools", "rollout")
"""Sections to which a block adds; of the others it says all."""


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one file with what another one says; a rollout of another kind is whole."""
    return {
        **below,
        **{
            key: {**below[key], **value}
            if key in NAMED and key in below and "kind" not in value
            else value
            for key, value in above.items()
        },
    }


def spec_of(block: str, **more: Any) -> Spec:
    data = laid_over(laid_over(yaml.safe_load(BLOCKS[0]), yaml.safe_load(block)), more)
    return parse_spec(yaml.safe_dump(data, sort_keys=False), path="rollouts.md")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_file_of_the_page_can_be_read(number: int) -> None:
    spec = spec_of(BLOCKS[number])
    assert spec.rollout is not None
    assert spec.rollout.kind in ("roll", "replace", "rehome")


KNOWN = {"lb1": {"url": "https://192.0.2.10", "macs": [LOADMASTER_MAC]}}


class Printed(Moving):
    """The machines that the page speaks of; web4 and web5 are new ones."""

    def prepare(self) -> None:
        super().prepare()
        hosts = spec_of(block("replace"))
        for number, name in ((4, "web4"), (5, "web5")):
            fake = plain_host(hosts.host(name), mac=f"02:00:00:00:00:1{number}")
            fake.sockets.append(listener())
            self.driver.add(hosts.host(name), fake)

    def plan_of(self, text: str) -> Plan:
        spec = spec_of(text, loadmasters=KNOWN)
        return make_plan(spec, read_facts(spec, self.adapters))

    def run_block(self, kind: str) -> RunReport:
        done = self.run(self.plan_of(block(kind)))
        assert self.plan_of(block(kind)).empty is (kind != "roll")
        return done

    def addresses(self, vs: VsRef) -> set[str]:
        return {address for address, (enabled, *_) in self.servers(vs).items() if enabled}


def block(kind: str) -> str:
    (found,) = [one for one in BLOCKS if f"kind: {kind}" in one]
    return str(found)


@pytest.fixture
def printed(store: Store) -> Iterator[Printed]:
    with Printed(store) as world:
        yield world


OLD = {"203.0.113.11", "203.0.113.12", "203.0.113.13"}


def test_the_first_file_restarts_one_server_after_the_other(printed: Printed) -> None:
    done = printed.run_block("roll")
    assert done.finished, done.reason
    assert printed.addresses(VS) == OLD
    restarted = [printed.driver.hosts[name].commands[0][-3:] for name in ("web1", "web2", "web3")]
    assert restarted == [("systemctl", "restart", "httpd")] * 3


def test_new_machines_come_in_and_old_ones_go(printed: Printed) -> None:
    done = printed.run_block("replace")
    assert done.finished, done.reason
    assert printed.addresses(VS) == {"203.0.113.13", "203.0.113.14", "203.0.113.15"}


def test_servers_move_to_another_vip(printed: Printed) -> None:
    done = printed.run_block("rehome")
    assert done.finished, done.reason
    assert (printed.addresses(VS), printed.addresses(NEW_VS)) == (set(), OLD)


def test_the_last_one_stays_where_the_page_says_so(printed: Printed) -> None:
    printed_so, kept = "  may_empty: [web]             # the last one leaves too\n", block("rehome")
    assert printed_so in kept
    with pytest.raises(GateRefused, match="may_empty"):
        printed.plan_of(kept.replace(printed_so, ""))
