"""Writes ``kempsdk/commands.pyi``: what editors complete and type checkers check."""

import textwrap
from collections.abc import Iterable, Iterator

from kempsdk.catalogue.entries import CommandInfo, ParamInfo, ValueInfo
from kempsdk.catalogue.store import Catalogue, python_name
from kempsdk.catalogue.wording import description

_HEADER = '''\
# ruff: noqa: A002, N802, N803  (names are the appliance's own, whatever their form)
"""Every command of the LoadMaster API as a typed method.

Generated from the catalogue by ``python -m kempsdk.catalogue.generate``; do not edit.
Answers come as ``Reply``: ``data``, or ``file`` for a download, or ``message``. Everything
is checked before it is sent; a mistake raises ``InvalidRequest``.
"""

from collections.abc import Iterable
from typing import Literal, TypedDict

from typing_extensions import Unpack

from kempsdk.catalogue.invocation import Command as Command
from kempsdk.catalogue.invocation import Send as Send
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Reply

__all__ = ["Command", "Commands", "Send"]
'''

_WIDTH = 100


def stub(catalogue: Catalogue) -> str:
    """Return the text of the stub, formatted as ``ruff format`` would."""
    methods = [_method(catalogue, info) for info in catalogue.values()]
    kinds = sorted({info.accepts for info in catalogue.values() if info.accepts is not None})
    dicts = [_attributes(catalogue, kind) for kind in kinds if _extra(catalogue, kind)]
    head = [
        "class Commands:",
        '    """All commands of the catalogue, as methods."""',
        "",
        "    def __init__(self, send: Send) -> None: ...",
        "    def __dir__(self) -> Iterable[str]: ...",
    ]
    body = "\n".join(line for method in methods for line in method)
    parts = [_HEADER, *("\n".join(lines) + "\n" for lines in dicts), "\n".join(head)]
    return "\n".join(parts) + "\n" + body + "\n"


def _extra(catalogue: Catalogue, kind: str) -> list[ValueInfo]:
    """Attributes that the commands taking this object do not have as parameters of their own."""
    own = {
        param.name.lower()
        for info in catalogue.values()
        if info.accepts == kind
        for param in info.params
    }
    # CreateSubVS stands in the vendor's table of attributes, but is a parameter of modvs.
    return [
        one
        for one in catalogue.attributes(kind).values()
        if not one.read_only and one.name.lower() not in own
    ]


def _described(info: ValueInfo) -> str:
    text = description(info)
    if not info.name.isidentifier():
        text += f" On the wire: {info.name}."
    return text


def _class_name(kind: str) -> str:
    return f"{kind.title().replace('_', '')}Attributes"


def _attributes(catalogue: Catalogue, kind: str) -> Iterable[str]:
    yield f"class {_class_name(kind)}(TypedDict, total=False):"
    yield f'    """Writable attributes of a {kind.replace("_", " ")}."""'
    yield ""
    for one in _extra(catalogue, kind):
        yield from _typed(f"    {python_name(one.name)}: ", _type(one), "")
        yield from _docstring(_described(one), (), "    ")


def _method(catalogue: Catalogue, info: CommandInfo) -> Iterator[str]:
    required = [param for param in info.params if param.required]
    optional = [param for param in info.params if not param.required]
    lines: list[str] = []
    file = info.takes_file is not None and not any(one.type == "file" for one in info.params)
    for param in required:
        lines.extend(_typed(f"        {python_name(param.name)}: ", _own_type(info, param), ","))
    if file:
        lines.append("        data: bytes,")
    for param in optional:
        default = " | None = None,"
        lines.extend(
            _typed(f"        {python_name(param.name)}: ", _own_type(info, param), default)
        )
    if info.accepts is not None and _extra(catalogue, info.accepts):
        lines.append(f"        **attributes: Unpack[{_class_name(info.accepts)}],")
    if lines:
        yield f"    def {info.python_name}("
        yield "        self,"
        if not lines[0].startswith("        **"):
            yield "        *,"
        yield from lines
        yield "    ) -> Reply:"
    else:
        yield f"    def {info.python_name}(self) -> Reply:"
    notes = [f"{python_name(param.name)}: {description(param)}" for param in (*required, *optional)]
    if file:
        notes.append(f"data: {info.takes_file}.")
    summary = info.summary
    if info.mutates and not info.mutates_with:
        summary += " Changes the appliance."
    elif info.mutates_with:
        summary += f" Changes the appliance only with {', '.join(info.mutates_with)}."
    yield from _docstring(summary, notes, "        ")


def _docstring(summary: str, notes: Iterable[str], indent: str) -> Iterator[str]:
    text = summary.replace("\\", "\\\\").replace('"""', "'''")
    first = textwrap.wrap(
        f'{indent}"""{text}', _WIDTH - 3, subsequent_indent=indent, break_long_words=False
    )
    body = list(first)
    listed = list(notes)
    if listed:
        body += ["", f"{indent}Args:"]
        for note in listed:
            body += textwrap.wrap(
                note.replace("\\", "\\\\"),
                _WIDTH,
                initial_indent=f"{indent}    ",
                subsequent_indent=f"{indent}        ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        body.append(f'{indent}"""')
    elif len(body) == 1:
        body[0] += '"""'
    else:
        body.append(f'{indent}"""')
    yield from body


def _own_type(info: CommandInfo, param: ParamInfo) -> str:
    # The type of what set writes depends on the parameter; it is checked when it is called.
    if info.name == "set" and param.name == "value":
        return "ParamValue | Secret"
    return _type(param)


def _type(info: ValueInfo) -> str:
    words = sorted(info.words) if info.type == "integer" else list(info.words)
    closed = bool(info.words) and not info.open and not info.bits and info.separator is None
    if info.type == "boolean":
        return "bool"
    if info.type == "file":
        return "bytes"
    if info.type == "service":
        return "str | int"
    if info.type == "integer":
        if closed:
            numbers = sorted(int(word) for word in words)
            text = f"Literal[{', '.join(str(number) for number in numbers)}]"
            also = [one for one in info.also if not one.isdigit()]
        else:
            text = "int"
            also = [one for one in info.also if not one.isdigit()]
        return " | ".join([text, *(f'Literal["{one}"]' for one in also)])
    if closed:
        every = [*words, *(one for one in info.also if one not in info.words)]
        return f"Literal[{', '.join(_quoted(word) for word in every)}]"
    return "str | Secret" if info.secret else "str"


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _typed(start: str, kind: str, end: str) -> Iterator[str]:
    """Yield ``start + kind + end``, a long Literal one word to a line, as ruff formats it."""
    line = f"{start}{kind}{end}"
    if len(line) <= _WIDTH or not kind.startswith("Literal["):
        yield line
        return
    indent = " " * (len(start) - len(start.lstrip()))
    inner = kind.removeprefix("Literal[").removesuffix("]")
    if not end.startswith(" | None"):
        yield f"{start}Literal["
        yield from _words(inner, indent + "    ")
        yield f"{indent}]{end}"
        return
    yield f"{start}Literal["
    yield from _words(inner, indent + "    ")
    yield f"{indent}]"
    yield f"{indent}| None = None,"


def _words(inner: str, indent: str) -> Iterator[str]:
    if len(indent) + len(inner) <= _WIDTH:
        yield f"{indent}{inner}"
        return
    for word in inner.split(", "):
        yield f"{indent}{word},"
