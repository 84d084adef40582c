"""SDN controllers: numbers as attributes, clusters that stay when they are empty."""

import xml.etree.ElementTree as ET

from tests.kempsdk.emulator.wire import Wire, recorded_xml


def _shape(element: ET.Element) -> object:
    return element.tag, sorted(element.attrib), [_shape(one) for one in element]


def test_the_recorded_form(wire: Wire) -> None:
    wire.v2("addsdncontroller", ipv4="192.0.2.5", port=8080)
    added = wire.v1(
        "addsdncontroller", ipv4="172.16.0.6", port=8443, https=1, user="sdn", password="verysecret"
    )
    assert added.xml.findtext("Success") == "Command completed ok"
    wire.v2("delsdncontroller", cid=1)
    ours = wire.v1("getsdncontroller").data.find("controllers")
    recorded = recorded_xml("getsdncontroller.xml").find("Success/Data/controllers")
    assert ours is not None
    assert recorded is not None
    assert [(one.get("id"), len(one)) for one in ours] == [("1", 0), ("2", 1)]
    assert _shape(ours[1]) == _shape(recorded[0])
    assert [one.text for one in ours[1][0]] == [one.text for one in recorded[0][0]]
    assert "verysecret" not in repr(wire.box.calls)
    inside = wire.v2("getsdncontroller").json["controllers"]["cluster"]
    assert [one["id"] for one in inside] == [1, 2]
    assert inside[1]["controller"][0]["port"] == 8443


def test_changing_and_deleting(wire: Wire) -> None:
    assert list(wire.v1("getsdncontroller").data[0]) == []
    for port in (8080, 8081):
        wire.v2("addsdncontroller", ipv4="192.0.2.5", port=port)
    changed = wire.v1("modsdncontroller", cid=2, port=9090, clid=1)
    assert [one.text for one in changed.data.iter("port")] == ["8080", "9090"]
    assert [len(one) for one in changed.data[0]] == [2, 0]
    assert wire.v2("modsdncontroller", cid=9, port=1).status == 422
    assert wire.v2("modsdncontroller", cid=1, clid=9).status == 422
    assert wire.v2("modsdncontroller", cid=1, port=0).status == 422
    assert wire.v2("delsdncontroller", clid=1).status == 200
    assert wire.v2("delsdncontroller", clid=1).status == 422
    assert wire.v2("delsdncontroller").status == 400
    assert wire.v2("addsdncontroller", ipv4="192.0.2.5").status == 400
    # A new cluster has the next number.
    wire.v2("addsdncontroller", ipv4="192.0.2.5", port=1)
    clusters = wire.v2("getsdncontroller").json["controllers"]["cluster"]
    assert [one["id"] for one in clusters] == [1, 2, 3]


def test_a_controller_that_nobody_asked_shows_nothing(wire: Wire) -> None:
    wire.v2("addsdncontroller", ipv4="192.0.2.80", port=8443, user="u", password="hush")
    (controller,) = wire.v1("sdndeviceinfo", cid=1).data
    assert (controller.tag, controller.get("id"), len(controller)) == ("controller", "1", 0)
    (paths,) = wire.v1("sdnpathinfo", cid=1).data
    assert (paths.tag, len(paths)) == ("pathinfo", 0)
    for command in ("sdndeviceinfo", "sdnpathinfo"):
        assert wire.v2(command, cid=2).error == (422, "Unknown SDN controller")
        assert wire.v2(command).error == (400, "cid: String Value missing")
