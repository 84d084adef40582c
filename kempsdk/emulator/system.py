"""listapi."""

from kempsdk.emulator.answers import Answer, Words
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import COMMANDS, Request, command


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
