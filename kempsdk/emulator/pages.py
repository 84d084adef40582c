"""HTTP responses, and the HTML pages that the appliance answers instead of its APIs' forms."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

_SERVER: Final = {"Server": "virtual LoadMaster"}
_PAGES: Final[Mapping[int, tuple[str, str]]] = {
    200: ("LoadMaster", "Done."),
    400: ("Bad Request", "The request could not be understood."),
    401: ("Authorization Required", "This server could not verify that you may see this page."),
    404: ("Not Found", "The requested URL was not found on this server."),
    405: ("Method Not Allowed", "The requested method is not allowed for this URL."),
    413: ("Request Entity Too Large", "The request is too large."),
    503: ("Service Unavailable", "The service is not available."),
}


def respond(status: int, body: bytes, content_type: str) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": content_type, **_SERVER})


def page(status: int) -> web.Response:
    title, text = _PAGES.get(status, ("Error", "The request failed."))
    body = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n'
        f"<html><head><title>{status} {title}</title></head>\r\n"
        f"<body><h1>{title}</h1><p>{text}</p></body></html>\r\n"
    ).encode("ascii")
    response = respond(status, body, "text/html; charset=iso-8859-1")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="LoadMaster"'
    return response
