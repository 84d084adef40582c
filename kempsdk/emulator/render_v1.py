"""Answers as v1 prints them: XML, ISO-8859-1, CRLF, lists as repeated elements."""

from kempsdk.emulator.answers import Answer, Markup, Members, Numbered, One, Refusal, Texts, Words

CONTENT_TYPE = "text/xml"
PROLOG = '<?xml version="1.0" encoding="ISO-8859-1"?>\r\n'


def _escape(text: str) -> str:
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def _write(members: Members, out: list[str]) -> None:
    add = out.append
    for name, value in members:
        if value is True or value is False:
            add(f"<{name}>{'Y' if value else 'N'}</{name}>\r\n")
        elif isinstance(value, str):
            add(f"<{name}>{_escape(value)}</{name}>\r\n")
        elif isinstance(value, (int, float)):
            add(f"<{name}>{value}</{name}>\r\n")
        elif isinstance(value, Words):
            add(f"<{name}>\r\n")
            add("".join(f"<{value.tag}>{_escape(one)}</{value.tag}>\r\n" for one in value.items))
            add(f"</{name}>\r\n")
        elif isinstance(value, Texts):
            add("".join(f"<{name}>{_escape(one)}</{name}>\r\n" for one in value.items))
        elif isinstance(value, Markup):
            add(f"<{name}>{value.text}</{name}>\r\n")
        elif isinstance(value, Numbered):
            for number, group in value.items:
                add(f'<{name} id="{number}"')
                add(">\r\n" if group else "/>\r\n")
                _write(group, out)
                add(f"</{name}>\r\n" if group else "")
        else:
            groups = [value.members] if isinstance(value, One) else value.items
            for group in groups:
                add(f"<{name}>\r\n")
                _write(group, out)
                add(f"</{name}>\r\n")


def _encode(text: str) -> bytes:
    return text.encode("iso-8859-1", errors="xmlcharrefreplace")


def success(answer: Answer) -> bytes:
    """Return the body of a success without a file."""
    if answer.members is None:
        inner = _escape(answer.message)
    else:
        out: list[str] = []
        _write(answer.members, out)
        inner = f"<Data>{''.join(out)}</Data>"
    return _encode(
        f'{PROLOG}<Response stat="200" code="ok">\r\n<Success>{inner}</Success>\r\n</Response>\r\n'
    )


def failure(refusal: Refusal) -> bytes:
    """Return the body of a failure."""
    return _encode(
        f'{PROLOG}<Response stat="{refusal.code}" code="fail">\r\n'
        f"<Error>{_escape(refusal.text)}</Error>\r\n</Response>\r\n"
    )
