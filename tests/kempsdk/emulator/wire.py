"""A bare client of both APIs and the recordings to compare with: no code of the SDK."""

import base64
import http.client
import json
import ssl
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kempsdk.emulator.box import VirtualLoadMaster

RECORDINGS = Path(__file__).parents[4] / "shared" / "loadmaster-api" / "recordings"


def recording(name: str) -> bytes:
    """Return a recorded answer; skips where the recordings are not at hand."""
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"recordings absent: {name}")
    return path.read_bytes()


def recorded_xml(name: str) -> ET.Element:
    """Return a recorded XML answer, parsed."""
    return ET.fromstring(recording(name))  # noqa: S314 - a local file


@dataclass(frozen=True)
class Reply:
    """An answer as it came."""

    status: int
    body: bytes
    content_type: str

    @property
    def text(self) -> str:
        return self.body.decode("iso-8859-1")

    @property
    def json(self) -> dict[str, Any]:
        data = json.loads(self.body)
        assert isinstance(data, dict)
        return data

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)  # noqa: S314 - our own server's answer

    @property
    def data(self) -> ET.Element:
        """``Data`` of a v1 success."""
        found = self.xml.find("Success/Data")
        assert found is not None, self.text
        return found

    @property
    def error(self) -> tuple[int, str]:
        """Code and text of a failure, v1 or v2."""
        if self.content_type.startswith("text/xml"):
            root = self.xml
            assert root.get("code") == "fail"
            return int(root.get("stat") or 0), (root.findtext("Error") or "").strip()
        assert self.json["status"] == "fail"
        return self.json["code"], self.json["message"]


class Wire:
    """Sends calls as they are written; one connection, kept alive."""

    def __init__(self, box: VirtualLoadMaster) -> None:
        self.box = box
        self._http = self.connection()

    def connection(self) -> http.client.HTTPConnection:
        if self.box.url.startswith("http:"):
            return http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.box.port, timeout=10, context=context)

    def close(self) -> None:
        self._http.close()

    def request(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        self._http.request(method, target, body=body, headers=headers or {})
        answer = self._http.getresponse()
        return Reply(answer.status, answer.read(), answer.headers.get("Content-Type", ""))

    def basic(self, password: str | None = None) -> dict[str, str]:
        text = f"{self.box.user}:{self.box.password if password is None else password}"
        return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

    def v1(self, command: str, /, **params: object) -> Reply:
        query = f"?{urlencode(params)}" if params else ""
        return self.request("GET", f"/access/{command}{query}", headers=self.basic())

    def v2(self, command: str, /, **params: object) -> Reply:
        body = json.dumps({"cmd": command, "apikey": self.box.api_key, **params})
        return self.request("POST", "/accessv2", body=body)

    def fresh(
        self, address: str = "198.18.0.1", port: object = 80, **more: object
    ) -> dict[str, Any]:
        """Add a TCP service and return it as v2 shows it."""
        reply = self.v2("addvs", vs=address, port=port, **{"prot": "tcp", **more})
        assert reply.status == 200, reply.text
        return reply.json

    def change(self, index: int, **settings: object) -> dict[str, Any]:
        """Change a service and return it as v2 shows it afterwards."""
        reply = self.v2("modvs", vs=index, **settings)
        assert reply.status == 200, reply.text
        shown = self.v2("showvs", vs=index).json
        assert shown == reply.json
        return shown

    def sub(self, parent: int, **settings: object) -> dict[str, Any]:
        """Add a SubVS and return its slot in the parent."""
        reply = self.v2("modvs", vs=parent, createsubvs="", **settings)
        assert reply.status == 200, reply.text
        slot = reply.json["SubVS"][-1]
        assert isinstance(slot, dict)
        return slot

    def server(
        self, index: int, address: str, port: int = 80, **settings: object
    ) -> dict[str, Any]:
        """Add a real server and return it."""
        reply = self.v2("addrs", vs=index, rs=address, rsport=port, **settings)
        assert reply.status == 200, reply.text
        (server,) = reply.json["Rs"]
        assert isinstance(server, dict)
        return server
