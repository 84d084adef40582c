"""``kemp worker``: work on whatever is queued in the store, and on what dead workers left."""

import getpass
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.exit_codes import ExitCode
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from types import FrameType


def operator() -> str:
    """Return who types, as locks and reports name him."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@click.command(
    cls=Command,
    help="Work on runs that are queued in the store (kemp rollout run --detach), until SIGTERM.\n\n"
    "Of one LoadMaster and segment, workers do one run after another; others side by side.",
)
@pass_session
def command(session: Session) -> None:
    """Serve; the first signal lets the steps in hand end, a second one does not wait."""
    from cli.progress import told
    from orchestrator.rollout.store import Store
    from orchestrator.rollout.worker import Worker

    stop = threading.Event()

    def end(_number: int, _frame: "FrameType | None") -> None:
        if stop.is_set():
            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        if not session.quiet:
            # Past Python's buffers: the signal may come in the middle of another message.
            os.write(2, b"the steps in hand end, the rest is left to other workers\n")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    place = f"{socket.gethostname()}:{os.getpid()}"
    with Store(session.store_place) as store, told(session) as on_event:
        worker = Worker(
            store,
            lambda spec: session.adapters.rollout(spec, session),
            session.adapters.clock(),
            on_event=on_event,
            place=place,
            serves=True,
        )
        session.say(f"worker {place} serves {store.place}")
        with worker:
            worker.serve(stop)
