"""Record what a client and an appliance say to each other; replay it without the appliance.

::

    with record(lm, "fixtures/listvs/mine"):
        lm.virtual_services.list()

    with replay("fixtures/listvs/mine") as box, box.client() as lm:
        lm.virtual_services.list()
"""

from kempsdk.recording.conversation import (
    Answer,
    Closed,
    Conversation,
    Exchange,
    Provenance,
    Request,
)
from kempsdk.recording.document import read_file, write_text
from kempsdk.recording.errors import (
    InvalidConversation,
    SecretLeft,
    UnmatchedRequest,
    UnusedExchanges,
)
from kempsdk.recording.recorder import Tape, record
from kempsdk.recording.recordings import Recordings
from kempsdk.recording.replay import Replay, ReplayClock, replay

__all__ = [
    "Answer",
    "Closed",
    "Conversation",
    "Exchange",
    "InvalidConversation",
    "Provenance",
    "Recordings",
    "Replay",
    "ReplayClock",
    "Request",
    "SecretLeft",
    "Tape",
    "UnmatchedRequest",
    "UnusedExchanges",
    "read_file",
    "record",
    "replay",
    "write_text",
]
