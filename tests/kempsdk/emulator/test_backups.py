"""backup and restore, and the state file."""

import base64
from pathlib import Path

import pytest

from kempsdk.emulator.box import VirtualLoadMaster
from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Wire


@pytest.fixture
def filled(start: Start) -> Wire:
    wire = start()
    wire.v2("set", param="cachesize", value=101)
    wire.v2("modhealth", Timeout=10)
    wire.fresh("198.18.0.1", NickName="web")
    wire.fresh("198.18.0.2")
    wire.server(1, "198.19.0.1", weight=5)
    wire.sub(2)
    wire.v2("addrule", name="r", pattern="p")
    wire.v2("addprerule", vs=1, rule="r")
    return wire


def _mess_up(wire: Wire) -> None:
    for index in (1, 2):
        wire.v2("delvs", vs=index)
    wire.v2("delrule", name="r")
    wire.v2("set", param="cachesize", value=300)
    wire.v2("modhealth", Timeout=20)


def test_a_backup_is_a_raw_file_in_v1_and_base64_in_v2(filled: Wire) -> None:
    raw = filled.v1("backup")
    assert raw.content_type == "application/octet-stream"
    answer = filled.v2("backup").json
    assert set(answer) == {"code", "data", "status"}
    assert len(base64.b64decode(answer["data"])) > 100
    assert raw.body[:2] == base64.b64decode(answer["data"])[:2]


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_restore_brings_everything_back(filled: Wire, api: str) -> None:
    before = filled.v2("listvs").body
    file = filled.v1("backup").body
    _mess_up(filled)
    if api == "v1":
        # As curl --data-binary sends it, with a type that is not the file's.
        headers = {**filled.basic(), "Content-Type": "application/x-www-form-urlencoded"}
        reply = filled.request("POST", "/access/restore?type=3", body=file, headers=headers)
    else:
        reply = filled.v2("restore", type="15", data=base64.b64encode(file).decode())
    assert reply.status == 200, reply.text
    assert filled.v2("listvs").body == before
    assert filled.v2("get", param="cachesize").json["cachesize"] == 101
    assert filled.v2("showhealth").json["Timeout"] == 10
    assert filled.v2("showrule", name="r").status == 200
    # New servers do not get the number of a restored one.
    assert filled.server(1, "198.19.0.9")["RsIndex"] == 3


@pytest.mark.parametrize(
    ("parts", "services", "cachesize"), [(1, 0, 101), (2, 3, 300), (12, 0, 300), (3, 3, 101)]
)
def test_the_type_is_a_mask(filled: Wire, parts: int, services: int, cachesize: int) -> None:
    file = filled.v1("backup").body
    _mess_up(filled)
    reply = filled.request(
        "POST", f"/access/restore?type={parts}", body=file, headers=filled.basic()
    )
    assert reply.status == 200
    assert len(filled.v2("listvs").json.get("VS", [])) == services
    assert filled.v2("get", param="cachesize").json["cachesize"] == cachesize


def test_what_is_no_backup_changes_nothing(filled: Wire) -> None:
    before = filled.v2("listvs").body
    for body in (b"\x1f\x8b\x08broken", b"nonsense"):
        reply = filled.request("POST", "/access/restore?type=3", body=body, headers=filled.basic())
        assert reply.status == 422
    assert filled.v2("restore", type=3).error == (400, "data: File Value missing")
    file = base64.b64encode(filled.v1("backup").body).decode()
    assert filled.v2("restore", type=16, data=file).status == 400
    assert filled.v2("listvs").body == before


def test_a_backup_of_another_unit_brings_no_serial_number(filled: Wire, start: Start) -> None:
    other = start(switches={"serial_number": "77"})
    restored = base64.b64encode(filled.v1("backup").body).decode()
    assert other.v2("restore", type="15", data=restored).status == 200
    assert other.v2("get", param="cachesize").json["cachesize"] == 101
    assert str(other.v2("get", param="serialnumber").json["serialnumber"]) == "77"


def test_a_backup_holds_no_credentials(filled: Wire) -> None:
    import gzip

    text = gzip.decompress(filled.v1("backup").body).decode()
    assert '"users": {}' in text
    assert filled.box.user not in text


def test_state_survives_a_restart(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = start(state_file=state)
    # Written at once, so that a wrong place is noticed at the start.
    assert state.exists()
    first.fresh(NickName="web", Persist="src", PersistTimeout=60)
    first.server(1, "198.19.0.1")
    first.v2("aclcontrol", addvs="block", vs=1, addr="198.51.100.1")
    first.v2("addrule", name="r", pattern="p")
    before = first.v2("listvs").body
    first.box.stop()
    second = start(state_file=state)
    assert second.v2("listvs").body == before
    assert second.v2("showrule", name="r").status == 200
    assert len(second.v2("aclcontrol", listvs="block", vs=1).json["IP"]) == 1
    assert second.server(1, "198.19.0.2")["RsIndex"] == 2
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', "\x00"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(text)
    box = VirtualLoadMaster(http=True, state_file=state)
    with pytest.raises(ValueError, match=r"state|JSON"):
        box.start()
    assert state.read_text() == text
    box.stop()


def test_a_service_that_comes_back_by_a_restore_can_go_again(start: Start) -> None:
    wire = start()
    web = {"vs": "10.0.0.1", "port": 80, "prot": "tcp"}
    for _ in range(3):
        wire.v2("addvs", **web)
        wire.v2("addrs", **web, rs="10.0.0.2", rsport=80)
        wire.v2("restore", type="2", data=wire.v2("backup").json["data"])
        assert wire.v2("showrs", **web, rs="10.0.0.2", rsport=80).status == 200
        assert wire.v2("delvs", **web).status == 200
        assert wire.v2("listvs").json.get("VS", []) == []
