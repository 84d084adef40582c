"""A pair of LoadMasters fails over under load, in the middle of a roll or by itself.

What may fail belongs to the takeover: it was open when the active unit stopped, or began
before the other one took over. With ``hal4update`` the other unit knows the connections and
goes on with them, but for those of the last second before the active one lost its power;
without it they are lost, kept-alive ones at their next request. Nothing else may fail,
neither before nor after.
"""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from kempsdk import RsRef
from kempsdk.emulator.remote_control import RemoteControl
from orchestrator.lab.rollout_file import PORT
from orchestrator.rollout.records import Event
from tests.orchestrator.call_limits import MUTATING, assert_frugal
from tests.orchestrator.lab.rolling import CONNECTION_AGE_S, Rolled, RollingLab
from tests.orchestrator.rollout.stage import floor_held
from tests.soak import LONG, runs

pytestmark = [pytest.mark.kernel, pytest.mark.soak]

DOWNLOAD_S = 3.0 if LONG else 1.5
_ANSWERED_S = 1.0
"""Whoever began that long ago has its answer, also on a busy machine."""


@pytest.fixture(scope="module")
def lab(as_root: None) -> Iterator[RollingLab]:
    with RollingLab(3, layer=4, pair=True, download_s=DOWNLOAD_S) as running:
        yield running


class Takeover:
    """One failover under load; what began meanwhile is counted by itself.

    Attributes:
        began_s, over_s: epoch times between which no unit was active.
        power: the active unit loses its power for it.
        events: of the run that went on meanwhile.
    """

    def __init__(self, lab: RollingLab, *, power: bool = False) -> None:
        self._lab = lab
        self.power = power
        self._thread = threading.Thread(target=self._happen, name="takeover")
        self.began_s = self.over_s = 0.0
        self.events: list[Event] = []

    def watch(self, event: Event) -> None:
        """Watch a run, and begin in the middle of its first drain."""
        self.events.append(event)
        if event.kind == "waiting" and event.step == "web1/drain" and not self.over_s:
            self.begin()

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def end(self) -> None:
        """Wait until it is over and nothing of it can fail any more."""
        self._thread.join()
        assert self.over_s, "the pair did not fail over"

    def change(self, control: RemoteControl) -> None:
        """Do something to the new active unit before anybody else comes to it."""

    def _happen(self) -> None:
        (load,) = self._lab.loads
        load.phase("takeover")
        time.sleep(_ANSWERED_S)
        before, self.began_s = self._lab.box.active, time.time()
        self._lab.box.fail_over(power=self.power)
        self._lab.box.controlled(self.change)
        if self._lab.box.active != before:
            self.over_s = time.time()
        # That long a kept-alive connection is used.
        time.sleep(CONNECTION_AGE_S + _ANSWERED_S)
        load.phase("after")

    def lost(self, rolled: Rolled) -> int:
        """Return how many requests and downloads were lost, all of them in the takeover."""
        (load,) = rolled.loads
        counted = load.by_phase["takeover"]
        assert load.failed == counted.failed, load.failures
        assert load.by_phase["after"].total, "the load ended with the takeover"
        for one in load.cut:
            assert one.began_s < self.over_s, one
            assert one.ended_s > self.began_s, one
        return counted.failed + len(load.cut)

    def words(self, kind: str) -> list[str]:
        return [one.text for one in self.events if one.kind == kind]


def _roll_all(lab: RollingLab, takeover: Takeover, *, drained_within_s: float = 60) -> Rolled:
    hosts = [host.name for host in lab.lab.hosts]
    drain = {"window_s": 0.8, "poll_s": 0.4, "deadline_s": drained_within_s}
    plan = lab.plan("roll", hosts, batch=1, max_unavailable=1, drain=drain)
    rolled = lab.under_load(lambda: lab.run(plan, watch=takeover.watch))
    takeover.end()
    return rolled


def _say(capsys: pytest.CaptureFixture[str], what: str, rolled: Rolled, takeover: Takeover) -> None:
    with capsys.disabled():
        gap_s = takeover.over_s - takeover.began_s
        sys.stdout.write(f"\n{what}, {gap_s:.1f} s without a unit: {rolled}\n")


