"""An order that is wrong on purpose: what it does to the servers, and that kemp refuses it."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Literal

from kempsdk import Forward, LoadMaster, RsRef
from orchestrator.hosts.changes import AddAddress
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.hosts.state import HostAddress
from orchestrator.lab.demo_events import Teller
from orchestrator.lab.demo_rollouts import DemoRollouts
from orchestrator.lab.evidence import StepTime
from orchestrator.lab.lab import Lab
from orchestrator.lab.load import LoadRun
from orchestrator.lab.rollout_file import PORT, lab_service
from orchestrator.lab.web_control import WebControl
from orchestrator.rollout.plan import StepKind

Broken = Literal["arp-order", "enable-first"]

_BEFORE_S = 2.0
_HIJACKED_S = 4.0
_ENABLED_FIRST_S = 6.0
_OUTAGE_S = 1.5
_ARP_TRIES = 20
_ARP_WAIT_S = 0.2


class WrongOrder:
    """Does to the last server by hand what a rollout never does."""

    def __init__(
        self,
        lab: Lab,
        lm: LoadMaster,
        driver: HostDriver,
        web: WebControl,
        rollouts: DemoRollouts,
        teller: Teller,
    ) -> None:
        self._lab = lab
        self._lm = lm
        self._driver = driver
        self._web = web
        self._rollouts = rollouts
        self._teller = teller
        self._service = lab_service(lab)

    def play(self, broken: Broken, load: LoadRun) -> tuple[str, ...]:
        """Show it to the servers and to the product; return what the product said.

        The first server is in service already.

        Raises:
            StoryEnded: the others could not be added.
        """
        names = [host.name for host in self._lab.hosts]
        victim = self._lab.hosts[-1]
        others = names[1:-1]
        if others:
            self._teller.stage(f"add {', '.join(others)} under load, in the right order")
            self._rollouts.run("add", others, name="add the others")
        load.phase("right order")
        time.sleep(_BEFORE_S)
        load.phase("wrong order")
        if broken == "arp-order":
            self._vip_before_silence(victim)
            keep = [StepKind.VERIFY_HOST, StepKind.ADD_SERVER, StepKind.ENABLE]
        else:
            self._enable_before_vip(victim)
            keep = [StepKind.ENABLE]
        load.phase("refused")
        self._teller.stage("the same order, handed to kemp as a plan")
        return self._refusals(victim.name, keep)

    def _vip_before_silence(self, victim: Host) -> None:
        self._teller.stage(f"by hand: VIP on {victim.name}, ARP not silenced")
        vip = HostAddress(address=self._lab.vip, prefix=32, interface="lo", label="lo:0")
        self._driver.apply(victim, [AddAddress(address=vip)])
        self._teller.note("the router's ARP entry for the VIP runs out, and it asks again")
        # Both answer, and the first answer counts: usually the host's kernel, not always.
        for _ in range(_ARP_TRIES):
            self._lab.forget_neighbour("router", self._lab.vip)
            time.sleep(_ARP_WAIT_S)
            if self._lab.neighbour("router", self._lab.vip) == self._lab.macs[victim.name]:
                break
        time.sleep(_HIJACKED_S)
        self._teller.note(
            f"{victim.name} is in no rotation, so its web server is stopped for a moment"
        )
        self._web.stop(victim)
        time.sleep(_OUTAGE_S)
        self._web.start(victim)

    def _enable_before_vip(self, victim: Host) -> None:
        self._teller.stage(f"by hand: {victim.name} enabled before it has the VIP")
        began_s = self._teller.seconds()
        self._lm.real_servers.add(
            self._service, RsRef(victim.address, PORT), forward=Forward.ROUTE, enable=True
        )
        self._rollouts.steps.append(
            StepTime(
                run="by hand",
                server=victim.name,
                step="enable",
                status="done",
                began_s=began_s,
                seconds=self._teller.seconds() - began_s,
            )
        )
        self._teller.note("its health check passes: that goes to its own address")
        time.sleep(_ENABLED_FIRST_S)
        self._lm.real_servers.disable_in(self._service, RsRef(victim.address, PORT))

    def _refusals(self, victim: str, keep: Sequence[StepKind]) -> tuple[str, ...]:
        """Hand over the product's own plan for the server, less the steps that make it safe."""
        plan = self._rollouts.plan("add", [victim])
        servers = tuple(
            dataclasses.replace(one, steps=tuple(step for step in one.steps if step.kind in keep))
            for one in plan.servers
        )
        report = self._rollouts.hand_over(dataclasses.replace(plan, servers=servers))
        return tuple(
            f"gate {step.gate} refused {step.id}: {step.reason}"
            for step in report.hosts[victim].steps
            if step.gate is not None
        )
