"""``kemp record -- python my_script.py``: what a script says, in a recording without secrets."""

import base64
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cli.exit_codes import ExitCode
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.recording import Answer, read_file, replay
from kempsdk.recording.cases.material import SITE, with_key
from kempsdk.recording.scrubbing import spellings
from tests.cli.conftest import Result, Terminal

CLIENT = """
    import os
    from kempsdk import ApiKey, LoadMaster, Pin

    def client(**more):
        return LoadMaster(
            os.environ["KEMP_URL"],
            ApiKey(os.environ["KEMP_API_KEY"]),
            tls=Pin(os.environ["KEMP_TLS_PIN"]),
            **more,
        )
"""


def _script(place: Path, text: str, name: str = "my_script.py") -> Path:
    path = place / name
    path.write_text(textwrap.dedent(CLIENT) + textwrap.dedent(text), encoding="utf-8")
    return path


def _record(lm: Terminal, script: Path, *options: str, python: tuple[str, ...] = ()) -> Result:
    out = str(lm.home / "recordings")
    return lm.process("record", "--out", out, *options, "--", sys.executable, *python, str(script))


def _nicknames(path: Path) -> list[str | None]:
    with replay(path, order="any") as tape, tape.client() as client:
        return [one.nickname for one in client.virtual_services.list()]


SCRIPT = """
    from kempsdk import VsRef

    WEB = VsRef.parse("tcp/10.20.30.40:80")

    def work(lm):
        lm.virtual_services.create(WEB, nickname="web")
        return [one.nickname for one in lm.virtual_services.list()]

    if __name__ == "__main__":
        with client(api="v2") as lm:
            print(work(lm))
"""


