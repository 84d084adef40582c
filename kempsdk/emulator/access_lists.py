"""aclcontrol: the packet filter and its lists, global and per service.

One command word with the operation as a parameter (``aclcontrol?list=block``); v2 also has
``aclcontrol.list``. Both the older words black/white and the newer block/allow are taken.
"""

import ipaddress
from typing import Final

from kempsdk.emulator.addressing import UNKNOWN_VS, port_of, service_at, service_by_index
from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, Texts, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.state import AccessLists, AclEntry, VirtualService
from kempsdk.emulator.values import Params, address_of, flag_of, number_of, words

_ELEMENTS: Final = {
    "black": "Blacklist",
    "white": "Whitelist",
    "block": "Blocklist",
    "allow": "Allowlist",
}
_OPERATIONS: Final = words(
    "add del list addvs delvs listvs enable drop ifblock wuiblock"
    " isenabled isdrop isifblock iswuiblock wuiaddr"
)
_OLD_WORDS: Final = ("black", "white")
_LONGEST_COMMENT: Final = 127


def _is_old(box: Appliance) -> bool:
    return box.switches.firmware == "7.1"


def _list(lists: AccessLists, word: str) -> list[AclEntry]:
    return lists.block if word in ("block", "black") else lists.allow


def _network(text: str) -> str:
    """Return address/prefix; /32 or /128 where no prefix was given.

    Raises:
        Refusal: not an address, or a prefix that is too long.
    """
    address, slash, prefix = text.partition("/")
    if address_of(address) is None:
        raise Refusal("addr: Invalid address format")
    if slash:
        number = number_of(prefix)
        if number is None or number > ipaddress.ip_address(address).max_prefixlen:
            raise Refusal("addr: CIDR format out of range")
    return str(ipaddress.ip_interface(text))


def _service(box: Appliance, params: Params) -> VirtualService:
    text = params.get("vs") or params.need("vsip", "Address")
    index = number_of(text)
    if index is not None:
        return service_by_index(box, index)
    port = port_of(params.get("port") or params.need("vsport"))
    protocol = (params.get("prot") or params.need("vsprot")).lower()
    address = address_of(text)
    found = None
    if address is not None and port is not None:
        found = service_at(box, address, port, protocol)
    if found is None:
        raise Refusal(UNKNOWN_VS)
    return found


def _add(entries: list[AclEntry], word: str, params: Params) -> None:
    address = _network(params.need("addr", "Address"))
    if any(one.address == address for one in entries):
        # The beginning of this text is a guess, and so is its form for the block list.
        raise Refusal(f"{address} is already present in the {word} list")
    entries.append(AclEntry(address=address, comment=params.get("comment")[:_LONGEST_COMMENT]))


def _remove(entries: list[AclEntry], word: str, params: Params) -> None:
    address = _network(params.need("addr", "Address"))
    found = next((one for one in entries if one.address == address), None)
    if found is None:
        # The text is a guess.
        raise Refusal(f"{address} is not present in the {word} list")
    entries.remove(found)


def _shown(
    box: Appliance,
    request: Request,
    word: str,
    entries: list[AclEntry],
    service: VirtualService | None,
) -> Answer:
    rows: list[Members] = [[("addr", one.address), ("comment", one.comment)] for one in entries]
    if request.api == "v2":
        return Answer(members=[("list", word), ("IP", Many(rows))])
    inner: Members = [("IP", Many(rows))]
    if _is_old(box):
        # Before 7.2.37 plain addresses, without a comment, as the vendor's Python SDK reads them.
        inner = [("addr", Texts(tuple(one.address for one in entries)))]
    group = (_ELEMENTS[word], One(inner))
    if service is None:
        return Answer(members=[group])
    return Answer(
        members=[
            (
                "VS",
                One(
                    [
                        ("VS_IP", service.address),
                        ("VS_Port", str(service.port or "*")),
                        ("VS_Protocol", service.protocol),
                        group,
                    ]
                ),
            )
        ]
    )


def _run_list(box: Appliance, request: Request, operation: str, word: str) -> Answer:
    per_service = operation.endswith("vs")
    service = _service(box, request.params) if per_service else None
    lists = service.access if service is not None else box.state.packet_filter.lists
    entries = _list(lists, word)
    if operation.startswith("list"):
        return _shown(box, request, word, entries, service)
    act = _add if operation.startswith("add") else _remove
    act(entries, word, request.params)
    if service is not None:
        box.changed(service)
    else:
        box.state.packet_filter.wui_address = request.peer
        box.changed_globally()
    return DONE


def _run_switch(box: Appliance, request: Request, operation: str, value: str) -> Answer:
    packet_filter = box.state.packet_filter
    on = flag_of(value)
    if on is None:
        raise missing(operation)
    if operation == "enable":
        packet_filter.enabled = on
    elif not packet_filter.enabled:
        # The others can be set only while the filter is on; the text is a guess.
        raise Refusal("Command not available.")
    elif operation == "drop":
        packet_filter.drop = on
    elif operation == "ifblock":
        packet_filter.interface_block = on
    else:
        packet_filter.wui_block = on
    packet_filter.wui_address = request.peer
    box.changed_globally()
    return DONE


def _query(box: Appliance, operation: str) -> Answer:
    """Answer a question; but for Block and Free the words are guesses."""
    packet_filter = box.state.packet_filter
    name, value = {
        "isenabled": ("aclstatus", "yes" if packet_filter.enabled else "no"),
        "isdrop": ("aclmethod", "Drop" if packet_filter.drop else "Reject"),
        "isifblock": ("aclblockall", "Block" if packet_filter.interface_block else "Free"),
        "iswuiblock": ("aclwuiblock", "yes" if packet_filter.wui_block else "no"),
        "wuiaddr": ("wuiaddr", packet_filter.wui_address),
    }[operation]
    return Answer(members=[(name, value)])


@command("aclcontrol", *(f"aclcontrol/{one}" for one in _OPERATIONS))
def aclcontrol(box: Appliance, request: Request) -> Answer:
    params = request.params
    _, _, operation = request.command.partition("/")
    if not operation:
        operation = next((one for one in _OPERATIONS if one in params), "")
    if not operation:
        # What the appliance says to a call without an operation is unknown.
        raise Refusal("Command not available.")
    value = params.get(operation) or params.get("value") or params.get("val")
    if operation in ("isenabled", "isdrop", "isifblock", "iswuiblock", "wuiaddr"):
        return _query(box, operation)
    if operation in ("enable", "drop", "ifblock", "wuiblock"):
        return _run_switch(box, request, operation, value)
    word = value or params.get("type") or params.get("list")
    if word not in _ELEMENTS or (_is_old(box) and word not in _OLD_WORDS):
        raise missing(operation)
    return _run_list(box, request, operation, word)
