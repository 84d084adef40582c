"""The Kubernetes ingress controller's settings; no cluster is ever reached."""

from dataclasses import dataclass, field

import yaml

from kempsdk.emulator.answers import DONE, Answer, Members, Refusal, Texts, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section

_MODES = ("Service", "Ingress", "Gateway")
"""Service and Ingress are the description's of 2022, Gateway is of 7.2.61 and newer."""


@section("kubernetes", part=BASE)
@dataclass(slots=True, kw_only=True)
class Ingress:
    """Of the uploaded configuration only the names of its contexts are kept."""

    contexts: list[str] = field(default_factory=list)
    mode: str = "Service"
    namespace: str = ""
    watch_timeout_s: int = 300


def _ingress(box: Appliance) -> Ingress:
    return box.state.section(Ingress)


def _contexts(file: bytes) -> list[str]:
    # The text is a guess.
    refused = Refusal("Invalid kube config file")
    try:
        data = yaml.safe_load(file)
        return [str(one["name"]) for one in data["contexts"]]
    except (yaml.YAMLError, KeyError, TypeError):
        raise refused from None


@command("addlmingressk8sconf", mutates=True, takes_file=True)
def addlmingressk8sconf(box: Appliance, request: Request) -> Answer:
    if not request.body:
        raise missing("data", "File")
    _ingress(box).contexts = _contexts(request.body)
    box.changed()
    return DONE


@command("dellmingressk8sconf", mutates=True)
def dellmingressk8sconf(box: Appliance, _request: Request) -> Answer:
    if not _ingress(box).contexts:
        raise Refusal("No kube config file installed")
    _ingress(box).contexts = []
    box.changed()
    return DONE


@command("showlmingressk8sconf")
def showlmingressk8sconf(box: Appliance, _request: Request) -> Answer:
    # The element is a guess.
    contexts = tuple(_ingress(box).contexts)
    return Answer(members=[("Context", Texts(contexts))] if contexts else [])


@command("getlmingressmode", "getlmingressnamespace", "getlmingresswatchtimeout")
def get_value(box: Appliance, request: Request) -> Answer:
    ingress = _ingress(box)
    text = {
        "getlmingressmode": ingress.mode,
        "getlmingressnamespace": ingress.namespace,
        "getlmingresswatchtimeout": str(ingress.watch_timeout_s),
    }[request.command]
    # The name is a client's.
    members: Members = [("Value", text)]
    return Answer(members=members)


@command("setlmingressmode", "setlmingressnamespace", "setlmingresswatchtimeout", mutates=True)
def set_value(box: Appliance, request: Request) -> Answer:
    ingress = _ingress(box)
    params = request.params
    if request.command == "setlmingressmode":
        mode = params.need("mode")
        if mode not in _MODES:
            raise missing("mode")
        ingress.mode = mode
    elif request.command == "setlmingressnamespace":
        ingress.namespace = params.need("namespace")
    else:
        params.need("watchtimeout")
        seconds = params.number("watchtimeout")
        if seconds is None:
            raise Refusal("watchtimeout: value out of range")
        ingress.watch_timeout_s = seconds
    box.changed()
    return DONE


@command("restartlmingress", mutates=True)
def restartlmingress(_box: Appliance, _request: Request) -> Answer:
    return DONE
