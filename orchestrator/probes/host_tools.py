"""The segment asked from a host without Python: with whatever tools of its own are there.

tcpdump hears every frame, arping asks; without tcpdump only answers are heard, without arping
the kernel asks (for a datagram) and keeps one answer. The evidence says which proof it was.
"""

import ipaddress
import math
import re
from collections.abc import Iterator

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes.arp import ArpEvidence, Proof, Tally
from orchestrator.probes.frames import packed

_LOGIN_S = 15.0
_QUESTIONS = 3

_FIND = 'PATH=$PATH:/usr/sbin:/sbin\nhave() { command -v "$1" >/dev/null 2>&1; }\n'

# Everything goes to one output; the lines of each tool are unlike the others'.
_ASK = (
    _FIND
    + """\
interface=$1 address=$2 seconds=$3 filter=$4 questions=$5
have ip || { echo "no ip here" >&2; exit 127; }
if have tcpdump; then
    timeout "$((seconds + 1))" tcpdump -i "$interface" -n -l -xx -s 160 "$filter" 2>&1 &
    sleep 1
fi
case $address in
*:*) by=datagram ;;
*) have arping && by=arping || by=datagram ;;
esac
if [ "$by" = arping ]; then
    arping -b -c "$questions" -w "$seconds" -I "$interface" "$address" 2>&1
else
    # The kernel asks who has the address before it sends. bash, not sh, knows this file name.
    bash -c 'echo >"/dev/udp/$0/9"' "$address" 2>/dev/null
    sleep 1
fi
wait
echo "neighbour $(ip neigh show to "$address" dev "$interface" | head -n 1)"
"""
)

_LISTEN = (
    _FIND
    + """\
have tcpdump || { echo "no tcpdump here" >&2; exit 127; }
timeout "$2" tcpdump -i "$1" -n -l -xx -s 96 -c "$4" "$3" 2>&1
exit 0
"""
)

_HEX = re.compile(r"\s+0x([0-9a-f]+):\s+([0-9a-f ]+?)\s*$")
_ARPING = re.compile(r"\b(?:Unicast|Broadcast) reply from \S+ \[([0-9A-Fa-f:]{17})\]")
_SENT = re.compile(r"^Sent (\d+) probes?", re.MULTILINE)
_DROPPED = re.compile(r"^(\d+) packets? dropped by kernel", re.MULTILINE)
_NEIGHBOUR = re.compile(r"^neighbour .*\blladdr ([0-9a-f:]{17})\b", re.MULTILINE)
_LISTENS = re.compile(r"^(?:tcpdump: )?listening on ", re.MULTILINE)


def script(text: str, *arguments: str) -> list[str]:
    """Return the command that runs a script of sh with arguments; none of them becomes shell."""
    return ["sh", "-c", text, "kemp", *arguments]


def ask_with_tools(
    driver: HostDriver, host: Host, vip: str, *, seconds: float = 1.5
) -> ArpEvidence:
    """Ask from a host of the segment who has the VIP; one round trip.

    Args:
        seconds: how long to listen; whole ones, rounded up.

    Raises:
        HostUnreachable: no way in, or not even ``ip`` is there.
        ValueError: the VIP is not an address.
    """
    vip = str(ipaddress.ip_address(vip))
    whole_s = str(math.ceil(seconds))
    result = driver.run(
        host,
        script(_ASK, host.interface, vip, whole_s, _claims_filter(vip), str(_QUESTIONS)),
        timeout_s=2 * math.ceil(seconds) + _LOGIN_S,
    )
    if result.exit_code != 0:
        said = result.stderr.strip().rpartition("\n")[2] or f"exit code {result.exit_code}"
        raise HostUnreachable(f"{host.name} cannot be asked from: {said}")
    return _evidence(result.stdout, vip, host)


def _evidence(said: str, vip: str, host: Host) -> ArpEvidence:
    answers = [mac.lower() for mac in _ARPING.findall(said)]
    arping = "ARPING " in said and "not permitted" not in said
    asker = "arping" if arping else "a datagram"
    sent = _SENT.search(said)
    asked = int(sent[1]) if sent else 1
    if _LISTENS.search(said):
        dropped = _DROPPED.search(said)
        tally = Tally(
            vip,
            by=f"tcpdump and {asker} on {host.name}",
            asked=asked,
            # Ended before it could say how many: then nobody knows.
            dropped=int(dropped[1]) if dropped else 1,
        )
        for frame in frames_of(said):
            tally.note(frame)
        return tally.evidence()
    if arping:
        return ArpEvidence(
            answers={mac: answers.count(mac) for mac in sorted(set(answers))},
            asked=asked,
            proof=Proof.ANSWERS,
            by=f"arping on {host.name}",
        )
    kept = _NEIGHBOUR.findall(said)
    return ArpEvidence(
        answers=dict.fromkeys(kept, 1),
        asked=1,
        proof=Proof.NEIGHBOUR,
        by=f"a datagram and the neighbour table of {host.name}",
    )


def _claims_filter(vip: str) -> str:
    """Return what tcpdump is to hear: every frame that may name the VIP as somebody's."""
    if ":" in vip:
        return "icmp6 and (ip6[40] = 135 or ip6[40] = 136)"
    return f"arp and arp[14:4] = 0x{packed(vip).hex()}"


def listen_with_tools(
    driver: HostDriver, host: Host, *, filter_words: str, seconds: float, most: int
) -> list[bytes]:
    """Return frames that a host hears, as far as the filter of tcpdump lets them through.

    Args:
        filter_words: an expression of tcpdump.
        seconds: how long at most; whole ones, rounded up. most: frames that are enough.

    Raises:
        HostUnreachable: no way in, no tcpdump there, or no right to listen.
    """
    result = driver.run(
        host,
        script(_LISTEN, host.interface, str(math.ceil(seconds)), filter_words, str(most)),
        timeout_s=math.ceil(seconds) + _LOGIN_S,
    )
    if result.exit_code == 127:
        raise HostUnreachable(f"{host.name} has no tcpdump: dnf install tcpdump")
    if result.exit_code != 0 or not _LISTENS.search(result.stdout):
        said = (result.stderr or result.stdout).strip().rpartition("\n")[2]
        raise HostUnreachable(f"{host.name} cannot listen on {host.interface}: {said}")
    return list(frames_of(result.stdout))


def frames_of(said: str) -> Iterator[bytes]:
    """Yield the frames that ``tcpdump -xx`` printed, whatever stands between them."""
    frame = b""
    for line in said.splitlines():
        match = _HEX.fullmatch(line)
        if match is None:
            continue
        if int(match[1], 16) == 0 and frame:
            yield frame
            frame = b""
        frame += bytes.fromhex(match[2].replace(" ", ""))
    if frame:
        yield frame
