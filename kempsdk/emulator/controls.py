"""What a test can do to a virtual LoadMaster: one unit, a pair, or one behind a control port."""

import http
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from kempsdk.emulator.call_log import CallRecord, ServerHealth
from kempsdk.emulator.faults import Fault, FaultKind, FaultRecord
from kempsdk.references import Protocol, RsRef, VsRef


class Controls(ABC):
    """Hands on the device, past its API."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Return ``url``, ``fingerprint`` and ``units``: of each its ``url`` and ``active``."""

    @abstractmethod
    def arm(self, fault: Fault) -> int:
        """Let a fault strike from now on; returns its number.

        Arming a close-before-tls closes the connections that are open, so that the next call
        needs a new one.

        Raises:
            ValueError: a failover without a pair, or a change of no known command.
        """

    @abstractmethod
    def disarm(self, number: int | None = None) -> bool:
        """Forget one fault, or all of them; returns whether there was any."""

    @property
    @abstractmethod
    def faults(self) -> Sequence[FaultRecord]:
        """The armed faults and the last thousand that are spent, with how often they struck."""

    @property
    @abstractmethod
    def calls(self) -> Sequence[CallRecord]:
        """Every API call so far, oldest first.

        Not there: what ``run`` and changes did, and calls that a fault kept from running
        other than by rejecting them.
        """

    @abstractmethod
    def run(self, command: str, /, **params: object) -> dict[str, Any]:
        """Run a command as an administrator of every right would, and return v2's answer.

        It is not counted as a call, needs no credentials and meets no fault. A refusal is
        returned, not raised: ``code`` and ``message``.
        """

    @abstractmethod
    def set_health(self, address: str, port: int, up: bool | None) -> None:
        """Say that a server is up or down whatever its checks say; None checks it again."""

    @abstractmethod
    def sample_now(self) -> None:
        """Take a statistics sample now instead of at the end of the period."""

    @abstractmethod
    def freeze_stats(self, frozen: bool) -> None:
        """Let ``stats`` stand still: the counters of the last sample stay."""

    @abstractmethod
    def failover(self) -> None:
        """Let the other unit of a pair take over, at once.

        Raises:
            ValueError: this is no pair.
        """

    @abstractmethod
    def set_power(self, on: bool) -> None:
        """Cut the power of the appliance, or switch it on again, at once.

        Off, nothing listens. Of a pair the active unit goes off, and the other one takes
        over; on switches both on. Harmless when it is so already.
        """

    # -- short forms of usual commands

    def servers(self) -> dict[str, tuple[ServerHealth, ...]]:
        """Return the real servers of every service by its name, ``tcp/192.0.2.1:80``.

        Raises:
            ValueError: it is refused.
        """
        found: dict[str, tuple[ServerHealth, ...]] = {}
        for vs in self._done("listvs").get("VS", ()):
            service = str(VsRef(Protocol(vs["Protocol"]), vs["VSAddress"], int(vs["VSPort"])))
            found[service] = tuple(
                ServerHealth(
                    service=service,
                    address=rs["Addr"],
                    port=int(rs["Port"]),
                    enabled=bool(rs["Enable"]),
                    healthy=rs["Status"] == "Up",
                )
                for rs in vs.get("Rs", ())
            )
        return found

    def set_enabled(self, vs: VsRef, rs: RsRef, enabled: bool) -> None:
        """Enable or disable a server in one service, as somebody else would.

        Raises:
            ValueError: there is no such server.
        """
        service = {"vs": vs.address, "port": vs.port, "prot": vs.protocol.value}
        server = {"rs": rs.address, "rsport": rs.port, "enable": "Y" if enabled else "N"}
        self._done("modrs", **service, **server)

    def _done(self, command: str, **params: object) -> dict[str, Any]:
        answer = self.run(command, **params)
        if answer.get("code") != http.HTTPStatus.OK:
            raise ValueError(f"{command}: {answer.get('message')}")
        return answer

    # -- short forms of usual faults; each replaces the one before of its own kind

    def close_before_tls(self, n: int = 1) -> None:
        """Close the next ``n`` connections before TLS; those that are open are closed now."""
        self._instead(FaultKind.CLOSE_BEFORE_TLS, n)

    def drop_after_read(self, n: int = 1) -> None:
        """Run the next ``n`` commands and never answer them."""
        self._instead(FaultKind.CLOSE, n)

    def truncate(self, n: int = 1) -> None:
        """Cut the next ``n`` answers in half."""
        self._instead(FaultKind.TRUNCATE, n)

    def html(self, n: int = 1, status: int = 503) -> None:
        """Answer the next ``n`` calls with an HTML page; the commands do not run."""
        self._instead(FaultKind.PAGE, n, status=status)

    def delay(self, seconds: float, n: int = 1) -> None:
        """Wait before running the next ``n`` commands."""
        self._instead(FaultKind.DELAY, n, seconds=seconds)

    def reject(self, command: str, code: int = 422, message: str = "failed", n: int = 1) -> None:
        """Refuse the next ``n`` calls of one command; earlier ones of it stay armed."""
        self.arm(
            Fault(kind=FaultKind.REJECT, command=command, status=code, message=message, times=n)
        )

    def _instead(self, kind: FaultKind, n: int, **more: Any) -> None:
        for one in self.faults:
            if one.armed and one.fault.kind is kind and not one.fault.command:
                self.disarm(one.number)
        if n:
            self.arm(Fault(kind=kind, times=n, **more))
