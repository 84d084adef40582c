"""A repaired host is not yet a repaired service: who learned the wrong MAC keeps it."""

from collections.abc import Sequence

import pytest

from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.probes.arp import ArpEvidence
from orchestrator.rollout.records import Event
from orchestrator.rollout.run import run_rollout
from tests.orchestrator.rollout.world import (
    ALL_IN,
    INVENTORY,
    LOADMASTER_MAC,
    MAC,
    VIP,
    World,
    failed_step,
    listener,
)

STRANGER = "02:00:00:00:00:99"


def _proofs(world: World) -> list[str]:
    return [one.text for one in world.events if one.step == "web1/arp-proof"]


@pytest.mark.parametrize("culprit", ["web1", "web2"])
def test_a_server_that_answers_is_named_with_what_follows_and_the_cure(
    ready: World, culprit: str
) -> None:
    ready.segment.claims = {MAC[culprit]: 1}
    result = ready.run("kind: roll, hosts: [web1, web2]")
    said = result.hosts["web1"].reason
    assert said.startswith(f"{culprit} ({MAC[culprit]}) gave out its own MAC for {VIP}")
    assert "whoever learned its MAC keeps it after the repair" in said
    assert f"straight to {culprit}, past the LoadMaster" in said
    assert "gratuitous ARP for the VIP from the LoadMaster" in said
    assert "flush the entry at the router" in said
    assert LOADMASTER_MAC not in said
    evidence = next(
        one for one in result.hosts["web1"].steps if one.id == "web1/arp-proof"
    ).evidence
    assert evidence == (
        f"asked 4 times who has {VIP}, by raw frames",
        f"the LoadMaster ({LOADMASTER_MAC}) answered 3 times",
        f"{culprit} ({MAC[culprit]}) named it as its own once",
        "LoadMaster: its MACs are configured",
    )
    # Not believed to be mended: the proof is made again, and refuses again.
    before = len(_proofs(ready))
    assert ready.resume(result.run_id).state == "paused"
    assert len(_proofs(ready)) > before
    assert ready.enabled()["web1"] is False
    ready.segment.claims = {}
    assert ready.resume(result.run_id).finished
    assert ready.enabled() == ALL_IN


def test_a_server_that_answers_alone_is_not_taken_for_the_loadmaster(ready: World) -> None:
    ready.segment.deaf = True
    ready.segment.claims = {MAC["web2"]: 2}
    result = ready.run("kind: roll, hosts: [web1, web2]")
    assert f"web2 ({MAC['web2']}) gave out its own MAC" in result.hosts["web1"].reason


def test_a_stranger_is_named(ready: World) -> None:
    ready.segment.claims = {STRANGER: 1}
    said = ready.run("kind: roll").hosts["web1"].reason
    assert f"{STRANGER} (an unknown machine) gave out a MAC for {VIP}" in said
    assert f"is not the LoadMaster ({LOADMASTER_MAC})" in said
    assert "gratuitous ARP" in said


def test_a_stranger_that_answers_alone_is_not_taken_for_the_loadmaster(ready: World) -> None:
    """The LoadMaster is away, and a forgotten machine has the VIP."""
    ready.segment.deaf = True
    ready.segment.claims = {STRANGER: 3}
    said = ready.run("kind: roll").hosts["web1"].reason
    assert f"{STRANGER} (an unknown machine) gave out a MAC for {VIP}" in said
    assert ready.enabled()["web1"] is False


OWN = "203.0.113.9"


def _unpinned(entry: str) -> str:
    """Return the inventory with something else in the place of the LoadMaster's MACs."""
    return INVENTORY.replace('macs: ["02:00:00:00:00:FE"]', entry)


def test_the_mac_is_learned_from_the_address_that_the_file_names(ready: World) -> None:
    ready.segment.others = {OWN: [LOADMASTER_MAC]}
    plan = ready.plan("kind: roll, hosts: [web1]", inventory=_unpinned(f"segment_address: {OWN}"))
    result = ready.run(plan)
    assert result.finished
    evidence = next(
        one for one in result.hosts["web1"].steps if one.id == "web1/arp-proof"
    ).evidence
    assert f"LoadMaster: its address {OWN} is at {LOADMASTER_MAC}" in evidence


def test_the_mac_is_learned_from_the_addresses_of_its_interfaces(ready: World) -> None:
    ready.lm.interfaces.update(0, address=f"{OWN}/24")
    ready.segment.others = {OWN: [LOADMASTER_MAC]}
    plan = ready.plan("kind: roll, hosts: [web1]", inventory=_unpinned("profile: x"))
    assert ready.run(plan).finished
    ready.segment.others = {OWN: [STRANGER]}
    said = ready.run(ready.plan("kind: roll", inventory=_unpinned("profile: x")))
    assert f"is not the LoadMaster ({STRANGER})" in said.hosts["web1"].reason


@pytest.mark.parametrize(
    ("have", "why"),
    [
        ([], f"nobody answered for its address {OWN}"),
        ([LOADMASTER_MAC, STRANGER], "several machines have it"),
    ],
    ids=["nobody", "two"],
)
def test_who_answers_is_not_taken_for_the_loadmaster_where_its_mac_is_not_known(
    ready: World, have: list[str], why: str
) -> None:
    ready.segment.others = {OWN: have}
    plan = ready.plan("kind: roll", inventory=_unpinned(f"segment_address: {OWN}"))
    said = ready.run(plan).hosts["web1"].reason
    assert "nobody knows whether that is the LoadMaster" in said
    assert why in said
    assert "macs, or segment_address, of the LoadMaster lb1" in said
    assert ready.enabled()["web1"] is False


