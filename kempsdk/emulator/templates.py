"""Templates of services: list, upload, delete, export, and addvs with one.

The form of an appliance's template file is not known; these files are the virtual
LoadMaster's own, and an appliance's are refused.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from kempsdk.emulator.addressing import find_service
from kempsdk.emulator.answers import DONE, Answer, Many, Members, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.attributes import ATTRIBUTES, Setting
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section
from kempsdk.emulator.state import SubSlot, VirtualService

_FORMAT: Final = "virtual LoadMaster template 1"
_NAMES: Final = {one.name for one in ATTRIBUTES.values()}
UNKNOWN_TEMPLATE: Final = "Unknown template"


@dataclass(slots=True, kw_only=True)
class Template:
    """What a service made from it gets.

    Attributes:
        settings: by wire name; what is missing has its default.
        subs: the settings of its SubVSs.
    """

    comment: str = ""
    settings: dict[str, Setting] = field(default_factory=dict)
    subs: list[dict[str, Setting]] = field(default_factory=list)


@section("templates", part=BASE)
@dataclass(slots=True, kw_only=True)
class Templates:
    """Templates by name."""

    installed: dict[str, Template] = field(default_factory=dict)


def _installed(box: Appliance) -> dict[str, Template]:
    return box.state.section(Templates).installed


@command("listtemplates")
def listtemplates(box: Appliance, _request: Request) -> Answer:
    # The three members are the vendor's Python SDK's.
    rows: list[Members] = [
        [("name", name), ("comment", one.comment), ("certified", False)]
        for name, one in _installed(box).items()
    ]
    return Answer(members=[("template", Many(rows))] if rows else [])


@command("deltemplate", mutates=True)
def deltemplate(box: Appliance, request: Request) -> Answer:
    if _installed(box).pop(request.params.need("name"), None) is None:
        # The text is a guess.
        raise Refusal(UNKNOWN_TEMPLATE)
    box.changed()
    return DONE


def _settings(service: VirtualService) -> dict[str, Setting]:
    return {name: one for name, one in service.settings.items() if name != "CertFile"}


@command("exportvstmplt")
def exportvstmplt(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    name = str(service.settings["NickName"]) or service.text
    subs = [_settings(box.state.services[slot.service]) for slot in service.slots]
    data = {
        "format": _FORMAT,
        "templates": {name: {"comment": "", "settings": _settings(service), "subs": subs}},
    }
    return Answer(file=json.dumps(data, indent=1).encode())


def _is_settings(data: Any) -> bool:
    return isinstance(data, dict) and set(data) <= _NAMES


def _templates(file: bytes) -> dict[str, Template]:
    # The text is a guess.
    refused = Refusal("Invalid template file")
    try:
        data = json.loads(file)
        if data["format"] != _FORMAT:
            raise refused
        found = {str(name): Template(**one) for name, one in data["templates"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refused from None
    for one in found.values():
        if not (_is_settings(one.settings) and all(map(_is_settings, one.subs))):
            raise refused
    return found


@command("uploadtemplate", mutates=True, takes_file=True)
def uploadtemplate(box: Appliance, request: Request) -> Answer:
    if request.api == "v2":
        # QUIRK: it does not work in v2 (7.2.54); how it fails is not known.
        raise Refusal("Command not available.")
    if not request.body:
        raise missing("data", "File")
    found = _templates(request.body)
    new = sum(name not in _installed(box) for name in found)
    _installed(box).update(found)
    box.changed()
    # Seen for templates that the vendor certified, with "Kemp certified".
    return Answer(message=f"Installed {new} new templates.")


def apply_template(box: Appliance, service: VirtualService, name: str) -> None:
    """Give a service that was just made what a template holds.

    Raises:
        Refusal: there is no such template; the text is a guess.
    """
    template = _installed(box).get(name)
    if template is None:
        raise Refusal(UNKNOWN_TEMPLATE)
    service.settings.update(template.settings)
    if service.settings["SSLAcceleration"]:
        # A template has no certificate, so a self-signed one serves.
        service.settings["CertFile"] = secrets.token_hex(16)
    for settings in template.subs:
        sub = VirtualService(
            uid=box.state.new_uid(),
            index=max(box.state.new_index(), service.index + 1),
            protocol=service.protocol,
            address="",
            port=0,
            parent=service.uid,
            settings={**service.settings, **settings},
        )
        service.slots.append(SubSlot(rs_index=box.state.new_rs_index(), service=sub.uid))
        box.state.services[sub.uid] = sub
        box.changed(sub)
