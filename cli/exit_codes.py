"""How ``kemp`` ends: every exit code, and the text and code of every error.

Nothing here is imported by ``kemp --help``; the error trees are imported when there is
an error to explain.
"""

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import click


class ExitCode(IntEnum):
    """Exit codes of ``kemp``; scripts rely on the numbers."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    NOT_FOUND = 3
    REJECTED = 4
    UNREACHABLE = 5
    AUTHENTICATION = 6
    OUTCOME_UNKNOWN = 7
    GATE_REFUSED = 8
    DRIFT = 9
    LOCKED = 10
    PARTIAL = 11
    BAD_ANSWER = 12
    CERTIFICATE = 13
    API_DISABLED = 14
    AMBIGUOUS = 15
    INVALID_FILE = 16
    RULE = 17
    ISOLATION = 18
    STOPPED = 19
    NOTHING_TO_DO = 20
    STORE = 21
    INVARIANT = 22
    STORE_READ_ONLY = 23
    STORE_FULL = 24
    OTHER_VERSION = 25
    ALREADY_ASKED = 26
    FINDINGS = 27
    CANNOT_REHEARSE = 28
    NOT_NOW = 29
    COMMAND_TIMED_OUT = 30
    FLOOR_IMPOSSIBLE = 31
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.INTERNAL: "internal error of kemp (run again with --debug and report it)",
    ExitCode.USAGE: "usage: a bad option, or a value refused before anything was sent",
    ExitCode.NOT_FOUND: "not found: no such service, server, parameter or run",
    ExitCode.REJECTED: "rejected by the appliance",
    ExitCode.UNREACHABLE: "unreachable: the appliance or a host does not answer",
    ExitCode.AUTHENTICATION: "authentication failed or permission denied",
    ExitCode.OUTCOME_UNKNOWN: "outcome unknown: the change was sent and no answer came",
    ExitCode.GATE_REFUSED: "gate refused: a check before a step did not hold",
    ExitCode.DRIFT: "drift: reality is not what the plan was made from, or not what the file says",
    ExitCode.LOCKED: "locked: another run works on the same service or host",
    ExitCode.PARTIAL: "partial: hosts failed or were skipped, or a write was applied differently",
    ExitCode.BAD_ANSWER: "bad answer: HTML, a cut body, or another server altogether",
    ExitCode.CERTIFICATE: "certificate not trusted",
    ExitCode.API_DISABLED: "the API interface of the appliance is switched off",
    ExitCode.AMBIGUOUS: "ambiguous name: several services answer to it",
    ExitCode.INVALID_FILE: "a file is not as it must be, or cannot be read or written",
    ExitCode.RULE: "rule violated: the LoadMaster would accept it and traffic would break",
    ExitCode.ISOLATION: "this machine does not allow network namespaces",
    ExitCode.STOPPED: "the run paused or was stopped in an explained state",
    ExitCode.NOTHING_TO_DO: "nothing to do (rollout plan, run and undo, and host plan)",
    ExitCode.STORE: "the state store cannot be used, or not be reached",
    ExitCode.INVARIANT: "an invariant was broken (demo only)",
    ExitCode.STORE_READ_ONLY: "the state store can be read and not written",
    ExitCode.STORE_FULL: "the state store has no room left to write",
    ExitCode.OTHER_VERSION: "the run was begun by another version of kemp",
    ExitCode.ALREADY_ASKED: "somebody else asked the same of the run, and was first",
    ExitCode.FINDINGS: "something is not as it must be; what and how to mend it was printed",
    ExitCode.CANNOT_REHEARSE: "the lab can build nothing like what the file is about",
    ExitCode.NOT_NOW: "the run cannot do that as it stands; nothing was asked of it",
    ExitCode.COMMAND_TIMED_OUT: "the run paused: an action or a hook did not end in its time",
    ExitCode.FLOOR_IMPOSSIBLE: "under the floor of the file no server could ever be taken out",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
    ExitCode.BROKEN_PIPE: "the reader of our output went away",
}


class Failure(click.ClickException):
    """A refusal of the terminal itself: text for the operator and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


class Explanation(NamedTuple):
    """What to tell the operator: the message, what to do next, and the exit code."""

    code: ExitCode
    message: str
    advice: Sequence[str] = ()


