"""Limits by client and limiting rules by URL."""

import pytest

from tests.kempsdk.emulator.wire import Wire

KINDS = ["clientmaxclimit", "clientcpslimit", "clientrpslimit", "afeclientlimit"]


@pytest.mark.parametrize("kind", KINDS)
def test_limits_by_client(wire: Wire, kind: str) -> None:
    assert wire.v2(f"{kind}list").json == {"code": 200, "status": "ok"}
    assert wire.v2(f"{kind}add", l7addr="192.0.2.7", l7limit="20").status == 200
    assert wire.v1(f"{kind}add", l7addr="198.18.0.0/16", l7limit=30).status == 200
    assert wire.v2(f"{kind}add", l7addr="192.0.2.7", l7limit=25).status == 200
    assert wire.v2(f"{kind}list").json["Data"] == [
        {"Addr": "192.0.2.7", "Limit": 25},
        {"Addr": "198.18.0.0/16", "Limit": 30},
    ]
    assert len(list(wire.v1(f"{kind}list").data)) == 2
    assert wire.v2(f"{kind}add", l7addr="nonsense", l7limit=1).status == 422
    assert wire.v2(f"{kind}add", l7addr="192.0.2.7", l7limit="many").status == 422
    assert wire.v2(f"{kind}del", l7addr="192.0.2.7").status == 200
    assert wire.v2(f"{kind}del", l7addr="192.0.2.7").status == 422


def test_the_old_name_means_the_same_limit(wire: Wire) -> None:
    wire.v2("afeclientlimitadd", l7addr="192.0.2.7", l7limit=20)
    assert wire.v2("clientcpslimitlist").json["Data"] == [{"Addr": "192.0.2.7", "Limit": 20}]


def test_bandwidth_needs_the_global_limit_first(wire: Wire) -> None:
    assert wire.v2("clientbandwidthlimitadd", l7addr="192.0.2.7", l7limit=20).status == 422
    wire.v2("set", param="ClientMaxBandwidthLimit", value=1000)
    assert wire.v2("clientbandwidthlimitadd", l7addr="192.0.2.7", l7limit=20).status == 200


def test_rules_by_url(wire: Wire) -> None:
    for name in ("a", "b", "c"):
        added = wire.v2("addlimitrule", name=name, pattern=f"/{name}", limit="10", match="0")
        assert added.status == 200
    assert wire.v2("addlimitrule", name="a", pattern="/", limit=1, match=0).status == 422
    assert wire.v2("addlimitrule", name="d", pattern="/", limit=1, match=3).status == 422
    assert wire.v2("modlimitrule", name="b", limit=20, match=64).status == 200

    def names() -> list[str]:
        return [one["Name"] for one in wire.v2("listlimitrules").json["Data"]]

    assert wire.v2("listlimitrules").json["Data"][1] == {
        "Name": "b",
        "Pattern": "/b",
        "Limit": 20,
        "Match": 64,
    }
    assert wire.v2("movelimitrule", name="a", position=9).status == 200
    assert names() == ["b", "c", "a"]
    assert wire.v2("movelimitrule", name="a", position=1).status == 200
    assert names() == ["a", "b", "c"]
    assert wire.v2("dellimitrule", name="b").status == 200
    assert wire.v2("dellimitrule", name="b").status == 422
    assert names() == ["a", "c"]
