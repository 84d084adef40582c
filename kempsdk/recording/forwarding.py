"""The script's side of ``kemp record``: tells the recorder of every attempt.

Each is kept by the recorder and confirmed before the script goes on, so one that is killed,
forks or has threads loses nothing. Secrets go over a socket in a folder that only its owner
can enter, and onto no disk.
"""

import socket
import sys
from typing import Final

from kempsdk.recording.attempts import pack, seen
from kempsdk.transport.dialect import HttpAnswer, HttpRequest
from kempsdk.transport.http import NoAnswer

CONFIRMED: Final = b"+"
_PATIENCE_S: Final = 30.0


def forward(address: str, where: str, request: HttpRequest, reply: HttpAnswer | NoAnswer) -> None:
    """Tell the recorder of one attempt.

    What was done is not undone by an error here, so that is told on stderr and not raised.

    Args:
        address: of the recorder's socket.
        where: base URL of the appliance.
        request: what was sent.
        reply: what came back.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_PATIENCE_S)
            line.connect(address)
            line.sendall(pack(seen(where, request, reply)))
            line.shutdown(socket.SHUT_WR)
            if line.recv(1) != CONFIRMED:
                raise ConnectionError("it was not taken")
    except OSError as error:
        sys.stderr.write(f"kemp record: a call is not recorded: {error.strerror or error}\n")
