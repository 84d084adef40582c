"""Real programs, which tests ask what they make of our files."""

import shutil

import pytest


def need(program: str) -> str:
    """Return where a program is; without it the test is skipped."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"no {program} on this machine: .ci/packages installs it")
    return path
