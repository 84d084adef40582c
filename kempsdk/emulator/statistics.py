"""stats and vstotals."""

import os
from typing import Literal

from kempsdk.emulator.answers import Answer, Many, Members, One
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.firmware import stats_as_shown
from kempsdk.emulator.registry import Api, Request, command
from kempsdk.emulator.sampler import PERIOD_S, Rates
from kempsdk.emulator.state import RealServer, VirtualService
from kempsdk.emulator.status import backend_status, service_status
from kempsdk.emulator.values import words

_IDLE = 99


def _cpu(api: Api) -> One:
    """A machine without load: the virtual LoadMaster has no processors of its own."""
    total: Members = [("User", 0), ("System", 1), ("Idle", _IDLE), ("IOWaiting", 0)]
    core: Members = [
        ("User", 0),
        ("System", 0),
        ("HWInterrupts", 0),
        ("SWInterrupts", 0),
        ("Idle", _IDLE),
        ("IOWaiting", 0),
    ]
    count = os.cpu_count() or 1
    if api == "v1":
        return One([("total", One(total)), *((f"cpu{one}", One(core)) for one in range(count))])
    cores: list[Members] = [[("cpu", one), *core] for one in range(count)]
    return One([("total", One(total)), ("cpu", Many(cores))])


def _memory() -> One:
    return One(
        [
            ("MBtotal", 2003),
            ("memused", 312140),
            ("MBused", 304),
            ("percentmemused", 15),
            ("memfree", 1739060),
            ("MBfree", 1698),
            ("percentmemfree", 85),
        ]
    )


def _network(box: Appliance, api: Api) -> One:
    interfaces: list[tuple[str, Members]] = []
    total = box.sampler.last.total
    for number in range(len(box.switches.interfaces)):
        # All of the data path's traffic is counted on the first interface.
        read, rate = (total.bytes, total.bytes_per_s) if number == 0 else (0, 0)
        interfaces.append(
            (
                f"eth{number}",
                [
                    ("ifaceID", number),
                    ("speed", 10000),
                    ("in", round(rate * 8 / 1e6, 1)),
                    ("inbytes", rate),
                    ("inbytesTotal", read),
                    ("out", round(rate * 8 / 1e6, 1)),
                    ("outbytes", rate),
                    ("outbytesTotal", read),
                ],
            )
        )
    if api == "v1":
        return One([(name, One(members)) for name, members in interfaces])
    return One([("Interface", Many([[("Name", name), *members] for name, members in interfaces]))])


def _disks() -> One:
    partitions: list[Members] = [
        [
            ("name", name),
            ("GBtotal", size),
            ("GBused", 0.02),
            ("percentused", 0),
            ("GBfree", round(size - 0.02, 2)),
            ("percentfree", 100),
        ]
        for name, size in (("/var/log", 7.19), ("/var/log/userlog", 7.68))
    ]
    return One([("partition", Many(partitions))])


def _client_limits() -> One:
    names = words(
        "CurrentConnections CurrentConnectionsBlocked SuccessfulConnectionAttempts"
        " SuccessfulRequestAttempts SuccessfulMatchedRuleAttempts ConnectionAttemptsBlocked"
        " RequestAttemptsBlocked MatchedRulesBlocked"
    )
    return One([("Totals", One([(name, 0) for name in names])), ("glbcps", " "), ("glbrps", " ")])


def _country_counts() -> One:
    return One([("DifferentCountries", 0), ("Total", " "), ("LastHour", " "), ("LastDay", " ")])


def _totals(rates: Rates) -> One:
    return One(
        [
            ("ConnsPerSec", rates.connections_per_s),
            ("TotalConns", rates.connections),
            ("BitsPerSec", rates.bytes_per_s * 8),
            ("TotalBits", rates.bytes * 8),
            ("BytesPerSec", rates.bytes_per_s),
            ("TotalBytes", rates.bytes),
            ("PktsPerSec", rates.packets_per_s),
            ("TotalPackets", rates.packets),
        ]
    )


