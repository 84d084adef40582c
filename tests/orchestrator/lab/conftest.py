"""What lab tests share."""

import os
from collections.abc import Iterator

import pytest

from orchestrator.lab.lab import Lab


@pytest.fixture(scope="session")
def as_root() -> None:
    """Namespaces in this process need root; the isolation tests work for anybody."""
    if os.geteuid() != 0:
        pytest.skip("needs root for namespaces in this process: run as root")


@pytest.fixture(scope="module")
def lab(as_root: None) -> Iterator[Lab]:
    """A lab of two hosts, shared by the tests of one module."""
    with Lab(hosts=2) as running:
        yield running
