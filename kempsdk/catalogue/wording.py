"""What a value may be, in words: for errors, the stub's docstrings and the reference."""

from kempsdk.catalogue.entries import ParamInfo, ValueInfo

_KINDS = {
    "boolean": "yes or no",
    "integer": "a whole number",
    "string": "text",
    "address": "an IPv4 or IPv6 address",
    "network": "an address, or address/prefix",
    "host": "an address or a host name",
    "service": "an address, or the index of a virtual service",
    "server": "an address, a name, or ! and an RsIndex",
    "file": "a file's bytes",
}


def allowed(info: ValueInfo) -> str:
    """Return what would do: ``3 to 65530 or *``, ``rr, wrr, lc``, ``an IPv4 or IPv6 address``."""
    words = [word for word in info.words if word]
    if info.type == "integer" and (info.bits or not words):
        text = _numbers(info)
    elif words and info.type != "boolean":
        text = ", ".join(words)
        if info.open:
            text += ", or a name of your own"
        elif info.separator is not None:
            text += f" (several with {_spelt(info.separator)} in between)"
    else:
        text = _KINDS[info.type]
        if info.separator is not None:
            text = f"a list with {_spelt(info.separator)} in between"
    also = [repr(one) if one in ("", " ") else one for one in info.also if one not in info.words]
    if "" in info.words and "''" not in also:
        also.append("''")
    return " or ".join([text, *also]) + _length(info)


def _numbers(info: ValueInfo) -> str:
    if info.low is not None and info.high is not None:
        text = f"{info.low} to {info.high}"
    elif info.low is not None:
        text = f"{info.low} or more"
    elif info.high is not None:
        text = f"up to {info.high}"
    else:
        text = _KINDS["integer"]
    return f"{text} {info.unit}" if info.unit else text


def _length(info: ValueInfo) -> str:
    if info.min_length is not None and info.max_length is not None:
        return f", {info.min_length} to {info.max_length} characters"
    if info.max_length is not None:
        return f", at most {info.max_length} characters"
    return ""


def _spelt(separator: str) -> str:
    names = {" ": "a blank", ",": "a comma", ";": "a semicolon", ":": "a colon"}
    return " or ".join(names.get(one, one) for one in separator)


def description(info: ValueInfo) -> str:
    """Return the note, the allowed values, default and conditions as sentences on one line."""
    parts = [info.note.rstrip(".")] if info.note else []
    if info.words and info.type != "boolean":
        parts.append(_words(info))
        if info.bits:
            parts.append(f"added up, {_numbers(info)}")
    elif not info.note or not _is_plain(info):
        parts.append(allowed(info))
    if info.default is not None:
        parts.append(f"default {info.default}")
    if isinstance(info, ParamInfo) and info.required_with_address is not None:
        parts.append(f"mandatory when {info.required_with_address} is an address")
    if info.requires is not None:
        parts.append(f"needs {info.requires}")
    if info.since is not None:
        parts.append(f"from {info.since} on")
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def _is_plain(info: ValueInfo) -> bool:
    """Whether the note says all: no bounds, list or special words to be added."""
    bounds = (info.low, info.high, info.max_length, info.separator, info.unit)
    return not info.also and all(one is None for one in bounds)


def _words(info: ValueInfo) -> str:
    shown = []
    for word, means in info.words.items():
        if word:
            shown.append(f"{word} ({means})" if means.lower() not in ("", word.lower()) else word)
    shown += [f"{one!r}" if one == "" else one for one in info.also]
    if info.open:
        shown.append("or a name of your own")
    several = (
        f"; several with {_spelt(info.separator)} in between" if info.separator is not None else ""
    )
    return f"one of {', '.join(shown)}{several}{_length(info)}"
