"""Virtual services: list, get, find, create, update, delete."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.appliance import Appliance, by_name, not_found
from kempsdk.codec_services import read_service_list
from kempsdk.errors import (
    AmbiguousName,
    FieldDifference,
    InvalidRequest,
    NotFound,
    WriteNotApplied,
    describe,
)
from kempsdk.fields import compare, write_settings
from kempsdk.models import VirtualService
from kempsdk.references import AnyVsRef, SubVsRef, VsRef, check_address
from kempsdk.service_fields import SERVICE
from kempsdk.transport.call import ParamValue
from kempsdk.words import Persist

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.desired_state import Result, VirtualServiceSpec
    from kempsdk.settings import VsSettings

_SUB_SETTINGS: Final = frozenset(SERVICE.by_setting) - {"enable"}

_FIRST: Final = ("type",)
_SECOND: Final = ("ssl_acceleration", "enhanced_health_checks")


class VirtualServices:
    """The virtual services of one LoadMaster: ``lm.virtual_services``.

    Every write is followed by reading back what the appliance made of it. When a write
    raises OutcomeUnknown, ``differences`` tells whether it arrived.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def list(self) -> tuple[VirtualService, ...]:
        """Return all services in the appliance's order, SubVSs below their parents.

        One API call, whatever their number.
        """
        return self._appliance.read("listvs", {}, read_service_list)

    def get(self, ref: AnyVsRef) -> VirtualService:
        """Return one service.

        The SubVSs of a service come as their place in it, without their own settings.

        Raises:
            NotFound: there is none.
        """
        if isinstance(ref, VsRef):
            return self._appliance.show(ref)
        service = self._appliance.show_sub_service(ref).service
        assert service is not None  # noqa: S101 - that is what it was read for
        return service

    def find(self, text: str) -> VirtualService:
        """Return the service that a person means.

        Args:
            text: ``tcp/10.0.1.250:80``, or a nickname, or ``10.0.1.250:80`` or
                ``10.0.1.250`` where only one service has it. Nicknames of SubVSs count.

        Raises:
            NotFound: there is none.
            AmbiguousName: several; ``candidates`` names them.
        """
        if text.startswith(("tcp/", "udp/")):
            return self.get(VsRef.parse(text))
        services = self.list()
        inner = [sub.service for one in services for sub in one.sub_services]
        every = [*services, *(one for one in inner if one is not None)]
        address, port = _address_and_port(text)
        found = [
            one
            for one in every
            if one.nickname == text
            or (address is not None and one.address == address and port in (None, one.port))
        ]
        if not found:
            raise not_found(f"no virtual service is called {text!r}", target=text)
        if len(found) > 1:
            names = sorted(str(one.ref) for one in found)
            raise AmbiguousName(f"{text!r} could be {', '.join(names)}", candidates=names)
        return found[0]

    def create(self, ref: VsRef, **settings: "Unpack[VsSettings]") -> VirtualService:
        """Create a service and return what the appliance made of it. Changes the device.

        Args:
            ref: protocol, address and port; port 0 is every port.
            settings: see ``VsSettings``; the rest gets the appliance's defaults.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            CommandRejected: the appliance refused, for instance since it exists.
            OutcomeUnknown: no answer; see ``differences``.
            WriteNotApplied: it exists now, with other settings than asked for.
        """
        asked = dict(settings)
        params = write_settings(SERVICE, asked) | _clearing(asked)
        self._appliance.write("addvs", {**by_name(ref), **params}, target=str(ref))
        # Not from the answer: with several clients its index can be another service's.
        made = self._appliance.appeared(ref)
        late = {one.field: asked[one.field] for one in compare(SERVICE, asked, made)}
        # The appliance applies settings in an order of its own, so some come too early.
        return self._write(ref, late, asked) if late else made

    def update(self, ref: AnyVsRef, **settings: "Unpack[VsSettings]") -> VirtualService:
        """Change settings of a service and return it as it is now. Changes the device.

        Args:
            ref: the service. ``enable`` of a SubVS belongs to its slot, see
                ``SubVirtualServices.set_slot``.
            settings: see ``VsSettings``; what is left out stays.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            NotFound: there is no such service.
            OutcomeUnknown: no answer; see ``differences``.
            WriteNotApplied: the appliance made something else of it.
        """
        asked = dict(settings)
        write_settings(SERVICE, asked, allowed=_SUB_SETTINGS if isinstance(ref, SubVsRef) else None)
        return self._write(ref, asked, asked) if asked else self.get(ref)

    def ensure(
        self,
        wanted: "VsRef | VirtualServiceSpec",
        *,
        dry_run: bool = False,
        **settings: "Unpack[VsSettings]",
    ) -> "Result":
        """Make a service as it is to be, and create it if need be. Changes the device.

        What is not mentioned is not touched. A second call changes nothing.

        Args:
            wanted: a service with ``settings``; or a spec, which has settings of its own and
                can have servers, SubVSs and attached rules.
            dry_run: only return what would be changed.
            settings: see ``VsSettings``.

        Returns:
            ``Changed`` with what was different, or ``Unchanged``.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            KempError: of the change that failed; those before it were made.
            WriteNotApplied: something is different still.
        """
        from kempsdk.desired_state import VirtualServiceSpec
        from kempsdk.service_changes import ensure_service

        if isinstance(wanted, VsRef):
            wanted = VirtualServiceSpec(ref=wanted, settings=dict(settings))
        elif settings:
            raise InvalidRequest("a spec has settings of its own", field="settings")
        return ensure_service(self._appliance, wanted, dry_run=dry_run)

    def upload_error_page(self, ref: AnyVsRef, page: bytes) -> None:
        """Give a service a page to show when none of its servers is there. Changes the device.

        Firmware 7.2.52 or newer. ``error_code`` says with which code it comes. No command
        reads it back.

        Args:
            ref: the service.
            page: HTML.

        Raises:
            InvalidRequest: an empty page; nothing was sent.
            NotFound: there is no such service.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer; it can be sent again.
        """
        if not page:
            raise InvalidRequest("page: an empty file", field="page")
        params = {"vs": self._appliance.index(ref)}
        self._appliance.write("uploadvserrfile", params, target=str(ref), body=page)

    def differences(
        self, ref: AnyVsRef, **settings: "Unpack[VsSettings]"
    ) -> tuple[FieldDifference, ...]:
        """Read a service and return where it is not as given; changes nothing.

        Raises:
            NotFound: there is no such service.
        """
        asked = dict(settings)
        write_settings(SERVICE, asked)
        return compare(SERVICE, asked, self.get(ref))

    def delete(self, ref: AnyVsRef) -> None:
        """Delete a service with the SubVSs and server entries below it. Changes the device.

        Raises:
            NotFound: there is no such service.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        self._appliance.write("delvs", self._appliance.address(ref), target=str(ref))
        try:
            self.get(ref)
        except NotFound:
            return
        raise WriteNotApplied(
            f"delvs {ref}: it is still there",
            differences=[FieldDifference("service", "deleted", "still there")],
            command="delvs",
            target=str(ref),
        )

    def _write(
        self, ref: AnyVsRef, settings: Mapping[str, object], asked: Mapping[str, object]
    ) -> VirtualService:
        for stage in _stages(settings):
            # For a SubVS the index is looked up before each call.
            params = {**self._appliance.address(ref), **stage}
            self._appliance.write("modvs", params, target=str(ref))
        now = self.get(ref)
        if differences := compare(SERVICE, asked, now):
            raise WriteNotApplied(
                f"{ref}: the appliance did something else: {describe(differences)}",
                differences=differences,
                command="modvs",
                target=str(ref),
            )
        return now


def _stages(settings: Mapping[str, object]) -> "list[dict[str, ParamValue]]":
    """Split settings into calls, those first that others depend on.

    Within one call the order is the appliance's own (seen on 7.2.50 to 7.2.63).
    """
    first = {name: settings[name] for name in _FIRST if name in settings}
    second = {name: settings[name] for name in _SECOND if settings.get(name) is True}
    if settings.get("enhanced_health_checks") is False:
        # It stays on as long as a minimum is set.
        second["rs_minimum"] = 0
    rest = {name: value for name, value in settings.items() if name not in {**first, **second}}
    if settings.get("enhanced_health_checks") is False:
        rest.pop("rs_minimum", None)
    stages = [first, second, rest]
    return [write_settings(SERVICE, stage) | _clearing(stage) for stage in stages if stage]


def _clearing(settings: Mapping[str, object]) -> "dict[str, ParamValue]":
    """Return what ends persistence: an empty mode together with no time."""
    if settings.get("persist") not in (Persist.NONE, "none"):
        return {}
    return {"Persist": "", **({} if "persist_timeout_s" in settings else {"PersistTimeout": 0})}


def _address_and_port(text: str) -> "tuple[str | None, int | None]":
    host, separator, port = text.rpartition(":")
    with_port = separator and port.isascii() and (port.isdigit() or port == "*")
    if with_port and (host.count(":") == 0 or host.startswith("[")):
        address, number = host, 0 if port == "*" else int(port)
    else:
        address, number = text, None
    try:
        return check_address(address, field="service"), number
    except InvalidRequest:
        return None, None
