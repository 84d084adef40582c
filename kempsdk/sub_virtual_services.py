"""SubVSs: services inside a service."""

from typing import TYPE_CHECKING, Any, Final

from kempsdk.appliance import Appliance, by_name
from kempsdk.errors import (
    FieldDifference,
    InvalidRequest,
    OutcomeUnknown,
    WriteNotApplied,
    describe,
)
from kempsdk.fields import compare, write_settings
from kempsdk.models import SubVs
from kempsdk.references import SubVsRef, VsRef
from kempsdk.service_fields import SERVICE, SLOT
from kempsdk.virtual_services import VirtualServices

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.settings import SlotSettings, VsSettings

_SLOT_SETTINGS: Final = frozenset({"weight", "limit", "enable", "critical"})


class SubVirtualServices:
    """The SubVSs of one LoadMaster: ``lm.sub_virtual_services``.

    A SubVS has settings like a service, and a slot in its parent, addressed like a real
    server there, with a weight and a switch.
    """

    def __init__(self, appliance: Appliance, services: VirtualServices) -> None:
        self._appliance = appliance
        self._services = services

    def list(self, parent: VsRef) -> tuple[SubVs, ...]:
        """Return the SubVSs of a service, without their own settings (``service`` None).

        Raises:
            NotFound: there is no such parent.
        """
        return self._appliance.show(parent).sub_services

    def get(self, ref: SubVsRef) -> SubVs:
        """Return one SubVS with its settings and servers in ``service``.

        Raises:
            NotFound: there is none.
        """
        return self._appliance.show_sub_service(ref)

    def create(self, parent: VsRef, **settings: "Unpack[VsSettings]") -> SubVs:
        """Create a SubVS in a service that has no servers of its own. Changes the device.

        The settings are written in calls of their own: whether those given on creation
        reach the parent too is not known.

        Args:
            parent: the service.
            settings: see ``VsSettings``; ``enable`` is that of the slot.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            OutcomeUnknown: no answer, or another client made one at the same moment;
                ``list`` shows what there is.
            WriteNotApplied: it exists now, with other settings than asked for.
        """
        asked: dict[str, Any] = dict(settings)
        write_settings(SERVICE, asked)
        ref = self._create(parent)
        return self._write(ref, asked)

    def update(self, ref: SubVsRef, **settings: "Unpack[VsSettings]") -> SubVs:
        """Change settings of a SubVS and return it as it is now. Changes the device.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            NotFound: there is none.
            OutcomeUnknown: no answer; ``lm.virtual_services.differences`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        asked: dict[str, Any] = dict(settings)
        write_settings(SERVICE, asked)
        return self._write(ref, asked)

    def set_slot(self, ref: SubVsRef, **settings: "Unpack[SlotSettings]") -> SubVs:
        """Change the share of a SubVS in its parent. Changes the device.

        Args:
            ref: the SubVS.
            settings: ``weight`` 1 to 65535; ``limit`` of open connections, 0 to 100000, 0 is
                none; ``enable``; ``critical``.

        Raises:
            InvalidRequest: a value out of its range, or none at all; nothing was sent.
            NotFound: there is no such parent or slot.
            OutcomeUnknown: no answer; ``list`` shows the slot.
            WriteNotApplied: the appliance made something else of it.
        """
        asked: dict[str, Any] = dict(settings)
        params = write_settings(SLOT, asked, allowed=_SLOT_SETTINGS)
        if not asked:
            raise InvalidRequest("nothing to set", field="settings", target=str(ref))
        # RsIndex values are not renumbered, so the slot needs no lookup.
        place = {**by_name(ref.parent), "rs": f"!{ref.slot}"}
        self._appliance.write("modrs", {**place, **params}, target=str(ref))
        now = self._appliance.slot(ref)
        if differences := compare(SLOT, asked, now):
            raise WriteNotApplied(
                f"{ref}: the appliance did something else: {describe(differences)}",
                differences=differences,
                command="modrs",
                target=str(ref),
            )
        return now

    def delete(self, ref: SubVsRef) -> None:
        """Delete a SubVS with its server entries. Changes the device.

        Raises:
            NotFound: there is none.
            OutcomeUnknown: no answer; ``list`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        self._services.delete(ref)

    def _create(self, parent: VsRef) -> SubVsRef:
        # The answer is the parent: the new one is the one that was not there before.
        with self._appliance.making_sub_services:
            before = {one.rs_index for one in self.list(parent)}
            params = {**by_name(parent), "createsubvs": ""}
            self._appliance.write("modvs", params, target=str(parent))
            new = [one for one in self.list(parent) if one.rs_index not in before]
        if not new:
            raise WriteNotApplied(
                f"{parent}: no SubVS was made",
                differences=[FieldDifference("sub_services", "one more", "as before")],
                command="modvs",
                target=str(parent),
            )
        if len(new) > 1:
            raise OutcomeUnknown(
                f"{parent}: {len(new)} SubVSs appeared at once; another client is at work",
                command="modvs",
                target=str(parent),
            )
        return new[0].ref

    def _write(self, ref: SubVsRef, asked: dict[str, Any]) -> SubVs:
        own = {name: value for name, value in asked.items() if name != "enable"}
        if own:
            self._services.update(ref, **own)
        if "enable" in asked:
            self.set_slot(ref, enable=asked["enable"])
        return self.get(ref)
