"""Whether a host's firewall may keep the service's packets out: firewalld, nft, iptables. Pure.

firewalld is judged by the interface's zone. Of other rules only this much is said: a chain at
input that drops or rejects what nobody let in, and no rule that names the port.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.hosts.sections import Firewalld, Zone

_SERVICE_PORTS = {
    "cockpit": ("9090/tcp",),
    "dhcpv6-client": ("546/udp",),
    "dns": ("53/tcp", "53/udp"),
    "ftp": ("21/tcp",),
    "http": ("80/tcp",),
    "http3": ("443/udp",),
    "https": ("443/tcp",),
    "imap": ("143/tcp",),
    "imaps": ("993/tcp",),
    "ldap": ("389/tcp",),
    "ldaps": ("636/tcp",),
    "mdns": ("5353/udp",),
    "mysql": ("3306/tcp",),
    "pop3": ("110/tcp",),
    "pop3s": ("995/tcp",),
    "postgresql": ("5432/tcp",),
    "rdp": ("3389/tcp", "3389/udp"),
    "smtp": ("25/tcp",),
    "smtps": ("465/tcp",),
    "ssh": ("22/tcp",),
}
"""Ports of firewalld's own services, as it ships them; a changed or an own service is not known."""

_OPEN_TARGETS = ("ACCEPT",)
_NAMES = {"http": 80, "https": 443, "ssh": 22, "domain": 53, "smtp": 25, "ftp": 21}


def zone_opens(zone: Zone, port: int, protocol: str) -> bool:
    """Return whether a zone lets a port in, as far as its ports, services and rich rules say.

    An own service with an unknown port counts as opening it: better no finding than a wrong one.
    """
    if zone.target in _OPEN_TARGETS or protocol in zone.protocols:
        return True
    if any(_covers(one, port, protocol) for one in zone.ports):
        return True
    wanted = f"{port}/{protocol}"
    if any(wanted in _SERVICE_PORTS.get(name, (wanted,)) for name in zone.services):
        return True
    return any(
        f'port="{port}" protocol="{protocol}"' in rule
        or f'protocol value="{protocol}"' in rule
        or re.search(r'service name="', rule) is not None
        for rule in zone.rich_rules
        if "accept" in rule or "forward-port" in rule
    )


def _covers(text: str, port: int, protocol: str) -> bool:
    ports, _, kind = text.partition("/")
    first, _, last = ports.partition("-")
    if kind != protocol or not first.isdigit():
        return False
    return int(first) <= port <= int(last or first)


def closed_zones(firewalld: Firewalld, port: int, protocol: str) -> tuple[bool, bool]:
    """Return whether the port is closed now, and after a reload or boot.

    A direct rule that names the port counts as opening it.
    """

    def closed(zone: Zone | None, direct: tuple[str, ...]) -> bool:
        return (
            zone is not None
            and not zone_opens(zone, port, protocol)
            and not any(re.search(rf"--dports? \S*\b{port}\b", one) for one in direct)
        )

    now = firewalld.running and closed(firewalld.runtime, firewalld.direct)
    starts = firewalld.running or firewalld.service == "enabled"
    later = starts and closed(firewalld.permanent, firewalld.direct_permanent)
    return now, later


@dataclass(slots=True)
class _Chain:
    name: str
    table: str
    input: bool = False
    policy: str = "accept"
    rules: list[str] = field(default_factory=list)


def dropping_chains(
    nft: str, iptables: str, *, port: int, protocol: str, interface: str
) -> tuple[str, ...]:
    """Return the chains at input that may drop the packets of a new connection to a port.

    Args:
        nft: what ``nft list ruleset`` prints; firewalld's own tables are passed over.
        iptables: what ``iptables-save`` prints (legacy).
        interface: a rule that accepts all that comes in there opens the port too.
    """
    chains = [*_nft_chains(nft), *_iptables_chains(iptables)]
    found = []
    for chain in chains:
        drops = chain.policy == "drop" or any(map(_drops_all, chain.rules[-1:]))
        if not chain.input or not drops:
            continue
        family = [one for one in chains if one.table == chain.table]
        rules = [rule for one in family for rule in one.rules]
        if not any(_opens(rule, port, protocol, interface) for rule in rules):
            found.append(f"{chain.table} {chain.name}")
    return tuple(found)


def _nft_chains(text: str) -> Iterator[_Chain]:
    table, chain = "", None
    for raw in text.splitlines():
        line = raw.strip()
        if match := re.fullmatch(r"table (\w+) (\S+) \{", line):
            table = f"{match[1]} {match[2]}"
        elif match := re.fullmatch(r"chain (\S+) \{", line):
            chain = _Chain(match[1], table)
        elif line == "}" and chain is not None:
            if not table.endswith(" firewalld") and table.split(" ")[0] in ("ip", "inet"):
                yield chain
            chain = None
        elif chain is not None and line.startswith("type "):
            chain.input = "type filter hook input" in line
            chain.policy = "drop" if "policy drop" in line else "accept"
        elif chain is not None and line:
            chain.rules.append(line)


def _iptables_chains(text: str) -> Iterator[_Chain]:
    chains: dict[str, _Chain] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif table != "filter":
            continue
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            chains[name] = _Chain(name, "iptables filter", name == "INPUT", policy.lower())
        elif (match := re.match(r"-A (\S+)\s*(.*)", line)) and match[1] in chains:
            chains[match[1]].rules.append(match[2])
    yield from chains.values()


def _drops_all(rule: str) -> bool:
    bare = re.sub(r"counter packets \d+ bytes \d+\s*|comment \"[^\"]*\"\s*", "", rule)
    return re.match(r"(-j )?(drop|reject)\b", bare.strip(), re.IGNORECASE) is not None


def _opens(rule: str, port: int, protocol: str, interface: str) -> bool:
    if not re.search(r"\baccept\b", rule, re.IGNORECASE):
        return False
    words = re.sub(r"counter packets \d+ bytes \d+\s*", "", rule)
    if re.search(r"\bdports?\b", words):
        return (protocol in words or "th dport" in words) and _names_port(words, port)
    if re.search(r"\bct state|--ctstate|--state|\bicmp|\bsport", words):
        return False
    bound = re.search(r'(?:iifname|iif|-i) "?([^"\s]+)"?', words)
    return bound is None or bound[1] == interface


def _names_port(rule: str, port: int) -> bool:
    said = re.split(r"\bdports?\b", rule, maxsplit=1)[1]
    said = re.split(r"\baccept\b", said, maxsplit=1, flags=re.IGNORECASE)[0]
    for first, last in re.findall(r"\b(\d+|[a-z]+)(?:[-:](\d+))?\b", said):
        low = int(first) if first.isdigit() else _NAMES.get(first, -1)
        if low <= port <= int(last or low):
            return True
    return False