def test_a_server_with_the_loadmasters_address_is_not_taken_for_it(ready: World) -> None:
    ready.segment.deaf = True
    ready.segment.others = {OWN: [MAC["web2"]]}
    ready.segment.claims = {MAC["web2"]: 3}
    plan = ready.plan(
        "kind: roll, hosts: [web1, web2]", inventory=_unpinned(f"segment_address: {OWN}")
    )
    said = ready.run(plan).hosts["web1"].reason
    assert said.startswith(f"web2 ({MAC['web2']}) gave out its own MAC")


STATIONS = """\
stations: {gw: {address: 203.0.113.1, interface: eth0}}
routers: [gw]
"""


def _router(world: World, said: str, exit_code: int = 0) -> None:
    """Put a router there, whose tables say this."""
    host = world.driver.add(Host(name="gw", address="203.0.113.1", interface="eth0"))
    host.on_run = lambda argv: CommandResult(exit_code=exit_code, stdout=said, stderr="no way")


def _entry(mac: str) -> str:
    return f"route {VIP} dev eth0 src 203.0.113.1\nneighbour {VIP} lladdr {mac} REACHABLE\n"


@pytest.mark.parametrize(("mac", "who"), [(MAC["web1"], "web1"), (STRANGER, STRANGER)])
def test_a_router_that_learned_a_wrong_mac_earlier_stops_the_run_until_it_forgets(
    ready: World, mac: str, who: str
) -> None:
    _router(ready, _entry(mac))
    plan = ready.plan("kind: roll, hosts: [web1]", inventory=INVENTORY + STATIONS)
    result = ready.run(plan)
    said = result.hosts["web1"].reason
    assert f"the router gw sends {VIP} to {who}, past the LoadMaster" in said
    assert f"On gw: ip neigh flush to {VIP} dev eth0" in said
    assert ready.enabled()["web1"] is False
    _router(ready, _entry(LOADMASTER_MAC))
    result = ready.resume(result.run_id)
    assert result.finished
    evidence = next(
        one for one in result.hosts["web1"].steps if one.id == "web1/arp-proof"
    ).evidence
    assert evidence[-1] == f"gw sends {VIP} to {LOADMASTER_MAC}"


def test_a_router_without_an_entry_will_ask(ready: World) -> None:
    _router(ready, f"route {VIP} dev eth0\n")
    plan = ready.plan("kind: roll, hosts: [web1]", inventory=INVENTORY + STATIONS)
    assert ready.run(plan).finished


def test_a_router_that_cannot_be_read_is_no_router_that_is_right(ready: World) -> None:
    _router(ready, "", exit_code=255)
    plan = ready.plan("kind: roll, hosts: [web1]", inventory=INVENTORY + STATIONS)
    said = ready.run(plan).hosts["web1"].reason
    assert f"where the router gw sends {VIP} is not known: gw: " in said
    assert "take it out of routers" in said
    assert ready.enabled()["web1"] is False


def test_lost_frames_prove_nothing(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(vip: str, *, unicast_to: Sequence[str], rounds: int = 3) -> ArpEvidence:
        return ArpEvidence(answers={LOADMASTER_MAC: 3}, asked=3, dropped=5)

    monkeypatch.setattr(ready.segment, "ask_who_has", ask)
    result = ready.run("kind: roll")
    assert "frames were lost" in result.hosts["web1"].reason
    assert ready.enabled()["web1"] is False


def test_a_host_that_came_back_loud_is_repaired_and_said_to_have_been_loud(ready: World) -> None:
    """It rebooted with its VIP and without its sysctls: silenced again, but it was heard."""
    host = ready.driver.hosts["web1"]

    def reboot(_: Sequence[str]) -> CommandResult:
        host.sysctls = dict.fromkeys(host.sysctls, 0)
        host.sockets = [listener()]
        return CommandResult(exit_code=0, stdout="", stderr="")

    host.on_run = reboot
    result = ready.run("kind: roll, hosts: [web1], action: {argv: [reboot]}")
    assert result.finished
    (warning,) = [one for one in ready.events if one.kind == "warning"]
    assert warning.server == "web1"
    assert "had the VIP without keeping quiet about it" in warning.text
    assert "straight to web1, past the LoadMaster" in warning.text
    assert "gratuitous ARP" in warning.text
    steps = {one.id: one for one in result.hosts["web1"].steps}
    assert warning.text in steps["web1/prepare-host"].evidence
    # Proven after the repair, before the server is enabled.
    kinds = ready.kinds("web1")
    assert kinds.index("prepare-host") < kinds.index("arp-proof") < kinds.index("enable")


def test_an_old_proof_is_made_again_before_the_server_is_enabled(ready: World) -> None:
    """As after a kill and a long time: the steps before the enable are done and not repeated."""

    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/enable":
            ready.clock.advance(3600)
            ready.segment.claims = {MAC["web1"]: 1}

    plan = ready.plan("kind: roll")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    failed = failed_step(result, "web1")
    assert (failed.id, failed.gate) == ("web1/enable", "arp-proof")
    assert ready.enabled()["web1"] is False


def test_a_device_that_is_gone_is_a_refusal_not_a_crash(ready: World) -> None:
    def watch(event: Event) -> None:
        if event.kind == "step-started" and event.step == "web1/arp-proof":
            ready.driver.hosts["web1"].interfaces = {"lo": "", "eth1": MAC["web1"]}

    plan = ready.plan("kind: roll")
    result = run_rollout(plan, ready.adapters, ready.store, on_event=watch)
    assert "no device eth0" in result.hosts["web1"].reason
    assert ready.enabled() == {"web1": False, "web2": True, "web3": True}
