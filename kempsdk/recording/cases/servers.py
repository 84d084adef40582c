"""Real servers, health checks and counters."""

from typing import TYPE_CHECKING, Final

from kempsdk.recording.cases.case import case
from kempsdk.recording.cases.state import (
    DSR,
    FIRST,
    SECOND,
    SPARE,
    TREE,
    with_servers,
    with_services,
    with_sub_services,
)
from kempsdk.words import Forward

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster


def _watch_twice(lm: "LoadMaster") -> object:
    with lm.statistics.watch(interval_s=5) as watch:
        return next(watch), next(watch)


CASES: Final = (
    case(
        "addrs/dsr",
        lambda lm: lm.real_servers.add(DSR, FIRST, forward=Forward.ROUTE, weight=500, enable=False),
        prepare=with_services,
    ),
    case(
        "addrs/service-has-sub-services",
        lambda lm: lm.real_servers.add(TREE, FIRST),
        prepare=with_sub_services,
    ),
    case(
        "addrs/ensure",
        lambda lm: lm.real_servers.ensure(DSR, SPARE, forward=Forward.ROUTE),
        lambda lm: lm.real_servers.ensure(DSR, SPARE, weight=1000),
        prepare=with_servers,
    ),
    case(
        "modrs/weight-and-limit",
        lambda lm: lm.real_servers.update(DSR, FIRST, weight=250, limit=100),
        prepare=with_servers,
    ),
    case(
        "modrs/disable-and-enable",
        lambda lm: lm.real_servers.disable_in(DSR, FIRST),
        lambda lm: lm.real_servers.enable_in(DSR, FIRST),
        prepare=with_servers,
    ),
    case(
        "modrs/unknown",
        lambda lm: lm.real_servers.update(DSR, SPARE, weight=250),
        prepare=with_servers,
    ),
    case("showrs/one", lambda lm: lm.real_servers.get(DSR, SECOND), prepare=with_servers),
    case("showrs/unknown", lambda lm: lm.real_servers.get(DSR, SPARE), prepare=with_servers),
    case(
        "showrs/differences",
        lambda lm: lm.real_servers.differences(DSR, FIRST, weight=250, enable=True),
        prepare=with_servers,
    ),
    case(
        "delrs/one",
        lambda lm: lm.real_servers.delete(DSR, SECOND),
        lambda lm: lm.real_servers.list(DSR),
        prepare=with_servers,
    ),
    case(
        "disablers/everywhere",
        lambda lm: lm.real_servers.disable_everywhere(FIRST.address),
        prepare=with_servers,
    ),
    case(
        "enablers/everywhere",
        lambda lm: lm.real_servers.disable_everywhere(FIRST.address),
        lambda lm: lm.real_servers.enable_everywhere(FIRST.address),
        prepare=with_servers,
    ),
    case("showhealth/defaults", lambda lm: lm.health_checks.get()),
    case(
        "modhealth/all",
        lambda lm: lm.health_checks.update(timeout_s=5, retry_count=3, retry_interval_s=20),
    ),
    case("showadaptive/defaults", lambda lm: lm.health_checks.adaptive()),
    case(
        "modadaptive/all",
        lambda lm: lm.health_checks.update_adaptive(
            url="/load", port=8080, interval_s=10, min_percent=20
        ),
    ),
    case("stats/two-services", lambda lm: lm.statistics.read(), prepare=with_servers),
    case("stats/empty", lambda lm: lm.statistics.read()),
    case("stats/watch", _watch_twice, prepare=with_servers),
    case("vstotals/two-services", lambda lm: lm.statistics.totals(), prepare=with_servers),
)
