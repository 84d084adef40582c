"""Error files of services, and file extensions that are never cached or compressed."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from kempsdk.emulator.addressing import find_service
from kempsdk.emulator.answers import DONE, Answer, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import BASE, section


@section("extensions", part=BASE)
@dataclass(slots=True, kw_only=True)
class Extensions:
    """File extensions, each with its dot. No command lists them."""

    not_cached: list[str] = field(default_factory=list)
    not_compressed: list[str] = field(default_factory=list)


@command("uploadvserrfile", mutates=True, takes_file=True)
def uploadvserrfile(box: Appliance, request: Request) -> Answer:
    service = find_service(box, request.params)
    if not request.body:
        raise missing("data", "File")
    service.error_file = base64.b64encode(request.body).decode("ascii")
    box.changed(service)
    return DONE


def _register(word: str, pick: Callable[[Extensions], list[str]]) -> None:
    def extension(request: Request) -> str:
        text = request.params.need("param")
        if not text.startswith(".") or len(text) < 2:
            # The form is the vendor's; the text is a guess.
            raise Refusal("param: Invalid extension")
        return text

    @command(f"addno{word}", mutates=True)
    def add(box: Appliance, request: Request) -> Answer:
        kept, name = pick(box.state.section(Extensions)), extension(request)
        if name not in kept:
            kept.append(name)
            box.changed_globally()
        return DONE

    @command(f"delno{word}", mutates=True)
    def remove(box: Appliance, request: Request) -> Answer:
        kept, name = pick(box.state.section(Extensions)), extension(request)
        if name not in kept:
            raise Refusal("Unknown extension")
        kept.remove(name)
        box.changed_globally()
        return DONE


_register("cache", lambda extensions: extensions.not_cached)
_register("compress", lambda extensions: extensions.not_compressed)
