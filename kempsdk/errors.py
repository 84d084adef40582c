"""Everything kempsdk raises.

::

    KempError
    ├── InvalidRequest           refused here, nothing was sent
    ├── AmbiguousName            several things have that name
    ├── Unreachable              no connection; nothing was sent
    │   ├── CertificateNotTrusted
    │   └── RateLimited          the appliance closed the connection before TLS
    ├── OutcomeUnknown           sent, no answer: read back before trying again
    ├── BadAnswer                an answer that is not the API's (HTML, cut short, too large)
    ├── CommandRejected          the appliance said no
    │   ├── AuthenticationFailed
    │   ├── PermissionDenied
    │   ├── ApiDisabled
    │   ├── UnknownCommand
    │   └── NotFound
    └── WriteNotApplied          the appliance said yes and did something else

A class of its own exists where a caller does something different about it. ``outcome``
says what happened on the appliance. No error carries a credential, a URL or a body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """What the failed call did on the appliance."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    APPLIED = "applied"


class KempError(Exception):
    """Root of the tree.

    Attributes:
        command: the API command, or None where no call was involved.
        target: the service, server or parameter it was about.
        outcome: what happened on the appliance.
    """

    outcome: Outcome = Outcome.NOT_SENT

    def __init__(
        self, message: str, *, command: str | None = None, target: str | None = None
    ) -> None:
        super().__init__(message)
        self.command = command
        self.target = target


class InvalidRequest(KempError):
    """A value that the appliance would refuse or silently ignore; nothing was sent.

    Attributes:
        field: which value.
        value: what was given.
        allowed: the range or the words that would do, if there is a list.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str,
        value: object = None,
        allowed: str | None = None,
        command: str | None = None,
        target: str | None = None,
    ) -> None:
        super().__init__(message, command=command, target=target)
        self.field = field
        self.value = value
        self.allowed = allowed


def will_not_do(
    field: str, value: object, allowed: str, *, target: str | None = None
) -> InvalidRequest:
    """Return the error for a value out of its range.

    Args:
        field: which value.
        value: what was given; a mask in place of a credential.
        allowed: what would do, as a reader is to be told.
        target: what it was for.
    """
    return InvalidRequest(
        f"{field}: {value!r} will not do: {allowed}",
        field=field,
        value=value,
        allowed=allowed,
        target=target,
    )


class AmbiguousName(KempError):
    """More than one thing answers to the name.

    Attributes:
        candidates: references that would be unambiguous.
    """

    def __init__(self, message: str, *, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class Unreachable(KempError):
    """No connection, or it broke before the request was written. A retry is safe."""


class CertificateNotTrusted(Unreachable):
    """The appliance's certificate is not one the caller trusts.

    Attributes:
        fingerprint: SHA-256 of the certificate that was shown, or None if none was.
    """

    def __init__(self, message: str, *, fingerprint: str | None) -> None:
        super().__init__(message)
        self.fingerprint = fingerprint


class RateLimited(Unreachable):
    """The appliance closed the connection before TLS: over 30 calls in 3 s, or too many at once."""


class OutcomeUnknown(KempError):
    """The call may have run. Read back, then decide; never repeat it blindly."""

    outcome = Outcome.UNKNOWN


class BadAnswer(KempError):
    """Something answered, but not in the API's form.

    For a mutating call the outcome is unknown, for a read it does not matter.
    """

    def __init__(
        self,
        message: str,
        *,
        command: str | None = None,
        target: str | None = None,
        status: int | None = None,
        outcome: Outcome = Outcome.REJECTED,
    ) -> None:
        super().__init__(message, command=command, target=target)
        self.status = status
        self.outcome = outcome


class CommandRejected(KempError):
    """The appliance answered with an error.

    Attributes:
        status: the ``stat``/``code`` member (400, 422, ...).
        reason: the appliance's own text.
    """

    outcome = Outcome.REJECTED

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str,
        command: str | None = None,
        target: str | None = None,
    ) -> None:
        super().__init__(message, command=command, target=target)
        self.status = status
        self.reason = reason


class AuthenticationFailed(CommandRejected):
    """Wrong or missing credentials. Never repeated: failures can lock the user out."""


class PermissionDenied(CommandRejected):
    """The user has no right to this command."""


class ApiDisabled(CommandRejected):
    """The API interface is switched off on the appliance."""


class UnknownCommand(CommandRejected):
    """The appliance has no such command under its firmware and licence."""


class NotFound(CommandRejected):
    """The service, server, rule or parameter does not exist."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that is not what was asked for."""

    field: str
    asked: object
    got: object

    def __str__(self) -> str:
        return f"{self.field}: asked {self.asked!r}, got {self.got!r}"


class WriteNotApplied(KempError):
    """The command succeeded and a read back shows another value.

    The appliance silently ignores or coerces values it does not like.

    Attributes:
        differences: each field, what was asked and what the appliance says.
    """

    outcome = Outcome.APPLIED

    def __init__(
        self,
        message: str,
        *,
        differences: Sequence[FieldDifference],
        command: str | None = None,
        target: str | None = None,
    ) -> None:
        super().__init__(message, command=command, target=target)
        self.differences = tuple(differences)


def describe(differences: Sequence[FieldDifference]) -> str:
    """Return the differences as one readable line."""
    return "; ".join(str(one) for one in differences)


def as_fields(error: KempError) -> Mapping[str, object]:
    """Return what a machine-readable report says of the error."""
    return {
        "error": type(error).__name__,
        "message": str(error),
        "command": error.command,
        "target": error.target,
        "outcome": error.outcome.value,
    }
