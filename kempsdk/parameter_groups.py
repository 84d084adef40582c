"""Groups of global parameters that belong together, typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, XmlTree
from kempsdk.errors import FieldDifference, will_not_do
from kempsdk.fields import Field, Table, field, write_settings
from kempsdk.read_back import check_applied
from kempsdk.secret import MASK, Secret
from kempsdk.transport.call import Tree

ModelT = TypeVar("ModelT")

_SEPARATORS: Final = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Items:
    """A list of addresses or names: an array in v2, one text in v1.

    Attributes:
        joiner: what is written between them.
        most: how many there may be; None for no known limit.
    """

    joiner: str = ","
    most: int | None = None
    default: object = ()

    def read(self, raw: object) -> tuple[str, ...]:
        parts = raw if isinstance(raw, list | tuple) else [raw]
        return tuple(word for one in parts for word in _SEPARATORS.split(str(one)) if word)

    def write(self, value: object, *, name: str) -> str:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise will_not_do(name, value, "a list of texts")
        words = [str(one) for one in value]
        if any(not one or _SEPARATORS.search(one) for one in words):
            raise will_not_do(name, value, "entries without blanks and commas")
        if self.most is not None and len(words) > self.most:
            raise will_not_do(name, value, f"at most {self.most} entries")
        return self.joiner.join(words)

    def same(self, asked: object, got: object) -> bool:
        return self.read(self.write(asked, name="")) == got


@dataclass(frozen=True, slots=True)
class Hidden:
    """A credential, a text or ``Secret``: written, never read.

    The appliance shows ``********`` whether one is set or not (7.2.54).

    Attributes:
        longest: most characters accepted.
    """

    longest: int = 255
    default: object = None

    def read(self, raw: object) -> None:  # noqa: ARG002 - as every kind
        return None

    def write(self, value: object, *, name: str) -> str:
        text = value.reveal() if isinstance(value, Secret) else ("" if value is None else value)
        if not isinstance(text, str) or len(text) > self.longest:
            # The value itself must not get into an error.
            raise will_not_do(name, MASK, f"a text of at most {self.longest} characters")
        return text

    def same(self, asked: object, got: object) -> bool:  # noqa: ARG002 - as every kind
        return True


def credential(wire: str, setting: str, *, longest: int = 255) -> Field:
    """Describe a parameter that holds a credential."""
    return field(wire, None, Hidden(longest=longest), setting=setting)


class ParameterGroup(Generic[ModelT]):
    """Some of the global parameters as one object.

    Only what differs is written, in the order of the table, each followed by reading it
    back: every change of a global parameter renumbers the services.

    Attributes:
        name: what errors call it.
        table: the parameters, with their names in lower case.
        model: what they are read into.
    """

    name: ClassVar[str]
    table: ClassVar[Table]
    model: type[ModelT]

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self) -> ModelT:
        """Return the parameters of the group. One call."""
        return self._appliance.read("getall", {}, self._read, target=self.name)

    def _read(self, tree: Tree) -> ModelT:
        names = {name.lower(): name for name in tree}
        known = {one.wire for one in self.table.fields}
        raw = {name: _plain(tree[names[name]]) for name in known & names.keys()}
        return self.model(**self.table.read(raw))

    def _update(self, settings: Mapping[str, object]) -> ModelT:
        asked = dict(settings)
        params = write_settings(self.table, asked)
        before = self.get() if asked else None
        differences = []
        for one in self.table.fields:
            if one.setting not in asked:
                continue
            value = asked[one.setting]
            if one.attribute is not None and one.kind.same(value, getattr(before, one.attribute)):
                continue
            target = f"{self.name} {one.setting}"
            write = {"param": one.request, "value": params[one.request]}
            self._appliance.write("set", write, target=target)
            if one.attribute is None:
                continue
            now = self._one(one, one.attribute)
            if not one.kind.same(value, now):
                differences.append(FieldDifference(str(one.setting), value, now))
        check_applied("set", self.name, differences)
        return self.get()

    def _one(self, one: Field, attribute: str) -> object:
        def read(tree: Tree) -> object:
            # The answer's key has the appliance's own spelling.
            for name in tree:
                if name.lower() == one.wire:
                    return Table([one]).read({one.wire: _plain(tree[name])})[attribute]
            if not len(tree):
                return one.kind.default
            raise MalformedAnswer("the answer is about another parameter")

        return self._appliance.read("get", {"param": one.request}, read, target=one.request)


def _plain(value: object) -> object:
    return value.markup() if isinstance(value, XmlTree) else value
