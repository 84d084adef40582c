"""A virtual LoadMaster: both APIs over one state, real health checks, counters, faults."""

from typing import TYPE_CHECKING, Any

from kempsdk.emulator.switches import Switches

if TYPE_CHECKING:
    from kempsdk.emulator.box import VirtualLoadMaster
    from kempsdk.emulator.call_log import CallRecord, ServerHealth
    from kempsdk.emulator.not_emulated import coverage
    from kempsdk.emulator.pair import HighAvailabilityPair

__all__ = [
    "CallRecord",
    "HighAvailabilityPair",
    "ServerHealth",
    "Switches",
    "VirtualLoadMaster",
    "coverage",
]


def __getattr__(name: str) -> Any:
    # aiohttp and cryptography are loaded by whoever starts one, not by an import of the name.
    if name == "VirtualLoadMaster":
        from kempsdk.emulator.box import VirtualLoadMaster

        return VirtualLoadMaster
    if name == "HighAvailabilityPair":
        from kempsdk.emulator.pair import HighAvailabilityPair

        return HighAvailabilityPair
    if name in ("CallRecord", "ServerHealth"):
        from kempsdk.emulator import call_log

        return getattr(call_log, name)
    if name == "coverage":
        from kempsdk.emulator.not_emulated import coverage

        return coverage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
