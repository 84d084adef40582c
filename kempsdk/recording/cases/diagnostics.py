"""The appliance's own tools, captures and logs."""

from typing import Final

from kempsdk.diagnostics import Report
from kempsdk.recording.cases.case import Case, case
from kempsdk.recording.cases.state import with_servers, with_services


def _report(which: Report) -> Case:
    return case(
        f"{which.value}/text",
        lambda lm: lm.diagnostics.report(which),
        prepare=with_services,
    )


CASES: Final = (
    *map(_report, Report),
    case(
        "logging/ping/own-and-other",
        lambda lm: lm.diagnostics.ping("192.0.2.10", interface=0),
        lambda lm: lm.diagnostics.ping("198.51.100.1"),
    ),
    case("logging/traceroute/own", lambda lm: lm.diagnostics.traceroute("192.0.2.10")),
    case("logging/top/two-rounds", lambda lm: lm.diagnostics.top(iterations=2, by_memory=True)),
    case(
        "logging/resetstats/done",
        lambda lm: lm.diagnostics.reset_statistics(),
        lambda lm: lm.statistics.totals(),
        prepare=with_servers,
    ),
    # Archives and captures can hold anything, so the recorder takes them out.
    case("tcpdump/empty", lambda lm: lm.diagnostics.capture(packets=5), written=True),
    case("logging/savelogs/one", lambda lm: lm.diagnostics.download_logs("messages"), written=True),
    case(
        "logging/saveextlogs/all",
        lambda lm: lm.diagnostics.download_logs(extended=True),
        written=True,
    ),
    case(
        "logging/clearlogs/all",
        lambda lm: lm.diagnostics.clear_logs(),
    ),
    case(
        "logging/clearextlogs/one",
        lambda lm: lm.diagnostics.clear_logs("user", extended=True),
    ),
)
