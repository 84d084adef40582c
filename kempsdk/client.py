"""``LoadMaster``: the object a script holds."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal

from kempsdk.appliance import Appliance
from kempsdk.auth import ApiKey, Auth, ClientCert
from kempsdk.clock import Clock, SystemClock
from kempsdk.errors import InvalidRequest
from kempsdk.managers import Managers
from kempsdk.transport.call import Call, ParamValue, Reply, Transport
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.lazy import LazyTransport
from kempsdk.transport.tls import Insecure, Trust, Verify

if TYPE_CHECKING:
    from kempsdk.commands import Commands
    from kempsdk.transport.http import Observer

_APIS: Final[Mapping[str, Literal["auto", "v1", "v2"]]] = {
    "auto": "auto",
    "v1": "v1",
    "v2": "v2",
}


class LoadMaster(Managers):
    """One LoadMaster. Safe to share between threads; a context manager.

    At most 28 calls in 3 s and 4 at a time are sent, by all threads together; more wait.
    Reads are repeated when their answer is lost, and any call whose request was certainly
    not sent; a call that changes something never is, once any of it was written.

    Proxies, authorities and credentials in the environment (HTTPS_PROXY,
    REQUESTS_CA_BUNDLE, SSL_CERT_FILE, ~/.netrc) have no effect.
    """

    def __init__(
        self,
        url: str,
        auth: Auth,
        api: str = "auto",
        tls: Trust = Verify(),  # noqa: B008 - immutable
        timeout: float = 10.0,
        *,
        clock: Clock | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Remember where the LoadMaster is; nothing is sent before the first call.

        Args:
            url: ``https://lb.example`` or ``https://lb.example:9443``. http is accepted for
                this machine itself, and for others with ``Insecure()`` only.
            auth: ``ApiKey``, ``Password`` or ``ClientCert``.
            api: ``v2`` is JSON, from firmware 7.2.50 on, ``v1`` XML; ``auto`` tries v2 with
                the first call.
            tls: ``Verify``, ``Pin`` or ``Insecure``.
            timeout: seconds to connect, and between two pieces of an answer; retries end
                after twice as long.
            clock: what waits; the machine's own by default.
            transport: what sends instead of HTTP, for tests.

        Raises:
            InvalidRequest: arguments that do not fit together.
        """
        if api not in _APIS:
            raise InvalidRequest(
                f"api is one of {', '.join(_APIS)}", field="api", value=api, allowed=" ".join(_APIS)
            )
        if isinstance(auth, ClientCert) and api == "v2":
            raise InvalidRequest("a client certificate logs in to v1 only", field="api", value=api)
        if not timeout > 0:
            raise InvalidRequest("timeout is more than 0", field="timeout", value=timeout)
        endpoint = Endpoint.parse(url, allow_http=isinstance(tls, Insecure))
        self._clock = clock or SystemClock()
        self._transport = transport or LazyTransport(
            endpoint, auth=auth, api=_APIS[api], trust=tls, timeout_s=timeout, clock=self._clock
        )
        self._where = str(endpoint)
        super().__init__(
            Appliance(self._transport, self._clock),
            own_key=auth.key if isinstance(auth, ApiKey) else None,
        )

    def __repr__(self) -> str:
        return f"LoadMaster({self._where})"

    def __enter__(self) -> "LoadMaster":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    def observed(self, observer: "Observer") -> AbstractContextManager[None]:
        """Tell an observer of each HTTP attempt while a block runs, as ``recording`` does.

        Raises:
            InvalidRequest: the client has a transport of its own, or is observed already.
        """
        if not isinstance(self._transport, LazyTransport):
            raise InvalidRequest("only HTTP can be observed", field="transport")
        return self._transport.real().observed(observer)

    @cached_property
    def commands(self) -> "Commands":
        """Every command of the API as a method: ``lm.commands.showvs(vs="10.0.1.250", ...)``.

        Names, types and ranges are checked before anything is sent.
        """
        from kempsdk.commands import Commands

        return Commands(self._transport.send)

    def command(
        self,
        name: str,
        params: Mapping[str, ParamValue] | None = None,
        *,
        body: bytes | None = None,
    ) -> Reply:
        """Send any command as it is, without checking its parameters.

        Args:
            name: as in the vendor's description: ``listvs``, ``logging/df``.
            params: names in any case.
            body: a file to upload.

        Raises:
            KempError: see ``kempsdk.errors``.
        """
        given = dict(params or {})
        call = Call(command=name, params=given, body=body, mutates=_changes(name, given))
        return self._transport.send(call)


def _changes(name: str, params: Mapping[str, ParamValue]) -> bool:
    # Here, so that scripts which only use the resources never load the catalogue.
    from kempsdk.catalogue import UnknownCommandName, command

    try:
        return command(name, params).changes_with(params)
    except UnknownCommandName:
        return True  # the careful assumption: it is never sent twice
