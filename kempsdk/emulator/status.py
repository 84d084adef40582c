"""The state words of services and servers, from configuration and health."""

from typing import Protocol

from kempsdk.emulator.state import ApplianceState, Backend, SubSlot, VirtualService


class Health(Protocol):
    """Says which real servers answered their last checks."""

    def is_up(self, rs_index: int) -> bool: ...


def is_healthy(
    state: ApplianceState, health: Health, service: VirtualService, backend: Backend
) -> bool:
    """Whether a backend could take traffic, enabled or not."""
    if isinstance(backend, SubSlot):
        return service_status(state, health, state.services[backend.service]) in (
            "Up",
            "Unchecked",
        )
    if service.settings["CheckType"] == "none":
        return True
    return health.is_up(backend.follow or backend.rs_index)


def backend_status(
    state: ApplianceState, health: Health, service: VirtualService, backend: Backend
) -> str:
    """Return Up, Down or Disabled of a server or of a SubVS in its parent."""
    if not backend.enable:
        return "Disabled"
    return "Up" if is_healthy(state, health, service, backend) else "Down"


def is_enabled(state: ApplianceState, service: VirtualService) -> bool:
    """Whether a service is switched on; the switch of a SubVS is its slot's."""
    slot = state.slot_of(service)
    return bool(service.settings["Enable"]) if slot is None else slot.enable


def service_status(state: ApplianceState, health: Health, service: VirtualService) -> str:
    """Return the state word of a service.

    Redirect (no server up, but an error URL to send clients to) is a guess at when the
    appliance says so.
    """
    settings = service.settings
    if service.parent is None and not settings["Enable"]:
        return "Disabled"
    up = 0
    critical_missing = False
    backends = service.slots or service.servers
    for backend in backends:
        if backend_status(state, health, service, backend) == "Up":
            up += 1
        elif backend.critical:
            critical_missing = True
    if settings["CheckType"] == "none" and not service.slots and up:
        return "Unchecked"
    minimum = settings["RsMinimum"] if settings["EnhancedHealthChecks"] else 1
    if up >= max(1, int(str(minimum))) and not critical_missing:
        return "Up"
    if settings["ErrorUrl"] and str(settings["ErrorCode"]).startswith("3"):
        return "Redirect"
    return "Down"
