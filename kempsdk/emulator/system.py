"""listapi and showiface."""

from kempsdk.emulator.answers import Answer, Many, Members, Refusal, Texts
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import COMMANDS, Request, command


@command("listapi")
def listapi(box: Appliance, request: Request) -> Answer:
    # ``cmd`` elements were seen by a script's author; where the version stands is a guess.
    separator = "/" if request.api == "v1" else "."
    names = tuple(sorted(one.replace("/", separator) for one in COMMANDS))
    return Answer(
        members=[("cmd", Texts(names)), ("version", box.state.parameters.get("version", ""))]
    )


def _interface(box: Appliance, number: int, request: Request) -> Members:
    first = number == 0
    # QUIRK: v1 mixes Y and yes within one answer (7.2.63).
    default = first if request.api == "v2" else ("yes" if first else "no")
    return [
        ("Id", number),
        ("IPAddress", box.switches.interfaces[number]),
        ("Mtu", "1500"),
        ("InterfaceType", "Port"),
        ("GeoTrafficEnable", first),
        ("DefaultInterface", default),
    ]


@command("showiface")
def showiface(box: Appliance, request: Request) -> Answer:
    count = len(box.switches.interfaces)
    given = request.params.given("interface") or request.params.given("iface")
    if given is None:
        numbers = range(count)
    else:
        number = int(given) if given.isdigit() else count
        if number >= count:
            # The text is a guess.
            raise Refusal("Unknown interface")
        numbers = range(number, number + 1)
    return Answer(members=[("Interface", Many([_interface(box, one, request) for one in numbers]))])
