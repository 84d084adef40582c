"""The scripts for a host, held against every shell of this machine; nothing leaves a folder."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.hosts.answer import Answer, answer
from orchestrator.hosts.changes import NetChange, WriteFile
from orchestrator.hosts.driver import Host
from orchestrator.hosts.ssh_answer import changes_done, command_result, net_state
from orchestrator.hosts.ssh_script import (
    apply_script,
    encoded,
    quoted,
    read_script,
    run_script,
)
from orchestrator.hosts.state import RECORD_FILE, SYSCTL_FILE
from tests.orchestrator.hosts.rooted import furnish, tool
from tests.processes import gone, readable

SHELLS = [
    [name, *applet]
    for name, *applet in (["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(name)
]
HOSTILE = "'; touch owned; $(touch owned) `touch owned` \\' \"$HOME\" \r\t\x01\x7f\x81 é*?[a]~ #!\n"

several_shells = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: str(shell[0]))
in_one_folder = settings(
    max_examples=40,
    deadline=None,
    # what one example writes, the next one writes anew
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_there_is_a_shell_to_test_with() -> None:
    assert SHELLS


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "root").mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    # Prints nothing: a host without interfaces.
    (tools / "ip").write_text("#!/bin/sh\n")
    (tools / "ip").chmod(0o755)
    return Host(name="web1", address="192.0.2.1", interface="eth0", root=str(tmp_path / "root/"))


def sent(shell: list[str], host: Host, script: bytes) -> Answer:
    """Have a shell read the script as a host's shell does, in a folder of its own."""
    tools = Path(host.root).with_name("tools")
    done = subprocess.run(
        [*shell, "-s"],
        input=script,
        capture_output=True,
        cwd=Path(host.root).parent,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
    )
    return answer(done.stdout)


def applied(shell: list[str], host: Host, *changes: NetChange) -> Answer:
    return sent(shell, host, encoded(apply_script(host, changes)))


def write(path: str, content: str | None) -> WriteFile:
    return WriteFile(path=path, content=content, before=None)


@several_shells
@in_one_folder
@given(texts=st.lists(st.text(), max_size=8))
def test_any_text_is_one_word(shell: list[str], texts: list[str]) -> None:
    texts = [text.replace("\0", "") for text in (*texts, HOSTILE)]
    script = f"f() {{ printf '%s\\0' \"$@\"; }}\nf {' '.join(map(quoted, texts))}\n"
    done = subprocess.run([*shell, "-s"], input=encoded(script), stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().split("\0")[:-1] == texts


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_shell_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        quoted(text)


def test_bytes_that_are_no_text_pass() -> None:
    assert encoded(quoted(os.fsdecode(b"\xff "))) == b"'\xff '"


@several_shells
@in_one_folder
@given(content=st.text())
def test_any_content_is_written_and_read_back(shell: list[str], host: Host, content: str) -> None:
    content = content.replace("\0", "")
    found = applied(shell, host, write(SYSCTL_FILE, content), write(RECORD_FILE, HOSTILE))
    assert (changes_done(found), found.failed, found.complete) == (2, None, True)
    assert (Path(host.root) / SYSCTL_FILE[1:]).read_bytes() == content.encode()
    state = net_state(sent(shell, host, encoded(read_script(host))), host)
    assert state.files == {SYSCTL_FILE: content, RECORD_FILE: HOSTILE}
    assert not list(Path(host.root).rglob("owned"))
    assert not Path(host.root).with_name("owned").exists()


@several_shells
@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_large_files_are_no_arguments_of_a_process(shell: list[str], host: Host, size: int) -> None:
    found = applied(shell, host, write("/etc/large", "x" * size))
    assert (found.failed, changes_done(found)) == (None, 1)
    assert (Path(host.root) / "etc/large").stat().st_size == size


@several_shells
@in_one_folder
@given(share=st.floats(0, 1))
def test_a_script_that_did_not_arrive_whole_does_nothing(
    shell: list[str], host: Host, share: float
) -> None:
    place = Path(host.root) / "etc/a"
    script = encoded(apply_script(host, [write("/etc/a", "new"), write("/etc/b", "new")]))
    found = sent(shell, host, script[: int(share * (len(script) - len("main </dev/null\n")))])
    assert not found.begun
    assert not place.parent.exists()


@several_shells
def test_paths_are_not_shell_either(shell: list[str], host: Host) -> None:
    path = "/etc/$(touch owned) 'x' *.conf\n-rf"
    found = applied(shell, host, write(path, "1"), write(path, "2"))
    assert (found.failed, changes_done(found)) == (None, 2)
    assert (Path(host.root) / path[1:]).read_text() == "2"
    assert [one.name for one in (Path(host.root) / "etc").iterdir()] == [path[5:]]
    assert changes_done(applied(shell, host, write(path, None))) == 1
    assert not (Path(host.root) / path[1:]).exists()


@several_shells
def test_a_written_file_keeps_its_mode_and_a_new_one_is_readable(
    shell: list[str], host: Host
) -> None:
    old = Path(host.root) / "old"
    old.write_text("before")
    old.chmod(0o640)
    assert changes_done(applied(shell, host, write("/old", "x"), write("/sub/new", "x"))) == 2
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE((Path(host.root) / "sub/new").stat().st_mode) == 0o644
    assert stat.S_IMODE((Path(host.root) / "sub").stat().st_mode) == 0o755


@several_shells
def test_what_a_cut_off_write_left_is_cleared_away(shell: list[str], host: Host) -> None:
    folder = Path(host.root) / "etc/sysctl.d"
    folder.mkdir(parents=True)
    name = SYSCTL_FILE.rpartition("/")[2]
    (folder / f".{name}.kemp.AbC123").write_text("half")
    (folder / ".other.conf.kemp.AbC123").write_text("not ours now")
    assert changes_done(applied(shell, host, write(SYSCTL_FILE, "whole"))) == 1
    assert sorted(one.name for one in folder.iterdir()) == [".other.conf.kemp.AbC123", name]


@several_shells
@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root: run as root")
def test_the_label_is_set_where_selinux_is(shell: list[str], host: Host) -> None:
    root = furnish(Path(host.root))
    tool(root, "restorecon", 'printf "%s\\n" "$@" >/args; [ ! -e /refuses ]')
    assert changes_done(applied(shell, host, write("/x y", "1"))) == 1
    assert (root / "args").read_text() == "/x y\n"
    (root / "refuses").touch()
    assert "it is written, but its SELinux label" in str(
        applied(shell, host, write("/x y", "2")).failed
    )


@several_shells
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/file/under", "xists"),
        ("/folder", "is a directory"),
        ("/linked", "is a directory"),
        ("/round/x", "goes round in circles"),
    ],
)
def test_a_failed_write_leaves_everything_as_it_was(
    shell: list[str], host: Host, path: str, reason: str
) -> None:
    root = Path(host.root)
    (root / "file").write_text("kept")
    (root / "folder").mkdir()
    (root / "linked").symlink_to("folder")
    (root / "round").symlink_to("round")
    found = applied(shell, host, write("/first", "1"), write(path, "2"), write("/never", "3"))
    assert changes_done(found) == 1
    assert reason in str(found.failed)
    assert (root / "file").read_text() == "kept"
    assert {one.name for one in root.rglob("*")} == {"file", "folder", "linked", "round", "first"}


