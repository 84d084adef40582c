"""Which service and which server a call means."""

import time

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.state import Backend, RealServer, VirtualService
from kempsdk.emulator.values import Params, address_of, number_of

UNKNOWN_VS = "Unknown VS"
UNKNOWN_RS = "Unknown RS"


def port_of(text: str) -> int | None:
    """Return a service's port; ``*`` is every port and kept as 0."""
    return 0 if text.strip() == "*" else number_of(text)


def triplet(params: Params) -> tuple[str, str, str]:
    """Return address, port and protocol as given.

    Raises:
        Refusal: one of them is missing.
    """
    return params.need("vs", "Address"), params.need("port"), params.need("prot").lower()


def service_at(box: Appliance, address: str, port: int, protocol: str) -> VirtualService | None:
    """Return the service with this address, port and protocol."""
    for one in box.state.services.values():
        if (
            one.port == port
            and one.address == address
            and one.protocol == protocol
            and one.parent is None
        ):
            return one
    return None


def service_by_index(box: Appliance, index: int) -> VirtualService:
    """Return the service or SubVS with this index.

    Raises:
        Refusal: there is none.
    """
    for one in box.state.services.values():
        if one.index == index:
            return one
    raise Refusal(UNKNOWN_VS)


def find_service(box: Appliance, params: Params) -> VirtualService:
    """Return the service that ``vs`` (and ``port``, ``prot``) name.

    A bare number is an index, and then port and protocol play no part. Anything else is
    taken for an address, ``!12`` too, so that the next thing missed is the port.

    Raises:
        Refusal: a part is missing, or there is no such service.
    """
    index = number_of(params.need("vs", "Address"))
    if index is not None:
        return service_by_index(box, index)
    address_text, port_text, protocol = triplet(params)
    address, port = address_of(address_text), port_of(port_text)
    if address is None or port is None:
        raise Refusal(UNKNOWN_VS)
    found = service_at(box, address, port, protocol)
    if found is None:
        raise Refusal(UNKNOWN_VS)
    return found


def is_hidden(box: Appliance, service: VirtualService) -> bool:
    """Whether a fresh service does not show yet (a switch)."""
    return box.hidden_until_s.get(service.uid, 0.0) > time.monotonic()


def find_backend(box: Appliance, service: VirtualService, params: Params) -> Backend:
    """Return the real server, or the slot of a SubVS, that ``rs`` and ``rsport`` name.

    ``rs`` is ``!`` and an RsIndex, an address or DNS name with its port, or the nickname
    of a SubVS.

    Raises:
        Refusal: a part is missing, or there is no such server.
    """
    text = params.need("rs", "Address")
    if text.startswith("!"):
        rs_index = number_of(text[1:])
        for backend in service.backends():
            if backend.rs_index == rs_index:
                return backend
        raise Refusal(UNKNOWN_RS)
    for slot in service.slots:
        if box.state.services[slot.service].settings["NickName"] == text:
            return slot
    address = address_of(text)
    port = number_of(params.need("rsport"))
    for server in service.servers:
        if server.port == port and (server.address == address or server.dns_name == text):
            return server
    raise Refusal(UNKNOWN_RS)


def find_server(box: Appliance, service: VirtualService, params: Params) -> RealServer:
    """Return a real server, not the slot of a SubVS.

    Raises:
        Refusal: a part is missing, or there is no such server.
    """
    found = find_backend(box, service, params)
    if not isinstance(found, RealServer):
        raise Refusal(UNKNOWN_RS)
    return found
