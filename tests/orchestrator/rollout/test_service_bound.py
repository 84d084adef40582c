"""The seed of DSR faults: what a server answers before it gets traffic."""

from kempsdk import VsRef
from orchestrator.hosts.state import Socket
from orchestrator.rollout.report import RunReport
from tests.orchestrator.rollout.world import ADDRESS, INVENTORY, MAC, VIP, World

EVERYWHERE = ".".join("0000")
UDP = INVENTORY.replace("tcp/203.0.113.250:80", "udp/203.0.113.250:53")


def _evidence(result: RunReport, name: str) -> tuple[str, ...]:
    steps = {one.id: one for one in result.hosts[name].steps}
    return steps[f"{name}/service-bound"].evidence


def test_a_health_check_that_will_fail_keeps_the_server_out(ready: World) -> None:
    ready.segment.checks[ADDRESS["web1"]] = "it answered 503"
    result = ready.run("kind: roll, hosts: [web1]")
    assert (
        f"web1: the LoadMaster's http check HEAD / at {ADDRESS['web1']}:80 will fail: "
        "it answered 503" in result.hosts["web1"].reason
    )
    assert ready.enabled()["web1"] is False
    del ready.segment.checks[ADDRESS["web1"]]
    assert ready.resume(result.run_id).finished


def test_a_server_that_answers_nobody_stays_out(ready: World) -> None:
    ready.segment.silent = True
    result = ready.run("kind: roll, hosts: [web1]")
    reason = result.hosts["web1"].reason
    assert f"a request to {VIP}:80 sent straight to {MAC['web1']} was not answered" in reason
    assert ready.enabled()["web1"] is False


def _name_server(world: World) -> None:
    world.lm.virtual_services.create(VsRef.parse(f"udp/{VIP}:53"), force_l4=True)
    for host in world.driver.hosts.values():
        host.sockets.append(
            Socket(
                protocol="udp",
                local_address=EVERYWHERE,
                local_port=53,
                peer_address=EVERYWHERE,
                peer_port=0,
                state="unconn",
            )
        )


def test_udp_is_asked_too(world: World) -> None:
    _name_server(world)
    result = world.run(world.plan("kind: add, hosts: [web1]", inventory=UDP))
    assert result.finished
    assert _evidence(result, "web1")[1].startswith(f"took a request to {VIP}:53")


def test_silence_over_udp_is_said_and_no_refusal(world: World) -> None:
    _name_server(world)
    world.segment.silent = True
    result = world.run(world.plan("kind: add, hosts: [web1]", inventory=UDP))
    assert result.finished
    assert "proves nothing over UDP" in _evidence(result, "web1")[1]
