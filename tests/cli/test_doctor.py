"""``kemp doctor``, typed at the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.exit_codes import ExitCode
from kempsdk import Forward, RsRef, VsRef
from kempsdk.emulator import VirtualLoadMaster
from tests.cli.conftest import Result, Terminal, configuration

VS = VsRef.parse("tcp/203.0.113.250:80")


@pytest.fixture
def web(box: VirtualLoadMaster, lm: Terminal) -> Terminal:
    """A sound service of direct return with two servers, as far as the LoadMaster goes."""
    with box.client() as client:
        client.virtual_services.create(VS, nickname="web", force_l4=True)
        for number in (11, 12):
            client.real_servers.add(VS, RsRef(f"203.0.113.{number}", 80), forward=Forward.ROUTE)
    return lm


def data(result: Result) -> Any:
    return json.loads(result.out)["reports"]


def test_a_service_with_nothing_but_its_loadmaster(web: Terminal, box: VirtualLoadMaster) -> None:
    before = configuration(box)
    sound = web("doctor", "web")
    assert sound.code == 0, sound.err
    assert sound.out.startswith("tcp/203.0.113.250:80: no findings, 1 check good, 2 not made\n")
    assert "give a file with the hosts: kemp doctor -f FILE" in sound.out
    assert configuration(box) == before
    shown = web("doctor", "web", "--evidence")
    assert "Good:\n  loadmaster, service tcp/203.0.113.250:80\n    layer 4, 2 of 2" in shown.out


def test_a_fault_is_told_with_its_consequence_and_its_cure(
    web: Terminal, box: VirtualLoadMaster
) -> None:
    with box.client() as client:
        client.real_servers.update(VS, RsRef("203.0.113.11", 80), enable=False)
        client.virtual_services.update(VS, cache=True, force_l4=False, force_l7=True)
    ill = web("doctor", "web")
    assert ill.code == ExitCode.FINDINGS
    assert "error: dsr-needs-l4: service tcp/203.0.113.250:80\n  seen: web (tcp/" in ill.out
    assert "\n  so:   forward=route works at layer 4 only" in ill.out
    assert "\n  mend: set force_l4: kemp vs set web --l4\n" in ill.out
    assert "warning: server-disabled: server 203.0.113.11:80" in ill.out
    (report,) = data(web("doctor", "web", "-o", "json"))
    assert report["healthy"] is False
    first = report["findings"][0]
    assert set(first) == {"id", "severity", "subject", "message", "consequence", "cure"}
    assert [one["name"] for one in report["checks"]] == ["loadmaster", "hosts", "segment"]
    names = web("doctor", "web", "-o", "name").out.splitlines()
    assert "dsr-needs-l4 service tcp/203.0.113.250:80" in names


def test_warnings_alone_are_no_failure(web: Terminal, box: VirtualLoadMaster) -> None:
    with box.client() as client:
        client.real_servers.update(VS, RsRef("203.0.113.11", 80), enable=False)
    assert web("doctor", "web").code == 0


@pytest.fixture
def inventory(box: VirtualLoadMaster, tmp_path: Path) -> Path:
    file = tmp_path / "web.yaml"
    file.write_text(
        f"""\
loadmasters: {{lb: {{url: "{box.url}", tls_pin: "{box.fingerprint}"}}}}
services:
  web: {{loadmaster: lb, service: {VS}, method: loopback}}
  gone: {{loadmaster: lb, service: "tcp/203.0.113.251:80", method: none}}
hosts:
  web1: {{address: 203.0.113.11, interface: eth0, namespace: none-such}}
  web2: {{address: 203.0.113.12, interface: eth0, namespace: none-such}}
pools:
  web: {{service: web, hosts: [web1, web2]}}
  gone: {{service: gone, hosts: [web1]}}
"""
    )
    return file


def test_every_service_of_a_file(web: Terminal, inventory: Path) -> None:
    result = web("doctor", "-f", str(inventory), "-o", "json")
    assert result.code == ExitCode.FINDINGS
    first, second = data(result)
    assert first["service"] == "web (tcp/203.0.113.250:80)"
    assert {(one["id"], one["subject"]) for one in first["findings"]} == {
        ("host-unreadable", "host web1"),
        ("host-unreadable", "host web2"),
    }
    assert {one["id"] for one in second["findings"]} == {"service-missing", "host-unreadable"}


def test_one_service_of_a_file_that_the_environment_names(web: Terminal, inventory: Path) -> None:
    web.environ["KEMP_INVENTORY"] = str(inventory)
    for name in ("web", str(VS)):
        (report,) = data(web("doctor", name, "-o", "json"))
        assert report["service"] == "web (tcp/203.0.113.250:80)"
    other = web("doctor", "wbe")
    assert other.code == ExitCode.NOT_FOUND
    assert "there is no service wbe in the file; there are web, gone" in other.err


def test_a_loadmaster_that_is_away_is_a_finding(
    web: Terminal, inventory: Path, box: VirtualLoadMaster
) -> None:
    text = inventory.read_text().replace(box.url, "https://127.0.0.1:9")
    inventory.write_text(text)
    result = web("doctor", "web", "-f", str(inventory), "-o", "json", "--timeout", "1")
    assert result.code == ExitCode.FINDINGS
    (report,) = data(result)
    assert "loadmaster-unreadable" in {one["id"] for one in report["findings"]}


def test_bad_input(web: Terminal, tmp_path: Path) -> None:
    assert web("doctor").code == ExitCode.USAGE
    assert web("doctor", "nothing").code == ExitCode.NOT_FOUND
    missing = web("doctor", "-f", str(tmp_path / "none.yaml"))
    assert missing.code == ExitCode.INVALID_FILE
    assert web("doctor", "web", "--listen", "0").code == ExitCode.USAGE
