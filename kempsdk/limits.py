"""Limits: on everything, on clients, and on what requests ask for.

Limits of one service are settings of it: ``connections_per_s_limit``,
``requests_per_s_limit``, ``connections_limit`` and ``bandwidth_limit_kbit_s`` of
``lm.virtual_services.update``. Reworked in firmware 7.2.52.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import FieldDifference, will_not_do
from kempsdk.fields import Number, Switch, Table, Word, field
from kempsdk.parameter_groups import ParameterGroup
from kempsdk.read_back import check_applied, not_applied
from kempsdk.references import check_network, check_range, host_or_network
from kempsdk.rows import find_rows
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


class LimitAnswer(str, Enum):
    """What a client over its limit gets; a number on the wire."""

    DROP = "drop"
    TOO_MANY_REQUESTS = "429"
    UNAVAILABLE = "503"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Limits on everything, and on each client that has no limit of its own; 0 is none.

    Attributes:
        connections: open at once, TCP and UDP.
        bandwidth_kbit_s: of all services.
        client_bandwidth: the unit is not documented; that of the others is kbit/s.
        answer: what a client over a limit gets.
        fail_at_limit: answer with an error instead of trying another server.
        logging: a summary in the log every 5 s.
        client_quiet_s: how long a client must keep to its limit before it is logged again,
            10 to 86,400.
    """

    connections: int
    connections_per_s: int
    requests_per_s: int
    bandwidth_kbit_s: int
    client_connections: int
    client_connections_per_s: int
    client_requests_per_s: int
    client_bandwidth: int
    answer: LimitAnswer
    fail_at_limit: bool
    logging: bool
    client_quiet_s: int


class LimitChanges(TypedDict, total=False):
    """What can be changed; see ``LimitSettings``."""

    connections: int
    connections_per_s: int
    requests_per_s: int
    bandwidth_kbit_s: int
    client_connections: int
    client_connections_per_s: int
    client_requests_per_s: int
    client_bandwidth: int
    answer: LimitAnswer
    fail_at_limit: bool
    logging: bool
    client_quiet_s: int


class ClientLimitKind(str, Enum):
    """What of a client is limited. ``BANDWIDTH`` needs the global client limit set first."""

    CONNECTIONS = "clientmaxclimit"
    CONNECTIONS_PER_S = "clientcpslimit"
    REQUESTS_PER_S = "clientrpslimit"
    BANDWIDTH = "clientbandwidthlimit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimit:
    """The limit of a client, or of a network of them.

    Attributes:
        network: with its prefix, ``10.1.2.3/32`` for one client.
    """

    network: str
    limit: int


class LimitMatch(str, Enum):
    """What of a request a limiting rule looks at."""

    REQUEST = "request"
    HOST = "host"
    USER_AGENT = "user-agent"
    OTHER = "other"


_MATCHES: Final = {LimitMatch.REQUEST: 0, LimitMatch.HOST: 1, LimitMatch.USER_AGENT: 2}
_NEGATED: Final = 64
_MOST: Final = 1_000_000
_RULE_NAME: Final = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """Limits requests that match a pattern; rules are tried in their order.

    Attributes:
        limit: how many; the unit is not documented, requests per second is a guess.
        negated: holds for what does not match.
    """

    name: str
    pattern: str
    limit: int
    match: LimitMatch
    negated: bool = False


class _Settings(ParameterGroup[LimitSettings]):
    name = "limits"
    model = LimitSettings
    table = Table(
        [
            field("maxconnslimit", "connections", Number(high=_MOST)),
            field("maxcpslimit", "connections_per_s", Number(high=100_000_000)),
            field("maxrpslimit", "requests_per_s", Number(high=_MOST)),
            field(
                "maxbandwidthlimit", "bandwidth_kbit_s", Number(low=16, high=99_999_999, also=(0,))
            ),
            field("clientmaxconnslimit", "client_connections", Number(high=_MOST)),
            field("clientcpslimit", "client_connections_per_s", Number(high=100_000_000)),
            field("clientrpslimit", "client_requests_per_s", Number(high=_MOST)),
            field("clientmaxbandwidthlimit", "client_bandwidth", Number(high=99_999_999)),
            field(
                "sendratelimiterror",
                "answer",
                Word(
                    LimitAnswer,
                    default=LimitAnswer.DROP,
                    other=LimitAnswer.OTHER,
                    codes={
                        "0": LimitAnswer.DROP,
                        "1": LimitAnswer.TOO_MANY_REQUESTS,
                        "2": LimitAnswer.UNAVAILABLE,
                    },
                ),
            ),
            field("ratelimitfail", "fail_at_limit", Switch()),
            field("limitlogging", "logging", Switch()),
            field("clientrepeatdelay", "client_quiet_s", Number(low=10, high=86_400)),
        ]
    )

    def update(self, settings: LimitChanges) -> LimitSettings:
        return self._update(settings)


