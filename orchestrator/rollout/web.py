"""Asking over HTTP from this machine, bounded in time: probes through a VIP, and hooks."""

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_KEPT = 500
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """What is asked.

    Attributes:
        timeout_s: for everything together.
        verify: whether the certificate must be the site's, by this machine's authorities.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    timeout_s: float
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAnswer:
    """How it ended.

    Attributes:
        status: None where there was no answer.
        failure: why there was none, or "".
        text: the beginning of the answer.
    """

    status: int | None
    failure: str
    seconds: float
    text: str = ""


def ask_web(request: WebRequest) -> WebAnswer:
    """Ask; redirects are answers, and nothing is taken from the environment."""
    answers: queue.SimpleQueue[WebAnswer] = queue.SimpleQueue()
    started = time.monotonic()
    # In a thread: a peer that drips bytes outlives every time-out that requests knows.
    threading.Thread(
        target=lambda: answers.put(_ask(request, started)), name="web", daemon=True
    ).start()
    try:
        return answers.get(timeout=request.timeout_s)
    except queue.Empty:
        return WebAnswer(
            status=None,
            failure=f"no answer within {request.timeout_s:g} s",
            seconds=time.monotonic() - started,
        )


def _ask(request: WebRequest, started: float) -> WebAnswer:
    import requests
    import urllib3

    try:
        with requests.Session() as session:
            # No proxies, and no passwords of a .netrc.
            session.trust_env = False
            # Whoever asks without verifying has said so in the file.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            with session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=None if request.body is None else request.body.encode(),
                timeout=request.timeout_s,
                verify=request.verify,
                allow_redirects=False,
                stream=True,
            ) as answer:
                text = answer.raw.read(_KEPT, decode_content=True).decode(errors="replace")
                return WebAnswer(
                    status=answer.status_code,
                    failure="",
                    seconds=time.monotonic() - started,
                    text=text,
                )
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        # The type only: the text repeats the URL, whose query may hold what is nobody's business.
        return WebAnswer(
            status=None, failure=type(error).__name__, seconds=time.monotonic() - started
        )
