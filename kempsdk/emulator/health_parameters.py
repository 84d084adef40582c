"""showhealth, modhealth, showadaptive, modadaptive.

The member names are the parameters': no answer of these commands was ever published.
"""

from kempsdk.emulator.answers import Answer, Members, One
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command

_INTERVAL = range(9, 121)
_TIMEOUT = range(4, 61)
_COUNT = range(2, 16)


@command("showhealth")
def showhealth(box: Appliance, _request: Request) -> Answer:
    timers = box.state.health
    return Answer(
        members=[
            ("RetryInterval", timers.retry_interval_s),
            ("Timeout", timers.timeout_s),
            ("RetryCount", timers.retry_count),
        ]
    )


@command("modhealth", mutates=True)
def modhealth(box: Appliance, request: Request) -> Answer:
    """Change the timers.

    The interval is at least count * timeout + 1 and is raised when the others grow. Given
    together with one of the others it is ignored, which is why the vendor's description
    wants two calls: that it is ignored, and that values out of range are, are guesses.
    """
    params, timers = request.params, box.state.health
    before = (timers.retry_interval_s, timers.timeout_s, timers.retry_count)
    interval = params.number("retryinterval")
    timeout, count = params.number("timeout"), params.number("retrycount")
    if timeout in _TIMEOUT:
        timers.timeout_s = int(timeout or 0)
    if count in _COUNT:
        timers.retry_count = int(count or 0)
    least = timers.retry_count * timers.timeout_s + 1
    if timeout is None and count is None and interval in _INTERVAL:
        timers.retry_interval_s = int(interval or 0)
    timers.retry_interval_s = max(timers.retry_interval_s, least)
    if before != (timers.retry_interval_s, timers.timeout_s, timers.retry_count):
        box.changed_globally()
    return showhealth(box, request)


@command("showadaptive")
def showadaptive(box: Appliance, request: Request) -> Answer:
    check = box.state.adaptive
    members: Members = [
        ("AdaptiveURL", check.url),
        ("AdaptivePort", check.port),
        ("AdaptiveInterval", check.interval_s),
        ("MinPercent", check.min_percent),
    ]
    # The vendor's Python SDK finds them in a group of their own, unlike those of showhealth.
    return Answer(members=members if request.api == "v2" else [("Data", One(members))])


@command("modadaptive", mutates=True)
def modadaptive(box: Appliance, request: Request) -> Answer:
    params, check = request.params, box.state.adaptive
    before = (check.url, check.port, check.interval_s, check.min_percent)
    url = params.get("adaptiveurl")
    if url:
        check.url = url
    port = params.number("adaptiveport")
    if port is not None and 3 <= port <= 65530:
        check.port = port
    interval = params.number("adaptiveinterval")
    if interval is not None:
        check.interval_s = interval
    percent = params.number("minpercent")
    if percent is not None and percent <= 100:
        check.min_percent = percent
    if before != (check.url, check.port, check.interval_s, check.min_percent):
        box.changed_globally()
    return showadaptive(box, request)
