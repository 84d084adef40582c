"""What the ssh driver makes of every way to fail, with a client that only plays its part."""

import time
from pathlib import Path

import pytest

from orchestrator.errors import HostChangeFailed, HostUnreachable
from orchestrator.hosts.changes import WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.ssh import SshDriver
from orchestrator.hosts.ssh_failure import no_way_in, said, with_cure

HOST = Host(name="web1", address="192.0.2.11", interface="eth0", sudo=True)
CHANGES = [WriteFile(path=f"/{name}", content="x", before=None) for name in "abc"]


class Client:
    """A stand-in for the ssh command: prints what it is told and ends as it is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "ssh"
        self.arguments = folder / "arguments"

    def says(self, stdout: str = "", stderr: str = "", *, code: int = 0, then: str = "") -> None:
        (self._folder / "out").write_text(stdout)
        (self._folder / "err").write_text(stderr)
        self.path.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >{self.arguments}\n'
            f"cat {self._folder}/out; cat {self._folder}/err >&2; {then}\nexit {code}\n"
        )
        self.path.chmod(0o755)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def refused(client: Client, *, answer_timeout_s: float = 60) -> str:
    """Return why a host cannot be read."""
    with (
        SshDriver(
            program=str(client.path), connect_timeout_s=1, answer_timeout_s=answer_timeout_s
        ) as driver,
        pytest.raises(HostUnreachable) as caught,
    ):
        driver.read(HOST)
    assert str(caught.value).startswith("web1: ")
    return str(caught.value)


def change_failed(client: Client) -> HostChangeFailed:
    with (
        SshDriver(program=str(client.path)) as driver,
        pytest.raises(HostChangeFailed) as caught,
    ):
        driver.apply(HOST, CHANGES)
    assert str(caught.value).startswith("web1: ")
    return caught.value


KEY_CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Offending ED25519 key in /home/op/.ssh/known_hosts:1
Host key for web1 has changed and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        (KEY_CHANGED, "not the one in known_hosts"),
        (
            "No ED25519 host key is known for web1 and you have requested strict checking.\n"
            "Host key verification failed.",
            "its host key is not in known_hosts",
        ),
        ("@ WARNING: REVOKED HOST KEY DETECTED! @\nHost key verification failed.", "revoked"),
        ("root@web1: Permission denied (publickey,password).", "accepts none of our keys"),
        ("Received disconnect from web1 port 22:2: Too many authentication failures", "our keys"),
        ("ssh: Could not resolve hostname web1: Name or service not known", "not known here"),
        ("ssh: connect to host web1 port 22: Connection timed out", "does not answer"),
        ("Connection timed out during banner exchange", "does not answer"),
        ("ssh: connect to host web1 port 22: Connection refused", "nothing listens there"),
        ("ssh: connect to host web1 port 22: No route to host", "no way to it"),
        (
            "channel 0: open failed: connect failed: Connection refused\n"
            "stdio forwarding failed\nConnection closed by UNKNOWN port 65535",
            "jump host was reached",
        ),
        ("kex_exchange_identification: Connection closed by remote host", "hung up before"),
        ("Connection reset by 192.0.2.11 port 22", "hung up before"),
        ("/home/op/.ssh/config: line 1: Bad configuration option: hots", "configuration is wrong"),
        ("Bad owner or permissions on /home/op/.ssh/config", "configuration is wrong"),
    ],
)
def test_why_there_is_no_way_in(client: Client, stderr: str, meaning: str) -> None:
    client.says(stderr=stderr, code=255)
    message = refused(client)
    assert meaning in message
    assert stderr.splitlines()[-1] in message
    # Nothing was sent, so nothing can have changed: not a failed change.
    with SshDriver(program=str(client.path)) as driver, pytest.raises(HostUnreachable):
        driver.apply(HOST, CHANGES)


@pytest.mark.parametrize(
    "stderr",
    [
        "Connection to web1 closed by remote host.",
        "Read from remote host web1: Connection timed out",
        "Read from remote host web1: Connection reset by peer\nclient_loop: send disconnect: "
        "Broken pipe",
        "mux_client_request_session: read from master failed: Broken pipe",
        "",
    ],
)
def test_a_session_that_broke_off_is_not_no_way_in(client: Client, stderr: str) -> None:
    assert no_way_in(stderr) is None
    client.says(stderr=stderr, code=255)
    assert "broke off" in refused(client)
    failure = change_failed(client)
    assert "Whether anything was done is not known" in str(failure)
    client.says("\n== kemp\n== done 0\n", stderr=stderr, code=255)
    failure = change_failed(client)
    assert "1 of 3 changes are known to be done" in str(failure)
    assert "write the file /b" in str(failure)
    assert failure.done == ("write the file /a",)


@pytest.mark.parametrize(
    ("stderr", "code", "meaning"),
    [
        ("sudo: a password is required", 1, "sudo was refused"),
        ("sudo: sorry, you must have a tty to run sudo", 1, "requiretty"),
        ("op is not in the sudoers file.", 1, "sudo was refused"),
        ("Sorry, user op is not allowed to execute '/usr/bin/sh -s' as root", 1, "sudo was"),
        ("bash: line 1: sudo: command not found", 127, "install the package sudo"),
        ("sh: 1: sudo: not found", 127, "install the package sudo"),
        ("", 1, "does not lead to a shell (exit code 1)"),
    ],
)
def test_why_there_is_no_shell(client: Client, stderr: str, code: int, meaning: str) -> None:
    client.says("This account is closed\n", stderr=stderr, code=code)
    assert meaning in refused(client)
    assert stderr in refused(client)


@pytest.mark.parametrize(
    ("tool", "package"), [("ip", "iproute"), ("base64", "coreutils"), ("setsid", "util-linux")]
)
def test_a_missing_tool_is_named_with_its_package(client: Client, tool: str, package: str) -> None:
    client.says(f"\n== kemp\n== missing {tool}\n== end\n")
    assert f"there is no {tool} on the host: install the package {package}" in refused(client)
    assert f"the package {package}" in str(change_failed(client))
    with SshDriver(program=str(client.path)) as driver, pytest.raises(HostUnreachable, match=tool):
        driver.run(HOST, ["true"], timeout_s=1)


@pytest.mark.parametrize(
    ("reason", "cure"),
    [
        ("cat: write error: No space left on device", "the disk is full"),
        ("mktemp: failed to create file: Read-only file system", "is read-only"),
        ("cannot create /x: Permission denied", "set sudo"),
        ("RTNETLINK answers: Operation not permitted", "set sudo"),
    ],
)
def test_a_failed_change_says_what_mends_it(reason: str, cure: str) -> None:
    assert cure in with_cure(reason).text
    assert with_cure(reason).text.startswith(reason)


def test_other_reasons_stay_as_they_are() -> None:
    assert with_cure("it reads '0' after writing 1").text == "it reads '0' after writing 1"
    assert with_cure("").text
    assert "nothing" in said("  \n")


@pytest.mark.parametrize(
    "stdout",
    ["\n== kemp\n== links\n", "\n== kemp\n== links\nwhat\n== end\n", "\n== kemp\n== end\n"],
)
def test_half_an_answer_is_not_an_empty_host(client: Client, stdout: str) -> None:
    client.says(stdout)
    assert refused(client)
    with SshDriver(program=str(client.path)) as driver, pytest.raises(HostUnreachable):
        driver.run(HOST, ["true"], timeout_s=1)


def test_a_client_that_hangs_is_ended(client: Client) -> None:
    client.says("\n== kemp\n", then="sleep 60 & wait")
    started = time.monotonic()
    assert "no answer in time" in refused(client, answer_timeout_s=0)
    assert time.monotonic() - started < 20


def test_a_client_that_is_not_there(tmp_path: Path) -> None:
    client = Client(tmp_path)
    assert "install the package openssh-clients" in refused(client)
    client.path.write_text("#!/bin/sh\n")
    assert "cannot be started" in refused(client)


@pytest.mark.parametrize(
    "host",
    [
        Host(name="x", address="-oProxyCommand=touch owned", interface="e"),
        Host(name="x", address="$(touch owned)", interface="e"),
        Host(name="x", address="192.0.2.1", interface="e", ssh_host="a;b"),
        Host(name="x", address="192.0.2.1", interface="e", user="-x"),
        Host(name="x", address="192.0.2.1", interface="e", user="a`b`"),
        Host(name="x", address="192.0.2.1", interface="e", port=0),
        Host(name="x", address="192.0.2.1", interface="e", port=65536),
    ],
)
def test_no_name_becomes_an_option_or_shell(client: Client, host: Host) -> None:
    client.says()
    with SshDriver(program=str(client.path)) as driver:
        with pytest.raises(HostUnreachable, match="x: "):
            driver.read(host)
        assert not client.arguments.exists()


def test_nobody_is_asked_and_nothing_is_in_the_arguments(client: Client) -> None:
    client.says("\n== kemp\n== done 0\n== done 1\n== done 2\n== end\n")
    host = Host(
        name="x", address="192.0.2.1", interface="e", user="op", port=2222, ssh_host="alias"
    )
    secret = "content-of-a-file"
    with SshDriver(program=str(client.path), config_file="/some/config") as driver:
        driver.apply(host, [WriteFile(path="/a", content=secret, before=secret)])
    arguments = client.arguments.read_text().splitlines()
    assert arguments[:2] == ["-F", "/some/config"]
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10"} <= {*arguments}
    assert arguments[-7:] == ["-l", "op", "-p", "2222", "--", "alias", "sh -s"]
    assert secret not in "".join(arguments)


def test_a_closed_driver_reaches_nobody(client: Client) -> None:
    client.says()
    driver = SshDriver(program=str(client.path))
    driver.close()
    driver.close()
    with pytest.raises(HostUnreachable, match="closed"):
        driver.read(HOST)