class Limits:
    """The limits of one LoadMaster: ``lm.limits``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._settings = _Settings(appliance)

    def settings(self) -> LimitSettings:
        """Return the limits on everything and on each client."""
        return self._settings.get()

    def update_settings(self, **settings: "Unpack[LimitChanges]") -> LimitSettings:
        """Change some of them and return them as they are now. Changes the device.

        Ranges are those of the same limits of a service where the vendor's description has
        none for these.

        Raises:
            InvalidRequest: an unknown setting or a wrong value; nothing was sent.
            OutcomeUnknown: no answer; ``settings`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        return self._settings.update(settings)

    def clients(self, kind: ClientLimitKind) -> tuple[ClientLimit, ...]:
        """Return the clients with a limit of their own."""
        word = ClientLimitKind(kind).value
        return self._appliance.read(f"{word}list", {}, _read_clients)

    def set_client(self, kind: ClientLimitKind, network: str, limit: int) -> ClientLimit:
        """Give a client or network a limit of its own. Changes the device.

        Args:
            kind: what is limited.
            network: an address, or a network without host bits.
            limit: 1 to 1,000,000; no range is documented.

        Raises:
            InvalidRequest: out of range; nothing was sent.
            CommandRejected: the appliance refused, bandwidth for instance while the global
                ``client_bandwidth`` is 0.
            OutcomeUnknown: no answer; ``clients`` tells.
            WriteNotApplied: the limit is not as asked.
        """
        word, wanted = ClientLimitKind(kind).value, check_network(network, field="network")
        check_range(limit, field="limit", low=1, high=_MOST)
        params: dict[str, ParamValue] = {"l7addr": host_or_network(wanted), "l7limit": limit}
        self._appliance.write(f"{word}add", params, target=wanted)
        found = {one.network: one for one in self.clients(kind)}.get(wanted)
        if found is None or found.limit != limit:
            wrong = FieldDifference("limit", limit, found and found.limit)
            raise not_applied(f"{word}add", wanted, wrong)
        return found

    def remove_client(self, kind: ClientLimitKind, network: str) -> None:
        """Take the limit of a client or network away. Changes the device.

        Raises:
            InvalidRequest: no network; nothing was sent.
            NotFound: it has none.
            OutcomeUnknown: no answer; ``clients`` tells.
            WriteNotApplied: it is still there.
        """
        word, wanted = ClientLimitKind(kind).value, check_network(network, field="network")
        if wanted not in {one.network for one in self.clients(kind)}:
            raise not_found(f"{wanted} has no limit of its own", target=wanted)
        self._appliance.write(f"{word}del", {"l7addr": host_or_network(wanted)}, target=wanted)
        if wanted in {one.network for one in self.clients(kind)}:
            raise not_applied(f"{word}del", wanted, FieldDifference("limit", None, wanted))

    def rules(self) -> tuple[LimitRule, ...]:
        """Return the limiting rules, in the order in which they are tried."""
        return self._appliance.read("listlimitrules", {}, _read_rules)

    def rule(self, name: str) -> LimitRule:
        """Return one limiting rule.

        Raises:
            NotFound: there is none of that name.
        """
        for one in self.rules():
            if one.name == name:
                return one
        raise not_found(f"no limiting rule {name!r}", command="listlimitrules", target=name)

    def add_rule(
        self,
        name: str,
        pattern: str,
        *,
        limit: int,
        match: LimitMatch = LimitMatch.REQUEST,
        negated: bool = False,
    ) -> LimitRule:
        """Add a limiting rule behind the others and return it. Changes the device.

        Args:
            name: letters, digits and underscores, as for content rules.
            pattern: what is looked for, ``/test/a.html`` for instance.
            limit: 1 to 1,000,000; no range is documented.
            match: where it is looked for.
            negated: limit what does not match.

        Raises:
            InvalidRequest: a wrong name or value; nothing was sent.
            CommandRejected: the appliance refused, for instance since there is one.
            OutcomeUnknown: no answer; ``rules`` tells.
            WriteNotApplied: the rule is not as asked.
        """
        check_limit_rule_name(name)
        wanted = LimitRule(
            name=name, pattern=pattern, limit=limit, match=LimitMatch(match), negated=negated
        )
        return self._write_rule("addlimitrule", wanted)

    def update_rule(
        self,
        name: str,
        *,
        pattern: str | None = None,
        limit: int | None = None,
        match: LimitMatch | None = None,
        negated: bool | None = None,
    ) -> LimitRule:
        """Change a limiting rule and return it as it is now. Changes the device.

        All of the rule is sent: whether the appliance keeps what is left out is not known.

        Raises:
            NotFound: there is none of that name.
            InvalidRequest, OutcomeUnknown, WriteNotApplied: as for ``add_rule``.
        """
        before = self.rule(name)
        wanted = LimitRule(
            name=name,
            pattern=before.pattern if pattern is None else pattern,
            limit=before.limit if limit is None else limit,
            match=before.match if match is None else LimitMatch(match),
            negated=before.negated if negated is None else negated,
        )
        return before if wanted == before else self._write_rule("modlimitrule", wanted)

    def move_rule(self, name: str, position: int) -> tuple[LimitRule, ...]:
        """Move a limiting rule and return all of them in their new order. Changes the device.

        Args:
            name: the rule.
            position: where to, beginning with 1 (a guess); beyond the end is the last.

        Raises:
            InvalidRequest: a position below 1; nothing was sent.
            NotFound: there is none of that name.
            OutcomeUnknown: no answer; ``rules`` tells.
            WriteNotApplied: it is somewhere else.
        """
        if position < 1:
            raise will_not_do("position", position, "1 or more")
        self.rule(name)
        params: dict[str, ParamValue] = {"name": name, "position": position}
        self._appliance.write("movelimitrule", params, target=name)
        now = self.rules()
        place = 1 + [one.name for one in now].index(name) if name in {r.name for r in now} else 0
        wanted = min(position, len(now))
        if place != wanted:
            moved = FieldDifference("position", wanted, place)
            raise not_applied("movelimitrule", name, moved)
        return now

    def delete_rule(self, name: str) -> None:
        """Delete a limiting rule. Changes the device.

        Raises:
            NotFound: there is none of that name.
            OutcomeUnknown: no answer; ``rules`` tells.
            WriteNotApplied: it is still there.
        """
        self.rule(name)
        self._appliance.write("dellimitrule", {"name": name}, target=name)
        if any(one.name == name for one in self.rules()):
            raise not_applied("dellimitrule", name, FieldDifference("rule", None, name))

    def _write_rule(self, command: str, wanted: LimitRule) -> LimitRule:
        check_range(wanted.limit, field="limit", low=1, high=_MOST)
        if not wanted.pattern:
            raise will_not_do("pattern", wanted.pattern, "not empty")
        if wanted.match is LimitMatch.OTHER:
            raise will_not_do("match", wanted.match, ", ".join(one.value for one in _MATCHES))
        params: dict[str, ParamValue] = {
            "name": wanted.name,
            "pattern": wanted.pattern,
            "limit": wanted.limit,
            "match": _MATCHES[wanted.match] + (_NEGATED if wanted.negated else 0),
        }
        self._appliance.write(command, params, target=wanted.name)
        now = self.rule(wanted.name)
        names = ("pattern", "limit", "match", "negated")
        wrong = [
            FieldDifference(name, getattr(wanted, name), getattr(now, name))
            for name in names
            if getattr(wanted, name) != getattr(now, name)
        ]
        check_applied(command, wanted.name, wrong)
        return now


def check_limit_rule_name(name: str) -> None:
    """Check the name of a limiting rule.

    Raises:
        InvalidRequest: something else than letters, digits and underscores.
    """
    if not _RULE_NAME.fullmatch(name):
        raise will_not_do("name", name, "letters, digits and underscores")


# The names are those that a client of v2 reads; the vendor's description has none.


def _read_clients(tree: Tree) -> tuple[ClientLimit, ...]:
    return tuple([_client(one) for one in find_rows(tree, "addr", "l7addr")])


def _client(row: dict[str, object]) -> ClientLimit:
    try:
        network = ipaddress.ip_network(str(row.get("addr", row.get("l7addr"))), strict=False)
        return ClientLimit(
            network=str(network), limit=int(str(row.get("limit", row.get("l7limit"))))
        )
    except ValueError:
        raise MalformedAnswer("a limit without a client or a number") from None


def _read_rules(tree: Tree) -> tuple[LimitRule, ...]:
    return tuple([_rule(one) for one in find_rows(tree, "pattern")])


def _rule(row: dict[str, object]) -> LimitRule:
    words = {code: word for word, code in _MATCHES.items()}
    try:
        code = int(str(row.get("match")))
        return LimitRule(
            name=str(row["name"]),
            pattern=str(row["pattern"]),
            limit=int(str(row.get("limit"))),
            match=words.get(code % _NEGATED, LimitMatch.OTHER),
            negated=code >= _NEGATED,
        )
    except (ValueError, KeyError):
        raise MalformedAnswer("a limiting rule without name, limit or match") from None
