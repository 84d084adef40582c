"""A transport that answers from a script: for what no well-behaved appliance would say."""

import json
from collections import deque
from collections.abc import Mapping

from kempsdk.auth import ApiKey
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from kempsdk.transport.v2 import V2

Scripted = Mapping[str, object] | Exception


class ScriptedTransport:
    """Answers each command with its next scripted answer, and the last one for ever.

    A mapping is the data of a v2 answer, without envelope; an exception is raised.

    Attributes:
        calls: every call, in order.
    """

    def __init__(self, script: Mapping[str, list[Scripted]]) -> None:
        self.calls: list[Call] = []
        self._script = {command: deque(answers) for command, answers in script.items()}
        self._dialect = V2(ApiKey("scripted"))

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        self.calls.append(call)
        answers = self._script[call.command]
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        body = json.dumps({"code": 200, **answer, "status": "ok"}).encode()
        return self._dialect.read(
            HttpAnswer(status=200, content_type="application/json", body=body), call
        )

    def close(self) -> None:
        """Nothing is open."""

    @property
    def commands(self) -> list[str]:
        """The command words of all calls."""
        return [one.command for one in self.calls]
