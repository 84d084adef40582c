"""The segment fixture, for the kernel tests of this folder."""

from tests.orchestrator.hosts.segment import segment

__all__ = ["segment"]
