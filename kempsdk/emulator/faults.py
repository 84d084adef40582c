"""Trouble on demand, for tests of clients: each fault strikes a number of times, then is spent."""

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import Enum
from typing import Any, Final, Literal

_SPENT_KEPT: Final = 1000


class FaultKind(str, Enum):
    """What goes wrong.

    ``CLOSE_BEFORE_TLS`` strikes connections, everything else strikes calls.
    """

    CLOSE_BEFORE_TLS = "close-before-tls"
    CLOSE = "close"
    DELAY = "delay"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    PAGE = "page"
    REJECT = "reject"
    CHANGE = "change"
    FAILOVER = "failover"


When = Literal["before", "after"]

_AFTER: Final = frozenset({FaultKind.CLOSE, FaultKind.TRUNCATE, FaultKind.GARBAGE})
_STATUS: Final = {FaultKind.PAGE: 503, FaultKind.REJECT: 422}
SPOILERS: Final = frozenset(
    {
        FaultKind.CLOSE,
        FaultKind.TRUNCATE,
        FaultKind.GARBAGE,
        FaultKind.PAGE,
        FaultKind.REJECT,
    }
)
"""Kinds that take the place of the answer; before the command they also keep it from running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is to go wrong.

    Attributes:
        kind: close-before-tls hangs up on a new connection; close hangs up on a call that
            was read; delay waits; truncate sends half of the answer; garbage sends bytes
            that are no answer; page sends an HTML page; reject sends a failure of the API's
            own form; change runs ``calls`` as another administrator would; failover lets the
            other unit of a pair take over.
        when: before the command of the call runs, or after it. Before it, close, garbage,
            page and reject keep it from running. None is the usual: close, truncate and
            garbage after it, everything else before it.
        command: strikes calls of this command only, ``logging/df`` with a slash; "" any.
        skip: how many such calls pass unharmed first.
        times: how many of them it strikes; None for all until it is disarmed.
        seconds: real ones, of delay.
        status: HTTP status of a page (503) or code of a rejection (422); None is that.
        message: text of a rejection.
        calls: of change, as v2 has them: ``cmd`` and parameters, without credentials.
    """

    kind: FaultKind
    when: When | None = None
    command: str = ""
    skip: int = 0
    times: int | None = 1
    seconds: float = 0.0
    status: int | None = None
    message: str = "failed"
    calls: Sequence[Mapping[str, object]] = ()

    def __post_init__(self) -> None:
        kind = FaultKind(self.kind)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "command", self.command.replace(".", "/"))
        object.__setattr__(self, "calls", tuple(dict(one) for one in self.calls))
        if self.when is None:
            object.__setattr__(self, "when", "after" if kind in _AFTER else "before")
        if self.status is None:
            object.__setattr__(self, "status", _STATUS.get(kind))
        self._check(kind)

    def _check(self, kind: FaultKind) -> None:
        if self.when not in ("before", "after"):
            raise ValueError(f"when: {self.when!r} is neither before nor after")
        if kind is FaultKind.TRUNCATE and self.when == "before":
            raise ValueError("truncate: there is no answer to cut before the command ran")
        if kind is FaultKind.CLOSE_BEFORE_TLS and (self.command or self.when == "after"):
            raise ValueError("close-before-tls: no command is known before TLS")
        if self.skip < 0 or (self.times is not None and self.times < 1):
            raise ValueError("skip is 0 or more, times is 1 or more, or None for all")
        if not math.isfinite(self.seconds) or self.seconds < 0:
            raise ValueError(f"seconds: {self.seconds} is no time to wait")
        if (kind is FaultKind.DELAY) != (self.seconds > 0):
            raise ValueError("delay needs seconds, and nothing else takes them")
        if (self.status is not None) != (kind in _STATUS):
            raise ValueError("only page and reject have a status")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status: {self.status} is none of HTTP")
        if (kind is FaultKind.CHANGE) != bool(self.calls):
            raise ValueError("change needs calls, and nothing else takes them")
        for call in self.calls:
            if not isinstance(call.get("cmd"), str) or not call["cmd"]:
                raise ValueError("calls: each is an object with cmd and its parameters")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data: what ``from_json`` takes."""
        return {**asdict(self), "kind": self.kind.value, "calls": list(self.calls)}

    @classmethod
    def from_json(cls, data: object) -> "Fault":
        """Read a fault that somebody sent.

        Raises:
            ValueError: what it says is no fault; the text says what would be one.
        """
        if not isinstance(data, dict):
            raise ValueError("a fault is a JSON object")
        known = [one.name for one in fields(cls)]
        for name in data:
            if name not in known:
                raise ValueError(f"{name!r} is no member of a fault; it has {', '.join(known)}")
        kinds = [one.value for one in FaultKind]
        if data.get("kind") not in kinds:
            raise ValueError(f"kind: one of {', '.join(kinds)}")
        for name, allowed in _TYPES.items():
            value = data.get(name, MISSING)
            if value is MISSING:
                continue
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise ValueError(f"{name}: {value!r} is of the wrong type")
        if not all(isinstance(one, dict) for one in data.get("calls", ())):
            raise ValueError("calls: each is an object with cmd and its parameters")
        return cls(**data)


_TYPES: Final[Mapping[str, Any]] = {
    "when": (str, type(None)),
    "command": str,
    "skip": int,
    "times": (int, type(None)),
    "seconds": (int, float),
    "status": (int, type(None)),
    "message": str,
    "calls": list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """A fault that was armed, and what became of it.

    Attributes:
        number: to disarm it by.
        passed: calls (or connections) that it let pass so far.
        struck: how many it struck so far.
        errors: what a change was refused with, if it was.
        armed: False once it is spent.
    """

    number: int
    fault: Fault
    passed: int
    struck: int
    errors: tuple[str, ...]
    armed: bool


@dataclass(slots=True)
class _Armed:
    number: int
    fault: Fault
    passed: int = 0
    struck: int = 0
    errors: list[str] = field(default_factory=list)

    def meets(self, *, spoilt: bool) -> bool:
        """Whether it strikes a call that it concerns; an answer is spoilt once only."""
        if self.passed < self.fault.skip:
            self.passed += 1
            return False
        if spoilt and self.fault.kind in SPOILERS:
            return False
        self.struck += 1
        return True

    def is_spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times

    def record(self, *, armed: bool) -> FaultRecord:
        return FaultRecord(
            number=self.number,
            fault=self.fault,
            passed=self.passed,
            struck=self.struck,
            errors=tuple(self.errors),
            armed=armed,
        )


class Strike:
    """A fault at the moment when it strikes a call."""

    __slots__ = ("_errors", "fault")

    def __init__(self, fault: Fault, errors: list[str]) -> None:
        self.fault = fault
        self._errors = errors

    def failed(self, error: str) -> None:
        """Note that what it was to do was refused."""
        self._errors.append(error)


class Faults:
    """What is to go wrong; armed from any thread, consumed by the event loop's.

    Attributes:
        failover: lets the other unit of a pair take over; None where there is no pair.
    """

    def __init__(self, failover: Callable[[], None] | None = None) -> None:
        self.failover = failover
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._spent: deque[_Armed] = deque(maxlen=_SPENT_KEPT)
        self._number = 0

    def arm(self, fault: Fault) -> int:
        """Let a fault strike from now on, and return its number.

        Raises:
            ValueError: a failover without a pair.
        """
        if fault.kind is FaultKind.FAILOVER and self.failover is None:
            raise ValueError("failover: this is no pair")
        with self._lock:
            self._number += 1
            self._armed.append(_Armed(self._number, fault))
            return self._number

    def disarm(self, number: int | None = None) -> bool:
        """Forget one fault, or all of them; returns whether there was any."""
        with self._lock:
            found = len(self._armed) + len(self._spent)
            if number is None:
                self._armed.clear()
                self._spent.clear()
            else:
                self._armed = [one for one in self._armed if one.number != number]
                kept = [one for one in self._spent if one.number != number]
                self._spent = deque(kept, maxlen=_SPENT_KEPT)
            return len(self._armed) + len(self._spent) < found

    def records(self) -> tuple[FaultRecord, ...]:
        """Return the armed and the last thousand spent ones, in the order of arming."""
        with self._lock:
            found = [one.record(armed=True) for one in self._armed]
            found += [one.record(armed=False) for one in self._spent]
        return tuple(sorted(found, key=lambda one: one.number))

    def takes_close_before_tls(self) -> bool:
        """Whether a new connection is to be closed before TLS."""
        return bool(self._take(lambda one: one.kind is FaultKind.CLOSE_BEFORE_TLS))

    def strikes(self, command: str) -> list[Strike]:
        """Return what strikes this call, in the order of arming."""
        return self._take(
            lambda one: one.kind is not FaultKind.CLOSE_BEFORE_TLS and one.command in ("", command)
        )

    def _take(self, concerns: Callable[[Fault], bool]) -> list[Strike]:
        if not self._armed:  # the usual case needs no lock
            return []
        with self._lock:
            strikes: list[Strike] = []
            for one in [one for one in self._armed if concerns(one.fault)]:
                if one.meets(spoilt=any(hit.fault.kind in SPOILERS for hit in strikes)):
                    strikes.append(Strike(one.fault, one.errors))
                    if one.is_spent():
                        self._armed.remove(one)
                        self._spent.append(one)
            return strikes
