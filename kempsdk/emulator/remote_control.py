"""The controls of a virtual LoadMaster that runs elsewhere, by its control port."""

import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

from kempsdk.emulator.call_log import CallRecord, ServerHealth
from kempsdk.emulator.controls import Controls
from kempsdk.emulator.faults import Fault, FaultRecord

_TIMEOUT_S: Final = 30.0


class RemoteControl(Controls):
    """The controls behind a control port: ``RemoteControl("http://127.0.0.1:9444")``.

    Everything raises ValueError for what the control port refuses, and OSError or
    http.client.HTTPException when it does not answer.
    """

    def __init__(self, url: str) -> None:
        """Describe it; each use is a connection of its own.

        Raises:
            ValueError: no URL of a control port.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.port is None:
            raise ValueError("a control port is at http://127.0.0.1:PORT")
        self._address = (parts.hostname, parts.port)

    def description(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", "/")
        return found

    def arm(self, fault: Fault) -> int:
        return int(self._ask("POST", "/faults", fault.to_json())["number"])

    def disarm(self, number: int | None = None) -> bool:
        path = "/faults" if number is None else f"/faults/{number}"
        return bool(self._ask("DELETE", path)["disarmed"])

    @property
    def faults(self) -> tuple[FaultRecord, ...]:
        return tuple(
            FaultRecord(
                **{
                    **one,
                    "fault": Fault.from_json(one["fault"]),
                    "errors": tuple(one["errors"]),
                }
            )
            for one in self._ask("GET", "/faults")
        )

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        return tuple(
            CallRecord(
                **{**one, "servers": tuple(ServerHealth(**server) for server in one["servers"])}
            )
            for one in self._ask("GET", "/calls")
        )

    def run(self, command: str, /, **params: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("POST", "/run", {**params, "cmd": command})
        return answer

    def set_health(self, address: str, port: int, up: bool | None) -> None:
        self._ask("PUT", "/health", {"address": address, "port": port, "up": up})

    def sample_now(self) -> None:
        self._ask("POST", "/sample", {})

    def freeze_stats(self, frozen: bool) -> None:
        self._ask("PUT", "/stats", {"frozen": frozen})

    def failover(self) -> None:
        self._ask("POST", "/failover", {})

    def set_power(self, on: bool) -> None:
        self._ask("PUT", "/power", {"on": on})

    def _ask(self, method: str, path: str, data: object = None) -> Any:
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            body = None if data is None else json.dumps(data)
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ValueError(found["error"])
        return found
