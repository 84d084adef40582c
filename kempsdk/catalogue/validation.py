"""Refuses, before anything is sent, what the appliance would refuse or silently ignore."""

import ipaddress
import re
from collections.abc import Callable, Mapping

from kempsdk.catalogue.entries import CommandInfo, ParameterInfo, ParamInfo, ValueInfo
from kempsdk.catalogue.store import catalogue, nearest
from kempsdk.catalogue.wording import allowed
from kempsdk.errors import InvalidRequest
from kempsdk.secret import Secret

_SWITCH = {"y", "n", "yes", "no", "1", "0", "true", "false"}


def check(
    name: str, params: Mapping[str, object] | None = None, *, body: bytes | None = None
) -> CommandInfo:
    """Check names, types, ranges, words and mandatory parameters of a call.

    Args:
        name: the command, as for ``kempsdk.catalogue.command``.
        params: names in any case; values as they would be sent.
        body: the file that goes along, if any.

    Returns:
        The command.

    Raises:
        UnknownCommandName: no such command.
        InvalidRequest: the first thing that is wrong, with ``field``, ``value`` (not of a
            credential) and ``allowed``. Nothing is sent.
    """
    given = dict(params or {})
    info = catalogue().find(name, given)
    known = catalogue().accepted(info.name)
    by_lower: dict[str, object] = {}
    for key, value in given.items():
        lower = key.lower()
        if lower in by_lower:
            raise _refused(info, key, value, f"{key} is given twice", None)
        if lower == (info.selector or "").lower() and lower not in known:
            continue
        if lower not in known:
            raise _unknown_parameter(info, key, known)
        by_lower[lower] = value
        # What set may write depends on the parameter, see _check_set.
        if (info.name, lower) != ("set", "value"):
            _check_value(info, known[lower], value)
    _check_mandatory(info, by_lower)
    _check_file(info, body)
    if info.name in ("get", "set"):
        _check_global(info, by_lower)
    return info


