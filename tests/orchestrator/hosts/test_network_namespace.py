"""Entering, using and leaving a namespace."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import HostUnreachable, IsolationUnavailable
from orchestrator.network_namespace import NetworkNamespace

pytestmark = pytest.mark.kernel


@pytest.fixture
def namespace() -> Iterator[NetworkNamespace]:
    try:
        made = NetworkNamespace()
    except IsolationUnavailable as error:
        pytest.skip(f"no network namespaces: {error}")
    with made:
        yield made


def _own() -> str:
    return os.readlink("/proc/thread-self/ns/net")  # noqa: PTH115 - not a path, an identity


def test_work_happens_inside_and_the_caller_stays_outside(namespace: NetworkNamespace) -> None:
    outside = _own()
    assert namespace.run(_own) != outside
    assert _own() == outside


def test_the_path_opens_the_same_namespace(namespace: NetworkNamespace) -> None:
    with NetworkNamespace(namespace.path) as again:
        assert again.run(_own) == namespace.run(_own)


def test_errors_reach_the_caller_and_the_next_job_runs(namespace: NetworkNamespace) -> None:
    with pytest.raises(ZeroDivisionError):
        namespace.run(lambda: 1 // 0)
    assert namespace.run(lambda: 7) == 7


def test_work_may_ask_for_more_work(namespace: NetworkNamespace) -> None:
    assert namespace.run(lambda: namespace.run(_own)) == namespace.run(_own)


def test_closing_ends_the_thread_and_the_descriptor(namespace: NetworkNamespace) -> None:
    threads, path = threading.active_count(), namespace.path
    namespace.close()
    namespace.close()
    assert threading.active_count() == threads - 1
    assert not Path(path).exists()
    with pytest.raises(HostUnreachable, match="closed"):
        namespace.run(_own)


@pytest.mark.parametrize(
    ("place", "said"),
    [("kemp-not-there", "No such file"), ("/etc/passwd", "not a network namespace")],
)
def test_what_is_no_namespace_is_unreachable(place: str, said: str) -> None:
    before = threading.active_count()
    with pytest.raises(HostUnreachable, match=said):
        NetworkNamespace(place)
    assert threading.active_count() == before
