"""Limits on everything, on clients and on requests."""

from typing import TYPE_CHECKING, Final

from kempsdk.limits import ClientLimitKind, LimitAnswer, LimitMatch
from kempsdk.recording.cases.case import Case, case

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_CLIENT: Final = "203.0.113.7"
_CLIENTS: Final = "198.51.100.0/24"


def _with_clients(lm: "LoadMaster", kind: ClientLimitKind) -> None:
    if kind is ClientLimitKind.BANDWIDTH:
        lm.limits.update_settings(client_bandwidth=1000)
    lm.limits.set_client(kind, _CLIENT, 20)
    lm.limits.set_client(kind, _CLIENTS, 30)


def _clients(kind: ClientLimitKind) -> tuple[Case, ...]:
    def prepare(lm: "LoadMaster") -> None:
        _with_clients(lm, kind)

    return (
        case(f"{kind.value}list/none", lambda lm: lm.limits.clients(kind)),
        case(f"{kind.value}list/two", lambda lm: lm.limits.clients(kind), prepare=prepare),
        case(
            f"{kind.value}add/changed-and-new",
            lambda lm: lm.limits.set_client(kind, _CLIENT, 25),
            lambda lm: lm.limits.set_client(kind, "2001:db8::/32", 10),
            prepare=prepare,
        ),
        case(
            f"{kind.value}del/one",
            lambda lm: lm.limits.remove_client(kind, _CLIENTS),
            lambda lm: lm.limits.clients(kind),
            prepare=prepare,
        ),
    )


def _with_rules(lm: "LoadMaster") -> None:
    lm.limits.add_rule("slow", "/search", limit=10)
    lm.limits.add_rule("bots", "bot", limit=5, match=LimitMatch.USER_AGENT, negated=True)


CASES: Final = (
    *[one for kind in ClientLimitKind for one in _clients(kind)],
    case(
        "clientbandwidthlimitadd/without-the-global-limit",
        lambda lm: lm.limits.set_client(ClientLimitKind.BANDWIDTH, _CLIENT, 100),
    ),
    case("listlimitrules/none", lambda lm: lm.limits.rules()),
    case(
        "listlimitrules/two",
        lambda lm: lm.limits.rules(),
        lambda lm: lm.limits.rule("bots"),
        prepare=_with_rules,
    ),
    case("addlimitrule/new", lambda lm: lm.limits.add_rule("slow", "/search", limit=10)),
    case(
        "modlimitrule/host",
        lambda lm: lm.limits.update_rule("slow", limit=12, match=LimitMatch.HOST),
        prepare=_with_rules,
    ),
    case(
        "movelimitrule/to-the-front",
        lambda lm: lm.limits.move_rule("bots", 1),
        prepare=_with_rules,
    ),
    case(
        "dellimitrule/one",
        lambda lm: lm.limits.delete_rule("slow"),
        lambda lm: lm.limits.rules(),
        prepare=_with_rules,
    ),
    case(
        "set/limits",
        lambda lm: lm.limits.update_settings(
            connections=80_000, answer=LimitAnswer.TOO_MANY_REQUESTS, client_connections=50
        ),
        lambda lm: lm.limits.settings(),
    ),
)