def _service_row(box: Appliance, service: VirtualService) -> Members:
    rates = box.sampler.last.services.get(service.uid, Rates())
    settings = service.settings
    waf = bool(settings["Intercept"])
    row: Members = [
        ("VSAddress", service.address),
        # A number in v2, unlike in listvs; so that every port is 0 here and not ``*``, which
        # no client's decoder takes, is a guess.
        ("VSPort", service.port),
        ("VSProt", service.protocol),
        ("Index", service.index),
        ("Status", service_status(box.state, box.health, service).lower()),
        ("ErrorCode", int(str(settings["ErrorCode"]))),
        ("Enable", int(bool(settings["Enable"]))),
        ("TotalConns", rates.connections),
        ("TotalPkts", rates.packets),
        ("TotalBytes", rates.bytes),
        ("TotalBits", rates.bytes * 8),
        ("ActiveConns", rates.active_connections),
        ("BytesRead", rates.bytes),
        ("BytesWritten", 0),
        ("ConnsPerSec", rates.connections_per_s),
        ("ConnsRateBlocked", 0),
        ("RequestsRateBlocked", 0),
        ("MaxConnsBlocked", 0),
        ("WafEnable", int(waf)),
        ("InterceptMode", int(str(settings["InterceptMode"]))),
    ]
    if waf:
        names = words("Requests Incidents Incidents_Hour Incidents_Day Incidents_Dayover")
        row += [(name, 0) for name in names]
    return row


def _server_row(box: Appliance, service: VirtualService, server: RealServer) -> Members:
    rates = box.sampler.last.servers.get(server.rs_index, Rates())
    return [
        ("VSIndex", service.index),
        ("RSIndex", server.rs_index),
        ("Addr", server.address),
        ("Port", server.port),
        ("Enable", int(server.enable)),
        ("Weight", server.weight),
        ("ActivConns", rates.active_connections),
        ("Persist", 0),
        ("Conns", rates.connections),
        ("Pkts", rates.packets),
        ("Bytes", rates.bytes),
        ("Bits", rates.bytes * 8),
        # In direct server return the director sees what clients send, never the answers.
        ("BytesRead", rates.bytes),
        ("BytesWritten", 0),
        ("ConnsPerSec", rates.connections_per_s),
    ]


@command("stats")
def stats(box: Appliance, request: Request) -> Answer:
    api = request.api
    sample = box.sampler.last
    services = sorted(box.state.services.values(), key=lambda one: one.index)
    rows = [_service_row(box, one) for one in services if one.parent is None]
    servers = [_server_row(box, one, server) for one in services for server in one.servers]
    timestamp: Members = [
        ("Sec", int(sample.taken_at_s)),
        ("Usec", int(sample.taken_at_s % 1 * 1e6)),
        ("Period", round(sample.period_s * 1e6) or int(PERIOD_S * 1e6)),
    ]
    members: Members = [
        ("CPU", _cpu(api)),
        ("Memory", _memory()),
        ("Network", _network(box, api)),
        ("DiskUsage", _disks()),
        ("ClientLimits", _client_limits()),
        ("CountryCounts", _country_counts()),
        ("VStotals", _totals(sample.total)),
        *([("Vs", Many(rows))] if rows else []),
        *([("Rs", Many(servers))] if servers else []),
        ("TPS", One([("Total", sample.total.connections_per_s), ("SSL", 0)])),
        ("Timestamp", One(timestamp)),
        ("ChangeTime", _change_time(box)),
    ]
    return Answer(members=stats_as_shown(members, box.switches.firmware))


def _change_time(box: Appliance) -> int:
    # It moves only while session management is on.
    if box.state.parameters.get("sessioncontrol") == "yes":
        return box.state.changed_at_s
    return 0


def _count(words: list[str]) -> One:
    # Member names are a guess: no answer of vstotals was ever published.
    def number(kind: Literal["Up", "Down", "Disabled"]) -> int:
        return sum(1 for word in words if word == kind)

    disabled = number("Disabled")
    up = sum(1 for word in words if word in ("Up", "Unchecked"))
    return One([("Up", up), ("Down", len(words) - up - disabled), ("Disabled", disabled)])


@command("vstotals")
def vstotals(box: Appliance, _request: Request) -> Answer:
    state, health = box.state, box.health
    services = list(state.services.values())
    return Answer(
        members=[
            (
                "VSTotals",
                _count([service_status(state, health, one) for one in services if not one.parent]),
            ),
            (
                "SUBVSTotals",
                _count(
                    [
                        backend_status(state, health, one, slot)
                        for one in services
                        for slot in one.slots
                    ]
                ),
            ),
            (
                "RSTotals",
                _count(
                    [
                        backend_status(state, health, one, server)
                        for one in services
                        for server in one.servers
                    ]
                ),
            ),
        ]
    )
