"""The managers read and write every firmware family that the virtual LoadMaster can be."""

import base64
from contextlib import ExitStack, closing
from typing import Final
from urllib.parse import urlencode

import pytest

from kempsdk import (
    AccessList,
    AddHeaderRule,
    Changed,
    OnService,
    Phase,
    RealServerSpec,
    RsRef,
    SubVsSpec,
    Unchanged,
    VirtualServiceSpec,
    VsRef,
)
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.emulator.switches import Firmware
from tests.fakes.clock import FakeClock
from tests.fakes.rich_appliance import WRITES, fill
from tests.fuzz.readings import READINGS
from tests.kempsdk.emulator.wire import Wire

PROFILES: Final[tuple[tuple[Firmware, str], ...]] = (
    ("7.1", "v1"),
    ("7.2.50", "v1"),
    ("7.2.50", "v2"),
    ("7.2.54", "v1"),
    ("7.2.54", "v2"),
)
WEB: Final = VsRef.parse("tcp/10.0.1.250:80")
SERVER: Final = RsRef.parse("10.0.1.11:80")


def appliance(firmware: Firmware) -> VirtualLoadMaster:
    switches = Switches(rate_limit=False, firmware=firmware)
    return VirtualLoadMaster(http=True, health="down", switches=switches)


def fill_over_v1(wire: Wire) -> None:
    """Write the same state as ``fill``, without the access lists, whose words are older."""
    for command, params in WRITES:
        if command == "aclcontrol":
            continue
        said = dict(params)
        body = base64.b64decode(str(said.pop("data"))) if "data" in said else None
        target = f"/access/{command}?{urlencode(said)}"
        reply = wire.request("POST" if body else "GET", target, body=body, headers=wire.basic())
        assert reply.status == 200, f"{command} {said}: {reply.text}"


@pytest.mark.parametrize(("firmware", "api"), PROFILES)
def test_every_reading_of_a_manager(firmware: Firmware, api: str) -> None:
    with ExitStack() as stack:
        box = stack.enter_context(appliance(firmware))
        wire = stack.enter_context(closing(Wire(box)))
        lm = stack.enter_context(box.client(api=api, clock=FakeClock()))
        if firmware == "7.1":
            fill_over_v1(wire)
            # Templates, which fill uploads.
            template = wire.v1("exportvstmplt", vs="192.0.2.3", port="*", prot="tcp").body
            wire.request("POST", "/access/uploadtemplate", body=template, headers=wire.basic())
            lm.access_lists.add(AccessList.ALLOW, "203.0.113.8")
            lm.access_lists.add(AccessList.BLOCK, "203.0.113.7")
            lm.access_lists.add(AccessList.BLOCK, "203.0.113.5", vs=VsRef.parse("tcp/192.0.2.1:80"))
        else:
            fill(wire)
        empty = [name for name, read in READINGS.items() if read(lm) in ((), {}, b"", "")]
        assert empty == []


@pytest.mark.parametrize(("firmware", "api"), PROFILES)
def test_a_service_from_its_making_to_its_end(firmware: Firmware, api: str) -> None:
    with appliance(firmware) as box, box.client(api=api, clock=FakeClock()) as lm:
        lm.rules.create(AddHeaderRule(name="via", header="X-Via", value="kemp"))
        spec = VirtualServiceSpec(
            ref=WEB,
            settings={"nickname": "web", "persist": "src", "persist_timeout_s": 300},
            rules={Phase.REQUEST: ["via"]},
            sub_services=[
                SubVsSpec(
                    nickname="blue",
                    settings={"weight": 900},
                    real_servers=[RealServerSpec(ref=SERVER, settings={"weight": 5})],
                )
            ],
        )
        assert isinstance(lm.virtual_services.ensure(spec), Changed)
        assert lm.virtual_services.ensure(spec) == Unchanged()
        blue = lm.virtual_services.find("blue").ref
        lm.real_servers.update(blue, SERVER, enable=False)
        assert [(one.enabled, one.weight) for one in lm.real_servers.list(blue)] == [(False, 5)]
        lm.rule_attachments.detach(OnService(WEB, Phase.REQUEST), "via")
        lm.access_lists.add(AccessList.ALLOW, "198.51.100.7", vs=WEB)
        assert [one.network for one in lm.access_lists.list(AccessList.ALLOW, vs=WEB)] == [
            "198.51.100.7/32"
        ]
        assert lm.statistics.read().services
        lm.virtual_services.delete(WEB)
        assert lm.virtual_services.list() == ()
