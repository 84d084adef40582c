"""Content rules: list, get, create, update, replace, delete."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kempsdk.appliance import Appliance, not_found
from kempsdk.errors import FieldDifference, InvalidRequest, NotFound
from kempsdk.fields import compare, write_settings
from kempsdk.read_back import check_applied, not_applied
from kempsdk.rule_fields import (
    check_rule_name,
    read_rules,
    settings_of,
    type_of,
    write_rule,
)
from kempsdk.rule_models import Rule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.desired_state import Result
    from kempsdk.rule_models import RuleSettings


class Rules:
    """The content rules of one LoadMaster: ``lm.rules``.

    Rules do nothing before they are attached, see ``lm.rule_attachments``. Writes are made
    one after another, since concurrent ones lose updates (seen on 7.2.50 to 7.2.63); other
    clients of the appliance are not waited for.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[Rule, ...]:
        """Return all rules, by type and then in the appliance's order. One API call."""
        return self._appliance.read("showrule", {}, read_rules)

    def get(self, name: str) -> Rule:
        """Return one rule.

        Raises:
            InvalidRequest: no rule can have such a name; nothing was sent.
            NotFound: there is none.
        """
        params = {"name": check_rule_name(name)}
        for one in self._appliance.read("showrule", params, read_rules, target=name):
            if one.name == name:
                return one
        raise not_found(f"there is no rule {name}", command="showrule", target=name)

    def create(self, rule: Rule) -> Rule:
        """Create a rule and return it as it is now. Changes the device.

        Args:
            rule: one of the six types, see ``kempsdk.rule_models``.

        Raises:
            InvalidRequest: a name or value that the appliance would refuse or drop;
                nothing was sent.
            CommandRejected: the appliance refused, for instance since it exists.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: it exists now, and says something else than asked for.
        """
        with self._appliance.writing_in_turn:
            return self._write("addrule", rule)

    def update(self, name: str, **settings: "Unpack[RuleSettings]") -> Rule:
        """Change some of what a rule says and return it as it is now. Changes the device.

        The appliance replaces whole rules, so this one is read first and everything in it
        is sent again.

        Args:
            name: the rule; neither its name nor its type can be changed.
            settings: those that its type has; what is left out stays.

        Raises:
            InvalidRequest: a value out of its range, or one that this type does not have;
                nothing was changed.
            NotFound: there is no such rule.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        asked: dict[str, Any] = dict(settings)
        with self._appliance.writing_in_turn:
            before = self.get(name)
            write_settings(type_of(before).table, asked)
            return self._write("modrule", replace(before, **asked), before) if asked else before

    def replace(self, rule: Rule) -> Rule:
        """Make an existing rule what is given and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: a value out of its range, or a rule of that name with another
                type; nothing was changed.
            NotFound: there is no rule of that name.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        write_rule(rule)
        with self._appliance.writing_in_turn:
            before = self.get(rule.name)
            if type(before) is not type(rule):
                raise _another_type(before, rule)
            return self._write("modrule", rule, before)

    def ensure(self, rule: Rule, *, dry_run: bool = False) -> "Result":
        """Make a rule what is given, and create it if need be. Changes the device.

        A second call changes nothing.

        Args:
            rule: all that it is to say.
            dry_run: only return what would be changed.

        Returns:
            ``Changed`` with what was different, or ``Unchanged``.

        Raises:
            InvalidRequest: a value out of its range, or a rule of that name with another
                type; nothing was changed.
            CommandRejected, OutcomeUnknown, WriteNotApplied: as for ``create`` and ``replace``.
        """
        from kempsdk.desired_state import (
            Action,
            Change,
            Changed,
            Difference,
            Kind,
            Unchanged,
            plain_value,
        )

        write_rule(rule)
        now = next((one for one in self.list() if one.name == rule.name), None)
        if now == rule:
            return Unchanged()
        change = Change(
            kind=Kind.RULE,
            name=rule.name,
            action=Action.CREATE if now is None else Action.UPDATE,
            differences=tuple(
                Difference(name, plain_value(getattr(now, name, None)), plain_value(value))
                for name, value in settings_of(rule).items()
                if getattr(now, name, None) != value
            ),
            run=lambda hands: (
                hands.rules.create(rule) if now is None else hands.rules.replace(rule)
            ),
        )
        if now is not None and type(now) is not type(rule):
            raise _another_type(now, rule)
        if not dry_run:
            self.create(rule) if now is None else self.replace(rule)
        return Changed((change,), applied=not dry_run)

    def delete(self, name: str) -> None:
        """Delete a rule, also where it is attached. Changes the device.

        Raises:
            InvalidRequest: no rule can have such a name; nothing was sent.
            NotFound: there is none.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        with self._appliance.writing_in_turn:
            self._appliance.write("delrule", {"name": check_rule_name(name)}, target=name)
            try:
                self.get(name)
            except NotFound:
                return
        raise not_applied("delrule", name, FieldDifference("rule", "deleted", "still there"))

    def _write(self, command: str, rule: Rule, before: Rule | None = None) -> Rule:
        self._appliance.write(command, write_rule(rule), target=rule.name)
        now = self.get(rule.name)
        if type(now) is not type(rule):
            differences = [FieldDifference("type", type(rule).__name__, type(now).__name__)]
        else:
            differences = [*compare(type_of(rule).table, settings_of(rule), now)]
            if before is not None and before.extra != now.extra:
                # What a newer firmware knows besides is lost when a rule is replaced.
                differences.append(FieldDifference("extra", before.extra, now.extra))
        check_applied(command, rule.name, differences)
        return now


def _another_type(before: Rule, rule: Rule) -> InvalidRequest:
    # What becomes of its attachments when the type changes is not known.
    return InvalidRequest(
        f"rule {rule.name} is a {type(before).__name__}; delete it first",
        field="type",
        value=type(rule).__name__,
        target=rule.name,
    )
