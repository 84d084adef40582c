"""``kemp host`` in a real lab, and on this very machine in a namespace of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from cli.host_text import change_record, plan_text
from kempsdk import VsRef
from orchestrator.fleet import Assignment, HostReport, Outcome
from orchestrator.hosts.carrying import Part
from orchestrator.hosts.changes import CallTool, SetRoute, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.recorded import facts_from_json
from orchestrator.hosts.state import Route
from orchestrator.lab.lab import Lab
from orchestrator.lab.systemd_host import SystemdOptions
from orchestrator.rollout.store import Store
from tests.cli.conftest import Result, Terminal
from tests.orchestrator.lab.systemd_lab import need_systemd

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).parents[2]


class InLab:
    """``kemp`` typed on the admin station of a lab with two servers."""

    def __init__(self, kemp: Terminal) -> None:
        self._kemp = kemp
        self.lab: dict[str, Any] = json.loads(kemp.process("lab", "status", "-o", "json").out)
        self.file = f"{self.lab['directory']}/add.yaml"

    def __call__(self, *argv: str) -> Result:
        return self._kemp.process("lab", "exec", "admin", "--", *self._kemp.argv(*argv))

    def host(self, verb: str, *argv: str) -> Result:
        return self("host", verb, "-f", self.file, *argv)


@pytest.fixture
def lab(kemp: Terminal) -> Iterator[InLab]:
    up = kemp.process("lab", "up", "--hosts", "2")
    assert up.code == 0, up.err
    try:
        yield InLab(kemp)
    finally:
        kemp.process("lab", "down")


def test_the_life_of_a_host(lab: InLab) -> None:
    vip = lab.lab["vip"]
    made = lab("vs", "create", vip, "80", "--name", "web", "--l4")
    assert made.code == 0, made.err

    wrong = lab.host("verify", "--all", "-o", "json")
    assert wrong.code == ExitCode.FINDINGS
    assert [one["outcome"] for one in json.loads(wrong.out)["hosts"]] == ["wrong", "wrong"]

    plan = lab.host("plan", "web1")
    assert plan.code == 0
    assert f"{vip}/32 on lo" in plan.out
    assert "0 -> 1" in plan.out
    assert "+net/ipv4/conf/all/arp_ignore = 1" in plan.out
    assert lab.host("plan", "web1", "--no-diff").out.count("+++") == 0

    unasked = lab.host("apply", "web1")
    assert unasked.code == ExitCode.USAGE
    assert "give --yes" in unasked.err
    assert lab.host("verify", "web1").code == ExitCode.FINDINGS

    done = lab.host("apply", "--group", "web", "--yes")
    assert done.code == 0, done.err
    assert lab.host("verify", "--all").code == 0
    assert lab.host("plan", "--all").code == ExitCode.NOTHING_TO_DO
    assert lab.host("ensure", "--all").code == 0
    assert "nothing to do" in lab.host("script", "web1").out

    facts = facts_from_json(lab.host("facts", "web1", "-o", "json").out)
    assert any(one.address == vip for one in facts.addresses)
    assert "ARP now" in lab.host("facts", "web1").out

    address = lab.lab["stations"]["web1"]["address"]
    added = lab("rs", "add", "web", f"{address}:80", "--forward", "route")
    assert added.code == 0, added.err
    refused = lab.host("revert", "web1", "--yes")
    assert refused.code == ExitCode.GATE_REFUSED
    assert "web1 is enabled" in refused.err
    assert lab.host("verify", "web1").code == 0
    assert lab.host("revert", "web1", "--yes", "--force", "web1").code == 0
    assert lab.host("revert", "web1", "--yes").code == 0
    assert lab.host("verify", "web1").code == ExitCode.FINDINGS
    assert lab.host("verify", "web2").code == 0


def test_a_host_that_a_rollout_holds_is_left_alone(lab: InLab, kemp: Terminal) -> None:
    address = lab.lab["stations"]["web2"]["address"]
    with Store(kemp.home / "state" / "kemp") as store, store.workers.hold("w1"):
        store.database.transact(
            lambda db: store.locks.take(
                db,
                [f"host {address}"],
                run_id="r1",
                worker="w1",
                owner="ops",
                reason="roll on web",
                now_s=time.time(),
            )
        )
        refused = lab.host("ensure", "web2")
    assert refused.code == ExitCode.LOCKED
    assert "held" in refused.err
    assert lab.host("verify", "web2").code == ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["plan", "nobody"], ExitCode.NOT_FOUND, "there is no host nobody"),
        (
            ["plan", "--group", "nobody"],
            ExitCode.NOT_FOUND,
            "nobody; there are web, rack=a, rack=b",
        ),
        (["plan", "--group", "rack=c"], ExitCode.NOT_FOUND, "no group rack=c; there are web,"),
        (["apply", "web1", "--revert-after", "0"], ExitCode.USAGE, "not in the range x>=1"),
        (["plan", "web1", "--mend", "all"], ExitCode.USAGE, "arptables-flushes"),
        (["plan"], ExitCode.USAGE, "which hosts"),
        (["script", "--all"], ExitCode.USAGE, "for one host"),
        (["ensure", "--local", "web1"], ExitCode.USAGE, "name no other host"),
    ],
)
def test_what_is_asked_wrongly(
    kemp: Terminal, tmp_path: Path, argv: list[str], code: ExitCode, said: str
) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(
        "loadmasters: {lb: {url: 'https://127.0.0.1:1'}}\n"
        "services: {web: {loadmaster: lb, service: 'tcp/203.0.113.250:80', method: none}}\n"
        "hosts:\n"
        "  web1: {address: 203.0.113.11, interface: eth0, labels: {rack: a}}\n"
        "  web2: {address: 203.0.113.12, interface: eth0, labels: {rack: b}}\n"
        "  spare: {address: 203.0.113.13, interface: eth0, labels: {rack: c}}\n"
        "pools: {web: {service: web, hosts: [web1, web2]}}\n"
    )
    kemp.environ = {"KEMP_INVENTORY": str(file)}
    result = kemp("host", *argv)
    assert result.code == code
    assert said in result.err


@pytest.mark.parametrize(
    ("argv", "column"),
    [
        ("systemctl enable kemp-vip.service", "persistent"),
        ("systemctl daemon-reload", "runtime"),
        ("nmcli connection modify eth0 ipv4.gateway 203.0.113.10", "persistent"),
        ("nmcli connection up kemp-vip", "runtime"),
        ("firewall-cmd --permanent --add-port=80/tcp", "persistent"),
        ("firewall-offline-cmd --add-port=80/tcp", "persistent"),
        ("firewall-cmd --add-port=80/tcp", "runtime"),
    ],
)
def test_a_call_stands_in_the_column_that_it_counts_for(argv: str, column: str) -> None:
    row = change_record(CallTool(argv=tuple(argv.split()), says="do it"))
    assert [name for name in ("runtime", "persistent") if row[name]] == [column]


@pytest.mark.parametrize("driver", ["ssh", "netlink"])
def test_a_plan_says_what_could_cut_us_off(driver: str) -> None:
    host = Host(name="web1", address="203.0.113.11", interface="eth0", driver=driver)
    wanted = Wanted(host=host, services=(VsRef.parse("tcp/203.0.113.250:80"),))
    of = Assignment(host=host, parts=(Part(method="gateway", wanted=wanted),))
    route = Route(destination="default", gateway="203.0.113.10", interface="eth0")
    report = HostReport(
        name="web1",
        outcome=Outcome.TO_CHANGE,
        changes=(
            WriteFile(path="/etc/x", content="", before=None),
            SetRoute(route=route, before=None),
        ),
    )
    text = plan_text({"web1": report}, {"web1": of}, colour=False, diff=False)
    said = "cut us off to set the route default via 203.0.113.10 dev eth0"
    assert (said in text) is (driver == "ssh")
    assert "write the file" not in text


def test_no_inventory(kemp: Terminal) -> None:
    result = kemp("host", "plan", "web1")
    assert result.code == ExitCode.USAGE
    assert "KEMP_INVENTORY" in result.err


def test_the_unit_is_one_that_systemd_takes(kemp: Terminal, tmp_path: Path) -> None:
    argv = ["--service", "tcp/203.0.113.250:80", "--interface", "eth0.5", "--address", "10.0.0.1"]
    result = kemp("host", "unit", *argv)
    assert result.code == 0, result.err
    assert "Before=network-pre.target httpd.service" in result.out
    assert "sys-subsystem-net-devices-eth0.5.device" in result.out
    # The command of this test process is no file that could be run.
    command = result.out.split("ExecStart=")[1].split()[0]
    unit = tmp_path / "kemp-host.service"
    unit.write_text(result.out.replace(command, "/bin/true"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def test_a_server_makes_itself_right_now_and_at_boot() -> None:
    need_systemd()
    vip = "203.0.113.250"
    kemp = [sys.executable, "-m", "cli.main"]
    serve = ["--service", f"tcp/{vip}:80", "--service", f"tcp/{vip}:443"]
    with Lab(hosts=1, systemd=SystemdOptions()) as lab:
        host = lab.machines["web1"]

        def run(*argv: str) -> str:
            done = host.run(["env", f"PYTHONPATH={ROOT}", *argv])
            assert done.exit_code == 0, done
            return done.stdout

        changed = json.loads(run(*kemp, "host", "ensure", "--local", *serve, "-o", "json"))
        assert [one["outcome"] for one in changed["hosts"]] == ["changed"]
        again = json.loads(run(*kemp, "host", "ensure", "--local", *serve, "-o", "json"))
        assert [one["outcome"] for one in again["hosts"]] == ["right"]

        unit = run(*kemp, "host", "unit", *serve)
        assert "--interface eth0 --address 203.0.113.11" in unit
        command = unit.split("ExecStart=")[1].split()[0]
        unit = unit.replace(command, f"{sys.executable} -m cli.main", 1)
        unit = unit.replace("[Service]", f"[Service]\nEnvironment=PYTHONPATH={ROOT}")
        (host.root / "etc/systemd/system/kemp-host.service").write_text(unit)
        run("systemctl", "enable", "kemp-host")
        host.reboot()
        assert "active" in run("systemctl", "is-active", "kemp-host")
        addresses = run("ip", "-o", "-4", "address", "show", "dev", "lo")
        assert f"{vip}/32" in addresses
        assert "1" in run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore")