def _kemp_code(error: Exception) -> ExitCode | None:
    from kempsdk import errors

    if isinstance(error, errors.BadAnswer) and error.outcome is errors.Outcome.UNKNOWN:
        # A write whose answer was garbage: what matters is that it may have run.
        return ExitCode.OUTCOME_UNKNOWN
    # Most special first: a subclass stands before its parent.
    table: tuple[tuple[type[Exception], ExitCode], ...] = (
        (errors.InvalidRequest, ExitCode.USAGE),
        (errors.AmbiguousName, ExitCode.AMBIGUOUS),
        (errors.CertificateNotTrusted, ExitCode.CERTIFICATE),
        (errors.Unreachable, ExitCode.UNREACHABLE),
        (errors.OutcomeUnknown, ExitCode.OUTCOME_UNKNOWN),
        (errors.BadAnswer, ExitCode.BAD_ANSWER),
        (errors.AuthenticationFailed, ExitCode.AUTHENTICATION),
        (errors.PermissionDenied, ExitCode.AUTHENTICATION),
        (errors.ApiDisabled, ExitCode.API_DISABLED),
        (errors.UnknownCommand, ExitCode.REJECTED),
        (errors.NotFound, ExitCode.NOT_FOUND),
        (errors.CommandRejected, ExitCode.REJECTED),
        (errors.WriteNotApplied, ExitCode.PARTIAL),
        (errors.KempError, ExitCode.INTERNAL),
    )
    return next((code for kind, code in table if isinstance(error, kind)), None)


def _orchestrator_code(error: Exception) -> ExitCode | None:
    from orchestrator import errors

    if isinstance(error, errors.GateRefused) and error.gate == "floor-impossible":
        # Nothing to wait for: the file has to change, or the pool.
        return ExitCode.FLOOR_IMPOSSIBLE
    table: tuple[tuple[type[Exception], ExitCode], ...] = (
        (errors.SpecInvalid, ExitCode.INVALID_FILE),
        (errors.RuleViolated, ExitCode.RULE),
        (errors.HostUnreachable, ExitCode.UNREACHABLE),
        (errors.HostChangeFailed, ExitCode.PARTIAL),
        (errors.GateRefused, ExitCode.GATE_REFUSED),
        (errors.DriftDetected, ExitCode.DRIFT),
        (errors.Locked, ExitCode.LOCKED),
        (errors.RunNotFound, ExitCode.NOT_FOUND),
        (errors.RunPaused, ExitCode.STOPPED),
        (errors.LockNotFound, ExitCode.NOT_FOUND),
        (errors.AlreadyAsked, ExitCode.ALREADY_ASKED),
        (errors.RequestRefused, ExitCode.NOT_NOW),
        (errors.TargetNotFound, ExitCode.NOT_FOUND),
        (errors.OtherVersion, ExitCode.OTHER_VERSION),
        (errors.StoreReadOnly, ExitCode.STORE_READ_ONLY),
        (errors.StoreFull, ExitCode.STORE_FULL),
        (errors.StoreUnavailable, ExitCode.STORE),
        (errors.IsolationUnavailable, ExitCode.ISOLATION),
        (errors.CannotRehearse, ExitCode.CANNOT_REHEARSE),
        (errors.TelemetryUnavailable, ExitCode.USAGE),
        (errors.OrchestratorError, ExitCode.INTERNAL),
    )
    return next((code for kind, code in table if isinstance(error, kind)), None)


