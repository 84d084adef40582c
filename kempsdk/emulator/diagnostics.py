"""Diagnostics: texts as the tools of the same names print them, and the reboot.

Nothing of the machine that this runs on is shown, and nothing is sent anywhere: an address
that is the appliance's own answers a ping, every other one is out of reach.
"""

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.network import network_of
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section

_TEXT: Final = "text/plain"
_UNREACHABLE: Final = "connect: Network is unreachable\n"
_PCAP: Final = "application/vnd.tcpdump.pcap"

_FIXED: Final = {
    "df": (
        "Filesystem     1K-blocks    Used Available Use% Mounted on\n"
        "/dev/sda1        4062912  812582   3024330  22% /\n"
        "/dev/sda2       12188736  243775  11944961   2% /var/log\n"
    ),
    "meminfo": (
        "MemTotal:        2048000 kB\nMemFree:         1536000 kB\n"
        "MemAvailable:    1638400 kB\nBuffers:           20480 kB\nCached:           204800 kB\n"
    ),
    "cpuinfo": (
        "processor\t: 0\nmodel name\t: virtual LoadMaster\ncpu MHz\t\t: 2000.000\n\n"
        "processor\t: 1\nmodel name\t: virtual LoadMaster\ncpu MHz\t\t: 2000.000\n"
    ),
    "partitions": (
        "major minor  #blocks  name\n\n   8        0   16777216 sda\n"
        "   8        1    4194304 sda1\n   8        2   12582912 sda2\n"
    ),
    "interrupts": "           CPU0       CPU1\n  0:         42          0   timer\n",
    "lsmod": "Module                  Size  Used by\n",
    "lspci": "00:00.0 Host bridge: virtual LoadMaster\n",
    "slabinfo": "slabinfo - version: 2.1\n",
    # What a unit without RAID says is not known.
    "getraidinfo": "No RAID controller found\n",
    "getraiddisksinfo": "No RAID controller found\n",
    "ps": "  PID TTY          TIME CMD\n    1 ?        00:00:01 init\n",
}


@section("logging", part=BASE)
@dataclass(slots=True, kw_only=True)
class Logging:
    extended: bool = True


def _plain(text: str) -> Answer:
    # v1 answers the bare text, as clients read it; that v2 has it in base64 like a file is
    # a guess.
    return Answer(file=text.encode(), content_type=_TEXT)


@command(*(f"logging/{name}" for name in _FIXED), fixed=True)
def fixed_text(_box: Appliance, request: Request) -> Answer:
    return _plain(_FIXED[request.command.removeprefix("logging/")])


@command("logging/top", fixed=True)
def top(_box: Appliance, request: Request) -> Answer:
    rounds = request.params.number("iterations") or 10
    if not 1 <= rounds <= 30:
        raise Refusal("iterations: value out of range")
    one = "top - load average: 0.00, 0.00, 0.00\n%Cpu(s):  1.0 us,  1.0 sy, 98.0 id\n"
    return _plain(one * rounds)


def _is_own(box: Appliance, text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text in (box.state.parameters.get("hostname", ""), "localhost")
    own = {one.address.partition("/")[0] for one in network_of(box).interfaces.values()}
    return address.is_loopback or str(address) in own


@command("logging/ping", "logging/ping6")
def ping(box: Appliance, request: Request) -> Answer:
    address = request.params.need("addr", "Address")
    if not _is_own(box, address):
        return _plain(_UNREACHABLE)
    lines = [f"PING {address} ({address}) 56(84) bytes of data."]
    lines += [f"64 bytes from {address}: icmp_seq={i} ttl=64 time=0.030 ms" for i in range(1, 6)]
    lines += ["", f"--- {address} ping statistics ---"]
    lines += ["5 packets transmitted, 5 received, 0% packet loss, time 4000ms", ""]
    return _plain("\n".join(lines))


@command("logging/traceroute")
def traceroute(box: Appliance, request: Request) -> Answer:
    address = request.params.need("addr", "Address")
    if not _is_own(box, address):
        return _plain(_UNREACHABLE)
    return _plain(
        f"traceroute to {address} ({address}), 30 hops max, 60 byte packets\n"
        f" 1  {address} ({address})  0.030 ms  0.020 ms  0.020 ms\n"
    )


@command("logging/ifconfig", "listifconfig")
def ifconfig(box: Appliance, _request: Request) -> Answer:
    lines: list[str] = []
    for one in network_of(box).interfaces.values():
        lines.append(f"eth{one.id}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu {one.mtu}")
        if one.address:
            address = ipaddress.ip_interface(one.address)
            word = "inet" if address.version == 4 else "inet6"
            lines.append(f"        {word} {address.ip}  netmask {address.netmask}")
        lines.append("")
    return _plain("\n".join(lines))


@command("logging/netstat")
def netstat(box: Appliance, _request: Request) -> Answer:
    """Show the addresses that services listen on; connections are not shown."""
    lines = ["Proto Recv-Q Send-Q Local Address           Foreign Address         State"]
    for service in box.state.services.values():
        if service.parent is None and service.settings["Enable"]:
            local = f"{service.address}:{service.port or '*'}"
            state = "LISTEN" if service.protocol == "tcp" else ""
            lines.append(f"{service.protocol:<5} 0      0      {local:<23} *:*    {state}")
    return _plain("\n".join([*lines, ""]))


@command("tcpdump", fixed=True)
def tcpdump(_box: Appliance, _request: Request) -> Answer:
    """Return a capture file without packets, at once."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return Answer(file=header, content_type=_PCAP)


@command("logging/resetstats", mutates=True)
def resetstats(box: Appliance, _request: Request) -> Answer:
    box.sampler.reset()
    return DONE


@command("logging/isextesplogenabled")
def isextesplogenabled(box: Appliance, _request: Request) -> Answer:
    # Name and word are guesses.
    enabled = box.state.section(Logging).extended
    return Answer(members=[("isextesplogenabled", "yes" if enabled else "no")])


@command("logging/enableextesplog", "logging/disableextesplog", mutates=True)
def switch_extended_logs(box: Appliance, request: Request) -> Answer:
    box.state.section(Logging).extended = request.command.endswith("/enableextesplog")
    box.changed()
    return DONE


@command("listaddon", fixed=True)
def listaddon(_box: Appliance, _request: Request) -> Answer:
    """Show no add-on packs; none can be installed."""
    return Answer(members=[])
