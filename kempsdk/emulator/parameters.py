"""get, set, getall."""

import time

from kempsdk.emulator.answers import DONE, Answer, Markup, Refusal, Texts, Value
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.parameter_table import PARAMETERS, Parameter, ParameterKind
from kempsdk.emulator.registry import Api, Request, command
from kempsdk.emulator.state import ApplianceState
from kempsdk.emulator.values import flag_of, number_of
from kempsdk.secret import MASK

_COMPUTED = ("boottime", "activetime", "time", "hastatus")


def connection_timeout_s(state: ApplianceState) -> int:
    """Return the global connection timeout, in seconds."""
    return int(state.parameters.get("conntimeout", "660"))


def is_api_enabled(state: ApplianceState) -> bool:
    return state.parameters.get("enableapi") == "yes"


def _computed(box: Appliance, name: str) -> str:
    if name == "time":
        return time.strftime("%H:%M:%S", time.gmtime())
    if name == "hastatus":
        if box.ha_mode == "0" and not box.standby:
            return "HA not configured"
        return "Standby" if box.standby else "Active"
    if name == "activetime":
        return str(box.active_since_s)
    return str(box.booted_at_s)


def _typed(parameter: Parameter, value: str, api: Api) -> Value:
    """Return a stored value as the interface types it."""
    kind = parameter.kind
    if kind is ParameterKind.MARKUP:
        return Markup(value)
    if api == "v1" or value == "":
        return value
    if kind is ParameterKind.SWITCH:
        return value == "yes"
    if kind is ParameterKind.NUMBER:
        return int(value)
    if kind is ParameterKind.LIST:
        return Texts(tuple(value.split(",")))
    return value


@command("get")
def get(box: Appliance, request: Request) -> Answer:
    asked = request.params.need("param")
    name = asked.lower()
    if name in _COMPUTED:
        return Answer(members=[(name, _computed(box, name))])
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise Refusal(f"Unknown parameter value {asked}")
    value = box.state.parameters.get(name, "")
    if name == "admincert" and not value:
        value = "No Admin Certificate assigned"
    # QUIRK: the key is the appliance's spelling, not the one that was asked for.
    return Answer(members=[(parameter.name, _typed(parameter, value, request.api))])


@command("getall")
def getall(box: Appliance, request: Request) -> Answer:
    values = box.state.parameters
    return Answer(
        members=[
            *((name, _computed(box, name)) for name in _COMPUTED),
            *(
                (one.name, _typed(one, values[name], request.api))
                for name, one in PARAMETERS.items()
                if name in values
            ),
        ]
    )


def _checked(parameter: Parameter, given: str) -> str:
    """Return a value as it is stored.

    Raises:
        Refusal: the parameter does not take it; the text is a guess.
    """
    refused = Refusal(f"Invalid value for {parameter.name}")
    if parameter.kind is ParameterKind.FIXED:
        raise refused
    if parameter.kind is ParameterKind.SWITCH:
        flag = flag_of(given)
        if flag is None:
            raise refused
        return "yes" if flag else "no"
    if parameter.kind is ParameterKind.NUMBER and given:
        number = number_of(given)
        if number is None or not (
            parameter.low <= number <= parameter.high or (parameter.zero and number == 0)
        ):
            raise refused
        return str(number)
    if parameter.kind is ParameterKind.SECRET and given:
        # Nothing here needs the secret, so only that there is one is kept.
        return MASK
    return given


@command("set", mutates=True)
def set_parameter(box: Appliance, request: Request) -> Answer:
    params = request.params
    asked = params.need("param")
    name = asked.lower()
    parameter = PARAMETERS.get(name)
    if name in _COMPUTED:
        raise Refusal(f"Invalid value for {name}")
    if parameter is None:
        raise Refusal(f"Unknown parameter value {asked}")
    # v2 works with ``value``; the vendor's example shows ``val``.
    given = params.given("value")
    if given is None:
        given = params.given("val")
    if given is None:
        raise Refusal("value: String Value missing", 400)
    if name == "tethering" and box.switches.free_edition:
        raise Refusal("Cannot change tethering in Online Only mode")
    value = _checked(parameter, given)
    if name == "conntimeout" and value == "0":
        value = "660"
    old = box.state.parameters.get(name, "")
    if value == "":
        box.state.parameters.pop(name, None)
    else:
        box.state.parameters[name] = value
    if value != old or parameter.kind is ParameterKind.SECRET:
        box.changed_globally()
    return DONE
