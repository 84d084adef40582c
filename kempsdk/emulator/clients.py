"""A client of a virtual LoadMaster that trusts its certificate."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster


def client_of(url: str, api_key: str, fingerprint: str, more: dict[str, Any]) -> "LoadMaster":
    """Return a client with this key and pinned certificate; ``more`` goes to LoadMaster."""
    from kempsdk import ApiKey, Insecure, LoadMaster, Pin

    tls = Pin(fingerprint) if fingerprint else Insecure()
    return LoadMaster(url, **{"auth": ApiKey(api_key), "tls": tls, **more})
