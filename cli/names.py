"""What an operator types for a service or server, found on the LoadMaster."""

from typing import TYPE_CHECKING, NamedTuple

from cli.exit_codes import ExitCode, Failure

if TYPE_CHECKING:
    from kempsdk import LoadMaster, RealServer, RsRef, SubVsRef, VirtualService, VsRef


class Target(NamedTuple):
    """A service that was named: itself, and the reference to send."""

    ref: "VsRef | SubVsRef"
    service: "VirtualService"


def find_service(lm: "LoadMaster", text: str) -> Target:
    """Find a service by nickname, ``tcp/10.0.1.250:80``, address:port or address.

    ``#SLOT`` after it names a SubVS: ``web#5``, ``tcp/10.0.1.250:80#5``.

    Raises:
        NotFound: there is none.
        AmbiguousName: several; names them.
    """
    from kempsdk import SubVsRef

    name, separator, slot = text.rpartition("#")
    if not separator:
        service = lm.virtual_services.find(text)
        return Target(service.ref, service)
    if not (slot.isascii() and slot.isdigit()):
        raise Failure(f"{text!r}: after # stands the number of a SubVS's slot", ExitCode.USAGE)
    parent = lm.virtual_services.find(name)
    ref = SubVsRef(_plain_reference(parent), int(slot))
    return Target(ref, lm.virtual_services.get(ref))


def find_parent(lm: "LoadMaster", text: str) -> "tuple[VsRef, VirtualService]":
    """Find a service that has an address of its own, as ``find_service`` does.

    Raises:
        Failure: a SubVS was named (usage).
    """
    service = find_service(lm, text).service
    return _plain_reference(service), service


def _plain_reference(service: "VirtualService") -> "VsRef":
    from kempsdk import VsRef

    if not isinstance(service.ref, VsRef):
        raise Failure(f"{service.ref} is a SubVS; name its parent", ExitCode.USAGE)
    return service.ref


def find_server(servers: "tuple[RealServer, ...]", text: str, *, service: str) -> "RealServer":
    """Find a real server of a service by address:port, or by address where it is the only one.

    Raises:
        Failure: not there (not found), or several ports (ambiguous).
    """
    from kempsdk import RsRef

    if text.count(":") == 1 or "]:" in text:
        ref = RsRef.parse(text)
        found = [one for one in servers if one.ref == ref]
    else:
        from kempsdk.references import check_address

        address = check_address(text, field="real server")
        found = [one for one in servers if one.ref.address == address]
    if not found:
        there = ", ".join(str(one.ref) for one in servers) or "none"
        raise Failure(f"{service} has no real server {text} (there: {there})", ExitCode.NOT_FOUND)
    if len(found) > 1:
        candidates = "".join(f"\n  {one.ref}" for one in found)
        raise Failure(f"{text} is ambiguous; name one of:{candidates}", ExitCode.AMBIGUOUS)
    return found[0]


def server_reference(text: str, *, port: int) -> "RsRef":
    """Read ``10.0.1.11:80``; an address alone takes the service's port.

    Raises:
        InvalidRequest: another form.
    """
    from kempsdk import RsRef

    if text.count(":") == 1 or "]:" in text:
        return RsRef.parse(text)
    return RsRef(text, port)
