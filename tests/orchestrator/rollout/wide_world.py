"""A wider world: three services on two LoadMasters, the same hosts behind all of them."""

import dataclasses

from kempsdk import Forward, LoadMaster, RsRef, VsRef
from kempsdk.emulator import CallRecord, VirtualLoadMaster
from orchestrator.rollout.adapters import Adapters
from orchestrator.rollout.facts import read_facts
from orchestrator.rollout.plan import Plan
from orchestrator.rollout.planner import make_plan
from orchestrator.rollout.store import Store
from tests.fakes.clock import FakeClock
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.rollout.device import Counters, new_box
from tests.orchestrator.rollout.world import (
    ADDRESS,
    MUTATING,
    NAMES,
    VIP,
    World,
    listener,
    spec_for,
)

API_VIP = "203.0.113.251"
SERVICES = {
    "web": ("lb1", VsRef.parse(f"tcp/{VIP}:80")),
    "tls": ("lb1", VsRef.parse(f"tcp/{VIP}:443")),
    "api": ("lb2", VsRef.parse(f"tcp/{API_VIP}:8080")),
}
MEMBERS = {"web": NAMES, "tls": NAMES, "api": ("web1", "web2")}

WIDE = f"""\
loadmasters:
  lb1: {{url: "https://127.0.0.1:1", macs: ["02:00:00:00:00:fe"]}}
  lb2: {{url: "https://127.0.0.1:2", macs: ["02:00:00:00:00:fd"]}}
services:
  web: {{loadmaster: lb1, service: "tcp/{VIP}:80", method: loopback}}
  tls: {{loadmaster: lb1, service: "tcp/{VIP}:443", method: loopback}}
  api: {{loadmaster: lb2, service: "tcp/{API_VIP}:8080", method: loopback}}
hosts:
  web1: {{address: 203.0.113.11, interface: eth0, labels: {{rack: a, role: web}}}}
  web2: {{address: 203.0.113.12, interface: eth0, labels: {{rack: b, role: web}}}}
  web3: {{address: 203.0.113.13, interface: eth0, labels: {{rack: b, role: web}}}}
pools:
  web: {{service: web, hosts: [web1, web2, web3]}}
  tls: {{service: tls, hosts: [web1, web2, web3]}}
  api: {{service: api, hosts: [web1, web2]}}
arp_probe: {{interface: eth0}}
"""


class WideWorld(World):
    """All hosts in service everywhere."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.api_counters = Counters()
        self.api_box: VirtualLoadMaster = new_box(self.api_counters)

    def prepare(self) -> None:
        super().prepare()
        self.segment.others[API_VIP] = ["02:00:00:00:00:fd"]
        self._stack.enter_context(self.api_box)
        self.clock.follow(self.api_box)
        self.api_lm: LoadMaster = self.api_box.client(clock=FakeClock())
        self._stack.callback(self.api_lm.close)
        self.lm.virtual_services.create(SERVICES["tls"][1], nickname="tls", force_l4=True)
        self.api_lm.virtual_services.create(SERVICES["api"][1], nickname="api", force_l4=True)
        hosts = spec_for("kind: add", inventory=WIDE)
        for name, fake in self.driver.hosts.items():
            host = hosts.host(name)
            fake.sockets += [listener(443), listener(8080)]
            for vip in (VIP, API_VIP):
                changes = by_loopback.plan_add(
                    self.driver.read(host, by_loopback.METHOD.sections), host=host, vip=vip
                )
                self.driver.apply(host, changes)
            fake.applied.clear()
        for pool, (loadmaster, vs) in SERVICES.items():
            for name in MEMBERS[pool]:
                self.client(loadmaster).real_servers.add(
                    vs, RsRef(ADDRESS[name], vs.port), forward=Forward.ROUTE, weight=1000
                )
        self.calls_before = len(self.box.calls)
        self.api_calls_before = len(self.api_box.calls)

    def client(self, loadmaster: str) -> LoadMaster:
        return {"lb1": self.lm, "lb2": self.api_lm}[loadmaster]

    @property
    def adapters(self) -> Adapters:
        return dataclasses.replace(super().adapters, loadmaster=self.client)

    def wide_plan(self, rollout: str, about: str, *, inventory: str = WIDE) -> Plan:
        """Plan a rollout over the services of the hosts that it is about."""
        spec = spec_for(rollout, inventory=inventory, about=about)
        return make_plan(spec, read_facts(spec, self.adapters))

    def states(self, name: str) -> dict[str, bool]:
        """Return whether a host is enabled, by pool."""
        found: dict[str, bool] = {}
        for pool, (loadmaster, vs) in SERVICES.items():
            for rs in self.client(loadmaster).virtual_services.get(vs).real_servers:
                if rs.address == ADDRESS[name]:
                    found[pool] = rs.enabled
        return found

    def all_mutations(self) -> list[CallRecord]:
        """Return the calls that changed either LoadMaster, those of the first one first."""
        calls = [
            *self.box.calls[self.calls_before :],
            *self.api_box.calls[self.api_calls_before :],
        ]
        return [one for one in calls if one.command in MUTATING]
