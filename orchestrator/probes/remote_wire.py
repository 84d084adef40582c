"""A place on a segment that is another host: frames go out and come in there, by a driver."""

import errno
import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestrator.errors import HostUnreachable
from orchestrator.hosts.driver import Host, HostDriver
from orchestrator.probes import relay
from orchestrator.probes.host_tools import script
from orchestrator.probes.wire import Exchange, Heard, Identity, PortTaken, addresses_v6

# The second is the system's own Python of CentOS 8 and newer; 7 has none that is new enough.
_RUN = """\
for python in python3 /usr/libexec/platform-python; do
    command -v "$python" >/dev/null 2>&1 && exec "$python" -c "$1" "$2"
done
echo "no Python here" >&2
exit 127
"""
_NO_PYTHON = 127
_LOGIN_S = 15.0


class NoPython(HostUnreachable):
    """The host has no Python that could send frames."""


class RemoteWire:
    """A host of the segment with some Python on it, reached by its driver. Needs root there.

    One round trip for each exchange.
    """

    def __init__(self, driver: HostDriver, host: Host) -> None:
        """Name the place; nothing is asked yet."""
        self._driver = driver
        self._host = host
        self._identity: Identity | None = None
        self.how = f"raw frames from {host.interface} of {host.name}"

    def identity(self) -> Identity:
        if self._identity is None:
            self._ask(Exchange(frames=(), ethertype=0, needles=(), rounds=0, window_s=0))
        assert self._identity is not None  # noqa: S101 - every answer holds it
        return self._identity

    def exchange(self, wanted: Exchange) -> Heard:
        answer = self._ask(wanted)
        frames = {bytes.fromhex(one): int(times) for one, times in answer["frames"].items()}
        return Heard(frames=frames, dropped=int(answer["dropped"]))

    def _ask(self, wanted: Exchange) -> Mapping[str, Any]:
        request = {
            "interface": self._host.interface,
            "ethertype": wanted.ethertype,
            "frames": [one.hex() for one in wanted.frames],
            "needles": [one.hex() for one in wanted.needles],
            "rounds": wanted.rounds,
            "window_s": wanted.window_s,
            "promiscuous": wanted.promiscuous,
            "enough": wanted.enough,
            "last": [one.hex() for one in wanted.last],
            "hold": wanted.hold,
        }
        result = self._driver.run(
            self._host,
            script(_RUN, _source(), json.dumps(request)),
            timeout_s=wanted.rounds * wanted.window_s + _LOGIN_S,
        )
        name, said = self._host.name, result.stderr.strip().rpartition("\n")[2]
        if result.exit_code == _NO_PYTHON:
            raise NoPython(f"{name} has no Python: dnf install python3")
        if result.exit_code != 0:
            cure = " (log in as root, or sudo: true)" if "not permitted" in said else ""
            raise HostUnreachable(f"{name} cannot probe from {self._host.interface}: {said}{cure}")
        try:
            answer: Mapping[str, Any] = json.loads(result.stdout)
        except ValueError:
            raise HostUnreachable(f"{name} answered a probe with something else") from None
        if failure := answer.get("failure"):
            kind = PortTaken if answer["errno"] == errno.EADDRINUSE else HostUnreachable
            raise kind(f"{name}: {failure}")
        self._identity = Identity(
            mac=bytes.fromhex(answer["mac"]).hex(":"),
            address=answer["address"],
            addresses_v6=tuple(addresses_v6(answer["if_inet6"], self._host.interface)),
        )
        return answer


@cache
def _source() -> str:
    return inspect.getsource(relay)
