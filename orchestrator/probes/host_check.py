"""The LoadMaster's check of a server, made from another host with the tools that it has."""

import math
import time

from kempsdk import CheckMethod, CheckType
from orchestrator.hosts.driver import CommandResult, Host, HostDriver
from orchestrator.probes.health_check import (
    NOTHING_CHECKED,
    Answer,
    CheckEvidence,
    HealthCheck,
    judge_answer,
)
from orchestrator.probes.host_tools import script

_LOGIN_S = 15.0
_NO_SUCH_TOOL = 127

# bash, which every CentOS has, opens a connection for that file name; sh does not.
_CONNECT = 'exec timeout "$3" bash -c \': </dev/tcp/$0/$1\' "$1" "$2"'


def check_from(driver: HostDriver, host: Host, check: HealthCheck) -> CheckEvidence:
    """Make a check from a host of the segment: HTTP with curl, pings with ping, and of all
    others whether the port opens.

    Raises:
        HostUnreachable: no way in.
    """
    started = time.monotonic()
    return _answer(driver, host, check).evidence(time.monotonic() - started)


def _answer(driver: HostDriver, host: Host, check: HealthCheck) -> Answer:
    match check.type:
        case CheckType.NONE:
            return NOTHING_CHECKED
        case CheckType.OTHER | CheckType.DNS:
            return Answer(None, f"a {check.type.value} check cannot be made from {host.name}")
        case CheckType.HTTP | CheckType.HTTPS:
            tool, argv = "curl", _curl(check)
        case CheckType.ICMP:
            tool, argv = "ping", ["ping", "-c", "1", "-W", _whole(check), check.address]
        case _:
            tool = "bash"
            argv = script(_CONNECT, check.address, str(check.port), _whole(check))
    result = driver.run(host, argv, timeout_s=check.timeout_s + _LOGIN_S)
    if result.exit_code == _NO_SUCH_TOOL:
        return Answer(None, f"not made: {host.name} has no {tool}: dnf install {tool}")
    if tool == "curl":
        return _http(check, result)
    if result.exit_code != 0:
        return Answer(False, _last_line(result) or "no answer")
    if tool == "ping":
        return Answer(True, "it answered")
    more = "" if check.type is CheckType.TCP else "; no more was looked at"
    return Answer(True, f"it takes connections{more}")


def _whole(check: HealthCheck) -> str:
    return str(math.ceil(check.timeout_s))


def _curl(check: HealthCheck) -> list[str]:
    place = f"[{check.address}]" if ":" in check.address else check.address
    method = check.method.value.upper()
    host = f"[{check.host}]" if ":" in check.host else check.host
    return [
        "curl",
        "--silent",
        "--show-error",
        "--insecure",
        "--globoff",
        "--path-as-is",
        "--noproxy",
        "*",
        "--max-time",
        f"{check.timeout_s:g}",
        "--http1.1" if check.http11 else "--http1.0",
        *(["--header", f"Host: {host}"] if check.http11 else []),
        *(word for one in check.header_lines for word in ("--header", one)),
        *(["--head"] if check.method is CheckMethod.HEAD else ["--request", method]),
        *(["--data-binary", check.post_data] if check.method is CheckMethod.POST else []),
        # Behind the body: of long output the end comes back.
        "--write-out",
        "\n%{http_code}",
        f"{check.type.value}://{place}:{check.port}{check.url}",
    ]


def _http(check: HealthCheck, result: CommandResult) -> Answer:
    body, _, code = result.stdout.rpartition("\n")
    if not code.isdigit() or int(code) == 0:
        return Answer(False, _last_line(result).removeprefix("curl: ") or "no answer")
    return judge_answer(check, int(code), body)


def _last_line(result: CommandResult) -> str:
    return result.stderr.strip().rpartition("\n")[2]
