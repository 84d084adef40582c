"""The rules of arptables that keep a host quiet about a VIP, as its tools and files spell them.

Two a VIP: requests for it are dropped, and the host's own requests name the real address as
sender instead of it. Without the second the host is dead for new neighbours: their answers are
for the VIP, and the first one eats them (measured). Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.hosts.changes import CallTool
from orchestrator.hosts.section_script import OUR_HEADER, UNIT_DIRECTORY
from orchestrator.hosts.state import ARPTABLES_FILE

UNIT = "kemp-arptables.service"
UNIT_PATH = f"{UNIT_DIRECTORY}/{UNIT}"

UNIT_FILE = f"""\
{OUR_HEADER}: the ARP rules of this host, before it has a network. Do not edit.
[Unit]
Description=ARP rules before the network
# The service of the distribution may come after the network; until then the host would answer.
DefaultDependencies=no
After=local-fs.target
Wants=network-pre.target
Before=network-pre.target kemp-vip.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'exec /usr/sbin/arptables-restore <{ARPTABLES_FILE}'

[Install]
WantedBy=multi-user.target
"""

FLUSHER = "arptables.service"
"""What the distribution restores the rules with; stopped, it flushes them."""
FLUSHER_DROP_IN = f"{UNIT_DIRECTORY}/{FLUSHER}.d/90-kemp.conf"
FLUSHER_FILE = f"""\
{OUR_HEADER}: the rules stay while the VIP is there, at a shutdown too. Do not edit.
[Service]
ExecStop=
"""

_EMPTY = "*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpRule:
    """A rule of one chain; ``words`` are its options, in any order the same rule."""

    chain: str
    words: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the rule as arptables-save prints it."""
        return f"-A {self.chain} {' '.join(self.words)}"

    def inserted(self) -> CallTool:
        """Return the call that puts it before all others of its chain."""
        return CallTool(
            argv=("arptables", "-I", self.chain, *self.words),
            says=f"add the ARP rule {self.chain} {' '.join(self.words)}",
            undo=CallTool(
                argv=("arptables", "-D", self.chain, *self.words),
                says=f"remove the ARP rule {self.chain} {' '.join(self.words)}",
            ),
            # Old versions do not know -C: then it is as if the rule was not there.
            unless=("arptables", "-C", self.chain, *self.words),
        )

    def deleted(self) -> CallTool:
        """Return the call that removes it."""
        call = self.inserted()
        assert call.undo is not None  # noqa: S101 - given above
        return CallTool(
            argv=call.undo.argv,
            says=call.undo.says,
            undo=CallTool(argv=call.argv, says=call.says),
        )


def rules_for(vip: str, real: str) -> tuple[ArpRule, ...]:
    """Return the rules for a VIP, in the order they are to be made.

    Args:
        real: the host's own address on the VIP's segment.
    """
    return (
        ArpRule(chain="OUTPUT", words=("-s", vip, "-j", "mangle", "--mangle-ip-s", real)),
        ArpRule(chain="INPUT", words=("-d", vip, "-j", "DROP")),
    )


def is_in(rule: ArpRule, text: str) -> bool:
    """Return whether a saved text has a rule, however it is spelled."""
    return any(_same(line, rule) for line in text.splitlines())


def is_late(rule: ArpRule, text: str) -> bool:
    """Return whether another rule of the chain may let pass what this one is to stop."""
    for line in text.splitlines():
        if _same(line, rule):
            return False
        if line.startswith(f"-A {rule.chain} ") and re.search(r"-j (ACCEPT|RETURN)\b", line):
            return True
    return False


def with_rules(text: str | None, rules: Iterable[ArpRule]) -> str:
    """Return the file with these rules before all others; what others put there stays."""
    lines = (text or _EMPTY).splitlines()
    missing = [one.line for one in rules if not is_in(one, "\n".join(lines))]
    if "*filter" not in lines:
        lines = [*_EMPTY.splitlines(), *lines]
    first = next(
        (at for at, line in enumerate(lines) if line.startswith("-A ") or line == "COMMIT"),
        _end_of_chains(lines),
    )
    return "\n".join([*lines[:first], *missing, *lines[first:]]) + "\n"


def without_rules(text: str, rules: Iterable[ArpRule]) -> str:
    """Return the file without these rules; everything else as it was."""
    gone = list(rules)
    kept = [line for line in text.splitlines() if not any(_same(line, one) for one in gone)]
    return "\n".join(kept) + "\n"


def has_rules(text: str) -> bool:
    """Return whether a file has any rule or policy but those that every host has."""
    return any(
        line.startswith("-A ") or (line.startswith(":") and " ACCEPT" not in line)
        for line in text.splitlines()
    )


def _end_of_chains(lines: list[str]) -> int:
    return max(
        (at + 1 for at, line in enumerate(lines) if line.startswith(":")), default=len(lines)
    )


def _same(line: str, rule: ArpRule) -> bool:
    words = line.split()
    if words[:2] != ["-A", rule.chain]:
        return False
    return _options(words[2:]) == _options(rule.words)


def _options(words: Iterable[str]) -> dict[str, str]:
    """Return options with their values; the tools print them in an order of their own."""
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("-"):
            name = word
            found[name] = ""
        else:
            found[name] = re.sub(r"/(32|255\.255\.255\.255)$", "", word)
    return found
