"""Makes the recordings below ``fixtures/`` from the virtual LoadMaster.

``python -m kempsdk.recording.make_fixtures [--check]``. Running it again changes nothing
unless the client or the virtual LoadMaster does; ``--check`` writes nothing and fails
where a recording is missing, stale or nobody's.
"""

import argparse
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args
from unittest.mock import patch

from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.recording.conversation import Answer, Api, Conversation, Exchange, Provenance, Request
from kempsdk.recording.document import conversation_path, read_file
from kempsdk.recording.errors import InvalidConversation
from kempsdk.recording.fixture_cases import CASES, Case
from kempsdk.recording.recorder import Tape
from kempsdk.recording.replay import ReplayClock
from kempsdk.recording.scrubbing import Scrubber

FIXTURES: Final = Path("fixtures")
SOURCE: Final = "recorded from the virtual LoadMaster"

# What differs from run to run and means nothing: clocks, uptimes, measured periods.
_UNSTEADY: Final = {
    "Sec": "1767225600",
    "Usec": "0",
    "Period": "5000000",
    "ChangeTime": "1767225600",
    "boottime": "1767225000",
    "activetime": "1767225000",
    "time": "00:00:00",
}
_NAMES: Final = "|".join(_UNSTEADY)
_UNSTEADY_XML: Final = re.compile(rf"<({_NAMES})>[^<]*".encode())
_UNSTEADY_JSON: Final = re.compile(rf'"({_NAMES})"(\s*:\s*"?)[\d:]+'.encode())


def make(case: Case, api: Api, path: Path) -> tuple[Tape, Conversation]:
    """Return the recording of a case on a fresh virtual LoadMaster; nothing is written."""
    # Without the call-rate limit and on a clock that does not wait: some cases make many calls.
    with (
        VirtualLoadMaster(health="up", switches=Switches(rate_limit=False)) as box,
        box.client(api=api, clock=ReplayClock()) as lm,
    ):
        case.prepare(lm)
        tape = Tape(path, Scrubber())
        with lm.observed(tape.add):
            case.result(lm)
        firmware = str(lm.parameters.get("version"))
    date = time.strftime("%Y-%m-%d", time.gmtime())
    provenance = Provenance(source=SOURCE, firmware=firmware, date=date)
    made = _steady(tape.conversation(provenance))
    try:
        before = read_file(path)
    except InvalidConversation:
        return tape, made
    # The date is that of the last change.
    same = replace(before.provenance, date=date) == provenance
    if case.grows:
        same = same and _requests(before) == _requests(made)
    else:
        same = same and before.exchanges == made.exchanges
    if same:
        return tape, before
    return tape, made


def _requests(conversation: Conversation) -> list[Request]:
    return [one.request for one in conversation.exchanges]


def _steady(conversation: Conversation) -> Conversation:
    return replace(conversation, exchanges=tuple(map(_steady_exchange, conversation.exchanges)))


def _steady_exchange(exchange: Exchange) -> Exchange:
    reply = exchange.reply
    if not isinstance(reply, Answer):
        return exchange
    body = _UNSTEADY_XML.sub(
        lambda match: b"<" + match[1] + b">" + _UNSTEADY[match[1].decode()].encode(), reply.body
    )
    body = _UNSTEADY_JSON.sub(
        lambda match: b'"%s"%s%s' % (match[1], match[2], _UNSTEADY[match[1].decode()].encode()),
        body,
    )
    return replace(exchange, reply=replace(reply, body=body))


def main() -> int:
    """Make or check all recordings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    options = parser.parse_args()
    stale: list[Path] = []
    known: set[Path] = set()
    # The virtual LoadMaster shows as many processors as the machine it runs on has.
    with patch.object(os, "cpu_count", return_value=2):
        for case in CASES:
            for api in get_args(Api):
                path = conversation_path(options.fixtures / f"{case.name}-{api}")
                known.add(path)
                tape, made = make(case, api, path)
                if path.exists() and read_file(path) == made:
                    continue
                stale.append(path)
                if not options.check:
                    tape.write(made)
    orphans = [path for path in recorded(options.fixtures) if path not in known]
    for path in stale:
        sys.stderr.write(f"{path}: {'stale' if options.check else 'made'}\n")
    for path in orphans:
        sys.stderr.write(f"{path}: no case makes it any more; delete it\n")
    return 1 if orphans or (stale and options.check) else 0


def recorded(fixtures: Path) -> list[Path]:
    """Return the files that were recorded from the virtual LoadMaster."""
    found = sorted(fixtures.rglob("*.yaml"))
    return [path for path in found if read_file(path).provenance.source == SOURCE]


if __name__ == "__main__":
    sys.exit(main())
