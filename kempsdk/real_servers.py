"""Real servers: in one service, and an address in all of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kempsdk.appliance import Appliance, not_found
from kempsdk.codec_services import read_servers
from kempsdk.errors import (
    FieldDifference,
    InvalidRequest,
    NotFound,
    WriteNotApplied,
    describe,
)
from kempsdk.fields import compare, write_settings
from kempsdk.models import RealServer, VirtualService
from kempsdk.references import AnyVsRef, RsRef, check_address
from kempsdk.service_fields import SERVER
from kempsdk.transport.call import ParamValue
from kempsdk.virtual_services import VirtualServices
from kempsdk.words import Forward

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kempsdk.desired_state import Result
    from kempsdk.settings import RsSettings


class RealServers:
    """The real servers of one LoadMaster: ``lm.real_servers``.

    A server is named by the service it is in and its address and port there. Every write
    is followed by reading back. When one raises OutcomeUnknown, ``differences`` tells
    whether it arrived.
    """

    def __init__(self, appliance: Appliance, services: VirtualServices) -> None:
        self._appliance = appliance
        self._services = services

    def list(self, vs: AnyVsRef) -> tuple[RealServer, ...]:
        """Return the servers of a service or SubVS.

        Raises:
            NotFound: there is no such service.
        """
        return self._services.get(vs).real_servers

    def get(self, vs: AnyVsRef, rs: RsRef) -> RealServer:
        """Return one server of a service.

        Raises:
            NotFound: there is no such service or server.
        """
        target = _target(vs, rs)
        found = self._appliance.read("showrs", self._place(vs, rs), read_servers, target=target)
        for one in found:
            if one.ref == rs:
                return one
        raise not_found(f"{vs} has no server {rs}", command="showrs", target=target)

    def add(self, vs: AnyVsRef, rs: RsRef, **settings: "Unpack[RsSettings]") -> RealServer:
        """Add a server to a service and return it as it is now. Changes the device.

        Args:
            vs: the service; one with SubVSs takes no servers itself.
            rs: address and port.
            settings: see ``RsSettings``; without ``enable=False`` it gets traffic at once.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            NotFound: there is no such service.
            CommandRejected: the appliance refused, for instance since it is there already.
            OutcomeUnknown: no answer; see ``differences``.
            WriteNotApplied: it is there now, with other settings than asked for.
        """
        asked: dict[str, object] = dict(settings)
        if "new_port" in asked:
            raise InvalidRequest("new_port is for update; name the port in rs", field="new_port")
        # QUIRK: addrs ignores some settings, forward among them (7.2.50 to 7.2.63). So that
        # no packet is translated on its way to a server that expects none, it starts disabled.
        first = {**asked, "enable": False} if asked.get("forward") == Forward.ROUTE else asked
        params = write_settings(SERVER, first)
        self._appliance.write("addrs", {**self._place(vs, rs), **params}, target=_target(vs, rs))
        made = self.get(vs, rs)
        if first is not asked:
            asked.setdefault("enable", True)
        ignored = {one.field: asked[one.field] for one in compare(SERVER, asked, made)}
        return self._write(vs, rs, ignored, asked) if ignored else made

    def update(self, vs: AnyVsRef, rs: RsRef, **settings: "Unpack[RsSettings]") -> RealServer:
        """Change a server in one service and return it as it is now. Changes the device.

        Args:
            vs: the service.
            rs: its address and port until now; the address cannot be changed.
            settings: see ``RsSettings``; what is left out stays.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            NotFound: there is no such service or server.
            OutcomeUnknown: no answer; see ``differences``.
            WriteNotApplied: the appliance made something else of it.
        """
        asked = dict(settings)
        write_settings(SERVER, asked)
        return self._write(vs, rs, asked, asked) if asked else self.get(vs, rs)

    def ensure(
        self,
        vs: AnyVsRef,
        rs: RsRef,
        *,
        dry_run: bool = False,
        **settings: "Unpack[RsSettings]",
    ) -> "Result":
        """Make a server of a service as it is to be, and add it if need be. Changes the device.

        What is not mentioned is not touched. A second call changes nothing.

        Args:
            vs: the service.
            rs: address and port.
            dry_run: only return what would be changed.
            settings: see ``RsSettings``, without ``new_port``.

        Returns:
            ``Changed`` with what was different, or ``Unchanged``.

        Raises:
            InvalidRequest: a value out of its range; nothing was sent.
            NotFound: there is no such service.
            CommandRejected, OutcomeUnknown, WriteNotApplied: as for ``add`` and ``update``.
        """
        from kempsdk.desired_state import RealServerSpec
        from kempsdk.service_changes import ensure_server

        wanted = RealServerSpec(ref=rs, settings=dict(settings))
        return ensure_server(self._appliance, vs, wanted, dry_run=dry_run)

    def enable_in(self, vs: AnyVsRef, rs: RsRef) -> RealServer:
        """Enable a server in one service. Changes the device.

        Raises:
            NotFound, OutcomeUnknown, WriteNotApplied: as for ``update``.
        """
        return self.update(vs, rs, enable=True)

    def disable_in(self, vs: AnyVsRef, rs: RsRef) -> RealServer:
        """Disable a server in one service; other services keep it. Changes the device.

        At layer 4, and at layer 7 without persistence, it gets no new connections from
        then on; with persistence, known clients may open some until the drain time ends.
        Open connections live on.

        Raises:
            NotFound, OutcomeUnknown, WriteNotApplied: as for ``update``.
        """
        return self.update(vs, rs, enable=False)

    def enable_everywhere(self, address: str) -> tuple[RealServer, ...]:
        """Enable an address in all services. Changes the device.

        Returns:
            Its entries, as they are now.

        Raises:
            NotFound: it is in no service.
            OutcomeUnknown: no answer; ``lm.virtual_services.list`` shows all entries.
            WriteNotApplied: it is still disabled somewhere.
        """
        return self._switch_everywhere("enablers", address, enabled=True)

    def disable_everywhere(self, address: str) -> tuple[RealServer, ...]:
        """Disable an address in all services. Changes the device.

        Returns:
            Its entries, as they are now.

        Raises:
            NotFound: it is in no service.
            OutcomeUnknown: no answer; ``lm.virtual_services.list`` shows all entries.
            WriteNotApplied: it is still enabled somewhere.
        """
        return self._switch_everywhere("disablers", address, enabled=False)

    def differences(
        self, vs: AnyVsRef, rs: RsRef, **settings: "Unpack[RsSettings]"
    ) -> tuple[FieldDifference, ...]:
        """Read a server and return where it is not as given; changes nothing.

        Raises:
            NotFound: there is no such service or server.
        """
        asked = dict(settings)
        write_settings(SERVER, asked)
        return compare(SERVER, asked, self.get(vs, rs))

    def delete(self, vs: AnyVsRef, rs: RsRef) -> None:
        """Take a server out of a service. Changes the device.

        Raises:
            NotFound: there is no such service or server.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        target = _target(vs, rs)
        self._appliance.write("delrs", self._place(vs, rs), target=target)
        try:
            self.get(vs, rs)
        except NotFound:
            return
        raise WriteNotApplied(
            f"delrs {target}: it is still there",
            differences=[FieldDifference("server", "deleted", "still there")],
            command="delrs",
            target=target,
        )

    def _place(self, vs: AnyVsRef, rs: RsRef) -> dict[str, ParamValue]:
        return {**self._appliance.address(vs), "rs": rs.address, "rsport": rs.port}

    def _write(
        self, vs: AnyVsRef, rs: RsRef, settings: Mapping[str, object], asked: Mapping[str, object]
    ) -> RealServer:
        target = _target(vs, rs)
        params = {**self._place(vs, rs), **write_settings(SERVER, settings)}
        self._appliance.write("modrs", params, target=target)
        port = asked.get("new_port", rs.port)
        assert isinstance(port, int)  # noqa: S101 - write_settings saw to it
        now = self.get(vs, RsRef(rs.address, port))
        if differences := compare(SERVER, asked, now):
            raise WriteNotApplied(
                f"{target}: the appliance did something else: {describe(differences)}",
                differences=differences,
                command="modrs",
                target=target,
            )
        return now

    def _switch_everywhere(
        self, command: str, address: str, *, enabled: bool
    ) -> tuple[RealServer, ...]:
        wanted = check_address(address, field="address")
        self._appliance.write(command, {"rs": wanted}, target=wanted)
        entries = [
            (vs.ref, rs)
            for vs in _with_sub_services(self._services)
            for rs in vs.real_servers
            if rs.address == wanted
        ]
        if not entries:
            # What the appliance answers then is not known.
            raise not_found(f"{wanted} is in no service", command=command, target=wanted)
        wrong = [
            FieldDifference(f"enable in {ref}", enabled, rs.enabled)
            for ref, rs in entries
            if rs.enabled is not enabled
        ]
        if wrong:
            raise WriteNotApplied(
                f"{command} {wanted}: not everywhere: {describe(wrong)}",
                differences=wrong,
                command=command,
                target=wanted,
            )
        return tuple(rs for _, rs in entries)


def _with_sub_services(services: VirtualServices) -> "list[VirtualService]":
    found = []
    for one in services.list():
        found.append(one)
        found.extend(sub.service for sub in one.sub_services if sub.service is not None)
    return found


def _target(vs: AnyVsRef, rs: RsRef) -> str:
    return f"{vs} {rs}"
