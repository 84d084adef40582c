"""Network namespaces without names: held by a file descriptor, gone with the process.

A thread that has entered a namespace opens sockets and reads /proc/sys/net there; the
rest of the process stays where it is. Nothing is left on the machine when the process
ends, however it ends.
"""

import ctypes
import errno
import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import HostUnreachable, IsolationUnavailable

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _not_made(failure: OSError) -> IsolationUnavailable:
    return IsolationUnavailable(
        f"{failure}. Run as root, or allow user namespaces: "
        "sysctl user.max_user_namespaces=10000 (and kernel.unprivileged_userns_clone=1 "
        "where that key exists)"
    )


class NetworkNamespace:
    """A namespace, entered by one worker thread of its own.

    Give it a name below /run/netns, a path, or nothing for a new one.
    """

    def __init__(self, place: str | None = None) -> None:
        """Open a namespace by name or path, or make one.

        Raises:
            HostUnreachable: there is no such namespace.
            IsolationUnavailable: this machine does not let us make one.
        """
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        if place is None:
            self._fd = -1
        else:
            path = place if place.startswith("/") else f"/run/netns/{place}"
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                cure = ": run as root" if isinstance(error, PermissionError) else ""
                raise HostUnreachable(
                    f"network namespace {place}: {error.strerror}{cure}"
                ) from error
        failure = self._start()
        if failure is not None:
            if self._fd >= 0:
                os.close(self._fd)
            if failure.errno == errno.EINVAL:
                raise HostUnreachable(f"{place} is not a network namespace") from failure
            raise _not_made(failure) from failure

    def _start(self) -> OSError | None:
        ready: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        failure = ready.get()
        if failure is not None:
            self._thread.join()
        return failure

    def renew(self) -> None:
        """Let go of the namespace and make a new one, which ``path`` then leads to.

        The old one vanishes when nothing else uses it: sockets and processes keep it.

        Raises:
            IsolationUnavailable: this machine does not let us make one; then this is closed.
        """
        if self._fd < 0:
            raise HostUnreachable("the network namespace is closed")
        self._jobs.put(None)
        self._thread.join()
        kept, self._fd = self._fd, -1
        failure = self._start()
        if failure is not None:
            os.close(kept)
            raise _not_made(failure) from failure
        # The same number, so that the path stays; other processes have it.
        os.dup2(self._fd, kept, inheritable=False)
        os.close(self._fd)
        self._fd = kept

    @property
    def path(self) -> str:
        """Return a path that other processes of this user can open while we live."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def _serve(self, ready: "queue.SimpleQueue[OSError | None]") -> None:
        try:
            if self._fd < 0:
                _check(_libc.unshare(_CLONE_NEWNET), "cannot make a network namespace")
                self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            else:
                _check(_libc.setns(self._fd, _CLONE_NEWNET), "cannot enter the network namespace")
        except OSError as error:
            ready.put(error)
            return
        ready.put(None)
        while (job := self._jobs.get()) is not None:
            job()

    def run(self, function: Callable[[], T]) -> T:
        """Run a function on the thread that lives in the namespace and return its result.

        Sockets opened there stay in the namespace and may be used from any thread. A process
        started there lives in the namespace.
        """
        if self._fd < 0:
            raise HostUnreachable("the network namespace is closed")
        if threading.current_thread() is self._thread:
            return function()
        done: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

        def job() -> None:
            try:
                done.put((function(), None))
            except BaseException as error:  # noqa: BLE001 - handed to the caller as it is
                done.put((None, error))

        self._jobs.put(job)
        result, error = done.get()
        if error is not None:
            raise error
        return result  # type: ignore[return-value] # the two members of the tuple go together

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Move the calling thread into the namespace, and back at the end.

        Sockets, threads and processes that it starts meanwhile begin there; threads that
        were there before stay where they are.
        """
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(self._fd, _CLONE_NEWNET), "cannot enter the network namespace")
            try:
                yield
            finally:
                _check(_libc.setns(home, _CLONE_NEWNET), "cannot leave the network namespace")
        finally:
            os.close(home)

    def command(self, argv: list[str]) -> list[str]:
        """Return the command line that runs ``argv`` inside the namespace."""
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def read_text(self, path: Path) -> str:
        """Read a file as seen from inside: /proc/sys/net, /proc/thread-self/net."""
        return self.run(path.read_text)

    def close(self) -> None:
        """Let go of the namespace; it vanishes when nothing else uses it."""
        if self._fd >= 0:
            self._jobs.put(None)
            self._thread.join()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "NetworkNamespace":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
