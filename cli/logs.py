"""Logging, configured here and nowhere else: to stderr, without anything secret."""

import logging
import re
from typing import Final

_CREDENTIAL: Final = re.compile(r"(?i)\b(apikey|apipass|password|passwd)(=|\"?:\s*\"?)[^\s&\"',]+")
_LOUD: Final = ("urllib3", "requests", "aiohttp", "asyncio")


class _NoSecrets(logging.Filter):
    """Keep HTTP libraries out, and mask what looks like a credential in the rest.

    The v1 API key travels in the query, and urllib3 logs whole URLs, retries included.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] in _LOUD:
            return False
        record.msg = _CREDENTIAL.sub(r"\1\2********", record.getMessage())
        record.args = None
        return True


def configure(level: str) -> None:
    """Send log lines of this level and above to stderr; a second call replaces the first.

    Args:
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_NoSecrets())
    # A library may have given its own logger a level, which passes by the root's.
    handler.setLevel(level.upper())
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
