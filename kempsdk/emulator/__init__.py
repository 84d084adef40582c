"""A virtual LoadMaster: both APIs over one state, real health checks, counters, faults."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from kempsdk.emulator.switches import Switches

if TYPE_CHECKING:
    from kempsdk.emulator.box import VirtualLoadMaster
    from kempsdk.emulator.call_log import CallRecord, ServerHealth
    from kempsdk.emulator.control_port import ControlPort
    from kempsdk.emulator.faults import Fault, FaultKind, FaultRecord
    from kempsdk.emulator.not_emulated import coverage
    from kempsdk.emulator.pair import HighAvailabilityPair
    from kempsdk.emulator.remote_control import RemoteControl

__all__ = [
    "CallRecord",
    "ControlPort",
    "Fault",
    "FaultKind",
    "FaultRecord",
    "HighAvailabilityPair",
    "RemoteControl",
    "ServerHealth",
    "Switches",
    "VirtualLoadMaster",
    "coverage",
]

_MODULES: Final = {
    "CallRecord": "call_log",
    "ControlPort": "control_port",
    "Fault": "faults",
    "FaultKind": "faults",
    "FaultRecord": "faults",
    "HighAvailabilityPair": "pair",
    "RemoteControl": "remote_control",
    "ServerHealth": "call_log",
    "VirtualLoadMaster": "box",
    "coverage": "not_emulated",
}


def __getattr__(name: str) -> Any:
    # aiohttp and cryptography are loaded by whoever starts one, not by an import of the name.
    if name in _MODULES:
        return getattr(import_module(f"kempsdk.emulator.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
