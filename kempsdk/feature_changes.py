"""From how the features of a service are and are to be, to the changes between.

A feature is a group of settings that has a manager of its own: see ``service_groups``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kempsdk.codec import MalformedAnswer
from kempsdk.desired_state import Action, Change, Difference, Kind, plain_value
from kempsdk.errors import BadAnswer, will_not_do
from kempsdk.fields import Table, write_settings
from kempsdk.managers import Managers
from kempsdk.models import VirtualService
from kempsdk.pre_authentication import PreAuthentications
from kempsdk.references import AnyVsRef
from kempsdk.waf_tuning import WafTunings

FEATURES: Final[Mapping[str, Table]] = {
    "waf_tuning": WafTunings.table,
    "pre_authentication": PreAuthentications.table,
}
"""The features by the name of their manager."""


def shown_features(service: VirtualService) -> dict[str, dict[str, object]]:
    """Return what a service shows of its features, by feature and keyword.

    Raises:
        BadAnswer: a value that cannot be understood.
    """
    return {name: _shown(table, service) for name, table in FEATURES.items()}


def check_features(features: Mapping[str, Mapping[str, Any]]) -> None:
    """Check how features are to be.

    Raises:
        InvalidRequest: a feature or setting that there is not, or a value out of its range.
    """
    for name, settings in features.items():
        if name not in FEATURES:
            raise will_not_do("features", name, " or ".join(FEATURES))
        write_settings(FEATURES[name], settings)


def feature_changes(
    service: str,
    locate: Callable[[Managers], AnyVsRef],
    features: Mapping[str, Mapping[str, Any]],
    now: VirtualService | None,
) -> list[Change]:
    """Return what makes the features as they are to be. Pure.

    Args:
        service: its name, for people.
        locate: finds it when it is needed: it may have to be made first.
        features: settings by feature and keyword, checked.
        now: the service, None if it is not there.

    """
    changes = []
    for name, settings in features.items():
        table = FEATURES[name]
        shown = _shown(table, now) if now is not None else {}
        changed = {
            one: value
            for one, value in settings.items()
            if not table.by_setting[one].kind.same(
                value, shown.get(one, table.by_setting[one].kind.default)
            )
        }
        if changed:
            changes.append(_change(service, locate, name, shown, changed))
    return changes


def _change(
    service: str,
    locate: Callable[[Managers], AnyVsRef],
    name: str,
    shown: Mapping[str, object],
    changed: Mapping[str, Any],
) -> Change:
    def run(hands: Managers) -> None:
        group: WafTunings | PreAuthentications = getattr(hands, name)
        group.update(locate(hands), **changed)

    return Change(
        kind=Kind.FEATURE,
        name=f"{service} {name}",
        action=Action.UPDATE,
        differences=tuple(
            Difference(one, plain_value(shown.get(one)), plain_value(value))
            for one, value in changed.items()
        ),
        run=run,
    )


def _shown(table: Table, service: VirtualService) -> dict[str, object]:
    try:
        values = table.read(dict(service.extra))
    except MalformedAnswer as error:
        raise BadAnswer(f"{service.ref}: {error}", target=str(service.ref)) from None
    return {
        str(one.setting): values[one.attribute]
        for one in table.fields
        if one.attribute is not None and one.wire in service.extra
    }
