"""What is not as it must be on a host, in words and for programs. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a host that is not as it must be.

    Attributes:
        id: stable, for gates and scripts.
        message: what was seen and what follows from it.
        cure: what mends it.
        blocks: no traffic may be sent to the host; otherwise it is a warning.
    """

    id: str
    message: str
    cure: str
    blocks: bool = True


MENDABLE = ("arptables-flushes", "masquerade-on")
"""Warnings about what somebody else switched on, perhaps for a reason: it is switched off only
where the operator names them."""


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those that keep traffic away from the host."""
    return tuple(one for one in findings if one.blocks)