def _pytest(place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=place,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_script_is_recorded_and_its_test_replays_it(lm: Terminal) -> None:
    script = _script(lm.home, SCRIPT)
    done = _record(lm, script)
    assert (done.code, done.out) == (0, "['web']\n"), done.err
    assert str(lm.home / "recordings" / "my_script.yaml") in done.err
    (lm.home / "pytest.ini").write_text("[pytest]\nkemp_recordings = recordings\n")
    (lm.home / "test_my_script.py").write_text(
        "from my_script import work\n\n"
        "def test_work(recorded_loadmaster):\n"
        "    assert work(recorded_loadmaster('my_script')) == ['web']\n"
    )
    tested = _pytest(lm.home)
    assert "1 passed" in tested.stdout, tested.stdout + tested.stderr
    # A script that asks for something else, or for less, is another script.
    script.write_text(script.read_text().replace('nickname="web"', 'nickname="shop"'))
    tested = _pytest(lm.home)
    assert tested.returncode == 1
    assert "nickname: recorded web, sent shop" in tested.stdout
    asks_less = script.read_text().replace("    lm.", "    return ['web']\n    lm.", 1)
    script.write_text(asks_less)
    tested = _pytest(lm.home)
    assert tested.returncode == 1
    assert "never asked for" in tested.stdout


SECRETS = {
    "PASSWORD": "correct horse & <battery>",
    "SHARED": "pale/blue+dot=1980",
    "BACKUP": "Backup2Password",
    "KEY_LINE": with_key(SITE).decode().split("PRIVATE KEY-----\n")[1].splitlines()[0],
}


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_no_secret_is_in_the_recording(lm: Terminal, box: VirtualLoadMaster, api: str) -> None:
    script = _script(
        lm.home,
        f"""
        from kempsdk import AccessList, BackupPart, LdapSecurity, VsRef

        with client(api={api!r}) as lm:
            lm.users.create("ada", password={SECRETS["PASSWORD"]!r})
            lm.users.create_certificate("ada", passphrase={SECRETS["PASSWORD"]!r})
            lm.users.download_certificate("ada")
            lm.parameters.set("radiussecret", {SECRETS["SHARED"]!r})
            lm.parameters.list()
            lm.system.identity()
            lm.certificates.add("site", {with_key(SITE)!r})
            lm.certificates.backup({SECRETS["BACKUP"]!r})
            lm.ldap_endpoints.create(
                "x", security=LdapSecurity.LDAPS, admin_password={SECRETS["SHARED"]!r}
            )
            made = lm.api_keys.create()
            print(made.reveal())
            with client(api="v2") as other:
                other.api_keys.list()
            lm.backups.restore(lm.backups.download(), BackupPart.ALL)
            lm.access_lists.add(AccessList.BLOCK, "203.0.113.9", comment={SECRETS["SHARED"]!r})
            lm.virtual_services.create(VsRef.parse("tcp/10.20.30.40:80"), nickname="web")
        """,
    )
    done = _record(lm, script, "--addresses", "--name", "everything")
    assert done.code == 0, done.err
    path = lm.home / "recordings" / "everything.yaml"
    exchanges = read_file(path).exchanges
    assert read_file(path).provenance.note == "my_script"
    assert len(exchanges) > 20
    texts = [path.read_text("utf-8"), repr(exchanges)]
    for one in exchanges:
        assert isinstance(one.reply, Answer)
        texts += [one.reply.body.decode("latin-1"), (one.request.file or b"").decode("latin-1")]
    for text in list(texts):
        # Files of v2, and what stands in the recording as base64.
        for word in text.split('"'):
            try:
                texts.append(base64.b64decode(word, validate=True).decode("latin-1"))
            except ValueError:
                continue
    made = done.out.strip()
    assert len(made) == 44
    serial = box.run("get", param="serialnumber")["serialnumber"]
    place = box.url.partition("//")[2]
    for secret in (*SECRETS.values(), serial, made, box.api_key, place, "10.20.30.40"):
        for text in texts:
            assert not [way for way in spellings(secret) if way in text], secret
    # The same everywhere: what was made is what is listed later, on the other interface too.
    keys = [
        set(re.findall(rb"scrubbed\d+", one.reply.body))
        for one in exchanges
        if one.request.command in ("addapikey", "listapikeys") and isinstance(one.reply, Answer)
    ]
    assert [len(one) for one in keys] == [1, 2, 2]
    assert keys[0] < keys[1] == keys[2]


def test_threads_forks_and_scripts_of_the_script_are_all_recorded(lm: Terminal) -> None:
    _script(lm.home, "with client(api='v1') as lm:\n    lm.health_checks.get()\n", "inner.py")
    script = _script(
        lm.home,
        """
        import multiprocessing
        import subprocess
        import sys
        import threading

        def ask():
            with client(api="v2") as lm:
                lm.health_checks.get()

        if __name__ == "__main__":
            ask()
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            forked = multiprocessing.get_context("fork").Process(target=ask)
            forked.start()
            forked.join()
            spawned = multiprocessing.get_context("spawn").Process(target=ask)
            spawned.start()
            spawned.join()
            subprocess.run([sys.executable, "inner.py"], check=True)
        """,
    )
    script.write_text(script.read_text().replace('"inner.py"', repr(str(lm.home / "inner.py"))))
    done = _record(lm, script)
    assert (done.code, done.err.count("not recorded")) == (0, 0), done.err
    exchanges = read_file(lm.home / "recordings" / "my_script").exchanges
    assert [one.request.api for one in exchanges] == ["v2"] * 7 + ["v1"]


def test_what_a_killed_script_said_is_recorded(lm: Terminal) -> None:
    script = _script(
        lm.home,
        """
        import signal

        with client() as lm:
            lm.virtual_services.list()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    done = _record(lm, script)
    assert done.code == 128 + signal.SIGKILL
    assert _nicknames(lm.home / "recordings" / "my_script") == []


def test_ctrl_c_ends_the_script_and_not_the_recording(lm: Terminal) -> None:
    script = _script(
        lm.home,
        """
        import time

        with client() as lm:
            lm.virtual_services.list()
            try:
                print("asked", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                lm.health_checks.get()
                raise SystemExit(9)
        """,
    )
    out = lm.home / "recordings"
    argv = lm.argv("record", "--out", str(out), "--", sys.executable, str(script))
    with subprocess.Popen(
        argv, env=dict(lm.environment()), stdout=subprocess.PIPE, start_new_session=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"asked\n"
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=30) == 9
    commands = [one.request.command for one in read_file(out / "my_script").exchanges]
    assert commands == ["listvs", "showhealth"]


def test_the_exit_code_is_the_scripts(lm: Terminal) -> None:
    done = _record(lm, _script(lm.home, "raise SystemExit(7)\n"))
    assert done.code == 7
    assert "nothing recorded" in done.err


def test_each_loadmaster_has_its_recording(lm: Terminal) -> None:
    with VirtualLoadMaster(switches=Switches(rate_limit=False)) as second:
        lm.environ |= {"SECOND": second.url, "SECOND_PIN": second.fingerprint}
        script = _script(
            lm.home,
            """
            from kempsdk import Password

            with client() as one:
                one.health_checks.get()
                wrong = Password("bal", "wrong")
                two = LoadMaster(os.environ["SECOND"], wrong, tls=Pin(os.environ["SECOND_PIN"]))
                try:
                    two.virtual_services.list()
                except Exception as error:
                    print(type(error).__name__)
                one.virtual_services.list()
            """,
        )
        done = _record(lm, script, "--name", "pair")
    assert (done.code, done.out) == (0, "AuthenticationFailed\n"), done.err
    first, other = (read_file(lm.home / "recordings" / one) for one in ("pair", "pair-2"))
    assert [one.request.command for one in first.exchanges] == ["showhealth", "listvs"]
    assert [one.request.command for one in other.exchanges] == ["listvs"]


def test_the_scripts_own_sitecustomize_runs_too(lm: Terminal) -> None:
    own = lm.home / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins\nbuiltins.customized = 'yes'\n")
    lm.environ["PYTHONPATH"] = os.pathsep.join([str(own), str(Path(__file__).parents[2])])
    script = _script(
        lm.home,
        """
        import sys

        print(customized, [one for one in sys.path if "bootstrap" in one])
        with client() as lm:
            lm.virtual_services.list()
        """,
    )
    done = _record(lm, script)
    assert (done.code, done.out) == (0, "yes []\n"), done.err
    assert _nicknames(lm.home / "recordings" / "my_script") == []


def test_a_run_of_pytest_is_recorded(lm: Terminal) -> None:
    # It wants to be the first to import kempsdk, and says so where it is not.
    (lm.home / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    script = _script(
        lm.home,
        """
        def test_services():
            with client() as lm:
                assert lm.virtual_services.list() == ()
        """,
        "test_live.py",
    )
    done = _record(lm, script, python=("-m", "pytest", "-q", "-p", "no:cacheprovider"))
    assert done.code == 0, done.out + done.err
    assert _nicknames(lm.home / "recordings" / "test_live") == []


def test_a_python_that_cannot_be_recorded_is_told(lm: Terminal) -> None:
    script = _script(lm.home, "")
    script.write_text("print('ran')\n")
    done = _record(lm, script, python=("-I",))
    assert (done.code, done.out) == (0, "ran\n")
    assert "nothing recorded (a Python with -I" in done.err
    assert not (lm.home / "recordings").exists()


def test_without_a_recorder_a_script_goes_on(lm: Terminal) -> None:
    # The recorder is gone: what was done stays done.
    script = _script(lm.home, "with client() as lm:\n    print(len(lm.virtual_services.list()))\n")
    bootstrap = Path(__file__).parents[2] / "kempsdk/recording/bootstrap"
    lm.environ |= {
        "KEMP_RECORDER": str(lm.home / "gone"),
        "PYTHONPATH": os.pathsep.join([str(bootstrap), str(Path(__file__).parents[2])]),
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env=dict(lm.environment()),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "0\n")
    assert done.stderr == "kemp record: a call is not recorded: No such file or directory\n"


def test_not_a_program(lm: Terminal) -> None:
    out = str(lm.home / "x")
    result = lm("record", "--out", out, "--", "vss", "list")
    assert result.code == ExitCode.USAGE
    assert 'neither a command of kemp (did you mean "vs"?) nor a program' in result.err
    (lm.home / "data.txt").write_text("no program")
    (lm.home / "data.txt").chmod(0o755)
    assert lm("record", "--out", out, "--", str(lm.home / "data.txt")).code == ExitCode.USAGE
    assert lm("record", "--out", out, "--name", "../x", "--", "vs", "list").code == ExitCode.USAGE


def test_recording_costs_a_script_nothing_at_its_start(lm: Terminal) -> None:
    # The hook loads nothing that the script does not need.
    script = _script(lm.home, "")
    script.write_text(
        "import sys\nprint(sorted({'requests', 'yaml', 'responses'} & {*sys.modules}))\n"
    )
    assert _record(lm, script).out == "[]\n"
