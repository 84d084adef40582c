"""LoadMaster itself."""

import subprocess
import sys
import threading

import pytest

from kempsdk.auth import ApiKey, ClientCert, Password
from kempsdk.client import LoadMaster
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import AuthenticationFailed, InvalidRequest, NotFound, UnknownCommand
from kempsdk.references import RsRef, VsRef
from kempsdk.transport.call import Call
from kempsdk.transport.tls import Insecure, Pin
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import DONE, scripted


def test_arguments_that_do_not_fit() -> None:
    key = ApiKey("key")
    with pytest.raises(InvalidRequest):
        LoadMaster("https://lb.example", key, api="v3")
    with pytest.raises(InvalidRequest):
        LoadMaster("https://lb.example", ClientCert("c.pem"), api="v2")
    with pytest.raises(InvalidRequest):
        LoadMaster("https://lb.example", key, timeout=0)
    with pytest.raises(InvalidRequest):
        LoadMaster("http://lb.example", key)
    assert LoadMaster("http://lb.example", key, tls=Insecure()) is not None


def test_shows_no_credential() -> None:
    assert repr(LoadMaster("https://lb.example", ApiKey("s3cret"))) == "LoadMaster(lb.example:443)"


def test_any_command(lm: LoadMaster, web: VsRef) -> None:
    reply = lm.command("showvs", {"vs": web.address, "port": web.port, "prot": "tcp"})
    assert reply.data["VSAddress"] == web.address
    assert lm.command("listapi").data is not None
    with pytest.raises(UnknownCommand):
        lm.command("nosuchcommand")
    with pytest.raises(InvalidRequest):
        lm.command("show vs")
    with pytest.raises(InvalidRequest):
        lm.command("showvs", {"v&s": 1})


def test_typed_commands(lm: LoadMaster, web: VsRef) -> None:
    reply = lm.commands.showvs(vs=web.address, port=web.port, prot="tcp")
    assert reply.data["VSAddress"] == web.address


def test_whether_a_command_changes_something_comes_from_the_catalogue() -> None:
    lm, transport = scripted(showvs=[DONE], delvs=[DONE], newcommand=[DONE])
    for name in ("showvs", "delvs", "newcommand"):
        lm.command(name)
    assert transport.calls == [
        Call(command="showvs", mutates=False),
        Call(command="delvs", mutates=True),
        Call(command="newcommand", mutates=True),
    ]


def test_wrong_credentials_are_tried_once(box: VirtualLoadMaster) -> None:
    for auth in (ApiKey("wrong"), Password("bal", "wrong")):
        before = len(box.calls)
        with (
            LoadMaster(box.url, auth, tls=Pin(box.fingerprint), clock=FakeClock()) as lm,
            pytest.raises(AuthenticationFailed),
        ):
            lm.virtual_services.list()
        assert len(box.calls) - before == 1


def test_can_be_used_again_after_close(lm: LoadMaster, web: VsRef) -> None:
    lm.close()
    assert lm.virtual_services.get(web).ref == web


def test_threads_share_one_client(lm: LoadMaster, web: VsRef) -> None:
    """Each thread works on its own server; none sees another's."""
    wrong = []

    def work(number: int) -> None:
        rs = RsRef(f"10.0.2.{number}", 80)
        made = lm.real_servers.add(web, rs, weight=number)
        changed = lm.real_servers.update(web, rs, weight=100 + number)
        lm.real_servers.delete(web, rs)
        if (made.weight, changed.weight, changed.ref) != (number, 100 + number, rs):
            wrong.append(number)
        try:
            lm.real_servers.get(web, rs)
        except NotFound:
            return
        wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 17)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert wrong == []
    assert lm.real_servers.list(web) == ()


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import kempsdk", "requests tenacity asyncio ssl xml dataclasses"),
        ("from kempsdk import LoadMaster, ApiKey", "requests urllib3 tenacity asyncio yaml"),
        ("from kempsdk import VirtualService, VsRef", "requests tenacity asyncio ssl"),
    ],
)
def test_importing_loads_only_what_is_needed(code: str, unwanted: str) -> None:
    check = f"{code}\nimport sys\nprint(*sorted(set({unwanted.split()!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
