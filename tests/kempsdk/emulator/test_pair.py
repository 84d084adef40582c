"""A high availability pair: shared address, synchronisation, failover on demand."""

import http.client
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from kempsdk.emulator import HighAvailabilityPair, Switches
from kempsdk.emulator.box import VirtualLoadMaster
from kempsdk.emulator.shared_address import UnitPlace


@pytest.fixture
def pair() -> Iterator[HighAvailabilityPair]:
    with HighAvailabilityPair(
        http=True, health="down", switches=Switches(rate_limit=False)
    ) as pair:
        yield pair


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _call(pair: HighAvailabilityPair, url: str, command: str, **params: object) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", _port(url), timeout=10)
    try:
        body = json.dumps({"cmd": command, "apikey": pair.first.api_key, **params})
        connection.request("POST", "/accessv2", body=body)
        data = json.loads(connection.getresponse().read())
        assert isinstance(data, dict)
        return data
    finally:
        connection.close()


def _get(pair: HighAvailabilityPair, unit: VirtualLoadMaster, name: str) -> Any:
    return _call(pair, unit.url, "get", param=name)[name]


def test_each_unit_knows_its_part(pair: HighAvailabilityPair) -> None:
    assert len({_port(one) for one in (pair.url, pair.first.url, pair.second.url)}) == 3
    assert _get(pair, pair.first, "hastatus") == "Active"
    assert _get(pair, pair.second, "hastatus") == "Standby"
    assert _call(pair, pair.url, "get", param="hamode")["hamode"] == 1
    assert _get(pair, pair.second, "hamode") == 2
    assert int(_get(pair, pair.first, "activetime")) > 0
    assert int(_get(pair, pair.second, "activetime")) == 0
    assert int(_get(pair, pair.second, "boottime")) > 0


def test_the_configuration_goes_to_the_standby_unit(pair: HighAvailabilityPair) -> None:
    added = _call(pair, pair.url, "addvs", vs="198.18.0.1", port=80, prot="tcp", NickName="web")
    _call(pair, pair.url, "addrs", vs=1, rs="198.19.0.1", rsport=80)
    _call(pair, pair.url, "useraddlocal", user="joe", password="longenough")
    _call(pair, pair.url, "modiface", interface=0, addr="192.0.2.20/24")
    shown = _call(pair, pair.second.url, "showvs", vs=added["Index"])
    assert (shown["NickName"], shown["Rs"][0]["RsIndex"]) == ("web", 1)
    assert _call(pair, pair.second.url, "userlist")["code"] == 200
    # Addresses are a unit's own, and so is its number.
    (interface,) = _call(pair, pair.second.url, "showiface")["Interface"]
    assert interface["IPAddress"] == "192.0.2.11/24"
    assert _get(pair, pair.second, "hamode") == 2
    refused = _call(pair, pair.second.url, "delvs", vs=1)
    assert (refused["code"], refused["message"]) == (422, "Command not available.")


def test_failover_and_back(pair: HighAvailabilityPair) -> None:
    _call(pair, pair.url, "addvs", vs="198.18.0.1", port=80, prot="tcp")
    open_one = http.client.HTTPConnection("127.0.0.1", _port(pair.url), timeout=10)
    body = json.dumps({"cmd": "listvs", "apikey": pair.first.api_key})
    open_one.request("POST", "/accessv2", body=body)
    assert open_one.getresponse().read()
    pair.failover()
    assert pair.active is pair.second
    # Connections through the shared address end.

    def ask_again() -> None:
        open_one.request("POST", "/accessv2", body=body)
        open_one.getresponse()

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask_again()
    open_one.close()
    assert _get(pair, pair.first, "hastatus") == "Standby"
    assert _call(pair, pair.url, "get", param="hamode")["hamode"] == 2
    assert len(_call(pair, pair.url, "listvs")["VS"]) == 1
    _call(pair, pair.url, "addvs", vs="198.18.0.2", port=80, prot="tcp")
    assert len(_call(pair, pair.first.url, "listvs")["VS"]) == 2
    pair.failover()
    assert _call(pair, pair.url, "get", param="hamode")["hamode"] == 1
    assert len(_call(pair, pair.url, "listvs")["VS"]) == 2


def test_the_sdk_talks_to_whichever_is_active() -> None:
    with (
        HighAvailabilityPair(health="down", switches=Switches(rate_limit=False)) as pair,
        pair.client() as lm,
    ):
        assert lm.parameters.get("hastatus") == "Active"
        before = lm.parameters.get("hamode")
        pair.failover()
        assert lm.parameters.get("hamode") != before


def test_a_shared_address_that_is_taken_is_said() -> None:
    with (
        HighAvailabilityPair(http=True) as one,
        pytest.raises(OSError),  # noqa: PT011 - the text is the system's
        HighAvailabilityPair(http=True, listen=("127.0.0.1", _port(one.url))),
    ):
        raise AssertionError


def test_two_units_do_not_share_a_state_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="state file"):
        HighAvailabilityPair(state_file=tmp_path / "state.json")


def test_a_unit_that_ended_is_no_obstacle(pair: HighAvailabilityPair) -> None:
    pair.second.stop()
    added = _call(pair, pair.url, "addvs", vs="198.18.0.1", port=80, prot="tcp")
    assert added["code"] == 200


def test_units_that_stand_apart_need_a_port() -> None:
    places = [
        UnitPlace(address=address, interface="eth0", within=nullcontext)
        for address in ("203.0.113.8", "203.0.113.9")
    ]
    with pytest.raises(ValueError, match="need a port"):
        HighAvailabilityPair(listen=("203.0.113.10", 0), places=(places[0], places[1]))