def _advice(error: Exception, url: str | None) -> tuple[str, ...]:
    from kempsdk import errors
    from orchestrator import errors as orchestration

    place = url or "URL"
    match error:
        case errors.AmbiguousName():
            named = all(one in str(error) for one in error.candidates)
            return ("name one of them",) if named else ("name one of:", *error.candidates)
        case errors.NotFound() if error.command == "get":
            return ("see: kemp param list",)
        case errors.NotFound() if re.search(r"virtual service|Unknown VS", str(error)):
            return ("see: kemp vs list",)
        case errors.CertificateNotTrusted():
            shown = error.fingerprint or "none was shown"
            return (
                f"fingerprint (SHA-256): {shown}",
                f"compare it with the appliance's own, then: kemp config trust {place}",
            )
        case errors.InvalidRequest() if error.allowed:
            return () if error.allowed in str(error) else (f"allowed: {error.allowed}",)
        case errors.RateLimited():
            return ("the appliance takes 30 calls in 3 seconds; wait a moment and try again",)
        case errors.Unreachable():
            return (f"check the address ({place}), the network and the API port",)
        case errors.AuthenticationFailed():
            return (
                "tried once, to keep the user from being locked out; check KEMP_API_KEY, "
                "or KEMP_USER with KEMP_PASSWORD_FILE, or the profile",
            )
        case errors.PermissionDenied():
            return ("give the user the permission, or use a key of a user that has it",)
        case errors.ApiDisabled():
            return ("switch it on: Certificates & Security > Remote Access > Enable API Interface",)
        case errors.UnknownCommand():
            return ("it may need another firmware or licence; see: kemp api listapi",)
        case errors.KempError() if error.outcome is errors.Outcome.UNKNOWN:
            return ("the change may or may not have been made; look before you repeat it",)
        case errors.BadAnswer():
            return (f"is {place} the address of a LoadMaster's management interface?",)
        case errors.WriteNotApplied():
            return tuple(f"  {one}" for one in error.differences if str(one) not in str(error))
        case orchestration.RuleViolated():
            return tuple(f"if you know better: --allow {one}" for one in error.rules)
        case orchestration.HostChangeFailed():
            return tuple(f"done before it: {one}" for one in error.done)
        case orchestration.GateRefused():
            return (f"gate: {error.gate}", *(f"seen: {one}" for one in error.evidence))
        case orchestration.DriftDetected():
            return (
                *(f"moved: {one}" for one in error.moved),
                "make a new plan: kemp rollout plan",
            )
        case orchestration.Locked():
            return (f"held by: {error.owner}", "see: kemp rollout locks")
        case orchestration.LockNotFound():
            return ("see: kemp rollout locks",)
        case orchestration.AlreadyAsked():
            return ("see: kemp rollout status",)
        case orchestration.TargetNotFound() if error.known:
            return (f"it has: {', '.join(error.known[:20])}",)
        case orchestration.StoreFull():
            return (
                "nothing is lost: make room, then try it again; a run that was begun goes on "
                "with: kemp rollout resume",
            )
        case orchestration.StoreReadOnly():
            return (
                "what is in it can be looked at; to work on runs, let it be written to, or "
                "keep them elsewhere: KEMP_STORE=DIRECTORY",
            )
        case orchestration.StoreUnavailable():
            return ("where runs are kept is said by KEMP_STORE; see: kemp help environment",)
        case _:
            return ()


def explain(error: Exception, *, url: str | None = None) -> Explanation:
    """Return what to say about an error and how to end.

    Args:
        error: anything that reached the top.
        url: address of the appliance in use; it holds no credential.
    """
    if isinstance(error, Failure):
        return Explanation(error.code, error.message)
    if isinstance(error, click.ClickException):
        return Explanation(ExitCode(error.exit_code), error.format_message())
    code = _kemp_code(error)
    if code is None:
        code = _orchestrator_code(error)
    if code is None:
        return Explanation(
            ExitCode.INTERNAL,
            f"unexpected {type(error).__name__}: {error}",
            ("run again with --debug for the traceback",),
        )
    message = str(error)
    # What the error says itself is not said twice.
    advice = tuple(
        one for one in _advice(error, url) if (one.partition(": ")[2] or one).strip() not in message
    )
    return Explanation(code, message, advice)


def tell(
    error: Exception, *, url: str | None = None, debug: bool = False, output: str | None = None
) -> int:
    """Say on stderr what there is to say about an error, and return the exit code.

    Args:
        error: anything that reached the top.
        url: as for :func:`explain`.
        debug: with the traceback of an unexpected one.
        output: the format of this call; ``json`` tells it to a machine.
    """
    told = explain(error, url=url)
    if debug and told.code == ExitCode.INTERNAL:
        import traceback

        traceback.print_exception(error)
    if output == "json":
        import json

        fields = {
            "error": type(error).__name__,
            "message": told.message,
            "advice": list(told.advice),
            "exit_code": int(told.code),
        }
        click.echo(json.dumps(fields), err=True)
    else:
        click.echo("\n  ".join([f"kemp: {told.message}", *told.advice]), err=True)
    return int(told.code)
