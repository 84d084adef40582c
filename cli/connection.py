"""Which LoadMaster, with which credential: option, then environment, then profile."""

import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cli.exit_codes import ExitCode, Failure

if TYPE_CHECKING:
    from cli.profiles import Profile

_log = logging.getLogger(__name__)

Api = Literal["auto", "v1", "v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Everything needed to reach one LoadMaster.

    Attributes:
        url: ``https://host[:port]``, without credentials.
        api_key: or ``user`` with ``password``; one of the two is set.
        tls_pin: SHA-256 of the certificate, or None to verify it.
        ca_file: authorities to verify with, or None for the system's.
        api: auto, v1 or v2.
        profile: where the rest came from, None without a profile.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    tls_pin: str | None = None
    ca_file: str | None = None
    api: Api = "auto"
    profile: str | None = None


def profile_path(environ: Mapping[str, str]) -> Path:
    """Return where the profile file is: KEMP_CONFIG, or below XDG_CONFIG_HOME."""
    if named := environ.get("KEMP_CONFIG"):
        return Path(named).expanduser()
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "kemp" / "config.yaml"


def normal_url(url: str) -> str:
    """Return an address of a LoadMaster: https where nothing is named, no slash at the end.

    Raises:
        Failure: not http(s), or credentials inside (usage).
    """
    text = url.strip().rstrip("/")
    scheme, separator, rest = text.rpartition("://")
    if not separator:
        scheme = "https"
    if "@" in rest:
        raise Failure("an address must not hold a user or password", ExitCode.USAGE)
    if scheme not in ("https", "http") or not rest:
        raise Failure(f"{url!r} is not an http or https address", ExitCode.USAGE)
    return f"{scheme}://{rest}"


def read_secret(place: str, *, what: str) -> str:
    """Return the first line of a file that holds a credential.

    Raises:
        Failure: not readable, or empty (invalid file).
    """
    path = Path(place).expanduser()
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Failure(f"{what} {path}: {reason}", ExitCode.INVALID_FILE) from None
    if not lines or not lines[0]:
        raise Failure(f"{what} {path} is empty", ExitCode.INVALID_FILE)
    if mode & stat.S_IROTH:
        # Not refused: container platforms mount secrets this way.
        _log.warning("%s %s can be read by every user of this machine", what, path)
    return lines[0]


def _from_environment(environ: Mapping[str, str]) -> dict[str, str] | None:
    if key := environ.get("KEMP_API_KEY"):
        return {"api_key": key}
    if file := environ.get("KEMP_API_KEY_FILE"):
        return {"api_key": read_secret(file, what="KEMP_API_KEY_FILE")}
    user, file = environ.get("KEMP_USER"), environ.get("KEMP_PASSWORD_FILE")
    if user and file:
        return {"user": user, "password": read_secret(file, what="KEMP_PASSWORD_FILE")}
    if user or file:
        missing = "KEMP_PASSWORD_FILE" if user else "KEMP_USER"
        raise Failure(f"{missing} is not set; both are needed", ExitCode.USAGE)
    return None


def _from_profile(profile: "Profile", name: str) -> dict[str, str] | None:
    if profile.api_key is not None:
        return {"api_key": profile.api_key}
    if profile.api_key_file is not None:
        return {"api_key": read_secret(profile.api_key_file, what="api_key_file")}
    if profile.user is not None and profile.password_file is not None:
        password = read_secret(profile.password_file, what="password_file")
        return {"user": profile.user, "password": password}
    if profile.user is not None or profile.password_file is not None:
        raise Failure(
            f"profile {name!r} needs user and password_file together", ExitCode.INVALID_FILE
        )
    return None


def _stored(
    environ: Mapping[str, str], *, named: str | None, url: str | None
) -> "tuple[str, Profile] | None":
    path = profile_path(environ)
    if named is None and not path.exists():
        return None  # without importing yaml, which takes as long as the call itself
    from cli import profiles

    content = profiles.load(path)
    # A pin that was made with "config trust URL" is found by the address alone.
    name = named or (content.by_url(url) if url else content.chosen())
    return (name, content.get(name, path=path)) if name is not None else None


def resolve(
    environ: Mapping[str, str],
    *,
    profile: str | None = None,
    url: str | None = None,
    api: str | None = None,
    tls_pin: str | None = None,
) -> Connection:
    """Return the connection to use: option, then environment, then profile.

    Args:
        environ: the process environment.
        profile: ``--profile``, or the one a rollout file names: asked for by name, its
            address, credential and pin go before those of the environment.
        url: ``--url``, or the address in a rollout file.
        api: ``--api``.
        tls_pin: the pin in a rollout file.

    Raises:
        Failure: nothing says where to connect or with what, or a file is wrong.
    """
    asked = url or environ.get("KEMP_URL")
    address = normal_url(asked) if asked else None
    pin = tls_pin or environ.get("KEMP_TLS_PIN")
    credential = None if profile else _from_environment(environ)
    name, stored = None, None
    named = profile or environ.get("KEMP_PROFILE")
    if named or not (address and credential and (pin or address.startswith("http://"))):
        found = _stored(environ, named=named, url=address)
        if found is not None:
            name, stored = found
            if profile and not url:  # asked for by name: goes before KEMP_URL
                address = stored.url or address
            else:
                address = _same_address(name, stored, address)
            credential = credential or _from_profile(stored, name)
            pin = tls_pin or (profile and stored.tls_pin) or pin or stored.tls_pin
    if address is None:
        raise Failure(
            "no LoadMaster named: give --url or --profile, set KEMP_URL or KEMP_PROFILE, "
            "or make a profile with: kemp config profile set NAME url=https://...",
            ExitCode.USAGE,
        )
    credential = credential or _from_environment(environ)
    if credential is None:
        raise Failure(
            f"no credential for {address}: set KEMP_API_KEY, or KEMP_USER and "
            "KEMP_PASSWORD_FILE, or put api_key_file, or user and password_file, "
            "into a profile",
            ExitCode.USAGE,
        )
    return Connection(
        url=address,
        user=credential.get("user"),
        password=credential.get("password"),
        api_key=credential.get("api_key"),
        tls_pin=pin,
        ca_file=stored.ca_file if stored else None,
        api=_api(api or environ.get("KEMP_API") or (stored.api if stored else None) or "auto"),
        profile=name,
    )


def _api(word: str) -> Api:
    match word:
        case "auto" | "v1" | "v2":
            return word
    raise Failure(f"the API is auto, v1 or v2, not {word!r}", ExitCode.USAGE)


def _same_address(name: str, stored: "Profile", address: str | None) -> str | None:
    """Credentials and pins belong to the machine they were stored for."""
    if address is not None and stored.url is not None and stored.url != address:
        raise Failure(
            f"profile {name!r} is for {stored.url}, not {address}; leave one of them out",
            ExitCode.USAGE,
        )
    return address or stored.url
