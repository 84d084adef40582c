"""What the resources share: one appliance to ask, and how its services are addressed."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from kempsdk.clock import Clock
from kempsdk.codec import MalformedAnswer
from kempsdk.codec_services import read_service
from kempsdk.errors import BadAnswer, NotFound, Outcome
from kempsdk.models import SubVs, VirtualService
from kempsdk.references import WILDCARD_PORT, AnyVsRef, SubVsRef, VsRef
from kempsdk.transport.call import Call, ParamValue, Reply, Transport, Tree

_log = logging.getLogger(__name__)

T = TypeVar("T")
Params = Mapping[str, ParamValue]

_TRIES: Final = 2
_APPEARS_WITHIN_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.1
_NOT_DATA: Final = "something that is not the API's came back"


class Appliance:
    """Sends the calls of all resources of one client.

    Attributes:
        clock: what waits.
        making_sub_services: held while a SubVS is made, which is found by difference.
        writing_in_turn: held by writes of which two at once lose one, or cannot be told
            apart: content rules, API keys.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self.clock = clock
        self.making_sub_services = threading.Lock()
        self.writing_in_turn = threading.Lock()

    def read(
        self, command: str, params: Params, read: Callable[[Tree], T], *, target: str | None = None
    ) -> T:
        """Send a call that changes nothing and return what its answer says."""
        return self.read_reply(command, params, lambda reply: read(_data(reply)), target=target)

    def read_reply(
        self,
        command: str,
        params: Params,
        read: Callable[[Reply], T],
        *,
        target: str | None = None,
        timeout_s: float | None = None,
    ) -> T:
        """Like ``read``, for answers that are not only data."""
        _log.debug("%s %s", command, target or "")
        call = Call(command=command, params=params, mutates=False, target=target)
        reply = self._transport.send(call, timeout_s=timeout_s)
        try:
            return read(reply)
        except MalformedAnswer as error:
            about = f"{command} {target}" if target else command
            raise BadAnswer(f"{about}: {error}", command=command, target=target) from None

    def download(
        self, command: str, params: Params, *, target: str, timeout_s: float | None = None
    ) -> bytes:
        """Send a call that changes nothing and return the file it answers."""
        return self.read_reply(command, params, _file, target=target, timeout_s=timeout_s)

    def write(
        self,
        command: str,
        params: Params,
        *,
        target: str,
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """Send a call that changes something, with a file where it takes one."""
        _log.info("%s %s: %s", command, target, ", ".join(params))
        call = Call(command=command, params=params, body=body, mutates=True, target=target)
        reply = self._transport.send(call, timeout_s=timeout_s)
        if reply.file is not None:
            raise BadAnswer(
                f"{command} {target}: {_NOT_DATA}; it may have run: read back before trying again",
                command=command,
                target=target,
                outcome=Outcome.UNKNOWN,
            )
        return reply

    def show(self, ref: VsRef) -> VirtualService:
        """Read one service by its name."""
        found = self.read("showvs", by_name(ref), read_service, target=str(ref))
        if found.ref != ref:
            raise BadAnswer(
                f"showvs {ref}: the answer is about {found.ref}", command="showvs", target=str(ref)
            )
        return found

    def appeared(self, ref: VsRef) -> VirtualService:
        """Read a service that was just made.

        Raises:
            NotFound: it does not show within a second.
        """
        # QUIRK: showvs directly after addvs said "Unknown VS" for about 0.2 s (7.2.5x).
        until_s = self.clock.monotonic_s() + _APPEARS_WITHIN_S
        while True:
            try:
                return self.show(ref)
            except NotFound:
                if self.clock.monotonic_s() >= until_s:
                    raise
            self.clock.sleep(_LOOK_EVERY_S)

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

    def index(self, ref: AnyVsRef) -> int:
        """Return a service's index, for commands that take nothing else; use it at once.

        Raises:
            NotFound: there is no such service.
        """
        return (self.show(ref) if isinstance(ref, VsRef) else self.slot(ref)).index

    def address(self, ref: AnyVsRef) -> dict[str, ParamValue]:
        """Return the parameters that name a service; a SubVS's index is looked up now."""
        if isinstance(ref, VsRef):
            return by_name(ref)
        return {"vs": self.slot(ref).index}


def _data(reply: Reply) -> Tree:
    # v1 answers files as they are, so any text may be one: taken for data it would read
    # as an empty list.
    if reply.file is not None:
        raise MalformedAnswer(_NOT_DATA)
    return reply.data


def _file(reply: Reply) -> bytes:
    if not reply.file:
        raise MalformedAnswer("no file in the answer")
    return reply.file


def by_name(ref: VsRef) -> dict[str, ParamValue]:
    """Return the parameters that name a service whatever its index."""
    port: ParamValue = "*" if ref.port == WILDCARD_PORT else ref.port
    return {"vs": ref.address, "port": port, "prot": ref.protocol.value}


def not_found(reason: str, *, target: str, command: str | None = None) -> NotFound:
    """Return the error for something that a complete answer does not hold."""
    return NotFound(reason, status=422, reason=reason, command=command, target=target)
