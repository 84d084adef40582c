"""Moving attached rules within their list: the Precedence parameters of modvs."""

from typing import Final

from kempsdk.emulator.state import VirtualService
from kempsdk.emulator.values import Params

_PREFIXES: Final = {
    "preproc": "pre_rules",
    "request": "request_rules",
    "response": "response_rules",
    "matchbody": "body_rules",
}


def _move(rules: list[str], name: str, position: int) -> None:
    if name in rules and position >= 1:
        rules.remove(name)
        rules.insert(position - 1, name)


def move_rules(service: VirtualService, params: Params) -> None:
    """Move the rules that the call names to their new positions, counted from 1."""
    for prefix, attribute in _PREFIXES.items():
        position = params.number(f"{prefix}precedencepos")
        if position is not None:
            _move(getattr(service, attribute), params.get(f"{prefix}precedence"), position)
    position = params.number("rsruleprecedencepos")
    if position is not None:
        for backend in service.backends():
            _move(backend.rules, params.get("rsruleprecedence"), position)
