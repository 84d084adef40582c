"""What a file knows by name, each with settings: read, compared, made and deleted alike."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kempsdk.configuration_shapes import InvalidConfiguration, Place, mapping, placed
from kempsdk.desired_state import Action, Change, Difference, Kind, plain_value
from kempsdk.errors import InvalidRequest
from kempsdk.fields import Field, Table, compare, write_settings
from kempsdk.managers import Managers

Settings = Mapping[str, Any]


_UNSET: Final[tuple[object, ...]] = (None, (), frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """One kind of thing, and how a thing of it is made as a file says.

    Attributes:
        key: where they stand in the file.
        kind: what changes and prune call them.
        table: their settings; one without an attribute says how a thing is made, and is not
            compared.
        name: the form of a name that is compared; InvalidRequest where there can be none such.
        now: those that are there, by name. It is told the names that matter, for things that
            no command lists.
        create: makes one, with its settings.
        update: changes one: its name, the settings that differ, and the model as it is.
            None where there are no settings.
        delete: deletes one.
        needs: settings without which none is made.
        refused: why else one cannot be made with some settings; None if it can.
        contradiction: what settings cannot say together; None if they can.
        fixed: settings that cannot be changed once a thing is there.
        single: the name of the only one, whose settings stand in the file as they are.
        own: settings that belong to one unit or are the way in to it: never exported, and
            changed when there is nothing else left to do.
        guarded: settings whose change can cut off whoever makes it.
        within: the things that these stand in, and their key there. Their names then begin
            with that thing's, and a blank.
        left_out: what of a model no file can say.
    """

    key: str
    kind: Kind
    table: Table
    name: Callable[[str], str]
    now: Callable[[Managers, Collection[str]], Mapping[str, object]]
    create: Callable[[Managers, str, Settings], object] | None = None
    update: Callable[[Managers, str, Settings, Any], object] | None = None
    delete: Callable[[Managers, str], object] | None = None
    needs: tuple[str, ...] = ()
    refused: Callable[[str, Settings], str | None] = lambda _name, _settings: None
    contradiction: Callable[[Settings], str | None] = lambda _settings: None
    fixed: frozenset[str] = frozenset()
    single: str | None = None
    own: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    within: "tuple[Things, str] | None" = None
    left_out: Callable[[str, Any], Iterable[str]] = lambda _name, _model: ()

    def spelled(self, model: object) -> dict[str, Any]:
        """Return the settings of a model as a file spells them, without those that are unset."""
        return {name: plain_value(value) for name, value, takes in self._shown(model) if takes}

    def unspelled(self, model: object) -> Iterator[str]:
        """Return the settings of a model that the appliance would not take."""
        return (name for name, _, takes in self._shown(model) if not takes)

    def _shown(self, model: object) -> Iterator[tuple[str, object, bool]]:
        """Return the settings that are set, and whether the appliance would take them."""
        for one in self.table.fields:
            if one.setting is None or one.attribute is None or one.setting in self.own:
                continue
            value = getattr(model, one.attribute)
            if value not in _UNSET:
                yield one.setting, value, _can_be_written(one, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingSpec:
    """A thing as it is to be; what is left out of its settings stays."""

    things: Things
    name: str
    settings: Settings
    place: Place


def read_things(data: object, things: Things, within: Collection[Things]) -> list[ThingSpec]:
    """Check what a file says of things of one kind, and of those that stand in them.

    Raises:
        InvalidConfiguration: a wrong name or setting, or a name given twice.
    """
    place: Place = (things.key,)
    found: list[ThingSpec] = []
    inner: list[ThingSpec] = []
    entries = mapping(data, place)
    if things.single is not None and entries:
        entries = {things.single: entries}
    for text, entry in entries.items():
        here = place if things.single is not None else (*place, text)
        settings = mapping(entry, here)
        children = {one: settings.pop(one.within[1], None) for one in within if one.within}
        spec = _spec(things, text, settings, here)
        found.append(spec)
        for one, below in children.items():
            assert one.within is not None  # noqa: S101 - chosen by it
            at = (*here, one.within[1])
            for word, more in mapping(below, at).items():
                inner.append(
                    _spec(one, f"{spec.name} {word}", mapping(more, (*at, word)), (*at, word))
                )
    _check_once([*found, *inner])
    return [*found, *inner]


def plan_things(
    hands: Managers, things: Things, wanted: Collection[ThingSpec]
) -> tuple[list[Change], list[Change]]:
    """Return what makes things as they are to be, and what of it is to be done last.

    Raises:
        InvalidConfiguration: a thing that is not there and cannot be made.
    """
    if not wanted:
        return [], []
    now = things.now(hands, [one.name for one in wanted])
    first: list[Change] = []
    last: list[Change] = []
    for spec in wanted:
        model = now.get(spec.name)
        if model is None:
            first.append(_creation(spec))
            continue
        left = {
            one.field: Difference(one.field, plain_value(one.got), plain_value(one.asked))
            for one in compare(things.table, spec.settings, model)
        }
        if stuck := things.fixed & left.keys():
            setting = min(stuck)
            raise InvalidConfiguration(
                f"{setting} of {things.kind.value} {spec.name} cannot be changed from "
                f"{left[setting].before!r}; delete it there first",
                place=(*spec.place, setting),
            )
        for names, changes in (
            ([one for one in left if one not in things.own], first),
            ([one for one in left if one in things.own], last),
        ):
            if names:
                changes.append(
                    Change(
                        kind=things.kind,
                        name=spec.name,
                        action=Action.UPDATE,
                        differences=tuple(left[one] for one in names),
                        guarded=not things.guarded.isdisjoint(names),
                        run=_updated(spec, names, model),
                    )
                )
    return first, last


def deletions(hands: Managers, things: Things, names: Collection[str]) -> Iterator[Change]:
    """Return what deletes those of the things that are there."""
    delete = things.delete
    if delete is None:
        return
    there = things.now(hands, names)
    for name in names:
        if name in there:
            yield Change(
                kind=things.kind,
                name=name,
                action=Action.DELETE,
                run=lambda hands, name=name: delete(hands, name),  # type: ignore[misc] # bound now
            )


def _spec(things: Things, text: str, settings: dict[str, Any], place: Place) -> ThingSpec:
    with placed(place):
        name = things.name(text)
    for key, value in settings.items():
        with placed((*place, key)):
            write_settings(things.table, {key: value})
    if said := things.contradiction(settings):
        raise InvalidConfiguration(said, place=place)
    return ThingSpec(things=things, name=name, settings=settings, place=place)


def _check_once(specs: Iterable[ThingSpec]) -> None:
    seen: set[tuple[Kind, str]] = set()
    for one in specs:
        if (one.things.kind, one.name) in seen:
            raise InvalidConfiguration(f"{one.name} is given twice", place=one.place)
        seen.add((one.things.kind, one.name))


def some_name(text: str) -> str:
    """Return a name as it is: the form of things that can be called anything.

    Raises:
        InvalidRequest: an empty one, or white space around it.
    """
    if not text or text != text.strip():
        raise InvalidRequest(f"{text!r} is not a name", field="name", value=text)
    return text


def _creation(spec: ThingSpec) -> Change:
    things, create = spec.things, spec.things.create
    if create is None:
        why: str | None = "none can be made here"
    elif lacking := [one for one in things.needs if not spec.settings.get(one)]:
        why = f"a new one needs its {lacking[0]}"
    else:
        why = things.refused(spec.name, spec.settings)
    if create is None or why is not None:
        raise InvalidConfiguration(
            f"there is no {things.kind.value} {spec.name}: {why}", place=spec.place
        )
    return Change(
        kind=things.kind,
        name=spec.name,
        action=Action.CREATE,
        differences=tuple(
            Difference(name, None, plain_value(value)) for name, value in spec.settings.items()
        ),
        run=lambda hands: create(hands, spec.name, spec.settings),
    )


def _updated(spec: ThingSpec, names: Collection[str], model: object) -> Callable[[Managers], None]:
    changed = {one: spec.settings[one] for one in names}
    update = spec.things.update
    assert update is not None  # noqa: S101 - it has settings

    def run(hands: Managers) -> None:
        update(hands, spec.name, changed, model)

    return run


def _can_be_written(one: Field, value: object) -> bool:
    try:
        one.kind.write(plain_value(value), name=one.setting or one.wire)
    except InvalidRequest:
        return False
    return True
