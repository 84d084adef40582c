"""The v2 interface: a JSON object to ``/accessv2``, one back. From 7.2.50 on."""

import base64
import binascii
import json

from kempsdk.auth import ApiKey, Auth, ClientCert, Password
from kempsdk.codec import MalformedAnswer, TwoStates, parse_json
from kempsdk.errors import InvalidRequest
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer, HttpRequest, check_names
from kempsdk.transport.rejections import bad_answer, looks_like_html, not_the_api, rejected


class V2:
    """Writes and reads v2 calls; see ``Dialect``."""

    name = "v2"

    def __init__(self, auth: Auth) -> None:
        if isinstance(auth, ClientCert):
            raise InvalidRequest("a client certificate logs in to v1 only", field="api")
        self._credential: dict[str, str] = {}
        if isinstance(auth, ApiKey):
            self._credential["apikey"] = auth.key.reveal()
        elif isinstance(auth, Password):
            self._credential |= {"apiuser": auth.user, "apipass": auth.password.reveal()}

    def write(self, call: Call) -> HttpRequest:
        check_names(call)
        members: dict[str, object] = {"cmd": call.command.replace("/", "."), **self._credential}
        for name, value in call.params.items():
            if isinstance(value, bool) and call.command == "set":
                value = "yes" if value else "no"
            members[name] = value
        if call.body is not None:
            members["data"] = base64.b64encode(call.body).decode("ascii")
        # How v2 takes several files is not documented: like a single one is a guess.
        for name, content in call.files.items():
            members[name] = base64.b64encode(content).decode("ascii")
        return HttpRequest(
            method="POST",
            target="/accessv2",
            headers={"Content-Type": "application/json"},
            body=json.dumps(members).encode("ascii"),
        )

    def read(self, answer: HttpAnswer, call: Call) -> Reply:
        if looks_like_html(answer) or not answer.body.lstrip().startswith(b"{"):
            raise not_the_api(answer, call)
        try:
            members = parse_json(answer.body)
        except MalformedAnswer as error:
            raise bad_answer(str(error), answer, call) from None
        if not members.keys() & {"code", "status"}:
            raise not_the_api(answer, call)
        # "Status" is a service's state; names are compared with their case.
        code, state = members.pop("code", answer.status), members.pop("status", "ok")
        if isinstance(state, TwoStates):
            members["status"], state = state
        # True is an int too.
        if type(code) is not int or not 100 <= code < 600 or state not in ("ok", "fail"):
            raise not_the_api(answer, call)
        message = members.get("message")
        if state == "fail" or code >= 400 or answer.status >= 400:
            reason = message if isinstance(message, str) else ""
            raise rejected(code if code >= 400 else max(answer.status, 400), reason, call)
        if members.keys() == {"message"} and isinstance(message, str):
            return Reply(data={}, message=message)
        if members.keys() == {"data"} and (content := _file(members["data"])) is not None:
            return Reply(data={}, file=content)
        return Reply(data=members)


def _file(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
