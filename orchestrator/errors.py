"""Everything the orchestrator raises, beside kempsdk's own errors.

::

    OrchestratorError
    ├── SpecInvalid              the file a person wrote; file, line and what to write
    ├── RuleViolated             a lint rule of the LoadMaster refuses the plan
    ├── HostUnreachable          a host could not be read; its reason is a HostTrouble
    ├── HostChangeFailed         a host refused a change; its reason is a HostTrouble
    ├── GateRefused              a check before a step did not hold; nothing further was done
    ├── DriftDetected            reality is no longer what the plan was computed from
    ├── Locked                   another run holds the service or the host
    ├── LockNotFound
    ├── AlreadyAsked             somebody else asked the same of the run, and was first
    ├── RequestRefused           the run cannot do that as it stands; nothing was asked
    ├── TargetNotFound           the run has no such server or gate
    ├── OtherVersion             the run was begun by a version that works differently
    ├── RunNotFound
    ├── RunPaused                stopped in an explained state; resume or undo
    ├── StoreUnavailable         the state store cannot be read or written
    │   ├── StoreReadOnly
    │   └── StoreFull
    ├── TelemetryUnavailable     traces or metrics cannot go where they are wanted
    ├── IsolationUnavailable     this machine does not allow network namespaces
    └── CannotRehearse           nothing like it can be built in the lab
"""

from collections.abc import Sequence
from enum import Enum


class OrchestratorError(Exception):
    """Root of the tree."""


class SpecInvalid(OrchestratorError):
    """The inventory or rollout file is wrong.

    Attributes:
        path: the file.
        line: 1-based line of the mistake, or None where it is about the whole file.
    """

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else path
        super().__init__(f"{where}: {message}")
        self.path = path
        self.line = line


class RuleViolated(OrchestratorError):
    """The plan breaks rules of the LoadMaster.

    Attributes:
        rules: ids, to be allowed by name where the operator knows better.
    """

    def __init__(self, message: str, *, rules: Sequence[str]) -> None:
        super().__init__(message)
        self.rules = tuple(rules)


class HostTrouble(str, Enum):
    """Why a host could not be read or changed, as far as a caller acts on it."""

    UNREACHABLE = "unreachable"
    """No way there, or no answer."""
    HOST_KEY = "host-key"
    """Somebody else may be answering in its place."""
    PERMISSION = "permission"
    """The login, or the user's rights on the host."""
    SUDO = "sudo"
    MISSING_TOOL = "missing-tool"
    READ_ONLY = "read-only"
    """The file system takes no writes."""
    DISK_FULL = "disk-full"
    BROKEN_OFF = "broken-off"
    """The connection was lost on the way: what was done is not known."""
    OTHER = "other"


class HostUnreachable(OrchestratorError):
    """The host could not be read: that says nothing about its state."""

    def __init__(self, message: str, *, reason: HostTrouble = HostTrouble.UNREACHABLE) -> None:
        super().__init__(message)
        self.reason = reason


class HostChangeFailed(OrchestratorError):
    """A change on a host failed; ``done`` lists the ones before it that were carried out."""

    def __init__(
        self,
        message: str,
        *,
        done: Sequence[str] = (),
        reason: HostTrouble = HostTrouble.OTHER,
    ) -> None:
        super().__init__(message)
        self.done = tuple(done)
        self.reason = reason


class GateRefused(OrchestratorError):
    """A gate did not open.

    Attributes:
        gate: its id, for example ``host-silent`` or ``floor``.
        evidence: what was seen.
    """

    def __init__(self, message: str, *, gate: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.gate = gate
        self.evidence = tuple(evidence)


class DriftDetected(OrchestratorError):
    """What the plan was computed from has moved; ``moved`` says what."""

    def __init__(self, message: str, *, moved: Sequence[str]) -> None:
        super().__init__(message)
        self.moved = tuple(moved)


class Locked(OrchestratorError):
    """Another run holds what this one needs; ``owner`` says which."""

    def __init__(self, message: str, *, owner: str) -> None:
        super().__init__(message)
        self.owner = owner


class LockNotFound(OrchestratorError):
    """No such lock, or another run holds it."""


class AlreadyAsked(OrchestratorError):
    """Somebody asked the same of a run before; ``by`` says who."""

    def __init__(self, message: str, *, by: str) -> None:
        super().__init__(message)
        self.by = by


class RequestRefused(OrchestratorError):
    """What was asked of a run makes no sense as the run stands; nothing was asked."""


class TargetNotFound(OrchestratorError):
    """A run has no such server or gate; ``known`` says which it has."""

    def __init__(self, message: str, *, known: Sequence[str]) -> None:
        super().__init__(message)
        self.known = tuple(known)


class OtherVersion(OrchestratorError):
    """A run can only be gone on with by the version that began it."""


class RunNotFound(OrchestratorError):
    """No run of that name in the store."""


class RunPaused(OrchestratorError):
    """The run stopped in an explained state."""


class StoreUnavailable(OrchestratorError):
    """The state store cannot be opened, read or written."""


class StoreReadOnly(StoreUnavailable):
    """The state store can be read and not written."""


class StoreFull(StoreUnavailable):
    """There is no room for the state store to write; nothing was lost."""


class TelemetryUnavailable(OrchestratorError):
    """Traces or metrics were asked for and cannot be had: a library, an address or a file."""


class IsolationUnavailable(OrchestratorError):
    """Network namespaces are not to be had here; the message says how to get them."""


class CannotRehearse(OrchestratorError):
    """Nothing like what the file is about can be built in the lab; the message says why."""
