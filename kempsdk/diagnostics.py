"""Diagnostics: what the appliance's own tools print, captures of packets, and its logs."""

from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import BadAnswer, InvalidRequest
from kempsdk.references import check_address, check_port, check_range
from kempsdk.transport.call import ParamValue, Reply

_SLOW_S: Final = 60.0
"""A ping or a trace to somebody who does not answer takes its time."""
_MARGIN_S: Final = 30.0
_PCAP: Final = frozenset(
    {
        b"\xa1\xb2\xc3\xd4",
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x4d\x3c\xb2\xa1",
        b"\x0a\x0d\x0d\x0a",
    }
)
_GZIP: Final = b"\x1f\x8b"


class Report(str, Enum):
    """Texts that the appliance prints about itself; their form is that of the tools."""

    DISKS = "logging/df"
    INTERFACES = "logging/ifconfig"
    INTERRUPTS = "logging/interrupts"
    MEMORY = "logging/meminfo"
    MODULES = "logging/lsmod"
    NETWORK = "logging/netstat"
    PARTITIONS = "logging/partitions"
    PCI_DEVICES = "logging/lspci"
    PROCESSES = "logging/ps"
    PROCESSORS = "logging/cpuinfo"
    RAID = "logging/getraidinfo"
    RAID_DISKS = "logging/getraiddisksinfo"
    SLABS = "logging/slabinfo"


class Diagnostics:
    """The appliance's own tools: ``lm.diagnostics``. Nothing here changes the device, but
    ``reset_statistics`` and ``clear_logs``.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def report(self, which: Report) -> str:
        """Return one of the texts.

        Raises:
            CommandRejected: this firmware or hardware has it not.
        """
        return self._text(Report(which).value, {})

    def ping(self, host: str, *, interface: int | None = None) -> str:
        """Let the appliance ping somebody and return what its ping printed.

        It succeeds as a call also when nobody answered, and with an interface that does not
        exist: read the text.

        Args:
            host: address or name; IPv6 is told apart by itself.
            interface: number of the one to send from; by its routes where left out.

        Raises:
            InvalidRequest: no host; nothing was sent.
        """
        params: dict[str, ParamValue] = {"addr": _host(host)}
        if interface is not None:
            params["intf"] = interface
        return self._text("logging/ping", params, timeout_s=_SLOW_S)

    def traceroute(self, host: str) -> str:
        """Let the appliance trace its way to somebody and return what was printed.

        Raises:
            InvalidRequest: no host; nothing was sent.
        """
        return self._text("logging/traceroute", {"addr": _host(host)}, timeout_s=_SLOW_S)

    def top(
        self,
        *,
        iterations: int = 1,
        interval_s: int = 1,
        threads: bool = False,
        by_memory: bool = False,
    ) -> str:
        """Return who uses processors and memory; takes as long as it looks.

        Args:
            iterations: 1 to 30. interval_s: seconds between two of them, 1 to 30.
            threads: show threads of processes.
            by_memory: order by memory instead of processor time.

        Raises:
            InvalidRequest: out of range; nothing was sent.
        """
        params: dict[str, ParamValue] = {
            "iterations": check_range(iterations, field="iterations", low=1, high=30),
            "interval": check_range(interval_s, field="interval_s", low=1, high=30),
            "threads": int(threads),
            "mem": int(by_memory),
        }
        return self._text("logging/top", params, timeout_s=iterations * interval_s + _MARGIN_S)

    def capture(
        self,
        *,
        packets: int = 10_000,
        duration_s: int = 10,
        interface: int | None = None,
        address: str | None = None,
        port: int | None = None,
        options: str | None = None,
    ) -> bytes:
        """Capture packets and return a pcap file; returns when the capture has ended.

        What is captured can hold credentials of users.

        Args:
            packets: most packets, 1 to 200,000.
            duration_s: longest time, 1 to 600 seconds.
            interface: number of the one to listen on; 0 (eth0) where left out.
            address: packets from and to it.
            port: packets from and to it.
            options: further options of tcpdump, at most 255 characters.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            BadAnswer: no capture came back.
        """
        params: dict[str, ParamValue] = {
            "maxpackets": check_range(packets, field="packets", low=1, high=200_000),
            "maxtime": check_range(duration_s, field="duration_s", low=1, high=600),
        }
        if interface is not None:
            params["interface"] = check_range(interface, field="interface", low=0, high=4096)
        if address is not None:
            params["address"] = check_address(address, field="address")
        if port is not None:
            params["port"] = check_port(port, field="port")
        if options is not None:
            if len(options) > 255:
                raise InvalidRequest("options: at most 255 characters", field="options")
            params["tcpoptions"] = options
        found = self._appliance.download(
            "tcpdump", params, target="packets", timeout_s=duration_s + _MARGIN_S
        )
        if found[:4] not in _PCAP:
            raise BadAnswer("tcpdump: what came back is no capture", command="tcpdump")
        return found

    def download_logs(self, name: str | None = None, *, extended: bool = False) -> bytes:
        """Return logs as a gzip-compressed tar archive.

        Args:
            name: one file, ``messages`` for instance; all of them where left out.
            extended: the logs of pre-authentication (``connection``, ``user``, ...).

        Raises:
            BadAnswer: no archive came back; a failure comes as plain text.
        """
        command = "logging/saveextlogs" if extended else "logging/savelogs"
        found = self._appliance.download(
            command, _selected(name), target=name or "logs", timeout_s=_SLOW_S
        )
        if not found.startswith(_GZIP):
            raise BadAnswer(f"{command}: what came back is no archive", command=command)
        return found

    def clear_logs(self, name: str | None = None, *, extended: bool = False) -> None:
        """Empty logs. Changes the device, and cannot be undone or read back.

        Args:
            name: one file; all of them where left out.
            extended: the logs of pre-authentication.

        Raises:
            OutcomeUnknown: no answer; it can be called again.
        """
        command = "logging/clearextlogs" if extended else "logging/clearlogs"
        self._appliance.write(command, _selected(name), target=name or "logs")

    def reset_statistics(self) -> None:
        """Set the counters of services and servers to 0. Changes the device.

        A watch of the statistics shows it as ``reset``.

        Raises:
            OutcomeUnknown: no answer; ``lm.statistics.read`` tells.
        """
        self._appliance.write("logging/resetstats", {}, target="statistics")

    def _text(
        self, command: str, params: dict[str, ParamValue], *, timeout_s: float | None = None
    ) -> str:
        return self._appliance.read_reply(command, params, _read_text, timeout_s=timeout_s)


def _read_text(reply: Reply) -> str:
    """Return a text: bare in v1; v2's form is not known, so a file and a member both do."""
    if reply.file is not None:
        try:
            return reply.file.decode("utf-8")
        except UnicodeDecodeError:
            return reply.file.decode("iso-8859-1")
    if reply.message:
        return reply.message
    texts = [reply.data[name] for name in reply.data]
    if len(texts) == 1 and isinstance(texts[0], str):
        return texts[0]
    raise MalformedAnswer("no text in the answer")


def _selected(name: str | None) -> dict[str, ParamValue]:
    return {} if name is None else {"fsel": name}


def _host(text: str) -> str:
    if not text or text.startswith("-") or any(one.isspace() for one in text):
        raise InvalidRequest(
            f"host: {text!r} is neither an address nor a name", field="host", value=text
        )
    return text
