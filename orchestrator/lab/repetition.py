"""Something that is done again and again beside what else goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(what: Callable[[], None], every_s: float) -> Iterator[None]:
    """Do something in a thread of its own, again and again.

    Raises:
        Exception: what it raised, at the end; it was not done again after that.
    """
    ended = threading.Event()
    failures: list[Exception] = []

    def repeat() -> None:
        while not ended.is_set():
            try:
                what()
            except Exception as error:  # noqa: BLE001 - raised at the end
                failures.append(error)
                return
            ended.wait(every_s)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
