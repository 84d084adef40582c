"""Answers as v2 prints them: one flat JSON object between ``code`` and ``status``.

Blanks and line ends are placed as in recordings of 7.2.5x, where members of an object
end in ``,`` and CRLF and the member after a list begins with the comma.
"""

from base64 import b64encode
from json.encoder import encode_basestring_ascii as quoted

from kempsdk.emulator.answers import (
    Answer,
    Many,
    Markup,
    Members,
    Numbered,
    One,
    Refusal,
    Texts,
    Value,
    Words,
)

CONTENT_TYPE = "application/json"


def _scalar(value: Value) -> str | None:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Markup):
        return quoted(value.text)
    return None


def _object(members: Members) -> str:
    """Return ``{ members }`` of a group inside a list."""
    return f"{{ {_members(members, first=' ')} }}"


def _list(value: Value) -> str:
    if isinstance(value, Many):
        texts = [f"{_object(one)}\r\n" for one in value.items]
        return "[\r\n" + ",\r\n".join(texts) + "]\r\n"
    if isinstance(value, Numbered):
        return _list(Many([[("id", number), *members] for number, members in value.items]))
    if isinstance(value, (Words, Texts)):
        if not value.items:
            return "[\r\n]\r\n"
        return "[\r\n" + ",\r\n".join(quoted(one) for one in value.items) + " \r\n]\r\n"
    if isinstance(value, One):
        return f"{_object(value.members)}\r\n"
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _members(members: Members, *, first: str) -> str:
    """Return the members of one object; a list or object leaves the line ended, a scalar not."""
    out: list[str] = []
    # What separates a member from the one before: nothing, a finished line, or a list's end.
    separator = first
    after_list = False
    for name, value in members:
        text = _scalar(value)
        if text is not None:
            out.append(f'{separator}"{name}" : {text}')
            separator = ",\r\n "
            after_list = False
        else:
            lead = ", " if after_list else (",\r\n" if out else first.rstrip(" "))
            out.append(f'{lead}"{name}": {_list(value)}')
            separator = ", "
            after_list = True
    if not after_list and out:
        out.append(" \r\n")
    return "".join(out)


def _broken_preprocess(members: Members) -> str:
    """Return the members with the fault of 7.2.50.0: EspEnabled inside PreProcessRules."""
    names = [name for name, _ in members]
    if "PreProcessRules" not in names or "EspEnabled" not in names:
        return _members(members, first=",\r\n ")
    rules = dict(members)["PreProcessRules"]
    esp = _scalar(dict(members)["EspEnabled"])
    rest = [one for one in members if one[0] != "EspEnabled"]
    sound = _list(rules)
    broken = sound.removesuffix("]\r\n") + f' "EspEnabled" : {esp},\r\n]\r\n'
    return _members(rest, first=",\r\n ").replace(sound, broken, 1)


def success(answer: Answer, *, broken_preprocess_json: bool = False) -> bytes:
    """Return the body of a success."""
    if answer.file is not None:
        inner = f',\r\n  "data": "{b64encode(answer.file).decode("ascii")}"'
    elif answer.members is None:
        inner = f',\r\n  "message": {quoted(answer.message)}'
    elif not answer.members:
        inner = ""
    else:
        if broken_preprocess_json:
            inner = _broken_preprocess(answer.members)
        else:
            inner = _members(answer.members, first=",\r\n ")
        if _scalar(answer.members[-1][1]) is None:
            inner += " "
    return f'{{ "code": 200{inner},\r\n  "status": "ok"\r\n}}\r\n'.encode()


def failure(refusal: Refusal) -> bytes:
    """Return the body of a failure."""
    return (
        f'{{ "code": {refusal.code},\r\n  "message": {quoted(refusal.text)},\r\n'
        '  "status": "fail"\r\n}\r\n'
    ).encode()
