"""listapi, firmware, reboot and shutdown."""

import re
from dataclasses import dataclass
from typing import Final

from kempsdk.emulator.answers import DONE, Answer, Refusal, Words, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import COMMANDS, Request, command
from kempsdk.emulator.sections import NOT_IN_BACKUP, section

_VERSION: Final = re.compile(rb"\b\d+\.\d+\.\d+\.\d+(?:\.\d+)?(?:\.[A-Z]+)?")


@section("firmware", part=NOT_IN_BACKUP)
@dataclass(slots=True, kw_only=True)
class FirmwareImages:
    """Versions, "" for none.

    Attributes:
        previous: what ran before. pending: what the next boot starts.
    """

    previous: str = ""
    pending: str = ""


def _images(box: Appliance) -> FirmwareImages:
    return box.state.section(FirmwareImages)


@command("listapi", fixed=True)
def listapi(box: Appliance, request: Request) -> Answer:
    # The members are those that the vendor's PowerShell module reads; their order, and the
    # array in v2, are guesses.
    separator = "/" if request.api == "v1" else "."
    names = tuple(sorted(one.replace("/", separator) for one in COMMANDS))
    return Answer(
        members=[
            ("version", box.state.parameters.get("version", "")),
            ("commands", Words("cmd", names)),
        ]
    )


@command("installpatch", mutates=True, takes_file=True)
def installpatch(box: Appliance, request: Request) -> Answer:
    """Take the version that the file names for the next boot.

    An appliance's own patches are encrypted; any file that holds a version will do here,
    and what it says changes nothing but the version.
    """
    if not request.body:
        raise missing("data", "File")
    found = _VERSION.search(request.body)
    if found is None:
        # The text is a guess.
        raise Refusal("Invalid patch")
    _images(box).pending = found[0].decode("ascii")
    box.changed()
    return DONE


@command("getpreviousversion")
def getpreviousversion(box: Appliance, _request: Request) -> Answer:
    previous = _images(box).previous
    if not previous:
        # What a unit says that never had another one is a guess, and so is the name below.
        raise Refusal("Command not available.")
    return Answer(members=[("PreviousVersion", previous)])


@command("restorepatch", mutates=True)
def restorepatch(box: Appliance, _request: Request) -> Answer:
    images = _images(box)
    if not images.previous:
        raise Refusal("Command not available.")
    images.pending = images.previous
    box.changed()
    return DONE


def boot(box: Appliance) -> None:
    """Start anew, with the firmware that waits for it."""
    images = _images(box)
    if images.pending:
        images.previous = box.state.parameters.get("version", "")
        box.state.parameters["version"] = images.pending
        images.pending = ""
        box.changed()
    box.start()


@command("reboot", mutates=True)
def reboot(box: Appliance, _request: Request) -> Answer:
    """Boot; a switch says for how long the unit is away."""
    if box.switches.reboot_s:
        box.power(box.switches.reboot_s)
    else:
        boot(box)
    return DONE


@command("shutdown", mutates=True)
def shutdown(box: Appliance, _request: Request) -> Answer:
    box.power(None)
    return DONE
