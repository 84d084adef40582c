"""Who is told of the HTTP attempts of every client in this process.

``LoadMaster.observed`` is for a client that one has in hand; this is for the clients that a
program makes for itself. kempsdk only tells: who listens says so here, and nothing else makes
anybody listen.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kempsdk.transport.dialect import HttpAnswer, HttpRequest
    from kempsdk.transport.http import NoAnswer

ObserverOfAll = Callable[[str, "HttpRequest", "HttpAnswer | NoAnswer"], None]
"""Told the appliance's base URL too, in the thread that makes the attempt; sees credentials."""

_listening: tuple[ObserverOfAll, ...] = ()


def observe_all(observer: ObserverOfAll) -> None:
    """Tell somebody of all attempts from now on, by clients old and new."""
    global _listening
    _listening = (*_listening, observer)


def stop_observing_all(observer: ObserverOfAll) -> None:
    """Tell somebody no more; harmless for one who is not told."""
    global _listening
    _listening = tuple(one for one in _listening if one != observer)


def tell(where: str, request: "HttpRequest", reply: "HttpAnswer | NoAnswer") -> None:
    """Tell everybody who listens of one attempt."""
    for one in _listening:
        one(where, request, reply)
