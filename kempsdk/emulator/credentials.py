"""Users, passwords and API keys; only digests are kept in the state."""

import hashlib
import hmac
import secrets
import ssl
import string
from collections.abc import Sequence
from typing import Final

from kempsdk.emulator.state import ApplianceState, User
from kempsdk.secret import MASK

KEY_LENGTH: Final = 44
MAX_KEYS: Final = 16
_ALPHABET: Final = string.ascii_letters + string.digits


def new_api_key() -> str:
    """Return a key of the appliance's form: 44 letters and digits, the last one ``z``."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH - 1)) + "z"


def _bytes(text: str) -> bytes:
    # JSON can spell half of a surrogate pair, which plain UTF-8 cannot.
    return text.encode("utf-8", "surrogatepass")


def _key_digest(key: str) -> str:
    # A key is 256 bits of chance, so a plain digest cannot be guessed back.
    return hashlib.sha256(_bytes(key)).hexdigest()


def _password_digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_bytes(password), salt=salt, n=2**12, r=8, p=1)


def hash_password(password: str) -> str:
    """Return salt and digest of a password as one text."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_password_digest(password, salt).hex()}"


class Credentials:
    """Checks who calls, and knows the keys it was given or made in plain while it runs.

    The appliance lists keys in plain. After a restart from a state file only digests are
    left, so a key that was not given again is listed as a mask; it keeps working.
    """

    def __init__(self, state: ApplianceState) -> None:
        self._state = state
        self._plain: dict[str, str] = {}
        self._proven: set[tuple[str, str, bytes]] = set()
        self._pepper = secrets.token_bytes(16)
        self._user_keys: dict[str, bytes] = {}

    def admit(self, name: str, password: str, keys: Sequence[str]) -> None:
        """Give a user this password and these keys too; made where there is none."""
        user = self._state.users.get(name)
        if user is None:
            user = self._state.users[name] = User(name=name, password="")
        user.password = hash_password(password)
        for key in keys:
            self.add_key(user, key)

    def replace_state(self, state: ApplianceState) -> None:
        """Check against another state from now on (a restored one)."""
        self._state = state

    def set_password(self, user: User, password: str) -> None:
        user.password = hash_password(password)

    def by_password(self, name: str, password: str) -> str | None:
        """Return the user's name where the password is right."""
        user = self._state.users.get(name)
        if user is None:
            return None
        # scrypt takes milliseconds on purpose; once proven, a keyed digest is compared.
        proof = hmac.digest(self._pepper, _bytes(password), "sha256")
        if (name, user.password, proof) in self._proven:
            return name
        salt, _, digest = user.password.partition("$")
        if not hmac.compare_digest(
            _password_digest(password, bytes.fromhex(salt)), bytes.fromhex(digest)
        ):
            return None
        self._proven.add((name, user.password, proof))
        return name

    def by_key(self, key: str) -> str | None:
        """Return the name of the user that a key belongs to."""
        digest = _key_digest(key)
        for user in self._state.users.values():
            if digest in user.api_keys:
                return user.name
        return None

    def by_certificate(self, shown: bytes) -> str | None:
        """Return the name of the user that a certificate (DER) was made for; never ``bal``."""
        for user in self._state.users.values():
            if user.certificate and ssl.PEM_cert_to_DER_cert(user.certificate) == shown:
                return None if user.permissions is None else user.name
        return None

    def add_key(self, user: User, key: str) -> None:
        """Give a user a key; the oldest one goes when there are 16 already."""
        digest = _key_digest(key)
        self._plain[digest] = key
        if digest not in user.api_keys:
            user.api_keys.append(digest)
            del user.api_keys[:-MAX_KEYS]

    def remove_key(self, user: User, key: str) -> bool:
        """Take a key away; False where the user has no such key."""
        digest = _key_digest(key)
        if digest not in user.api_keys:
            return False
        user.api_keys.remove(digest)
        self._plain.pop(digest, None)
        return True

    def keys_of(self, user: User) -> tuple[str, ...]:
        """Return a user's keys, oldest first, as far as they are known in plain."""
        return tuple(self._plain.get(digest, MASK) for digest in user.api_keys)

    def keep_user_key(self, name: str, key: bytes) -> None:
        """Remember the key of a user's certificate until the process ends."""
        self._user_keys[name] = key

    def user_key(self, name: str) -> bytes:
        """Return that key; empty when it was made by an earlier run."""
        return self._user_keys.get(name, b"")
