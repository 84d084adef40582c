"""Who gave out a MAC for the VIP, sorted: as data."""

import pytest

from orchestrator.probes.arp import ArpEvidence
from orchestrator.probes.arp_verdict import Outcome, described, judge

LOADMASTER, WEB1, STRANGER = "02:00:00:00:00:fe", "02:00:00:00:00:11", "02:00:00:00:00:99"
SERVERS = {WEB1: "web1"}


@pytest.mark.parametrize(
    ("answers", "claims", "known", "outcome"),
    [
        ([], [], [LOADMASTER], Outcome.UNANSWERED),
        ([], [], [], Outcome.UNANSWERED),
        ([LOADMASTER], [], [LOADMASTER], Outcome.LOADMASTER_ONLY),
        ([LOADMASTER], [LOADMASTER], [LOADMASTER], Outcome.LOADMASTER_ONLY),
        # its gratuitous ARP was heard, our question was not
        ([], [LOADMASTER], [LOADMASTER], Outcome.UNANSWERED),
        ([STRANGER], [], [LOADMASTER], Outcome.CULPRITS),
        ([LOADMASTER, STRANGER], [], [LOADMASTER], Outcome.CULPRITS),
        ([LOADMASTER], [WEB1], [LOADMASTER], Outcome.CULPRITS),
        # nobody knows the LoadMaster: one stranger may be it, two are not, a server is not
        ([STRANGER], [], [], Outcome.UNKNOWN),
        ([], [STRANGER], [], Outcome.UNKNOWN),
        ([LOADMASTER, STRANGER], [], [], Outcome.CULPRITS),
        ([WEB1], [], [], Outcome.CULPRITS),
        ([WEB1], [], [WEB1], Outcome.CULPRITS),
    ],
)
def test_outcome(answers: list[str], claims: list[str], known: list[str], outcome: Outcome) -> None:
    heard = ArpEvidence(answers=dict.fromkeys(answers, 1), claims=dict.fromkeys(claims, 1))
    verdict = judge(heard, loadmaster=known, servers=SERVERS)
    assert verdict.outcome is outcome
    assert bool(verdict.culprits) is (outcome in (Outcome.CULPRITS, Outcome.UNKNOWN))


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([], Outcome.UNPROVEN),
        ([LOADMASTER], Outcome.UNPROVEN),
        ([LOADMASTER, WEB1], Outcome.CULPRITS),
    ],
)
def test_lost_frames_prove_nothing_but_guilt(answers: list[str], outcome: Outcome) -> None:
    heard = ArpEvidence(answers=dict.fromkeys(answers, 1), dropped=3)
    assert judge(heard, loadmaster=[LOADMASTER], servers=SERVERS).outcome is outcome


def test_machines_are_named() -> None:
    heard = ArpEvidence(answers={LOADMASTER: 3, STRANGER: 1}, claims={WEB1: 2}, dropped=4)
    verdict = judge(heard, loadmaster=[LOADMASTER], servers=SERVERS)
    assert described(heard, verdict) == (
        f"the LoadMaster ({LOADMASTER}) answered 3 times",
        f"{STRANGER} (an unknown machine) answered once",
        f"web1 ({WEB1}) named it as its own 2 times",
        "4 frames were lost",
    )
    assert described(ArpEvidence(), judge(ArpEvidence(), loadmaster=[], servers={})) == (
        "nobody answered",
    )
