"""The steps of the initial configuration, and the licence."""

import pytest

from tests.kempsdk.emulator.conftest import Start
from tests.kempsdk.emulator.wire import Reply, Wire

PASSWORD = "first password"
ACCOUNT = "kempid=a@example.com&password=p"


def _get(wire: Wire, target: str) -> Reply:
    """Call v1 without credentials."""
    return wire.request("GET", f"/access/{target}")


def _magic(reply: Reply) -> str:
    assert reply.status == 200, reply.text
    for element in reply.data.iter():
        if element.tag in ("Magic", "MagicString"):
            return element.text or ""
    raise AssertionError(reply.text)


@pytest.mark.parametrize("api_off", [True, False])
def test_from_the_agreement_to_the_password(start: Start, api_off: bool) -> None:
    wire = start(switches={"unlicensed": True, "licensing_disables_api": api_off})
    not_accepted = "Attempt to license called out of sequence. EULA not accepted"
    assert _get(wire, "listvs").status == 401
    assert wire.v1("listvs").error == (422, "Command not available.")
    assert _get(wire, f"alsilicense?{ACCOUNT}").error == (422, not_accepted)
    first = _magic(_get(wire, "readeula"))
    out_of_sequence = (422, "Accepteula2 called out of sequence")
    assert _get(wire, f"accepteula2?magic={first}&accept=yes").error == out_of_sequence
    assert _get(wire, f"accepteula?magic={first}&type=huge").error == (
        422,
        "Unknown license model",
    )
    assert _get(wire, "accepteula?magic=wrong&type=free").status == 422
    second = _magic(_get(wire, f"accepteula?magic={first}&type=free"))
    assert second != first
    assert _get(wire, f"accepteula2?magic={first}&accept=yes").error == out_of_sequence
    assert _get(wire, f"accepteula2?magic={second}&accept=yes").status == 200
    assert _get(wire, f"alsilicense?{ACCOUNT}").status == 200
    # The licence is there, and only the password can be set.
    assert _get(wire, "readeula").status == 401
    assert _get(wire, "set_initial_passwd?passwd=short").status == 422
    assert _get(wire, "set_initial_passwd?passwd=first%20password").status == 200
    assert _get(wire, "set_initial_passwd?passwd=another%20one").status in (401, 404)
    headers = wire.basic(PASSWORD)
    listed = wire.request("GET", "/access/listvs", headers=headers)
    assert listed.status == (404 if api_off else 200)
    target = "/access/set?param=enableapi&value=yes"
    assert wire.request("GET", target, headers=headers).status == 200
    assert wire.request("GET", "/access/listvs", headers=headers).status == 200


def test_an_offline_licence_is_a_file(start: Start) -> None:
    wire = start(switches={"unlicensed": True})
    second = _magic(_get(wire, f"accepteula?magic={_magic(_get(wire, 'readeula'))}&type=Perm"))
    _get(wire, f"accepteula2?magic={second}&accept=no")
    assert wire.request("POST", "/access/license", body=b"nonsense").status == 422
    assert wire.request("POST", "/access/license", body=b"begin 644 x\nend\n").status == 200


def test_a_unit_with_a_licence_needs_no_steps(wire: Wire) -> None:
    assert wire.v1("alsilicense", kempid="a@example.com", password="p").status == 200
    assert wire.v1("alsilicense").status == 400
    assert wire.v1("set_initial_passwd", passwd=PASSWORD).error == (422, "Command not available.")
    assert _magic(wire.v1("readeula"))
    # Quoted, and with the end of a line (read so by clients).
    for value in (one for one in wire.v2("licenseinfo").json.values() if type(one) is str):
        assert value == "ok" or (value.startswith('"') and value.endswith('"\n'))
