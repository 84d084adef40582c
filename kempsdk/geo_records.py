"""Further records of GEO's names: TXT, CNAME and MX."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec import MalformedAnswer, entries, flatten
from kempsdk.errors import FieldDifference, InvalidRequest, will_not_do
from kempsdk.fields import Number, Table, Text, Word, field
from kempsdk.geo_models import plain_name
from kempsdk.read_back import not_applied
from kempsdk.references import check_range
from kempsdk.transport.call import ParamValue, Tree


class GeoRecordType(str, Enum):
    """What kind of record."""

    TXT = "txt"
    CNAME = "cname"
    MX = "mx"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoRecord:
    """A record of a name.

    Attributes:
        id: its number within the name.
        data: text, mail server, or for a CNAME its target.
        priority: of a mail server; 0 for the others.
    """

    id: int
    type: GeoRecordType
    data: str
    priority: int = 0


_TABLE: Final = Table(
    [
        field("index", "id", Number()),
        field(
            "type",
            "type",
            Word(GeoRecordType, default=GeoRecordType.OTHER, other=GeoRecordType.OTHER),
        ),
        field("rdata", "data", Text(default="")),
        field("priority", "priority", Number()),
    ]
)
_MOST_PRIORITY: Final = 65_535


class GeoRecords:
    """Further records of the names on one LoadMaster: ``lm.geo_records``. Needs GEO."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self, name: str) -> tuple[GeoRecord, ...]:
        """Return the further records of a name.

        Raises:
            CommandRejected: there is no such name.
        """
        return self._appliance.read(
            "showfqdn", {"fqdn": plain_name(name)}, _read, target=plain_name(name)
        )

    def get(self, name: str, record_id: int) -> GeoRecord:
        """Return one of them.

        Raises:
            CommandRejected: there is no such name.
            NotFound: it has no such record.
        """
        for one in self.list(name):
            if one.id == record_id:
                return one
        target = f"{plain_name(name)} record {record_id}"
        raise not_found(f"no {target}", command="showfqdn", target=target)

    def add(
        self, name: str, kind: GeoRecordType, data: str, *, priority: int | None = None
    ) -> GeoRecord:
        """Add a record to a name and return it. Changes the device.

        Args:
            name: of GEO.
            kind: of the record.
            data: text, mail server, or for a CNAME its target.
            priority: of a mail server, 0 to 65,535; takes a second call.

        Raises:
            InvalidRequest: no data, a wrong kind or priority; nothing was sent.
            CommandRejected: there is no such name.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: there is no such record afterwards, or another client made one
                at the same moment.
        """
        kind = GeoRecordType(kind)
        if kind is GeoRecordType.OTHER:
            raise will_not_do("kind", kind.value, "txt, cname or mx")
        if not data:
            raise will_not_do("data", data, "not empty")
        if priority is not None:
            _check_priority(kind, priority)
        target = plain_name(name)
        before = {one.id for one in self.list(name)}
        params = {"fqdn": target, "type": kind.value, _data_param(kind): data}
        self._appliance.write("addrr", params, target=target)
        # The answer does not say which one it is.
        made = [one for one in self.list(name) if one.id not in before]
        if [(one.type, one.data) for one in made] != [(kind, data)]:
            raise not_applied("addrr", target, FieldDifference("record", data, made or None))
        return made[0] if priority is None else self.update(name, made[0].id, priority=priority)

    def update(
        self, name: str, record_id: int, *, data: str | None = None, priority: int | None = None
    ) -> GeoRecord:
        """Change a record and return it as it is now. Changes the device, a call for each.

        Raises:
            InvalidRequest: an empty text, or a priority that it cannot have; nothing was sent.
            NotFound: there is no such record.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        if data == "":
            raise will_not_do("data", data, "not empty")
        found = self.get(name, record_id)
        if priority is not None:
            _check_priority(found.type, priority)
        place = {"fqdn": plain_name(name), "type": found.type.value, "id": record_id}
        target = f"{plain_name(name)} record {record_id}"
        asked: dict[str, ParamValue] = {}
        if data is not None:
            asked[_data_param(found.type)] = data
        if priority is not None:
            asked["priority"] = priority
        for param, value in asked.items():
            self._appliance.write("modrr", {**place, "param": param, "value": value}, target=target)
        now = self.get(name, record_id)
        for field_name, wanted, got in (
            ("data", data, now.data),
            ("priority", priority, now.priority),
        ):
            if wanted is not None and wanted != got:
                raise not_applied("modrr", target, FieldDifference(field_name, wanted, got))
        return now

    def delete(self, name: str, record_id: int) -> None:
        """Delete a record. Changes the device.

        Raises:
            NotFound: there is no such record.
            OutcomeUnknown: no answer; ``list`` tells.
            WriteNotApplied: it is still there.
        """
        found = self.get(name, record_id)
        target = f"{plain_name(name)} record {record_id}"
        self._appliance.write("delrr", {"fqdn": plain_name(name), "id": record_id}, target=target)
        if found in self.list(name):
            raise not_applied("delrr", target, FieldDifference("record", None, found.data))


def _data_param(kind: GeoRecordType) -> str:
    return "name" if kind is GeoRecordType.CNAME else "rdata"


def _check_priority(kind: GeoRecordType, priority: int) -> None:
    if kind is not GeoRecordType.MX:
        raise InvalidRequest("only mail servers have a priority", field="priority", value=priority)
    check_range(priority, field="priority", low=0, high=_MOST_PRIORITY)


def _read(tree: Tree) -> tuple[GeoRecord, ...]:
    (fqdn,) = entries(tree, "fqdn") or [tree]
    found = []
    for name in fqdn:
        # Only Index is documented; that the others are named like the request is a guess.
        if name.lower() in ("additionalrecord", "additionalrecords", "record"):
            found += [_record(one) for one in entries(fqdn, name)]
    return tuple(found)


def _record(tree: Tree) -> GeoRecord:
    row = {name.lower(): value for name, value in flatten(tree).items()}
    if "name" in row:
        row["rdata"] = row["name"]  # what a CNAME calls its data
    if "index" not in row:
        raise MalformedAnswer("a record without its number")
    return GeoRecord(**_TABLE.read(row))
