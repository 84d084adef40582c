"""The profile file: addresses, users and pins of LoadMasters by name.

::

    default: lab
    profiles:
      lab:
        url: https://10.0.0.10
        user: bal
        password_file: ~/.config/kemp/lab.password
        tls_pin: 4f1c...   # SHA-256 of the certificate, hex

It is refused when it holds a secret and others can read it.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import yaml

from cli.connection import normal_url
from cli.exit_codes import ExitCode, Failure

_SECRET_KEYS = ("api_key",)
APIS = ("auto", "v1", "v2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How to reach one LoadMaster. Paths may start with ``~``."""

    url: str | None = None
    user: str | None = None
    password_file: str | None = None
    api_key_file: str | None = None
    api_key: str | None = field(default=None, repr=False)
    tls_pin: str | None = None
    ca_file: str | None = None
    api: str | None = None


KEYS = tuple(one.name for one in fields(Profile))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFile:
    """The whole file: profiles by name, and the one used when none is named."""

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default: str | None = None

    def get(self, name: str, *, path: Path) -> Profile:
        """Return a profile.

        Raises:
            Failure: there is none of that name (not found).
        """
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise Failure(f"no profile {name!r} in {path} (there: {known})", ExitCode.NOT_FOUND)
        return self.profiles[name]

    def by_url(self, url: str) -> str | None:
        """Return the name of the first profile for this address."""
        return next((name for name, one in self.profiles.items() if one.url == url), None)

    def chosen(self) -> str | None:
        """Return the profile used when none is named: the default, or the only one."""
        if self.default is not None:
            return self.default
        return next(iter(self.profiles)) if len(self.profiles) == 1 else None

    def with_profile(self, name: str, profile: Profile) -> "ProfileFile":
        """Return the file with a profile added or replaced."""
        return replace(self, profiles={**self.profiles, name: profile})

    def without(self, name: str) -> "ProfileFile":
        """Return the file without a profile."""
        rest = {key: one for key, one in self.profiles.items() if key != name}
        return ProfileFile(profiles=rest, default=None if self.default == name else self.default)


def _wrong(path: Path, node: yaml.Node, message: str) -> Failure:
    return Failure(f"{path}:{node.start_mark.line + 1}: {message}", ExitCode.INVALID_FILE)


def _mapping(path: Path, node: yaml.Node, what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(path, node, f"{what} must be a mapping (key: value)")
    return {str(key.value): (key, value) for key, value in node.value}


def _text(path: Path, node: yaml.Node, what: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise _wrong(path, node, f"{what} must be a text")
    return str(node.value)


def _profile(path: Path, name: str, node: yaml.Node) -> Profile:
    values: dict[str, str] = {}
    for key, (key_node, value) in _mapping(path, node, f"profile {name!r}").items():
        if key not in KEYS:
            raise _wrong(path, key_node, f"unknown key {key!r}; known: {', '.join(KEYS)}")
        values[key] = _text(path, value, key)
        if key == "api" and values[key] not in APIS:
            raise _wrong(path, value, f"api must be one of {', '.join(APIS)}")
    if "url" in values:
        try:
            values["url"] = normal_url(values["url"])
        except Failure as error:
            raise _wrong(path, node, error.message) from None
    return Profile(**values)


def parse(text: str, *, path: Path) -> ProfileFile:
    """Read the text of a profile file.

    Raises:
        Failure: invalid file; names the line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # Only the problem: the mark's snippet would show the line, secrets included.
        raise Failure(f"{path}:{line}: {error.problem}", ExitCode.INVALID_FILE) from None
    if root is None:
        return ProfileFile()
    top = _mapping(path, root, "the file")
    for key, (key_node, _) in top.items():
        if key not in ("default", "profiles"):
            raise _wrong(path, key_node, f"unknown key {key!r}; known: default, profiles")
    profiles = {}
    if "profiles" in top:
        for name, (_, node) in _mapping(path, top["profiles"][1], "profiles").items():
            profiles[name] = _profile(path, name, node)
    default = None
    if "default" in top:
        default = _text(path, top["default"][1], "default")
        if default not in profiles:
            raise _wrong(path, top["default"][1], f"default: no profile {default!r}")
    return ProfileFile(profiles=profiles, default=default)


def load(path: Path) -> ProfileFile:
    """Read the profile file; one that does not exist is empty.

    Raises:
        Failure: invalid, unreadable, or readable by others while it holds secrets.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return ProfileFile()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Failure(f"{path}: {reason}", ExitCode.INVALID_FILE) from None
    found = parse(text, path=path)
    secret = any(
        getattr(one, key) is not None for one in found.profiles.values() for key in _SECRET_KEYS
    )
    if secret and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Failure(
            f"{path} holds an API key and others can read it; do: chmod 600 {path}",
            ExitCode.INVALID_FILE,
        )
    return found


def save(path: Path, content: ProfileFile) -> None:
    """Write the profile file in one move, readable by its owner only."""
    profiles = {
        name: {key: getattr(one, key) for key in KEYS if getattr(one, key) is not None}
        for name, one in content.profiles.items()
    }
    tree: dict[str, object] = {"default": content.default} if content.default else {}
    tree["profiles"] = profiles
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes it 0600 from its first moment.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.safe_dump(tree, file, sort_keys=False)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