def is_address(value: object) -> bool:
    """Tell whether a value is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(str(value).strip("[]"))
    except ValueError:
        return False
    return True


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _refused(
    info: CommandInfo, field: str, value: object, message: str, allowed_text: str | None
) -> InvalidRequest:
    return InvalidRequest(
        f"{info.name}: {message}",
        field=field,
        value=value,
        allowed=allowed_text,
        command=info.name,
    )


def _unknown_parameter(
    info: CommandInfo, key: str, known: Mapping[str, ValueInfo]
) -> InvalidRequest:
    near = nearest(key, (one.name for one in known.values()))
    if info.accepts is not None and _is_read_only(info.accepts, key):
        return _refused(info, key, None, f"{key} is read-only", None)
    if near:
        hint = f"; did you mean {', '.join(near)}?"
    elif not known:
        hint = "; it takes none"
    elif info.accepts is None:
        hint = f"; it takes {', '.join(one.name for one in known.values())}"
    else:
        hint = f"; it takes {', '.join(p.name for p in info.params)} and {info.accepts} attributes"
    # The value is left out: a misspelt name may well be a password's.
    return _refused(info, key, None, f"no parameter {key!r}{hint}", ", ".join(near) or None)


def _is_read_only(kind: str, name: str) -> bool:
    fields = catalogue().attributes(kind).values()
    return any(one.read_only and one.name.lower() == name.lower() for one in fields)


def _check_mandatory(info: CommandInfo, by_lower: Mapping[str, object]) -> None:
    for param in info.params:
        if param.name.lower() in by_lower or not _needed(param, by_lower):
            continue
        why = (
            f" ({param.required_with_address} is an address)" if param.required_with_address else ""
        )
        text = f"{param.name} is missing{why}; it is {allowed(param)}"
        raise _refused(info, param.name, None, text, allowed(param))


def _needed(param: ParamInfo, by_lower: Mapping[str, object]) -> bool:
    if param.required_with_address is not None:
        return is_address(by_lower.get(param.required_with_address, ""))
    return param.required


def _check_file(info: CommandInfo, body: bytes | None) -> None:
    forms = any(param.type == "file" for param in info.params)
    if info.takes_file is not None and body is None and not forms:
        text = f"data is missing: {info.takes_file}"
        raise _refused(info, "data", None, text, info.takes_file)
    if body == b"" and info.takes_file is not None:
        raise _refused(info, "data", None, "data is an empty file", info.takes_file)
    if body is not None and (info.takes_file is None or forms):
        raise _refused(info, "data", None, "takes no file as its body", None)


def _check_global(info: CommandInfo, by_lower: Mapping[str, object]) -> None:
    name = str(by_lower["param"])
    parameter = catalogue().find_parameter(name)
    if parameter is None:
        near = nearest(name, catalogue().parameters)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        text = f"the catalogue has no parameter {name!r}{hint}"
        raise _refused(info, "param", name, text, ", ".join(near) or None)
    if info.name == "set":
        _check_set(info, parameter, by_lower["value"])


def _check_set(info: CommandInfo, parameter: ParameterInfo, value: object) -> None:
    if parameter.read_only:
        raise _refused(info, "param", parameter.name, f"{parameter.name} is read-only", None)
    # An empty value clears what can be cleared; which that is, is documented for a few only.
    if _plain(value) != "":
        _check_value(info, parameter, value)


def _plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _check_value(info: CommandInfo, value_info: ValueInfo, value: object) -> None:
    hidden = value_info.secret or isinstance(value, Secret)
    plain = _plain(value)
    if not isinstance(plain, (str, int, bytes)):
        kind = type(plain).__name__
        text = f"{value_info.name} is {allowed(value_info)}, not a {kind}"
        raise _refused(info, value_info.name, None, text, allowed(value_info))
    if not _fits(value_info, plain):
        shown = None if hidden else plain
        what = "" if shown is None else f" {shown!r}:"
        one_of = "one of " if value_info.words and "," in allowed(value_info) else ""
        text = f"{value_info.name}{what} must be {one_of}{allowed(value_info)}"
        if value_info.type == "server" and isinstance(plain, (str, int)) and _digits(plain):
            text += f"; an RsIndex is written !{plain}"
        raise _refused(info, value_info.name, shown, text, allowed(value_info))


def _fits(info: ValueInfo, value: str | int | bytes) -> bool:
    if isinstance(value, bytes):
        return info.type == "file"
    if str(value) in info.also:
        return True
    if info.type == "boolean":
        return isinstance(value, bool) or str(value).lower() in _SWITCH or value in info.words
    # True is an int to Python, and 1 is what the appliance would make of it.
    if isinstance(value, bool):
        return False
    if info.type == "integer":
        return _fits_integer(info, str(value))
    if info.type == "string":
        return _fits_string(info, str(value))
    return info.type in _SHAPES and _SHAPES[info.type](str(value))


def _fits_integer(info: ValueInfo, text: str) -> bool:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        return False
    number = int(text)
    if info.words and not info.bits and not info.open:
        return str(number) in info.words
    if info.bits and info.high is None:
        return 0 <= number <= sum(int(bit) for bit in info.words)
    return (info.low is None or number >= info.low) and (info.high is None or number <= info.high)


def _fits_string(info: ValueInfo, text: str) -> bool:
    if info.min_length is not None and len(text) < info.min_length:
        return False
    if info.max_length is not None and len(text) > info.max_length:
        return False
    if not text:
        return not info.words or info.separator is not None or "" in info.words
    entries = re.split(f"[{re.escape(info.separator)}]", text) if info.separator else [text]
    if info.words and not info.open:
        return all(entry in info.words for entry in entries)
    if info.separator and info.low is not None and info.high is not None:
        low, high = info.low, info.high
        return all(_digits(entry) and low <= int(entry) <= high for entry in entries)
    return True


def _digits(value: str | int) -> bool:
    return re.fullmatch(r"\d{1,18}", str(value), re.ASCII) is not None


def _is_server(text: str) -> bool:
    if _digits(text):
        return False
    return re.fullmatch(r"!\d+|[^\s!]+", text, re.ASCII) is not None


_SHAPES: Mapping[str, Callable[[str], bool]] = {
    "address": is_address,
    "network": _is_network,
    "host": lambda text: re.fullmatch(r"[\w.:%\[\]-]+", text, re.ASCII) is not None,
    "service": lambda text: _digits(text) or is_address(text),
    "server": _is_server,
}
