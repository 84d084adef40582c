"""Statistics: the counters of all services and servers in one reading."""

from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import EMPTY, MalformedAnswer, entries, flatten
from kempsdk.counters import (
    ServerStats,
    ServiceStats,
    StateCounts,
    StateTotals,
    Statistics,
    TrafficTotals,
)
from kempsdk.errors import InvalidRequest
from kempsdk.fields import Number, Switch, Table, Text, Word, field
from kempsdk.references import Protocol, VsRef
from kempsdk.transport.call import Tree
from kempsdk.watch import StatisticsWatch
from kempsdk.words import VsStatus

_NUMBER: Final = Number()
_SWITCH: Final = Switch()

_SERVICE: Final = Table(
    [
        field("Index", "index", _NUMBER),
        # Lower case here, unlike in lists of services.
        field("Status", "status", Word(VsStatus, default=VsStatus.UNKNOWN, other=VsStatus.UNKNOWN)),
        field("Enable", "enabled", _SWITCH),
        field("ActiveConns", "active_connections", _NUMBER),
        field("TotalConns", "total_connections", _NUMBER),
        field("ConnsPerSec", "connections_per_s", _NUMBER),
        field("TotalPkts", "total_packets", _NUMBER),
        field("TotalBytes", "total_bytes", _NUMBER),
        field("BytesRead", "bytes_read", _NUMBER),
        field("BytesWritten", "bytes_written", _NUMBER),
    ]
)
_SERVER: Final = Table(
    [
        # QUIRK: RSIndex and ActivConns are spelled so here, and only here.
        field("VSIndex", "vs_index", _NUMBER),
        field("RSIndex", "rs_index", _NUMBER),
        field("Addr", "address", Text(default="")),
        field("Port", "port", _NUMBER),
        field("Enable", "enabled", _SWITCH),
        field("Weight", "weight", _NUMBER),
        field("ActivConns", "active_connections", _NUMBER),
        field("Conns", "total_connections", _NUMBER),
        field("ConnsPerSec", "connections_per_s", _NUMBER),
        field("Persist", "persist_entries", _NUMBER),
        field("Pkts", "packets", _NUMBER),
        field("Bytes", "bytes", _NUMBER),
        field("BytesRead", "bytes_read", _NUMBER),
        field("BytesWritten", "bytes_written", _NUMBER),
    ]
)
_TOTALS: Final = Table(
    [
        field("ConnsPerSec", "connections_per_s", _NUMBER),
        field("TotalConns", "total_connections", _NUMBER),
        field("BitsPerSec", "bits_per_s", _NUMBER),
        field("TotalBits", "total_bits", _NUMBER),
        field("BytesPerSec", "bytes_per_s", _NUMBER),
        field("TotalBytes", "total_bytes", _NUMBER),
        field("PktsPerSec", "packets_per_s", _NUMBER),
        field("TotalPackets", "total_packets", _NUMBER),
    ]
)
_TIME: Final = Table(
    [
        field("Sec", "seconds", _NUMBER),
        field("Usec", "microseconds", _NUMBER),
        field("Period", "period_us", _NUMBER),
    ]
)
# Their names were never published; these are a guess, matched without case.
_COUNTS: Final = Table(
    [
        field("up", "up", _NUMBER),
        field("down", "down", _NUMBER),
        field("disabled", "disabled", _NUMBER),
    ]
)


class StatisticsReader:
    """The counters of one LoadMaster: ``lm.statistics``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def read(self) -> Statistics:
        """Return all counters. One API call."""
        return self._appliance.read("stats", {}, _read)

    def totals(self) -> StateTotals:
        """Return how many services, SubVSs and servers are up, down and disabled."""
        return self._appliance.read("vstotals", {}, _read_totals)

    def watch(self, interval_s: float = 5.0) -> StatisticsWatch:
        """Return an iterator of readings with rates between them; changes nothing.

        Args:
            interval_s: seconds from reading to reading, 1 to 86,400. The appliance takes a
                sample about every 5 s; reading more often shows some of them twice.

        Raises:
            InvalidRequest: out of range.
        """
        return StatisticsWatch(self.read, self._appliance.clock, interval_s=interval_s)


def _read(tree: Tree) -> Statistics:
    time = _TIME.read(_group(tree, "Timestamp"))
    changed = tree.get("ChangeTime")
    services = tuple([_service(one) for one in entries(tree, "Vs")])
    return Statistics(
        services=services,
        servers=tuple([_server(one) for one in entries(tree, "Rs")]),
        totals=TrafficTotals(**_TOTALS.read(_group(tree, "VStotals"))),
        taken_at_s=time["seconds"] + time["microseconds"] / 1e6,
        period_s=time["period_us"] / 1e6,
        changed_at_s=_number("ChangeTime", changed) if changed not in (None, "") else None,
        extra={name: one for name, one in tree.items() if name not in _TYPED},
    )


_TYPED: Final = frozenset({"Vs", "Rs", "VStotals", "Timestamp", "ChangeTime"})


def _service(tree: Tree) -> ServiceStats:
    fields = flatten(tree)
    address, protocol = fields.pop("VSAddress", ""), fields.pop("VSProt", "")
    port = str(fields.pop("VSPort", 0)).strip()
    try:
        ref = VsRef(
            Protocol(str(protocol).strip()), str(address).strip(), int(port.replace("*", "0"))
        )
    except (ValueError, InvalidRequest):
        raise MalformedAnswer("a row of a service without protocol, address and port") from None
    return ServiceStats(**_SERVICE.read(fields), ref=ref, extra=fields or EMPTY)


def _server(tree: Tree) -> ServerStats:
    fields = flatten(tree)
    return ServerStats(**_SERVER.read(fields), extra=fields or EMPTY)


def _read_totals(tree: Tree) -> StateTotals:
    by_name = {name.lower(): name for name in tree}

    def counts(group: str) -> StateCounts:
        fields = _group(tree, by_name.get(group, group))
        return StateCounts(**_COUNTS.read({name.lower(): one for name, one in fields.items()}))

    return StateTotals(
        services=counts("vstotals"),
        sub_services=counts("subvstotals"),
        servers=counts("rstotals"),
    )


def _group(tree: Tree, name: str) -> dict[str, object]:
    found = entries(tree, name)
    return flatten(found[0]) if found else {}


def _number(name: str, raw: object) -> int:
    try:
        return int(str(raw))
    except ValueError:
        raise MalformedAnswer(f"{name} holds something unexpected") from None
