"""An event loop in a thread of its own, started, used and ended from other threads."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

_Result = TypeVar("_Result")
Serve = Callable[[Callable[[], None], asyncio.Event], Awaitable[None]]

_LOOK_EVERY_S: Final = 1.0


class LoopThread:
    """Runs one coroutine until it ends or is told to stop."""

    def __init__(self, name: str, serve: Serve) -> None:
        """Describe it; no thread is made before it is started.

        Args:
            name: of the thread.
            serve: given what to call once it is ready, and what is set when it is to end.
        """
        self._name = name
        self._serve = serve
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    @property
    def running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start it; returns when it is ready.

        Raises:
            RuntimeError: it runs already.
            Exception: what the coroutine raised instead of becoming ready.
        """
        if self._thread is not None:
            raise RuntimeError("already started")
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self.stop()

    def stop(self) -> None:
        """Tell it to end and wait for that; harmless when it has ended already.

        Raises:
            Exception: what the coroutine ended with, if not as told.
        """
        if self._thread is None:
            return
        if self._loop is not None and self._stop is not None:
            # The loop may be closed already.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = self._loop = self._stop = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def run(self, action: Callable[[], _Result]) -> _Result:
        """Run something in the loop's thread and wait for it; never call it from there.

        Raises:
            RuntimeError: it has not started, or has ended.
        """

        future: concurrent.futures.Future[_Result] = concurrent.futures.Future()

        def call() -> None:
            try:
                future.set_result(action())
            except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits
                future.set_exception(failure)

        self.soon(call)
        while True:
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return future.result(_LOOK_EVERY_S)
            if future.done():
                return future.result()
            if not self.running:
                raise RuntimeError("ended meanwhile")

    def soon(self, action: Callable[[], None]) -> None:
        """Run something in the loop's thread, later.

        Raises:
            RuntimeError: it has not started, or has ended.
        """
        loop = self._loop
        if loop is None or loop.is_closed() or not self.running:
            raise RuntimeError("not started")
        loop.call_soon_threadsafe(action)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that stops it
            self._failure = failure
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._serve(self._ready.set, self._stop)
