"""Where a LoadMaster's management interface is."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from kempsdk.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Scheme, host and port; printed without anything else."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def base(self) -> str:
        """``https://host:port``, to put a path behind."""
        return f"{self.scheme}://{self}"

    @property
    def loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @classmethod
    def parse(cls, url: str, *, allow_http: bool) -> "Endpoint":
        """Read ``https://host[:port]``; ``host[:port]`` alone means https.

        Args:
            url: without user, path or query.
            allow_http: also allow http to hosts other than this one.

        Raises:
            InvalidRequest: another form, or http where credentials would be readable.
        """
        # The text is not repeated in messages: people paste addresses with credentials.
        try:
            parts = urlsplit(url if "://" in url else f"https://{url}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("https", "http"):
            raise InvalidRequest("not an address like https://lb.example:443", field="url")
        if "@" in parts.netloc:
            raise InvalidRequest("credentials belong into auth, not the address", field="url")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise InvalidRequest("the address ends after the port", field="url")
        found = cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))
        if found.scheme == "http" and not (found.loopback or allow_http):
            raise InvalidRequest(
                f"http would send the credentials to {found} readable for everybody; "
                "use https, or Insecure() to do it all the same",
                field="url",
            )
        return found
