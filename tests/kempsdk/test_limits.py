"""Limits of clients, and limiting rules."""

import pytest

from kempsdk.client import LoadMaster
from kempsdk.errors import BadAnswer, CommandRejected, InvalidRequest, NotFound, WriteNotApplied
from kempsdk.limits import ClientLimit, ClientLimitKind, LimitMatch, LimitRule
from tests.kempsdk.test_virtual_services import DONE, scripted


@pytest.mark.parametrize(
    "kind",
    [
        ClientLimitKind.CONNECTIONS,
        ClientLimitKind.CONNECTIONS_PER_S,
        ClientLimitKind.REQUESTS_PER_S,
    ],
)
def test_clients(lm: LoadMaster, kind: ClientLimitKind) -> None:
    assert lm.limits.clients(kind) == ()
    assert lm.limits.set_client(kind, "10.1.2.3", 20) == ClientLimit(
        network="10.1.2.3/32", limit=20
    )
    lm.limits.set_client(kind, "10.2.0.0/16", 30)
    lm.limits.set_client(kind, "10.1.2.3", 25)
    assert sorted((one.network, one.limit) for one in lm.limits.clients(kind)) == [
        ("10.1.2.3/32", 25),
        ("10.2.0.0/16", 30),
    ]
    lm.limits.remove_client(kind, "10.2.0.0/16")
    assert [one.network for one in lm.limits.clients(kind)] == ["10.1.2.3/32"]
    with pytest.raises(NotFound):
        lm.limits.remove_client(kind, "10.2.0.0/16")


def test_bandwidth_needs_the_global_limit(lm: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        lm.limits.set_client(ClientLimitKind.BANDWIDTH, "10.1.2.3", 100)
    lm.limits.update_settings(client_bandwidth=1000)
    assert lm.limits.set_client(ClientLimitKind.BANDWIDTH, "10.1.2.3", 100).limit == 100


def test_rules(lm: LoadMaster) -> None:
    assert lm.limits.rules() == ()
    made = lm.limits.add_rule("slow", "/test/a.html", limit=10)
    assert made == LimitRule(
        name="slow", pattern="/test/a.html", limit=10, match=LimitMatch.REQUEST
    )
    lm.limits.add_rule("bots", "bot", limit=5, match=LimitMatch.USER_AGENT, negated=True)
    now = lm.limits.update_rule("slow", limit=12, match=LimitMatch.HOST)
    assert (now.pattern, now.limit, now.match) == ("/test/a.html", 12, LimitMatch.HOST)
    assert [one.name for one in lm.limits.move_rule("bots", 1)] == ["bots", "slow"]
    assert [one.name for one in lm.limits.move_rule("bots", 99)] == ["slow", "bots"]
    assert lm.limits.rule("bots").negated
    lm.limits.delete_rule("slow")
    assert [one.name for one in lm.limits.rules()] == ["bots"]
    for call in (lm.limits.rule, lm.limits.delete_rule):
        with pytest.raises(NotFound):
            call("slow")


def test_wrong_values_are_not_sent() -> None:
    lm, transport = scripted()
    kind = ClientLimitKind.CONNECTIONS
    for network, limit in (("10.0.0.1/8", 1), ("10.0.0.1", 0), ("10.0.0.1", 1_000_001)):
        with pytest.raises(InvalidRequest):
            lm.limits.set_client(kind, network, limit)
    for name, pattern, limit in (("a-b", "x", 1), ("ab", "", 1), ("ab", "x", 0)):
        with pytest.raises(InvalidRequest):
            lm.limits.add_rule(name, pattern, limit=limit)
    with pytest.raises(InvalidRequest):
        lm.limits.move_rule("ab", 0)
    assert transport.calls == []


def test_what_was_not_stored() -> None:
    kind = ClientLimitKind.CONNECTIONS
    row = {"Addr": "10.1.2.3", "Limit": 4}
    lm, _ = scripted(clientmaxclimitadd=[DONE], clientmaxclimitlist=[{"Data": [row]}])
    with pytest.raises(WriteNotApplied, match="asked 5, got 4"):
        lm.limits.set_client(kind, "10.1.2.3", 5)
    rule = {"Name": "ab", "Pattern": "x", "Limit": 4, "Match": 64}
    lm, _ = scripted(addlimitrule=[DONE], dellimitrule=[DONE], listlimitrules=[{"Data": [rule]}])
    with pytest.raises(WriteNotApplied, match="negated: asked False, got True"):
        lm.limits.add_rule("ab", "x", limit=4)
    with pytest.raises(WriteNotApplied):
        lm.limits.delete_rule("ab")


@pytest.mark.parametrize(
    "answer",
    [
        {"Data": [{"Who": "10.1.2.3", "Limit": 4}]},
        {"Data": [{"Addr": "someone", "Limit": 4}]},
        {"Data": [{"Addr": "10.1.2.3"}]},
    ],
)
def test_an_unknown_shape_is_not_an_empty_list(answer: dict[str, object]) -> None:
    lm, _ = scripted(clientmaxclimitlist=[answer], listlimitrules=[answer])
    with pytest.raises(BadAnswer):
        lm.limits.clients(ClientLimitKind.CONNECTIONS)
    with pytest.raises(BadAnswer):
        lm.limits.rules()
