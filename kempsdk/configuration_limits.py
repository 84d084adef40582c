"""Limits of clients, limiting rules and cipher sets in a file."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from kempsdk.cipher_sets import SYSTEM_CIPHER_SETS
from kempsdk.configuration_things import Settings, Things
from kempsdk.desired_state import Kind
from kempsdk.errors import InvalidRequest, NotFound
from kempsdk.fields import Number, Switch, Table, Text, Word, Words, field
from kempsdk.limits import ClientLimitKind, LimitMatch, check_limit_rule_name
from kempsdk.managers import Managers
from kempsdk.references import check_network

_LIMIT: Final = Number(low=1, high=1_000_000)
_WORDS: Final = {
    ClientLimitKind.CONNECTIONS: "connections",
    ClientLimitKind.CONNECTIONS_PER_S: "connections_per_s",
    ClientLimitKind.REQUESTS_PER_S: "requests_per_s",
    ClientLimitKind.BANDWIDTH: "bandwidth",
}


def _client_name(text: str) -> str:
    word, _, network = text.partition(" ")
    if word not in _WORDS.values():
        raise InvalidRequest(
            f"{text!r} is not KIND NETWORK with one of {', '.join(_WORDS.values())}",
            field="client_limits",
            value=text,
        )
    return f"{word} {check_network(network, field='client_limits')}"


def _clients(hands: Managers, names: Collection[str]) -> dict[str, object]:
    asked = {one.partition(" ")[0] for one in names}
    return {
        f"{word} {one.network}": one
        for kind, word in _WORDS.items()
        if word in asked or not names
        for one in hands.limits.clients(kind)
    }


def _kind_of(name: str) -> tuple[ClientLimitKind, str]:
    word, _, network = name.partition(" ")
    return next(kind for kind, one in _WORDS.items() if one == word), network


def _set_client(hands: Managers, name: str, settings: Settings, _now: object = None) -> None:
    hands.limits.set_client(*_kind_of(name), settings["limit"])


def _remove_client(hands: Managers, name: str) -> None:
    hands.limits.remove_client(*_kind_of(name))


CLIENT_LIMITS: Final = Things(
    key="client_limits",
    kind=Kind.CLIENT_LIMIT,
    table=Table([field("limit", "limit", _LIMIT)]),
    name=_client_name,
    now=_clients,
    create=_set_client,
    update=_set_client,
    delete=_remove_client,
    needs=("limit",),
)
"""Clients with a limit of their own: ``requests_per_s 10.1.0.0/16``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A limiting rule and its place, from 1."""

    pattern: str
    limit: int
    match: LimitMatch
    negated: bool
    position: int


def _rules(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {
        one.name: _Placed(
            pattern=one.pattern,
            limit=one.limit,
            match=one.match,
            negated=one.negated,
            position=n,
        )
        for n, one in enumerate(hands.limits.rules(), 1)
    }


def _add_rule(hands: Managers, name: str, settings: Settings) -> None:
    hands.limits.add_rule(name, **_of_rule(settings))
    _move_rule(hands, name, settings)


def _update_rule(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    if changed := _of_rule(settings):
        hands.limits.update_rule(name, **changed)
    _move_rule(hands, name, settings)


def _of_rule(settings: Settings) -> dict[str, Any]:
    found = {name: value for name, value in settings.items() if name != "position"}
    if "match" in found:
        found["match"] = LimitMatch(found["match"])
    return found


def _move_rule(hands: Managers, name: str, settings: Settings) -> None:
    if "position" in settings:
        hands.limits.move_rule(name, settings["position"])


def _rule_name(text: str) -> str:
    check_limit_rule_name(text)
    return text


LIMIT_RULES: Final = Things(
    key="limit_rules",
    kind=Kind.LIMIT_RULE,
    table=Table(
        [
            field("pattern", "pattern", Text()),
            field("limit", "limit", _LIMIT),
            field(
                "match",
                "match",
                Word(LimitMatch, default=LimitMatch.REQUEST, other=LimitMatch.OTHER),
            ),
            field("negated", "negated", Switch()),
            field("position", "position", Number(low=1, high=1_000_000)),
        ]
    ),
    name=_rule_name,
    now=_rules,
    create=_add_rule,
    update=_update_rule,
    delete=lambda hands, name: hands.limits.delete_rule(name),
    needs=("pattern", "limit"),
)
"""They are tried in the order of their positions, from 1."""


def _cipher_set_name(text: str) -> str:
    if text in SYSTEM_CIPHER_SETS:
        raise InvalidRequest(
            f"{text} is one of the appliance's own sets", field="cipher_sets", value=text
        )
    return text


def _cipher_sets(hands: Managers, names: Collection[str]) -> dict[str, object]:
    # No command lists them.
    found: dict[str, object] = {}
    for name in names:
        try:
            found[name] = hands.cipher_sets.get(name)
        except NotFound:
            continue
    return found


def _set_ciphers(hands: Managers, name: str, settings: Settings, _now: object = None) -> None:
    hands.cipher_sets.set(name, settings["ciphers"])


CIPHER_SETS: Final = Things(
    key="cipher_sets",
    kind=Kind.CIPHER_SET,
    table=Table([field("value", "ciphers", Words())]),
    name=_cipher_set_name,
    now=_cipher_sets,
    create=_set_ciphers,
    update=_set_ciphers,
    delete=lambda hands, name: hands.cipher_sets.delete(name),
    needs=("ciphers",),
)
"""An export holds those that services use, since no command lists them."""
