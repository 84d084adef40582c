"""Which interface is used when nobody said."""

import threading

import pytest

from kempsdk.auth import ApiKey
from kempsdk.errors import ApiDisabled, AuthenticationFailed, BadAnswer, CommandRejected
from tests.contract.test_transport_http import LOGIN_PAGE, OK_V1, OK_V2, READ, WRITE, transport
from tests.fakes.wire_server import Say, WireServer

PAGE_404 = Say(status=404, body=LOGIN_PAGE, content_type="text/html")
PAGE_405 = Say(status=405, body=b"")
REDIRECT = Say(status=302, body=b"", headers={"Location": "/login"})
PAGE_200 = Say(body=LOGIN_PAGE, content_type="text/html")


def paths(server: WireServer) -> list[str]:
    return [one.target.partition("?")[0] for one in server.received]


def test_v2_costs_no_extra_call() -> None:
    with WireServer(OK_V2) as server:
        wire = transport(server, api="auto")
        wire.send(WRITE)
        wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2", "/accessv2"]


@pytest.mark.parametrize("absent", [PAGE_404, PAGE_405, REDIRECT])
def test_v1_is_found_with_one_call_more(absent: Say) -> None:
    with WireServer(absent, OK_V1) as server:
        wire = transport(server, api="auto")
        wire.send(WRITE)
        wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2", "/access/modvs", "/access/showvs"]


def test_a_page_with_status_200_is_reason_enough_for_a_read_only() -> None:
    with WireServer(PAGE_200, OK_V1) as server:
        wire = transport(server, api="auto")
        with pytest.raises(BadAnswer):
            wire.send(WRITE)
        wire.close()
    assert paths(server) == ["/accessv2"]
    with WireServer(PAGE_200, OK_V1) as server:
        wire = transport(server, api="auto")
        wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2", "/access/showvs"]


def test_a_refused_login_is_tried_once() -> None:
    refused = Say(status=401, body=LOGIN_PAGE, content_type="text/html")
    with WireServer(refused) as server:
        wire = transport(server, api="auto", auth=ApiKey("wrong"))
        with pytest.raises(AuthenticationFailed):
            wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2"]


def test_disabled_is_not_remembered_as_v1() -> None:
    with WireServer(PAGE_404, PAGE_404, OK_V2) as server:
        wire = transport(server, api="auto")
        with pytest.raises(ApiDisabled):
            wire.send(READ)
        wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2", "/access/showvs", "/accessv2"]


def test_a_rejection_in_the_form_of_v1_settles_it() -> None:
    no = Say(status=422, body=b'<Response stat="422" code="fail"><Error>No</Error></Response>')
    with WireServer(PAGE_404, no, OK_V1) as server:
        wire = transport(server, api="auto")
        with pytest.raises(CommandRejected):
            wire.send(WRITE)
        wire.send(READ)
        wire.close()
    assert paths(server) == ["/accessv2", "/access/modvs", "/access/showvs"]


def test_threads_detect_once() -> None:
    with WireServer(PAGE_404, OK_V1) as server:
        wire = transport(server, api="auto")
        threads = [threading.Thread(target=wire.send, args=(READ,)) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(10)
        wire.close()
    assert paths(server).count("/accessv2") == 1
    assert paths(server).count("/access/showvs") == 8
    assert server.accepted <= 4
