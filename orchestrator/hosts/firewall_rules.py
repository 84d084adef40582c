"""The rules of firewalld that take a service's traffic in without its address. Pure.

A rich rule with forward-port and no toaddr: packets for the VIP are handed to this host's own
port. Measured with firewalld 1.3: works, leaves ip_forward off, needs no masquerade; on EL7
Red Hat documents a rule of the direct interface instead, which newer releases deprecate.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kempsdk.references import VsRef
from orchestrator.hosts.changes import CallTool
from orchestrator.hosts.sections import Zone

_WORD = re.compile(r'([a-z-]+)(?:="?([^"\s]*)"?)?')


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of firewalld's configuration, as its tools spell it.

    Attributes:
        option: what names the kind: ``rich-rule``, ``port``, ``forward-port``, ``masquerade``,
            or ``rule`` of the direct interface.
        words: what follows it.
        zone: "" for the direct interface, which has none.
    """

    option: str
    words: tuple[str, ...]
    zone: str = ""

    def added(self, *, permanent: bool, offline: bool) -> CallTool:
        """Return the call that adds it."""
        return self._call("add", "remove", permanent=permanent, offline=offline)

    def removed(self, *, permanent: bool, offline: bool) -> CallTool:
        """Return the call that removes it."""
        return self._call("remove", "add", permanent=permanent, offline=offline)

    def command(self, verb: str) -> str:
        """Return what a person would type, for both the running and the lasting side."""
        words = self._argv(verb, permanent=False, offline=False)[1:]
        text = " ".join(f"'{word}'" if " " in word else word for word in words)
        return f"firewall-cmd {text}; firewall-cmd --permanent {text}"

    def _argv(self, verb: str, *, permanent: bool, offline: bool) -> tuple[str, ...]:
        tool = "firewall-offline-cmd" if offline else "firewall-cmd"
        lasting = ("--permanent",) if permanent and not offline else ()
        where = (f"--zone={self.zone}",) if self.zone else ("--direct",)
        if self.zone and self.words:
            return (tool, *lasting, *where, f"--{verb}-{self.option}={self.words[0]}")
        return (tool, *lasting, *where, f"--{verb}-{self.option}", *self.words)

    def _call(self, verb: str, back: str, *, permanent: bool, offline: bool) -> CallTool:
        side = "lasting" if permanent else "running"
        what = " ".join([self.option, *self.words])
        where = f" in zone {self.zone}" if self.zone else " (direct)"
        words = {"add": f"add to the {side} firewall", "remove": f"take off the {side} firewall"}
        return CallTool(
            argv=self._argv(verb, permanent=permanent, offline=offline),
            says=f"{words[verb]}{where}: {what}",
            undo=CallTool(
                argv=self._argv(back, permanent=permanent, offline=offline),
                says=f"{words[back]}{where}: {what}",
            ),
        )


def redirect(service: VsRef, zone: str) -> Entry:
    """Return the rich rule that hands packets for a service to this host's own port."""
    family, prefix = ("ipv6", 128) if ":" in service.address else ("ipv4", 32)
    return Entry(
        option="rich-rule",
        words=(
            f'rule family="{family}" destination address="{service.address}/{prefix}" '
            f'forward-port port="{service.port}" protocol="{service.protocol.value}" '
            f'to-port="{service.port}"',
        ),
        zone=zone,
    )


def direct_redirect(service: VsRef) -> Entry:
    """Return the same as a rule of the direct interface, for EL7."""
    family = "ipv6" if ":" in service.address else "ipv4"
    words = f"{family} nat PREROUTING 0 -d {service.address} -p {service.protocol.value}"
    words += f" --dport {service.port} -j REDIRECT"
    return Entry(option="rule", words=tuple(words.split()))


def open_port(service: VsRef, zone: str) -> Entry:
    """Return the entry that lets the service's port in: the health check asks the real address."""
    return Entry(option="port", words=(f"{service.port}/{service.protocol.value}",), zone=zone)


def masquerade(zone: str) -> Entry:
    """Return the entry that has a zone's forwarded packets carry the host's own address."""
    return Entry(option="masquerade", words=(), zone=zone)


def is_in(entry: Entry, zone: Zone | None, direct: Iterable[str]) -> bool:
    """Return whether one side of the firewall has an entry; a zone that was not read has none."""
    if not entry.zone:
        # -d ADDRESS is printed back with or without its /32.
        return any(_direct_words(line) == _direct_words(" ".join(entry.words)) for line in direct)
    if zone is None:
        return False
    if entry.option == "masquerade":
        return zone.masquerade
    if entry.option == "port":
        return _has_port(zone, entry.words[0])
    if entry.option == "rich-rule":
        wanted = _rich_words(entry.words[0])
        return any(_rich_words(rule) == wanted for rule in zone.rich_rules)
    return entry.words[0] in zone.forward_ports


def sent_round(zone: Zone, vips: Iterable[str]) -> tuple[Entry, ...]:
    """Return the entries of the form that many guides show and that does not work.

    A forward-port with ``toaddr=VIP``: the packet goes back to the LoadMaster, and every
    connection to that port is taken, the health check's included (measured).
    """
    wanted = frozenset(vips)
    return tuple(
        Entry(option="forward-port", words=(one,), zone=zone.name)
        for one in zone.forward_ports
        if one.rpartition("toaddr=")[2] in wanted and "toaddr=" in one
    )


def took_away_round(argv: Iterable[str], vips: Iterable[str]) -> bool:
    """Return whether a call takes such an entry away."""
    wanted = frozenset(vips)
    return any(
        word.startswith("--remove-forward-port=") and word.rpartition("toaddr=")[2] in wanted
        for word in argv
    )


def _has_port(zone: Zone, wanted: str) -> bool:
    number, _, protocol = wanted.partition("/")
    for one in zone.ports:
        ports, _, of = one.partition("/")
        first, _, last = ports.partition("-")
        if of == protocol and int(first) <= int(number) <= int(last or first):
            return True
    return zone.target == "ACCEPT" or _by_service(zone, wanted)


def _by_service(zone: Zone, wanted: str) -> bool:
    known = {"http": "80/tcp", "https": "443/tcp", "dns": "53/udp", "ssh": "22/tcp"}
    return any(known.get(one) == wanted for one in zone.services)


def _rich_words(rule: str) -> list[tuple[str, str]]:
    """Return a rich rule's words in their order, without quotes and a host's prefix length."""
    return [
        (name, re.sub(r"/(32|128)$", "", value) if name == "address" else value)
        for name, value in _WORD.findall(rule)
    ]


def _direct_words(rule: str) -> list[str]:
    return [re.sub(r"/(32|128)$", "", word) for word in rule.split()]
