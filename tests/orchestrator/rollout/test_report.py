"""What the report of a run says of its changes and of the people behind it."""

from typing import Any

from orchestrator.hosts.changes import AddAddress, NetChange
from orchestrator.hosts.driver import CommandResult
from orchestrator.rollout.history import history
from orchestrator.rollout.report import RunReport
from tests.orchestrator.rollout.world import World, listener

VIP = "203.0.113.250/32 on lo"
ARP = "net/ipv4/conf/all/arp_ignore"
FILE = "/etc/sysctl.d/90-kemp-dsr.conf"


def changed(result: RunReport, step: str) -> dict[str, tuple[str, str]]:
    """Return what a step changed, before and after, by setting."""
    changes = history(result, []).changes
    return {one.setting: (one.before, one.after) for one in changes if one.step == step}


def test_changes_of_the_host_are_told_before_and_after(world: World) -> None:
    world.light = True
    added = changed(world.run("kind: add, hosts: [web1]"), "web1/prepare-host")
    assert (added[ARP], added[VIP]) == (("0", "1"), ("no", "yes"))
    assert added[FILE][0] == "no file"
    assert "arp_ignore = 1" in added[FILE][1]
    world.driver.hosts["web1"].sockets = [listener()]
    removed = changed(world.run("kind: remove, hosts: [web1], may_empty: [web]"), "web1/clear-host")
    assert (removed[ARP], removed[VIP]) == (("1", "0"), ("yes", "no"))
    assert removed[FILE][1] == "no file"


def test_a_change_that_was_found_done_is_told_too(world: World) -> None:
    """The way to the host broke right after the act, and the run read what came of it later."""
    world.light = True
    host = world.driver.hosts["web1"]

    def cut(change: NetChange) -> str | None:
        if isinstance(change, AddAddress):
            host.down = "connection lost"
        return None

    host.refuse = cut
    first = world.run("kind: add, hosts: [web1]")
    assert not first.finished
    assert {after for _, after in changed(first, "web1/prepare-host").values()} == {"not known"}
    host.down, host.refuse = None, lambda _: None
    done = world.resume(first.run_id)
    assert done.finished, done.reason
    assert changed(done, "web1/prepare-host")[ARP] == ("0", "1")


def test_who_goes_on_with_a_run_is_kept(quick: World) -> None:
    host = quick.driver.hosts["web1"]
    host.on_run = lambda _: CommandResult(exit_code=1, stdout="", stderr="broken")
    paused = quick.run("kind: roll, action: {argv: [restart]}, hosts: [web1]")
    host.on_run = lambda _: CommandResult(exit_code=0, stdout="", stderr="")
    quick.light = False  # the engine's own way
    quick.resume(paused.run_id, operator="bob@desk")
    told: list[Any] = [one for _, one in quick.store.events(paused.run_id)]
    assert [one.text for one in told if one.kind == "resumed"] == ["by bob@desk"]
