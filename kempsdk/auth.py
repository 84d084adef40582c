"""Ways to log in to a LoadMaster."""

from dataclasses import dataclass, field
from pathlib import Path

from kempsdk.errors import InvalidRequest
from kempsdk.secret import Secret


def _secret(value: str | Secret, *, name: str) -> Secret:
    secret = value if isinstance(value, Secret) else Secret(value)
    if not secret.reveal():
        raise InvalidRequest(f"{name} is empty", field=name)
    return secret


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key: an ``apikey`` query parameter in v1, an ``apikey`` member in v2."""

    key: Secret

    def __init__(self, key: str | Secret) -> None:
        object.__setattr__(self, "key", _secret(key, name="API key"))


@dataclass(frozen=True, slots=True)
class Password:
    """User name and password: Basic in v1, ``apiuser`` and ``apipass`` members in v2."""

    user: str
    password: Secret

    def __init__(self, user: str, password: str | Secret) -> None:
        if not user or ":" in user:
            # Basic authentication ends the user name at the first colon.
            raise InvalidRequest("user name is empty or has a colon in it", field="user")
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "password", _secret(password, name="password"))


@dataclass(frozen=True, slots=True)
class ClientCert:
    """A client certificate: v1 only, never for user ``bal`` (vendor's description, 2022).

    Session management must be on and the admin login method must allow certificates.

    Attributes:
        cert: PEM file with the certificate, and the key if ``key`` is None.
        key: PEM file with the unencrypted key.
    """

    cert: Path = field()
    key: Path | None = None

    def __init__(self, cert: str | Path, key: str | Path | None = None) -> None:
        object.__setattr__(self, "cert", Path(cert))
        object.__setattr__(self, "key", None if key is None else Path(key))


Auth = ApiKey | Password | ClientCert
