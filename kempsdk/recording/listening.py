"""The recorder's side of ``kemp record``: takes what the clients of a script tell."""

import os
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kempsdk.recording.attempts import Attempt, unpack
from kempsdk.recording.forwarding import CONFIRMED

BOOTSTRAP: Final = Path(__file__).with_name("bootstrap")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, address: Path, take: Callable[[Attempt], None]) -> None:
        super().__init__(str(address), _Talk)
        self.take = take


class _Talk(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            attempt = unpack(self.rfile.read())
        except (ValueError, TypeError, KeyError):
            return  # another version's; the script says that it was not taken
        self.server.take(attempt)
        self.wfile.write(CONFIRMED)


@contextmanager
def listening(
    take: Callable[[Attempt], None], environment: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Take attempts of scripts while the block runs; gives the environment to run them in.

    Args:
        take: called in threads of ours, with one attempt each.
        environment: what the script would have without a recorder.

    Raises:
        OSError: there is no place for the socket.
    """
    with tempfile.TemporaryDirectory(prefix="kemp-record-") as folder:
        address = Path(folder) / "socket"
        server = _Server(address, take)
        thread = threading.Thread(target=server.serve_forever, name="recorder", daemon=True)
        thread.start()
        path = [str(BOOTSTRAP), environment.get("PYTHONPATH", "")]
        try:
            yield {
                **environment,
                "KEMP_RECORDER": str(address),
                "PYTHONPATH": os.pathsep.join(filter(None, path)),
            }
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
