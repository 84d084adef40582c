"""How many servers of each service are healthy, seen past the API from beside the run."""

import threading
from collections.abc import Mapping

from orchestrator.lab.loadmaster import LabLoadMaster

_EVERY_S = 0.3
"""By the plan's clock: what lasts shorter is not seen."""


class HealthWatch:
    """Looks from ``__enter__`` to ``__exit__``.

    Attributes:
        lowest: fewest servers that were enabled and up, by ``PROTOCOL/ADDRESS:PORT on NAME``.
    """

    def __init__(self, boxes: Mapping[str, LabLoadMaster], *, speed: float) -> None:
        self._boxes = boxes
        self._every_s = _EVERY_S / speed
        self.lowest: dict[str, int] = {}
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="health", daemon=True)

    def __enter__(self) -> "HealthWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> None:
        try:
            while not self._over.is_set():
                for name, box in self._boxes.items():
                    self._look(name, box)
                self._over.wait(self._every_s)
        except Exception as error:  # noqa: BLE001 - raised where the watch ends
            self._failure = error

    def _look(self, name: str, box: LabLoadMaster) -> None:
        for service, servers in box.controlled(lambda control: control.servers()).items():
            count = sum(one.enabled and one.healthy for one in servers)
            key = f"{service} on {name}"
            self.lowest[key] = min(count, self.lowest.get(key, count))