@several_shells
def test_links_are_followed_inside_the_hosts_root_only(shell: list[str], host: Host) -> None:
    root = Path(host.root)
    outside = root.with_name("outside")
    outside.mkdir()
    (root / "etc").symlink_to(outside)
    (root / "up").symlink_to("../../../real")
    (root / "real").mkdir()
    found = applied(shell, host, write("/up/file", "1"), write("/etc/file", "1"))
    assert changes_done(found) == 2
    assert (root / "real/file").read_text() == "1"
    assert list(outside.iterdir()) == []
    assert (root / str(outside)[1:] / "file").read_text() == "1"


@several_shells
def test_a_missing_tool_is_named_before_anything_is_done(shell: list[str], host: Host) -> None:
    script = apply_script(host, [write("/x", "1")]).replace("need ip", "need kemp-no-such ip")
    found = sent(shell, host, encoded(script))
    assert (found.missing, found.complete, changes_done(found)) == ("kemp-no-such", True, 0)
    assert not (Path(host.root) / "x").exists()


@several_shells
def test_a_name_that_would_break_a_line_fails_the_reading(shell: list[str], host: Host) -> None:
    folder = Path(host.root) / "etc/sysctl.d"
    folder.mkdir(parents=True)
    (folder / "x\n== end\n.conf").touch()
    found = sent(shell, host, encoded(read_script(host)))
    assert found.failed == "/etc/sysctl.d holds a name with a line break"


@several_shells
@in_one_folder
@given(words=st.lists(st.text(), max_size=5))
def test_a_command_gets_its_arguments_as_they_are(
    shell: list[str], host: Host, words: list[str]
) -> None:
    words = [word.replace("\0", "") for word in (*words, HOSTILE)]
    script = run_script(host, ["printf", "%s\\0", *words], timeout_s=10)
    result = command_result(sent(shell, host, encoded(script)))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.split("\0")[:-1] == words


@several_shells
@pytest.mark.parametrize(("command", "code"), [("/etc", 126), ("kemp-no", 127), ("false", 1)])
def test_a_command_ends_as_in_a_shell(
    shell: list[str], host: Host, command: str, code: int
) -> None:
    result = command_result(sent(shell, host, encoded(run_script(host, [command], timeout_s=9))))
    assert result.exit_code == code


@several_shells
def test_a_command_that_takes_too_long_is_killed_with_its_children(
    shell: list[str], host: Host
) -> None:
    argv = ["sh", "-c", "sleep 60 & echo $!; wait"]
    result = command_result(sent(shell, host, encoded(run_script(host, argv, timeout_s=0.3))))
    assert result.exit_code is None
    assert gone(int(result.stdout))


@several_shells
@pytest.mark.parametrize("pause", ["0", "0.3"])
def test_nothing_is_left_of_a_command(shell: list[str], host: Host, pause: str) -> None:
    # Found again by its number of seconds.
    before = set(Path("/run").glob("kemp.*"))
    seconds = 100_000 + os.getpid()
    script = run_script(host, ["sleep", pause], timeout_s=seconds)
    assert command_result(sent(shell, host, encoded(script))).exit_code == 0
    left = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"%d" % seconds in readable(path).split(b"\0")
    ]
    assert all(gone(int(pid)) for pid in left)
    assert set(Path("/run").glob("kemp.*")) <= before


@pytest.mark.parametrize("argv", [[], ["x", "\0"]])
def test_a_command_that_cannot_be_is_refused(host: Host, argv: list[str]) -> None:
    with pytest.raises(ValueError, match=r"no command|NUL"):
        run_script(host, argv, timeout_s=1)
