"""Makes the recordings below ``fixtures/`` from the virtual LoadMaster.

``python -m kempsdk.recording.make_fixtures [--check]``. Running it again changes nothing
unless the client or the virtual LoadMaster does; ``--check`` writes nothing and fails
where a recording is missing, stale or nobody's.
"""

import argparse
import itertools
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args
from unittest.mock import patch

from kempsdk.emulator import Switches, VirtualLoadMaster, users
from kempsdk.emulator.firmware import VERSIONS
from kempsdk.recording.cases import CASES
from kempsdk.recording.cases.case import Case
from kempsdk.recording.cases.material import PASSWORD, login_identity
from kempsdk.recording.conversation import Answer, Api, Conversation, Exchange, Provenance, Request
from kempsdk.recording.document import conversation_path, read_file
from kempsdk.recording.errors import InvalidConversation
from kempsdk.recording.recorder import Tape
from kempsdk.recording.replay import ReplayClock
from kempsdk.recording.scrubbing import Scrubber

FIXTURES: Final = Path("fixtures")
SOURCE: Final = "recorded from the virtual LoadMaster"

# What differs from run to run and means nothing: clocks, uptimes, measured periods. 0 stays:
# it says that there is none.
_UNSTEADY: Final = {
    "Sec": "1767225600",
    "Usec": "0",
    "Period": "5000000",
    "ChangeTime": "1767225600",
    "boottime": "1767225000",
    "activetime": "1767225000",
    "time": "00:00:00",
    "ExpiryDate": "Apr 01 00:00:00 2026 GMT",
    "AccountID": "00000000-0000-4000-8000-000000000000",
}
_NAMES: Final = "|".join(_UNSTEADY)
_UNSTEADY_XML: Final = re.compile(rf"<({_NAMES})>(?!0<)[^<]*".encode())
_UNSTEADY_JSON: Final = re.compile(rf'"({_NAMES})"(\s*:\s*"?)(?!0\b)(?:(?<=")[^"]*|\d+)'.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A recording that was just made, and what the steps of the case gave.

    Attributes:
        conversation: the one that there was where nothing has changed, with its date.
    """

    tape: Tape
    conversation: Conversation
    results: tuple[object, ...]


def make(case: Case, api: Api, path: Path) -> Made:
    """Record a case on a fresh virtual LoadMaster; nothing is written."""
    # Without the call-rate limit and on a clock that does not wait: some cases make many calls.
    switches = Switches(**{"rate_limit": False, "serial_number": "1350841", **case.switches})
    with (
        _the_same_each_time(),
        VirtualLoadMaster(http=True, health="up", password=PASSWORD, switches=switches) as box,
        box.client(api="v1", clock=ReplayClock()) as before,
        box.client(api=api, clock=ReplayClock()) as lm,
    ):
        # Over v1, which can do everything, and with a client that has learned nothing.
        case.prepare(before)
        tape = Tape(path, Scrubber())
        with lm.observed(tape.add):
            results = case.run(lm)
    date = time.strftime("%Y-%m-%d", time.gmtime())
    provenance = Provenance(source=SOURCE, firmware=VERSIONS[switches.firmware], date=date)
    made = _steady(tape.conversation(provenance))
    if (old := _old(path)) is not None:
        # The date is that of the last change.
        same = replace(old.provenance, date=date) == provenance
        if case.grows:
            same = same and _requests(old) == _requests(made)
        else:
            same = same and old.exchanges == made.exchanges
        made = old if same else made
    return Made(tape=tape, conversation=made, results=results)


def _old(path: Path) -> Conversation | None:
    try:
        return read_file(path)
    except InvalidConversation:
        return None


@contextmanager
def _the_same_each_time() -> Iterator[None]:
    with (
        # The virtual LoadMaster shows as many processors as the machine it runs on has.
        patch.object(os, "cpu_count", return_value=2),
        patch.object(users, "user_certificate", login_identity),
        # Name of the certificate that a service gets which has none.
        patch.object(secrets, "token_hex", lambda count: "00" * count),
    ):
        yield


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
    for case, api in itertools.product(CASES, get_args(Api)):
        if case.written:
            continue
        path = conversation_path(options.fixtures / f"{case.name}-{api}")
        known.add(path)
        made = make(case, api, path)
        if made.conversation == _old(path):
            continue
        stale.append(path)
        if not options.check:
            made.tape.write(made.conversation)
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
