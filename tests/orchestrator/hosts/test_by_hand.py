"""The script for a person does what the driver would do, on the real kernel."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kempsdk import VsRef
from orchestrator.hosts.by_hand import script
from orchestrator.hosts.changes import (
    AddRule,
    CallTool,
    NetChange,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    WriteFile,
    inverses,
)
from orchestrator.hosts.findings import blocking
from orchestrator.hosts.methods.method import Wanted
from orchestrator.hosts.methods.registry import METHODS
from orchestrator.hosts.netlink import NetlinkDriver
from orchestrator.hosts.state import NetState, PolicyRule, Route
from tests.orchestrator.hosts.segment import VIP, Member, Segment

pytestmark = pytest.mark.kernel


def run(member: Member, text: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in the host's namespace, with its files where they belong."""
    places = ("/etc", "/var/lib/kemp")
    for place in places:
        text = text.replace(f" {place}", f" {member.root}{place}")
        text = text.replace(f"={place}", f"={member.root}{place}")
        text = text.replace(f">{place}", f">{member.root}{place}")
    return member.namespace.run(
        lambda: subprocess.run(
            ["sh"], input=text, capture_output=True, text=True, check=False, timeout=30
        )
    )


def comparable(state: NetState) -> NetState:
    return replace(state, sockets=(), read_at="")


def test_what_it_does_is_what_the_driver_does(segment: Segment) -> None:
    by_driver, by_hand = segment.attach("web1"), segment.attach("web2")
    driver = NetlinkDriver()
    method = METHODS["loopback"]
    found = []
    for member in (by_driver, by_hand):
        wanted = Wanted(host=member.host, services=(VsRef.parse(f"tcp/{VIP}:80"),))
        changes = method.plan_add(driver.read(member.host, method.sections), wanted)
        if member is by_driver:
            driver.apply(member.host, changes)
        else:
            done = run(member, script(member.host, changes, title="VIP for web"))
            assert done.returncode == 0, done.stderr
        state = driver.read(member.host, method.sections)
        assert blocking(method.verify(state, wanted)) == ()
        assert method.plan_add(state, wanted) == ()
        found.append((state.sysctls, set(state.files), state.persistent_sysctls))
    assert found[0][1] == found[1][1]
    assert [one.value for one in found[0][2]] == [one.value for one in found[1][2]]


def test_and_back(segment: Segment) -> None:
    member = segment.attach("web1")
    driver = NetlinkDriver()
    method = METHODS["loopback"]
    wanted = Wanted(host=member.host, services=(VsRef.parse(f"tcp/{VIP}:80"),))
    before = comparable(driver.read(member.host))
    for plan in (method.plan_add, method.plan_remove):
        changes = plan(driver.read(member.host, method.sections), wanted)
        assert run(member, script(member.host, changes, title="x")).returncode == 0
    assert comparable(driver.read(member.host)) == before


def test_routes_and_rules(segment: Segment) -> None:
    member = segment.attach("web1")
    driver = NetlinkDriver()
    interface = member.host.interface
    route = Route(destination="192.0.2.0/24", gateway="198.51.100.1", interface=interface)
    there: list[NetChange] = [
        SetRoute(route=route, before=None),
        AddRule(rule=PolicyRule(priority=1000, source=VIP, table="100")),
    ]
    before = comparable(driver.read(member.host))
    assert run(member, script(member.host, there, title="x")).returncode == 0
    state = driver.read(member.host)
    assert any(one.destination == "192.0.2.0/24" for one in state.routes)
    assert any(one.source == VIP for one in state.rules)
    back = inverses(there)
    assert {type(one) for one in back} == {RemoveRoute, RemoveRule}
    assert run(member, script(member.host, back, title="x")).returncode == 0
    assert comparable(driver.read(member.host)) == before


@pytest.mark.parametrize(
    "content", ["plain\n", "no end of line", "it's $HOME `id`\n", "END-OF-FILE\nmore\n", ""]
)
def test_any_content_arrives_as_it_is(segment: Segment, content: str) -> None:
    member = segment.attach("web1")
    write = WriteFile(path="/etc/odd name", content=content, before=None, mode=0o600)
    text = script(member.host, [write], title="two\nlines")
    # The quoted path is not rewritten by ``run``; it is put below the root here.
    text = text.replace("'/etc/odd name", f"'{member.root}/etc/odd name")
    done = run(member, text)
    assert done.returncode == 0, done.stderr
    file = Path(member.root) / "etc/odd name"
    assert file.read_text() == content
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root: run as root")
def test_a_replaced_file_keeps_owner_mode_and_label(segment: Segment) -> None:
    member = segment.attach("web1")
    file = Path(member.root) / "etc/kept.conf"
    file.parent.mkdir()
    for mode in (None, 0o600):
        file.write_text("old\n")
        file.chmod(0o640)
        os.chown(file, 1234, 2345)
        label = b"staff_u:object_r:kemp_test_t:s0\0"
        os.setxattr(file, "security.selinux", label)
        write = WriteFile(path="/etc/kept.conf", content="new\n", before="old\n", mode=mode)
        done = run(member, script(member.host, [write], title="x"))
        assert done.returncode == 0, done.stderr
        new = file.stat()
        assert file.read_text() == "new\n"
        assert (new.st_mode & 0o777, new.st_uid, new.st_gid) == (mode or 0o640, 1234, 2345)
        assert os.getxattr(file, "security.selinux") == label


def test_it_stops_at_the_first_command_that_fails(segment: Segment) -> None:
    member = segment.attach("web1")
    missing = RemoveRoute(route=Route(destination="192.0.2.0/24", interface="nothing0"))
    write = WriteFile(path="/etc/after", content="x\n", before=None)
    done = run(member, script(member.host, [missing, write], title="x"))
    assert done.returncode != 0
    assert not (Path(member.root) / "etc/after").exists()


def test_a_question_is_asked_first_and_nothing_to_do_says_so(segment: Segment) -> None:
    host = segment.attach("web1").host
    call = CallTool(argv=("nmcli", "up"), says="up", unless=("nmcli", "is it"))
    assert "nmcli 'is it' >/dev/null 2>&1 || nmcli up\n" in script(host, [call], title="x")
    down = CallTool(argv=("nmcli", "down"), says="down", accept=(0, 10))
    assert 'nmcli down || [ "$?" = 10 ]\n' in script(host, [down], title="x")
    assert "nothing to do" in script(host, [], title="x")
