"""When a server counts as drained, what its deadline does, and when the VIP may go."""

from dataclasses import replace

import pytest

from kempsdk import Forward, RsRef, VsRef
from tests.orchestrator.rollout.world import ADDRESS, ALL_IN, VIP, World, connection, step


def test_waits_for_both_sides(ready: World) -> None:
    host = ready.driver.hosts["web1"]
    host.sockets.append(connection("198.51.100.7"))
    ready.counters.by_address[ADDRESS["web1"]] = 2
    ready.clock.after(60, lambda: ready.counters.by_address.clear())
    ready.clock.after(120, lambda: host.sockets.remove(connection("198.51.100.7")))
    result = ready.run("kind: drain, hosts: [web1]")
    assert result.finished
    drain = result.hosts["web1"].steps[-1]
    assert drain.seconds is not None
    assert 120 <= drain.seconds < 160
    waiting = [one for one in ready.events if one.kind == "waiting"]
    assert "LoadMaster 2, host 1 (198.51.100.7 for 0 s)" in waiting[0].text


def test_what_the_server_has_ended_still_counts_and_is_told_apart(ready: World) -> None:
    """Nobody confirms its end, such as after a takeover by a unit that does not know it."""
    ended = replace(connection("198.51.100.7"), state="fin_wait1")
    ready.driver.hosts["web1"].sockets += [
        ended,
        replace(connection("198.51.100.8"), peer_port=40001),
        replace(ended, peer_address="198.51.100.8"),
    ]
    result = ready.run("kind: drain, hosts: [web1], drain: {deadline_s: 60}")
    assert (
        "host 3 (198.51.100.7 for 55 s (ended by the server), "
        "198.51.100.8 2 times for 55 s (1 of them ended by the server))"
    ) in str(step(result, "web1/drain").reason)


@pytest.mark.parametrize("side", ["loadmaster", "host"])
@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_deadline(ready: World, policy: str, side: str) -> None:
    host = ready.driver.hosts["web1"]
    if side == "host":
        host.sockets.append(connection("198.51.100.7"))
    else:
        ready.counters.by_address[ADDRESS["web1"]] = 1
    started = ready.clock.time_s()
    result = ready.run(
        f"kind: roll, action: {{argv: [x]}}, drain: {{deadline_s: 60, at_deadline: {policy}}}"
    )
    outcome = result.hosts["web1"].outcome
    drain = step(result, "web1/drain")
    if policy == "fail":
        assert outcome == "failed"
        assert drain.gate == "drain-deadline"
        assert ready.clock.time_s() - started < 120
        assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
        assert not host.commands
    elif policy == "skip":
        assert result.finished
        assert outcome == "skipped"
        assert not host.commands  # nothing was done to it, and it is back as it was
        assert ready.enabled() == ALL_IN
        assert result.hosts["web2"].outcome == "done"
    else:
        assert result.finished
        assert drain.status == "forced"
        assert "1 connections are going to be cut" in drain.evidence[0]
        assert host.commands
        assert ready.enabled() == ALL_IN


def test_limit_above_zero(ready: World) -> None:
    ready.counters.by_address[ADDRESS["web1"]] = 2
    assert ready.run("kind: drain, hosts: [web1], drain: {connections: 2}").finished


def test_vip_stays_while_somebody_is_connected(ready: World) -> None:
    result = ready.run_until(
        "kind: remove, hosts: [web3]",
        "web3/clear-host",
        lambda: ready.driver.hosts["web3"].sockets.append(connection()),
    )
    failed = result.hosts["web3"].steps[-1]
    assert (failed.id, failed.gate) == ("web3/clear-host", "vip-let-go")
    assert ready.carries_vip("web3")


def test_vip_stays_while_another_service_uses_it(ready: World) -> None:
    other = VsRef.parse(f"tcp/{VIP}:443")

    def serve_another() -> None:
        ready.lm.virtual_services.create(other, force_l4=True)
        ready.lm.real_servers.add(other, RsRef(ADDRESS["web3"], 443), forward=Forward.ROUTE)

    result = ready.run_until("kind: remove, hosts: [web3]", "web3/clear-host", serve_another)
    assert result.hosts["web3"].steps[-1].gate == "vip-let-go"
    assert ready.carries_vip("web3")
