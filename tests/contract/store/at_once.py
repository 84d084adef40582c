"""The same by several at the same time, each with a store of its own."""

import threading
from collections.abc import Callable, Sequence

from orchestrator.rollout.store import Store


def at_once(place: str, names: Sequence[str], do: Callable[[Store, str], object]) -> None:
    """Do something by each name, in a thread that waits until all have opened the store."""
    start = threading.Barrier(len(names))

    def begin(name: str) -> None:
        with Store(place) as store:
            start.wait(30)
            do(store, name)

    threads = [threading.Thread(target=begin, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
