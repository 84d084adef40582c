"""Servers are rolled under load, at both layers, and nobody notices; in a wrong order, they do.

The action kills the server's program, so whoever is still served is cut off. The long form
(``make soak``) rolls 3 and 8 servers ten times in a row for each kind of service.
"""

import sys
from collections.abc import Iterator

import pytest

from kempsdk import RsRef
from orchestrator.errors import DriftDetected
from orchestrator.lab.rollout_file import PORT
from orchestrator.rollout import gates
from orchestrator.rollout.plan import StepKind
from tests.orchestrator.hosts import by_loopback
from tests.orchestrator.lab.rolling import PROXIED, Rolled, RollingLab, without
from tests.soak import LONG, runs

pytestmark = [pytest.mark.kernel, pytest.mark.soak]

SIZES = [3, 8] if LONG else [3]


@pytest.fixture(scope="module", params=SIZES)
def direct(request: pytest.FixtureRequest, as_root: None) -> Iterator[RollingLab]:
    with RollingLab(request.param, layer=4) as lab:
        yield lab


# All kinds of service at once, and in the long form each with the whole load as well.
MIXES = [PROXIED, *([(name,) for name in PROXIED] if LONG else [])]


@pytest.fixture(
    scope="module",
    params=[(size, mix) for mix in MIXES for size in SIZES],
    ids=lambda one: f"{one[0]}-{'+'.join(one[1])}",
)
def proxied(request: pytest.FixtureRequest, as_root: None) -> Iterator[RollingLab]:
    size, kinds = request.param
    with RollingLab(size, layer=7, kinds=kinds) as lab:
        yield lab


def _roll_all(lab: RollingLab, capsys: pytest.CaptureFixture[str]) -> None:
    """Roll every server ten times in a row; in the short form one server, once."""
    hosts = [host.name for host in lab.lab.hosts]
    out = max(1, len(hosts) // 4)
    for number in range(runs(short=1, long=10)):
        plan = lab.plan(
            "roll",
            hosts if LONG else hosts[:1],
            batch=out,
            max_unavailable=out,
        )
        rolled = lab.roll(plan)
        with capsys.disabled():
            kinds = ", ".join(lab.services)
            sys.stdout.write(f"\n{kinds}; {len(hosts)} servers; run {number + 1}: {rolled}\n")
        rolled.assert_unharmed()


@pytest.mark.long  # kemp demo rolls so in CI
def test_a_roll_with_direct_return(direct: RollingLab, capsys: pytest.CaptureFixture[str]) -> None:
    _roll_all(direct, capsys)


def test_a_roll_through_the_proxy(proxied: RollingLab, capsys: pytest.CaptureFixture[str]) -> None:
    _roll_all(proxied, capsys)


# -- the same in a wrong order ----------------------------------------------------------------


def _harmed(rolled: Rolled) -> tuple[int, int]:
    """Return how many requests failed and downloads were cut, some of either."""
    with pytest.raises(AssertionError):
        rolled.assert_nobody_noticed()
    failed = sum(load.failed for load in rolled.loads)
    cut = sum(len(load.cut) for load in rolled.loads)
    assert failed + cut > 0
    return failed, cut


def _without_drain(lab: RollingLab, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Hand the product its own plan without the drain, then with its gate broken as well."""
    plan = without(lab.plan("roll", ["web1"]), StepKind.DRAIN)
    refused = lab.run(plan)
    assert "drained" in {step.gate for step in refused.hosts["web1"].steps}, refused
    lab.put_back("web1")
    monkeypatch.setattr(gates, "drained", lambda *_: None)
    return _harmed(lab.roll(plan))


@pytest.mark.long
def test_without_a_drain_downloads_are_cut(
    direct: RollingLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cut = _without_drain(direct, monkeypatch)
    assert cut > 0


@pytest.mark.long
def test_without_a_drain_the_proxy_cuts_downloads_too(
    as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One service: with five, waiting for the appliance's limit of calls is all but a drain.
    with RollingLab(3, layer=7, kinds=["round-robin"]) as lab:
        _, cut = _without_drain(lab, monkeypatch)
    assert cut > 0


@pytest.mark.long
def test_a_vip_that_leaves_too_early_or_comes_too_late_fails_requests(direct: RollingLab) -> None:
    host = direct.lab.hosts[0]
    gone = by_loopback.plan_remove(
        direct.driver.read(host, by_loopback.METHOD.sections), host=host, vip=direct.lab.vip
    )
    plan = direct.plan("drain", [host.name])

    def remove_and_disable() -> None:
        direct.driver.apply(host, gone)
        direct.lm.real_servers.disable_in(direct.services["direct"], RsRef(host.address, PORT))
        # What the product says of a host that somebody has been at.
        with pytest.raises(DriftDetected, match="VIP"):
            direct.run(plan)

    failed, _ = _harmed(direct.under_load(remove_and_disable))
    assert failed > 0
    # It lacks the VIP now, which its health check does not see.
    failed, _ = _harmed(direct.under_load(lambda: direct.put_back("web1")))
    assert failed > 0
