"""What the resources share: one appliance to ask, and how its services are addressed."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from kempsdk.clock import Clock
from kempsdk.codec import MalformedAnswer
from kempsdk.codec_services import read_service
from kempsdk.errors import BadAnswer, NotFound
from kempsdk.models import SubVs, VirtualService
from kempsdk.references import WILDCARD_PORT, AnyVsRef, SubVsRef, VsRef
from kempsdk.transport.call import Call, ParamValue, Reply, Transport, Tree

_log = logging.getLogger(__name__)

T = TypeVar("T")
Params = Mapping[str, ParamValue]

_TRIES: Final = 2


class Appliance:
    """Sends the calls of all resources of one client.

    Attributes:
        clock: what waits.
        making_sub_services: held while a SubVS is made, which is found by difference.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self.clock = clock
        self.making_sub_services = threading.Lock()

    def read(
        self, command: str, params: Params, read: Callable[[Tree], T], *, target: str | None = None
    ) -> T:
        """Send a call that changes nothing and return what its answer says."""
        _log.debug("%s %s", command, target or "")
        call = Call(command=command, params=params, mutates=False, target=target)
        reply = self._transport.send(call)
        try:
            return read(reply.data)
        except MalformedAnswer as error:
            about = f"{command} {target}" if target else command
            raise BadAnswer(f"{about}: {error}", command=command, target=target) from None

    def write(self, command: str, params: Params, *, target: str) -> Reply:
        """Send a call that changes something."""
        _log.info("%s %s: %s", command, target, ", ".join(params))
        return self._transport.send(
            Call(command=command, params=params, mutates=True, target=target)
        )

    def show(self, ref: VsRef) -> VirtualService:
        """Read one service by its name."""
        found = self.read("showvs", by_name(ref), read_service, target=str(ref))
        if found.ref != ref:
            raise BadAnswer(
                f"showvs {ref}: the answer is about {found.ref}", command="showvs", target=str(ref)
            )
        return found

    def slot(self, ref: SubVsRef) -> SubVs:
        """Read the place of a SubVS in its parent.

        Raises:
            NotFound: the parent has no such slot.
        """
        for one in self.show(ref.parent).sub_services:
            if one.ref == ref:
                return one
        raise not_found(f"{ref.parent} has no SubVS in slot {ref.slot}", target=str(ref))

    def show_sub_service(self, ref: SubVsRef) -> SubVs:
        """Read a SubVS with its own settings.

        Raises:
            NotFound: there is none.
            BadAnswer: it was given another index at every look.
        """
        for _ in range(_TRIES):
            slot = self.slot(ref)
            service = self.read(
                "showvs",
                {"vs": slot.index},
                lambda tree: read_service(tree, ref=ref),
                target=str(ref),
            )
            # The services may have been renumbered between the two calls.
            if service.ref == ref and service.index == slot.index and service.master_index:
                return replace(slot, service=service)
        raise BadAnswer(f"{ref}: its index keeps changing", command="showvs", target=str(ref))

    def address(self, ref: AnyVsRef) -> dict[str, ParamValue]:
        """Return the parameters that name a service; a SubVS's index is looked up now."""
        if isinstance(ref, VsRef):
            return by_name(ref)
        return {"vs": self.slot(ref).index}


def by_name(ref: VsRef) -> dict[str, ParamValue]:
    """Return the parameters that name a service whatever its index."""
    port: ParamValue = "*" if ref.port == WILDCARD_PORT else ref.port
    return {"vs": ref.address, "port": port, "prot": ref.protocol.value}


def not_found(reason: str, *, target: str, command: str | None = None) -> NotFound:
    """Return the error for something that a complete answer does not hold."""
    return NotFound(reason, status=422, reason=reason, command=command, target=target)