def _went_on(lab: RollingLab, rolled: Rolled, takeover: Takeover) -> None:
    """Check that a roll of all servers noticed a takeover, and did its work in order."""
    report = rolled.report
    assert report is not None
    assert report.finished, report.reason
    assert {one.outcome for one in report.hosts.values()} == {"done"}
    assert len(takeover.words("failover")) == len(takeover.words("failed-over")) == 1
    # One after another, each out and in again, on whichever unit was active.
    mutations = [one for one in rolled.calls if one.command in MUTATING]
    assert [(rolled.names[one.params["rs"]], one.params["enable"]) for one in mutations] == [
        (name, enable) for name in report.hosts for enable in ("N", "Y")
    ]
    assert floor_held(mutations)
    assert_frugal(rolled.calls)
    assert rolled.across, "no download lasted across a drain: nothing was proven"
    # The new unit has said so itself: nobody had to ask.
    mac = lab.lab.macs[lab.box.active]
    assert lab.lab.neighbour("router", lab.services["direct"].address) == mac
    assert lab.lab.neighbour("admin", lab.lab.lb_address) == mac


def test_a_roll_goes_on_across_a_failover(
    lab: RollingLab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.lm.high_availability.update(l4_sync=True)
    for number in range(runs(short=1, long=10)):
        takeover = Takeover(lab)
        rolled = _roll_all(lab, takeover)
        _say(capsys, f"roll across a failover, run {number + 1}", rolled, takeover)
        _went_on(lab, rolled, takeover)
        # Those that were open went on, and those that began meanwhile were only late.
        assert takeover.lost(rolled) == 0


@pytest.mark.long
def test_a_roll_goes_on_across_a_loss_of_power(
    lab: RollingLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the connections of its last second a unit without power has told nobody.

    They are lost, and stay on the servers: whatever ends them there does not come through the
    new unit any more, so a server's kernel sends its FIN for some 100 s before it gives up.
    """
    lab.lm.high_availability.update(l4_sync=True)
    for number in range(runs(short=1, long=3)):
        takeover = Takeover(lab, power=True)
        rolled = _roll_all(lab, takeover, drained_within_s=240)
        _say(capsys, f"roll across a loss of power, run {number + 1}", rolled, takeover)
        _went_on(lab, rolled, takeover)
        takeover.lost(rolled)


@pytest.mark.long
def test_without_their_peer_knowing_them_open_connections_are_lost(
    lab: RollingLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """And only those: whoever comes after the takeover is served by servers in service."""
    lab.lm.high_availability.update(l4_sync=False)
    takeover = Takeover(lab, power=True)

    def fail_over() -> None:
        takeover.begin()
        takeover.end()
        time.sleep(_ANSWERED_S)

    rolled = lab.under_load(fail_over)
    _say(capsys, "a failover without hal4update", rolled, takeover)
    assert takeover.lost(rolled)
    assert rolled.loads[0].cut


class _Changed(Takeover):
    """The unit that takes over did not get a change that somebody made."""

    def change(self, control: RemoteControl) -> None:
        service, web3 = self._lab.services["direct"], self._lab.lab.hosts[2]
        given = {"vs": service.address, "port": service.port, "prot": "tcp"}
        control.run("modrs", **given, rs=web3.address, rsport=PORT, weight=3)


@pytest.mark.long
def test_a_unit_that_takes_over_with_a_difference_stops_the_roll(
    lab: RollingLab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.lm.high_availability.update(l4_sync=True)
    takeover = _Changed(lab)
    rolled = _roll_all(lab, takeover)
    _say(capsys, "a failover with a difference", rolled, takeover)
    report = rolled.report
    assert report is not None
    assert report.state == "paused"
    assert "weight=1000" in report.reason
    assert "weight=3" in report.reason
    drain, action = (
        next(one for one in report.hosts["web1"].steps if one.id == f"web1/{step}")
        for step in ("drain", "action")
    )
    assert (drain.status, drain.gate, action.status) == ("failed", "failover", "not_attempted")
    assert [one.outcome for one in report.hosts.values()][1:] == ["not_attempted"] * 2
    assert takeover.lost(rolled) == 0
    lab.lm.real_servers.update(
        lab.services["direct"], RsRef(lab.lab.hosts[2].address, PORT), weight=1000
    )
    lab.put_back("web1")
