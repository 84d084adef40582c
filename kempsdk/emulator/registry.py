"""The commands by name: every family of commands registers its handlers here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from kempsdk.emulator.answers import Answer
from kempsdk.emulator.values import Params

if TYPE_CHECKING:
    from kempsdk.emulator.appliance import Appliance

Api = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call after authentication.

    Attributes:
        user: who calls.
        peer: the address the call comes from.
        body: an uploaded file, decoded in v2.
    """

    api: Api
    command: str
    params: Params
    user: str
    peer: str = ""
    body: bytes = b""


Handler = Callable[["Appliance", Request], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A handler and what the front needs to know about it.

    Attributes:
        mutates: changes the configuration; a standby unit may refuse it.
        takes_file: the body of a v1 POST is a file, never form data.
        fixed: answers with facts that no command changes.
    """

    name: str
    handler: Handler
    mutates: bool
    takes_file: bool
    fixed: bool = False


COMMANDS: Final[dict[str, Command]] = {}


def command(
    *names: str, mutates: bool = False, takes_file: bool = False, fixed: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler under its v1 command words, sub-commands with a slash."""

    def register(handler: Handler) -> Handler:
        for name in names:
            COMMANDS[name] = Command(
                name=name,
                handler=handler,
                mutates=mutates,
                takes_file=takes_file,
                fixed=fixed,
            )
        return handler

    return register
