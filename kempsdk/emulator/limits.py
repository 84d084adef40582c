"""Limits by client address, and limiting rules by URL."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.values import Params

_MATCHES: Final = frozenset({0, 1, 2, 64, 65, 66})


@dataclass(slots=True, kw_only=True)
class LimitRule:
    name: str
    pattern: str
    limit: int
    match: int


@section("limits", part=BASE)
@dataclass(slots=True, kw_only=True)
class Limits:
    """Limits by network; rules in the order in which they are looked at."""

    connections: dict[str, int] = field(default_factory=dict)
    connections_per_s: dict[str, int] = field(default_factory=dict)
    requests_per_s: dict[str, int] = field(default_factory=dict)
    bandwidth: dict[str, int] = field(default_factory=dict)
    rules: list[LimitRule] = field(default_factory=list)


def _limits(box: Appliance) -> Limits:
    return box.state.section(Limits)


def _client(params: Params) -> str:
    """Return a client's address, or a network as address/prefix."""
    text = params.need("l7addr", "Address")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        # The text is aclcontrol's, so a guess here.
        raise Refusal("l7addr: Invalid address format") from None
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def _rows(request: Request, rows: list[Members], element: str) -> Answer:
    # v2 has them under ``Data``, as a client reads them; the v1 element is a guess.
    name = "Data" if request.api == "v2" else element
    return Answer(members=[(name, Many(rows))] if rows else [])


def _register(
    word: str, pick: Callable[[Limits], dict[str, int]], *, needs: str | None = None
) -> None:
    @command(f"{word}list")
    def show(box: Appliance, request: Request) -> Answer:
        return _rows(
            request,
            [
                [("Addr", address), ("Limit", limit)]
                for address, limit in pick(_limits(box)).items()
            ],
            "Limit",
        )

    @command(f"{word}add", mutates=True)
    def add(box: Appliance, request: Request) -> Answer:
        client = _client(request.params)
        request.params.need("l7limit")
        limit = request.params.number("l7limit")
        if limit is None:
            raise Refusal("l7limit: value out of range")
        if needs is not None and box.state.parameters.get(needs, "0") == "0":
            # The global limit must be set first; the text is a guess.
            raise Refusal("Command not available.")
        pick(_limits(box))[client] = limit
        box.changed_globally()
        return DONE

    @command(f"{word}del", mutates=True)
    def remove(box: Appliance, request: Request) -> Answer:
        if pick(_limits(box)).pop(_client(request.params), None) is None:
            raise Refusal("Unknown address")
        box.changed_globally()
        return DONE


_register("clientmaxclimit", lambda limits: limits.connections)
_register("clientcpslimit", lambda limits: limits.connections_per_s)
# The legacy name of the same limit.
_register("afeclientlimit", lambda limits: limits.connections_per_s)
_register("clientrpslimit", lambda limits: limits.requests_per_s)
_register("clientbandwidthlimit", lambda limits: limits.bandwidth, needs="clientmaxbandwidthlimit")


def _rule(box: Appliance, params: Params) -> LimitRule:
    name = params.need("name")
    for one in _limits(box).rules:
        if one.name == name:
            return one
    # The text is the content rules', so a guess here.
    raise Refusal("Rule not found")


def _number(params: Params, name: str) -> int:
    params.need(name)
    number = params.number(name)
    if number is None or (name == "match" and number not in _MATCHES):
        raise Refusal(f"{name}: value out of range")
    return number


@command("listlimitrules")
def listlimitrules(box: Appliance, request: Request) -> Answer:
    rows: list[Members] = [
        [
            ("Name", one.name),
            ("Pattern", one.pattern),
            ("Limit", one.limit),
            ("Match", one.match),
        ]
        for one in _limits(box).rules
    ]
    return _rows(request, rows, "LimitRule")


@command("addlimitrule", mutates=True)
def addlimitrule(box: Appliance, request: Request) -> Answer:
    params = request.params
    name = params.need("name")
    rules = _limits(box).rules
    if any(one.name == name for one in rules):
        raise Refusal("Rule already exists")
    pattern = params.need("pattern")
    rules.append(
        LimitRule(
            name=name,
            pattern=pattern,
            limit=_number(params, "limit"),
            match=_number(params, "match"),
        )
    )
    box.changed_globally()
    return DONE


@command("modlimitrule", mutates=True)
def modlimitrule(box: Appliance, request: Request) -> Answer:
    params = request.params
    rule = _rule(box, params)
    rule.pattern = params.get("pattern") or rule.pattern
    rule.limit = _number(params, "limit") if "limit" in params else rule.limit
    rule.match = _number(params, "match") if "match" in params else rule.match
    box.changed_globally()
    return DONE


@command("dellimitrule", mutates=True)
def dellimitrule(box: Appliance, request: Request) -> Answer:
    _limits(box).rules.remove(_rule(box, request.params))
    box.changed_globally()
    return DONE


@command("movelimitrule", mutates=True)
def movelimitrule(box: Appliance, request: Request) -> Answer:
    rule = _rule(box, request.params)
    position = _number(request.params, "position")
    rules = _limits(box).rules
    rules.remove(rule)
    # Positions count from 1 (a guess); one beyond the end means last.
    rules.insert(max(position - 1, 0), rule)
    box.changed_globally()
    return DONE
