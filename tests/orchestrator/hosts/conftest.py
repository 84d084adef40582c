"""The fixtures of a segment and of who is reached over ssh, for the kernel tests of this folder."""

from tests.orchestrator.hosts.reached import member, reached, sshd
from tests.orchestrator.hosts.segment import segment

__all__ = ["member", "reached", "segment", "sshd"]
