"""Routes and rules as ``ip`` prints them, in the spellings of several releases. Pure."""

import ipaddress
import itertools
import re

from orchestrator.hosts.answer import Unintelligible
from orchestrator.hosts.state import ROUTE_OPTIONS, PolicyRule, Route

_KINDS = (
    "unicast",
    "local",
    "broadcast",
    "multicast",
    "anycast",
    "throw",
    "unreachable",
    "blackhole",
    "prohibit",
    "nat",
)
_EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}


def route(line: str, *, version: int) -> Route:
    """Return the route on a line of ``ip -o route``.

    Raises:
        Unintelligible: it is none.
    """
    head, *hops = line.replace("\\", " ").split("nexthop")
    words = head.split()
    kind = words.pop(0) if words and words[0] in _KINDS else "unicast"
    if not words:
        raise Unintelligible(f"a route that reads {line!r}")
    paths = tuple((_gateway(hop.split()), _after(hop.split(), "dev")) for hop in hops)
    gateway, interface = paths[0] if paths else (_gateway(words), _after(words, "dev"))
    return Route(
        version=version,
        destination=_network(words[0], version),
        gateway=gateway,
        interface=interface,
        metric=int(_after(words, "metric") or 0),
        table=_after(words, "table") or "main",
        protocol=_after(words, "proto") or "boot",
        source=_after(words, "src"),
        kind=kind,
        onlink="onlink" in words,
        options=tuple(
            (name, int(value))
            for name in ROUTE_OPTIONS
            if (value := _after(words, name).removeprefix("lock")).isdigit()
        ),
        hops=paths,
    )


def rule(line: str, *, version: int) -> PolicyRule:
    """Return the rule on a line of ``ip rule``.

    Raises:
        Unintelligible: it is none.
    """
    match = re.fullmatch(r"(\d+):\s+(.*)", line.strip())
    if match is None:
        raise Unintelligible(f"a rule that reads {line!r}")
    words = match[2].split()
    known = {name: _after(words, name) for name in ("from", "to", "iif", "fwmark", "lookup")}
    spelled = {word for name, value in known.items() if value for word in (name, value)}
    return PolicyRule(
        version=version,
        priority=int(match[1]),
        source=known["from"] or "all",
        destination=known["to"] or "all",
        table=known["lookup"],
        interface=known["iif"],
        mark=known["fwmark"],
        others=" ".join(word for word in words if word not in spelled),
    )


def _gateway(words: list[str]) -> str:
    """Return what stands after via; "via inet6 ADDRESS" where the families differ."""
    first = _after(words, "via")
    return _after(words, first) if first in ("inet", "inet6") else first


def _after(words: list[str], name: str) -> str:
    for word, following in itertools.pairwise(words):
        if word == name:
            return following
    return ""


def _network(text: str, version: int) -> str:
    if text == "default" or text == _EVERYTHING[version]:
        return "default"
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise Unintelligible(f"a route to {text!r}") from None
