"""Where content rules are attached, and in which order they run."""

from typing import TYPE_CHECKING, Final

from kempsdk.appliance import Appliance, Params, by_name
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.read_back import not_applied
from kempsdk.rule_fields import check_rule_name
from kempsdk.rule_models import OnServer, OnService, OnSubService, Phase, RulePlace

if TYPE_CHECKING:
    from kempsdk.real_servers import RealServers
    from kempsdk.virtual_services import VirtualServices

_ATTRIBUTES: Final = {
    Phase.PRE: "pre_process_rules",
    Phase.REQUEST: "request_rules",
    Phase.RESPONSE: "response_rules",
    Phase.RESPONSE_BODY: "body_rules",
}
_MOVERS: Final = {
    Phase.PRE: "PreProcPrecedence",
    Phase.REQUEST: "RequestPrecedence",
    Phase.RESPONSE: "ResponsePrecedence",
    Phase.RESPONSE_BODY: "MatchBodyPrecedence",
}
_SERVER_MOVER: Final = "RSRulePrecedence"


class RuleAttachments:
    """The attached rules of one LoadMaster: ``lm.rule_attachments``.

    A place is ``OnService(vs, phase)``, ``OnServer(vs, rs)`` or ``OnSubService(ref)``. All
    methods return the names of the rules there in the order in which they run. Writes are
    made one after another, like those of ``lm.rules``.
    """

    def __init__(
        self, appliance: Appliance, services: "VirtualServices", servers: "RealServers"
    ) -> None:
        self._appliance = appliance
        self._services = services
        self._servers = servers

    def list(self, place: RulePlace) -> tuple[str, ...]:
        """Return the rules attached to a place.

        Raises:
            NotFound: there is no such service, server or SubVS.
        """
        if isinstance(place, OnService):
            service = self._services.get(place.vs)
            names: tuple[str, ...] = getattr(service, _ATTRIBUTES[Phase(place.phase)])
            return names
        if isinstance(place, OnServer):
            return self._servers.get(place.vs, place.rs).match_rules
        return self._appliance.slot(place.ref).match_rules

    def attach(
        self, place: RulePlace, rule: str, *, position: int | None = None
    ) -> tuple[str, ...]:
        """Attach a rule, behind those that are there. Changes the device.

        Args:
            place: where.
            rule: its name.
            position: from 1; the rule is moved there in a second call. Until then it is
                the last one.

        Raises:
            InvalidRequest: no rule can have such a name, or a position that there is not;
                nothing was changed.
            NotFound: there is no such rule or place.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is not there, as for a rule of a type that has no business
                there: the appliance can accept such a one without effect.
        """
        check_rule_name(rule)
        if position is not None:
            _check_position(position, rule)
        with self._appliance.writing_in_turn:
            if position is not None:
                there = self.list(place)
                _check_position(position, rule, last=len({*there, rule}))
            command = f"add{_ending(place)}"
            self._appliance.write(
                command, {**self._address(place), "rule": rule}, target=f"{place} {rule}"
            )
            now = self.list(place)
            if rule not in now:
                raise not_applied(
                    command, str(place), FieldDifference(f"rule {rule}", "attached", "not there")
                )
            return now if position is None else self._move(place, rule, position, now)

    def detach(self, place: RulePlace, rule: str) -> tuple[str, ...]:
        """Take a rule off a place; the rule itself stays. Changes the device.

        Raises:
            InvalidRequest: no rule can have such a name; nothing was sent.
            NotFound: there is no such rule or place.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        check_rule_name(rule)
        with self._appliance.writing_in_turn:
            command = f"del{_ending(place)}"
            self._appliance.write(
                command, {**self._address(place), "rule": rule}, target=f"{place} {rule}"
            )
            now = self.list(place)
        if rule in now:
            raise not_applied(
                command, str(place), FieldDifference(f"rule {rule}", "detached", "still there")
            )
        return now

    def move(self, place: RulePlace, rule: str, position: int) -> tuple[str, ...]:
        """Move an attached rule within its place. Changes the device.

        The call that moves rules of servers and SubVSs names the service and the rule only,
        so it may move the rule on the other servers of that service too: a guess.

        Args:
            place: where it is attached.
            rule: its name.
            position: its new place, from 1 to the number of rules there.

        Raises:
            InvalidRequest: the rule is not attached there, or the position is out of range;
                nothing was changed.
            NotFound: there is no such place.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is somewhere else in the list.
        """
        check_rule_name(rule)
        _check_position(position, rule)
        with self._appliance.writing_in_turn:
            before = self.list(place)
            if rule not in before:
                raise InvalidRequest(
                    f"rule {rule} is not attached to {place}",
                    field="rule",
                    value=rule,
                    allowed=" ".join(before),
                    target=str(place),
                )
            _check_position(position, rule, last=len(before))
            return self._move(place, rule, position, before)

    def _move(
        self, place: RulePlace, rule: str, position: int, before: tuple[str, ...]
    ) -> tuple[str, ...]:
        if before[position - 1] == rule:
            return before
        if isinstance(place, OnSubService):
            service: Params = by_name(place.ref.parent)
        else:
            service = self._appliance.address(place.vs)
        mover = _MOVERS[Phase(place.phase)] if isinstance(place, OnService) else _SERVER_MOVER
        params = {**service, mover: rule, f"{mover}Pos": position}
        self._appliance.write("modvs", params, target=f"{place} {rule}")
        now = self.list(place)
        if now[position - 1 : position] != (rule,):
            raise not_applied(
                "modvs",
                str(place),
                FieldDifference(f"rule {rule}", f"position {position}", " ".join(now)),
            )
        return now

    def _address(self, place: RulePlace) -> Params:
        if isinstance(place, OnService):
            return self._appliance.address(place.vs)
        if isinstance(place, OnServer):
            vs = self._appliance.address(place.vs)
            return {**vs, "rs": place.rs.address, "rsport": place.rs.port}
        # RsIndex values are not renumbered, so the slot needs no lookup.
        return {**by_name(place.ref.parent), "rs": f"!{place.ref.slot}"}


def _ending(place: RulePlace) -> str:
    return Phase(place.phase).value if isinstance(place, OnService) else "rsrule"


def _check_position(position: int, rule: str, *, last: int | None = None) -> None:
    number = -1 if isinstance(position, bool) or not isinstance(position, int) else position
    if number < 1 or (last is not None and number > last):
        allowed = "from 1" if last is None else f"1 to {last}"
        raise will_not_do("position", position, allowed, target=rule)
