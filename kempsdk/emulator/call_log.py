"""What was asked of the virtual LoadMaster, for tests and for evidence."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kempsdk.emulator.addressing import find_service
from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Api
from kempsdk.emulator.state import RealServer, VirtualService
from kempsdk.emulator.status import is_healthy
from kempsdk.emulator.values import Params, address_of, words
from kempsdk.secret import MASK

MAX_CALLS: Final = 100_000
_CREDENTIALS: Final = frozenset({"apikey", "apiuser", "apipass"})
_SECRETS: Final = frozenset(
    words(
        "password passwd currpassword pass passphrase key data captchaprivatekey adminpass"
        " testpass kcd_password ldap_password radius_shared_secret oidc_secret rsanspwd"
        " dnsapiparams hmac privatekey auth"
    )
)
"""``auth`` is none of the appliance's: the vendor's Python SDK sends its password so."""
_SECRET_PARAMETER: Final = ("pass", "secret", "ident", "community")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHealth:
    """One server of one service at the moment of a call."""

    service: str
    address: str
    port: int
    enabled: bool
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call.

    Attributes:
        time_s: epoch at which the command was about to run.
        params: without credentials; other secrets are masked.
        code: 200 or the code of the failure; 401 for bad credentials.
        servers: for calls that may enable, disable or remove a server: all servers of the
            services it acts on, as they were before the command ran.
    """

    time_s: float
    api: Api
    command: str
    params: Mapping[str, str]
    code: int
    servers: tuple[ServerHealth, ...] = ()


class CallLog:
    """The last 100,000 calls; read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[CallRecord] = deque(maxlen=MAX_CALLS)

    def add(self, box: Appliance, api: Api, command: str, params: Params, code: int) -> CallRecord:
        """Note a call that is about to run."""
        record = CallRecord(
            time_s=time.time(),
            api=api,
            command=command,
            params=_without_secrets(params),
            code=code,
            servers=_servers(box, command, params),
        )
        with self._lock:
            self._records.append(record)
        return record

    def set_code(self, record: CallRecord, code: int) -> None:
        """Note how a call ended."""
        with self._lock:
            for position in range(len(self._records) - 1, -1, -1):
                if self._records[position] is record:
                    self._records[position] = replace(record, code=code)
                    return

    def records(self) -> tuple[CallRecord, ...]:
        with self._lock:
            return tuple(self._records)


def _without_secrets(params: Params) -> dict[str, str]:
    parameter = params.get("param").lower()
    hides_value = any(word in parameter for word in _SECRET_PARAMETER)
    return {
        name: MASK if name in _SECRETS or (hides_value and name in ("value", "val")) else value
        for name, value in params.items()
        if name not in _CREDENTIALS
    }


def _servers(box: Appliance, command: str, params: Params) -> tuple[ServerHealth, ...]:
    if command in ("enablers", "disablers"):
        address = address_of(params.get("rs"))
        concerned = [
            service
            for service in box.state.services.values()
            if any(one.address == address for one in service.servers)
        ]
    elif command == "delrs" or (command == "modrs" and "enable" in params):
        concerned = _named(box, params)
    else:
        return ()
    return tuple(_health(box, service, one) for service in concerned for one in service.servers)


def _named(box: Appliance, params: Params) -> list[VirtualService]:
    try:
        return [find_service(box, params)]
    except Refusal:
        return []


def _health(box: Appliance, service: VirtualService, server: RealServer) -> ServerHealth:
    return ServerHealth(
        service=service.text,
        address=server.address,
        port=server.port,
        enabled=server.enable,
        healthy=is_healthy(box.state, box.health, service, server),
    )
