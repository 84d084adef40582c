"""The v1 interface: ``/access/COMMAND?name=value``, answers in XML."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from kempsdk.auth import ApiKey, Auth, Password
from kempsdk.codec import EMPTY, MalformedAnswer, XmlTree, parse_xml
from kempsdk.transport.call import Call, ParamValue, Reply
from kempsdk.transport.dialect import HttpAnswer, HttpRequest, check_names
from kempsdk.transport.rejections import bad_answer, looks_like_html, not_the_api, rejected

_LONGEST_QUERY: Final = 1000
"""Documented limit 1,024; beyond it the connection was reset (seen on 7.2.63)."""
_FORM: Final = "application/x-www-form-urlencoded"
_STATUS: Final = re.compile(r"[1-5][0-9][0-9]", re.ASCII)
_NO_FILES: Final = frozenset({"text/xml", "application/xml", "application/json"})


class V1:
    """Writes and reads v1 calls; see ``Dialect``."""

    name = "v1"

    def __init__(self, auth: Auth) -> None:
        self._headers: dict[str, str] = {}
        self._credential: dict[str, str] = {}
        if isinstance(auth, Password):
            pair = f"{auth.user}:{auth.password.reveal()}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        elif isinstance(auth, ApiKey):
            self._credential["apikey"] = auth.key.reveal()

    def write(self, call: Call) -> HttpRequest:
        check_names(call)
        path = f"/access/{call.command.replace('.', '/')}"
        params = {name: _spell(value, call) for name, value in call.params.items()}
        query = _encode(params | self._credential)
        if call.body is not None:
            return HttpRequest(
                method="POST",
                target=f"{path}?{query}",
                headers={**self._headers, "Content-Type": "application/octet-stream"},
                body=call.body,
            )
        if call.files:
            kind, form = _form(call.files)
            return HttpRequest(
                method="POST",
                target=f"{path}?{query}",
                headers={**self._headers, "Content-Type": kind},
                body=form,
            )
        if len(query) > _LONGEST_QUERY:
            credential = _encode(self._credential)
            return HttpRequest(
                method="POST",
                target=f"{path}?{credential}",
                headers={**self._headers, "Content-Type": _FORM},
                body=_encode(params).encode("ascii"),
            )
        return HttpRequest(method="GET", target=f"{path}?{query}", headers=self._headers)

    def read(self, answer: HttpAnswer, call: Call) -> Reply:
        if looks_like_html(answer):
            raise not_the_api(answer, call)
        if not _is_envelope(answer):
            if answer.status == 200 and answer.body and answer.content_type not in _NO_FILES:
                return Reply(data=EMPTY, file=answer.body)
            raise not_the_api(answer, call)
        try:
            root = parse_xml(answer.body)
        except MalformedAnswer as error:
            raise bad_answer(str(error), answer, call) from None
        children = [one.tag for one in root]
        if root.tag != "Response" or children not in (["Success"], ["Error"]):
            raise not_the_api(answer, call)
        stat = root.get("stat", "")
        status = int(stat) if _STATUS.fullmatch(stat) else answer.status
        # Any signal is a failure; the body knows better which.
        if (
            root.get("code") == "fail"
            or status >= 400
            or answer.status >= 400
            or children == ["Error"]
        ):
            text = root.findtext("Error") or ""
            raise rejected(status if status >= 400 else max(answer.status, 400), text, call)
        if root.get("code") != "ok" or not _STATUS.fullmatch(stat):
            raise not_the_api(answer, call)
        success = root[0]
        data = success.find("Data")
        if data is not None:
            return Reply(data=XmlTree(data))
        if len(success):
            return Reply(data=XmlTree(success))
        return Reply(data=EMPTY, message=(success.text or "").strip())


def _is_envelope(answer: HttpAnswer) -> bool:
    start = answer.body[:512].lstrip()
    return start.startswith(b"<Response") or (start.startswith(b"<?xml") and b"<Response" in start)


def _spell(value: ParamValue, call: Call) -> str:
    if isinstance(value, bool):
        # "set" documents yes and no; everything else Y and N.
        return ("no", "yes")[value] if call.command == "set" else ("N", "Y")[value]
    return str(value)


def _form(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return content type and body of a form of files."""
    from urllib3.filepost import encode_multipart_formdata

    # The same files give the same form, which a recording is compared with.
    digest = hashlib.sha256(b"\0".join(files.values())).hexdigest()
    fields = [
        (name, (name, content, "application/octet-stream")) for name, content in files.items()
    ]
    body, kind = encode_multipart_formdata(fields, boundary=f"kempsdk{digest[:32]}")
    return kind, body


def _encode(params: dict[str, str]) -> str:
    return urlencode(params, quote_via=quote, safe="")
