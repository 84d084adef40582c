"""A rollout on a stage that outlives its workers: they are processes, and may be killed."""

import json
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from kempsdk.emulator import CallRecord, Switches, VirtualLoadMaster
from orchestrator.rollout.store import Store
from tests.fakes.clock import FakeClock
from tests.orchestrator.rollout.worker import FIRST_RUN, load_host, save_host
from tests.orchestrator.rollout.worker_process import WorkerProcess
from tests.orchestrator.rollout.world import MUTATING, NAMES, VS, World


class Stage:
    """A LoadMaster in this process, hosts in files, workers as processes."""

    def __init__(self, directory: Path, *, in_service: Collection[str]) -> None:
        self.directory = directory
        self.hosts = directory / "hosts"
        self.hosts.mkdir()
        self.state = directory / "state"
        self.box = VirtualLoadMaster(
            health="up", http=True, time_scale=100, switches=Switches(rate_limit=False)
        )
        self._in_service = in_service
        self.before = 0
        self._started = 0

    def __enter__(self) -> "Stage":
        self.box.start()
        with Store(self.directory / "unused") as store:
            # The same world as in the other tests, with its hosts written to files.
            world = World(store)
            world.box.stop()
            world.box = self.box
            world.prepare()
            world.in_service(self._in_service)
            for name in NAMES:
                save_host(self.hosts, name, world.driver.hosts[name])
            world.lm.close()
        self.before = len(self.box.calls)
        return self

    def __exit__(self, *_: object) -> None:
        self.box.stop()

    def start(
        self,
        mode: str,
        rollout: str = "",
        *,
        kill_at: int | str | None = None,
        number: signal.Signals = signal.SIGKILL,
        state: str | None = None,
        patience_s: float = 60.0,
        patient: bool = False,
        run_id: str = FIRST_RUN,
        delay_s: float = 0.0,
    ) -> WorkerProcess:
        """Start a worker.

        Args:
            mode: run, resume, undo or serve.
            delay_s: the signal comes so much later than the point.
            kill_at: the point at which it gets the signal ``number``.
            state: the store, where it is not this stage's own directory.
            patience_s: how long a database may be away.
            patient: one that serves gives others time to answer.
        """
        self._started += 1
        config = self.directory / f"config-{self._started}.json"
        config.write_text(
            json.dumps(
                {
                    "url": self.box.url,
                    "key": self.box.api_key,
                    "state": state or str(self.state),
                    "hosts": str(self.hosts),
                    "mode": mode,
                    "rollout": rollout,
                    "run_id": run_id,
                    "delay_s": delay_s,
                    "kill_at": kill_at,
                    "signal": number,
                    "patience_s": patience_s,
                    "patient": patient,
                }
            )
        )
        return WorkerProcess(config)

    def work(
        self,
        mode: str,
        rollout: str = "",
        *,
        kill_at: int | str | None = None,
        number: signal.Signals = signal.SIGKILL,
        **more: Any,
    ) -> dict[str, Any] | None:
        """Run a worker to its end; return what it says, None if it was killed."""
        with self.start(mode, rollout, kill_at=kill_at, number=number, **more) as process:
            out, err = process.communicate(timeout=120)
        if process.returncode == -signal.SIGKILL:
            return None
        assert process.returncode == 0, err
        assert not err
        result: dict[str, Any] = json.loads(out)
        return result

    def mutations(self) -> list[CallRecord]:
        return [one for one in self.box.calls[self.before :] if one.command in MUTATING]

    def calls(self) -> list[tuple[str, str, str]]:
        """Return the mutating calls in order, as far as they must not differ."""
        return [
            (one.command, one.params["rs"], one.params.get("enable", ""))
            for one in self.mutations()
        ]

    def end_state(self) -> dict[str, Any]:
        """Return everything that a run leaves behind, beside its journal."""
        with self.box.client(clock=FakeClock()) as lm:
            servers = [
                (rs.address, rs.enabled, rs.weight, rs.forward)
                for rs in lm.virtual_services.get(VS).real_servers
            ]
        hosts = {name: load_host(self.hosts, name) for name in NAMES}
        return {
            "servers": sorted(servers),
            "hosts": {
                name: (fake.addresses, fake.sysctls, fake.files) for name, fake in hosts.items()
            },
        }


def floor_held(calls: Sequence[CallRecord]) -> bool:
    """Return whether every call that took a server out left two healthy ones."""
    return all(
        sum(one.enabled and one.healthy for one in call.servers if one.address != call.params["rs"])
        >= 2
        for call in calls
        if call.command == "modrs" and call.params.get("enable") == "N"
    )
