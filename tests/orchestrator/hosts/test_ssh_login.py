"""Who is let in over ssh and how: keys, configurations, jump hosts, sudo."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.ssh import SshDriver
from tests.orchestrator.hosts.by_loopback import plan_add
from tests.orchestrator.hosts.reached import Reached
from tests.orchestrator.hosts.segment import VIP, Segment, sysctl
from tests.orchestrator.hosts.sshd import Sshd, make_key

pytestmark = pytest.mark.kernel


def test_a_changed_host_key_keeps_us_out(reached: Reached, tmp_path: Path) -> None:
    reached.sshd.trust(make_key(tmp_path / "other"))
    with pytest.raises(HostUnreachable, match="not the one in known_hosts"):
        reached.read()
    assert reached.sshd.logins() == 0


@pytest.mark.parametrize("asked", ["ask", "no"])
def test_an_unknown_host_key_keeps_us_out_whatever_the_configuration_says(
    reached: Reached, asked: str
) -> None:
    reached.sshd.known_hosts.write_text("")
    with (
        reached.with_config(StrictHostKeyChecking=asked) as driver,
        pytest.raises(HostUnreachable, match="is not in known_hosts"),
    ):
        driver.read(reached.host)
    assert reached.sshd.known_hosts.read_text() == ""


def test_who_says_so_leaves_host_keys_to_the_configuration(reached: Reached) -> None:
    reached.sshd.known_hosts.write_text("")
    config = reached.sshd.write_config("trusting", {"StrictHostKeyChecking": "accept-new"})
    with SshDriver(config_file=config, strict_host_keys=False) as driver:
        assert driver.read(reached.host).interfaces
    assert "ssh-ed25519" in reached.sshd.known_hosts.read_text()


def test_a_wrong_key_is_permission_denied(reached: Reached, tmp_path: Path) -> None:
    other = str(make_key(tmp_path / "other"))
    with (
        reached.with_config(IdentityFile=other) as driver,
        pytest.raises(HostUnreachable, match="accepts none of our keys"),
    ):
        driver.read(reached.host)


def test_a_port_where_nothing_listens(reached: Reached) -> None:
    with pytest.raises(HostUnreachable, match="nothing listens there"):
        reached.driver.read(replace(reached.host, port=1))


def test_a_wrong_configuration_is_named(reached: Reached) -> None:
    with (
        reached.with_config(Nonsense="yes") as driver,
        pytest.raises(HostUnreachable, match="configuration is wrong"),
    ):
        driver.read(reached.host)


def test_the_configuration_does_not_break_our_connection(reached: Reached) -> None:
    with reached.with_config(
        RemoteCommand="echo no",
        RequestTTY="force",
        ControlMaster="no",
        ControlPath="/nowhere/socket",
        LogLevel="DEBUG",
        BatchMode="no",
        LocalForward="7777 127.0.0.1:7777",
    ) as driver:
        driver.read(reached.host)
        assert driver.read(reached.host).interfaces
    assert reached.sshd.logins() == 1


def test_an_alias_and_a_jump_host_of_the_configuration(
    segment: Segment, reached: Reached, tmp_path: Path
) -> None:
    behind = segment.attach("web2")
    with Sshd(behind.namespace, behind.host.address, tmp_path / "sshd2") as second:
        second.start()
        hosts = f"{reached.sshd.known_hosts} {second.known_hosts}"
        config = tmp_path / "with-jump"
        config.write_text(
            f"Host behind\n  HostName {behind.host.address}\n  IdentityFile {second.user_key}\n"
            f"  ProxyJump jump\n"
            f"Host jump\n  HostName {reached.host.address}\n"
            f"  IdentityFile {reached.sshd.user_key}\n"
            f"Host *\n  User root\n  IdentityAgent none\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {hosts}\n"
        )
        config.chmod(0o600)
        with SshDriver(config_file=str(config)) as driver:
            state = driver.read(replace(behind.host, ssh_host="behind"))
            assert behind.host.address in {one.address for one in state.addresses}
            assert (reached.sshd.logins(), second.logins()) == (1, 1)
            # The way to the jump host is there, the host behind it is not.
            with pytest.raises(HostUnreachable, match="jump host was reached"):
                driver.read(replace(behind.host, ssh_host="behind", port=1))


def test_what_a_login_prints_is_not_an_answer(reached: Reached, sshd: Sshd) -> None:
    sshd.stop()
    sshd.start('ForceCommand printf "== kemp-ish\\n== end\\nno end"; eval "$SSH_ORIGINAL_COMMAND"')
    assert reached.host.address in {one.address for one in reached.read().addresses}


def test_a_login_without_a_shell_is_named(reached: Reached, sshd: Sshd) -> None:
    sshd.stop()
    sshd.start("ForceCommand echo closed; exit 1")
    with pytest.raises(HostUnreachable, match="does not lead to a shell"):
        reached.read()


def test_sudo_is_used_where_it_is_asked_for(reached: Reached) -> None:
    reached.sshd.tool("sudo", 'echo "$*" >>"$0.used"; [ "$1" = -n ] && shift && exec "$@"')
    host = replace(reached.host, sudo=True)
    reached.driver.apply(host, [sysctl("all", "arp_ignore", 1)])
    assert reached.driver.run(host, ["true"], timeout_s=5).exit_code == 0
    assert (reached.sshd.tools / "sudo.used").read_text() == "-n sh -s\n" * 2
    assert reached.read().sysctls["conf/all/arp_ignore"] == 1


def test_sudo_that_is_refused_is_named_and_nothing_is_done(reached: Reached) -> None:
    reached.sshd.tool("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    host = replace(reached.host, sudo=True)
    before = reached.settled()
    with pytest.raises(HostUnreachable, match=r"sudo was refused.*a password is required"):
        reached.driver.read(host)
    with pytest.raises(HostUnreachable, match="sudo was refused"):
        reached.driver.apply(host, plan_add(before, host=host, vip=VIP))
    assert reached.settled() == before
