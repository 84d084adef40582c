"""Templates of services: list, upload, apply, export, delete."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kempsdk.appliance import Appliance, by_name, not_found
from kempsdk.codec import MalformedAnswer, nothing_else
from kempsdk.errors import FieldDifference, InvalidRequest, NotFound
from kempsdk.fields import Switch, Table, Text
from kempsdk.fields import field as wire_field
from kempsdk.models import VirtualService
from kempsdk.read_back import not_applied
from kempsdk.references import AnyVsRef, VsRef
from kempsdk.rows import find_rows
from kempsdk.transport.call import ParamValue, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An installed template.

    Attributes:
        certified: it is the vendor's.
    """

    name: str
    comment: str | None = None
    certified: bool = False
    extra: "Mapping[str, object]" = field(default_factory=nothing_else, compare=False)


# The members are those of the vendor's Python SDK.
_TABLE = Table(
    [
        wire_field("name", "name", Text(), read_only=True),
        wire_field("comment", "comment", Text(), read_only=True),
        wire_field("certified", "certified", Switch(), read_only=True),
    ]
)


def _read(tree: Tree) -> tuple[Template, ...]:
    return tuple(_template(row) for row in find_rows(tree, "name"))


def _template(row: dict[str, object]) -> Template:
    values = _TABLE.read(row)
    if not values["name"]:
        raise MalformedAnswer("a template without a name")
    return Template(**values, extra=row)


class Templates:
    """The templates of one LoadMaster: ``lm.templates``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[Template, ...]:
        """Return all templates in the appliance's order. One API call."""
        return self._appliance.read("listtemplates", {}, _read)

    def get(self, name: str) -> Template:
        """Return one template.

        Raises:
            NotFound: there is none of this name.
        """
        for one in self.list():
            if one.name == name:
                return one
        raise not_found(f"there is no template {name!r}", command="listtemplates", target=name)

    def upload(self, data: bytes) -> tuple[Template, ...]:
        """Install the templates of a file and return all there are now. Changes the device.

        Needs a client with ``api="v1"``: in v2 it did not work on 7.2.54.

        Args:
            data: the file, as the vendor publishes them or ``export`` returned it.

        Raises:
            InvalidRequest: no data; nothing was sent.
            CommandRejected: the appliance refused the file, or the interface is v2.
            OutcomeUnknown: no answer; ``list`` shows what is there.
            WriteNotApplied: there is no template afterwards.
        """
        if not data:
            raise InvalidRequest("the file is empty", field="data")
        self._appliance.write("uploadtemplate", {}, target="templates", body=data)
        now = self.list()
        if not now:
            # Which ones the file holds is not known here.
            raise not_applied(
                "uploadtemplate",
                "templates",
                FieldDifference("templates", "installed", "none there"),
            )
        return now

    def apply(self, ref: VsRef, template: str, *, nickname: str | None = None) -> VirtualService:
        """Create a service from a template and return it. Changes the device.

        Args:
            ref: protocol, address and port of the new service.
            template: name of an installed template.
            nickname: of the service; otherwise the template decides.

        Raises:
            NotFound: there is no such template; nothing was changed.
            CommandRejected: the appliance refused, for instance since the service exists.
            OutcomeUnknown: no answer; ``lm.virtual_services.get`` tells.
            WriteNotApplied: there is no such service afterwards, or it is called otherwise.
        """
        self.get(template)
        params: dict[str, ParamValue] = {**by_name(ref), "template": template}
        if nickname is not None:
            params["nickname"] = nickname
        self._appliance.write("addvs", params, target=str(ref))
        try:
            made = self._appliance.appeared(ref)
        except NotFound:
            raise not_applied(
                "addvs", str(ref), FieldDifference("service", "created", "not there")
            ) from None
        if nickname is not None and made.nickname != nickname:
            raise not_applied(
                "addvs", str(ref), FieldDifference("nickname", nickname, made.nickname)
            )
        return made

    def export(self, ref: AnyVsRef) -> bytes:
        """Return a service as a template file; changes nothing.

        Raises:
            NotFound: there is no such service.
        """
        return self._appliance.download(
            "exportvstmplt", self._appliance.address(ref), target=str(ref)
        )

    def delete(self, name: str) -> None:
        """Delete a template; services made from it stay. Changes the device.

        Raises:
            NotFound: there is none; nothing was changed.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        self.get(name)
        self._appliance.write("deltemplate", {"name": name}, target=name)
        try:
            self.get(name)
        except NotFound:
            return
        raise not_applied(
            "deltemplate", name, FieldDifference("template", "deleted", "still there")
        )
