"""From the rules that are and must be attached somewhere, to the change between."""

from collections.abc import Callable, Sequence

from kempsdk.desired_state import Action, Change, Difference, Kind
from kempsdk.managers import Managers
from kempsdk.rule_models import RulePlace


def attachment_changes(
    name: str,
    place_of: Callable[[Managers], RulePlace],
    wanted: Sequence[str],
    now: Sequence[str],
) -> list[Change]:
    """Return what attaches the rules that are wanted, in their order; others stay. Pure.

    Args:
        name: of the place, for people.
        place_of: finds the place when it is needed: a SubVS may have to be made first.
        wanted: rules that must be attached.
        now: rules that are.
    """
    after = arranged(wanted, now)
    if after == list(now):
        return []

    def attach(hands: Managers) -> None:
        place = place_of(hands)
        there = list(hands.rule_attachments.list(place))
        for rule in wanted:
            if rule not in there:
                there = list(hands.rule_attachments.attach(place, rule))
        for position, rule in enumerate(arranged(wanted, there), start=1):
            if there[position - 1] != rule:
                there = list(hands.rule_attachments.move(place, rule, position))

    return [
        Change(
            kind=Kind.ATTACHMENT,
            name=name,
            action=Action.UPDATE,
            differences=(Difference("rules", list(now), after),),
            run=attach,
        )
    ]


def arranged(wanted: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return a list of rules with those that are wanted in their order, the others kept."""
    everything = [*now, *(one for one in wanted if one not in now)]
    in_order = iter(wanted)
    return [next(in_order) if one in wanted else one for one in everything]
