"""Small scripts and checks that read the answers without a library: line by line, by position."""

import re

from tests.kempsdk.emulator.wire import Wire


def test_scripts_that_read_line_by_line(wire: Wire) -> None:
    """Scripts look for ``<name>(.*)<`` and the like in each line, whatever the case."""
    for number in (1, 2):
        wire.v2("addrule", name=f"rule{number}", pattern="p")
    wire.fresh("10.0.0.1", NickName="one")
    parent = wire.fresh("10.0.0.2", NickName="two")["Index"]
    wire.sub(parent, NickName="sub")
    wire.v2("addprerule", vs=1, rule="rule1")

    def lines(command: str, tag: str) -> list[str]:
        found = (
            re.search(f"<{tag}>(.*)<", line, re.IGNORECASE)
            for line in wire.v1(command).text.split("\n")
        )
        return [one.group(1) for one in found if one]

    assert lines("showrule", "name") == ["rule1", "rule2"]
    # The name of a SubVS in its parent looks like that of a rule.
    assert sorted(lines("listvs", "name")) == ["rule1", "sub"]
    blocks = wire.v1("listvs").text.split("</VS>")[:-1]
    addresses = [re.search("<vsaddress>(.*)<", one, re.IGNORECASE) for one in blocks]
    indices = [re.search("<index>(.*)<", one, re.IGNORECASE) for one in blocks]
    # What has no address is a SubVS.
    assert len([one for one in addresses if one]) == 2
    assert all(indices)


def test_a_drainer_that_sums_rows_by_address(wire: Wire) -> None:
    for port in (80, 443):
        index = wire.fresh("10.0.0.1", port)["Index"]
        wire.server(index, "10.0.0.9", port)
    # It finds the rows below the first child of the first child.
    rows = list(wire.v1("stats").xml[0][0].iter("Rs"))
    assert [one.findtext("Addr") for one in rows] == ["10.0.0.9", "10.0.0.9"]
    assert (
        sum(int(one.findtext(name) or "") for one in rows for name in ("ActivConns", "Persist"))
        == 0
    )
    assert [one.findtext("Enable") for one in rows] == ["1", "1"]
    assert wire.v1("disablers", rs="10.0.0.9").status == 200
    assert {one.findtext("Enable") for one in wire.v1("stats").data.iterfind("Rs")} == {"0"}
    assert wire.v1("enablers", rs="10.0.0.9").status == 200


def test_a_monitoring_check_of_services(wire: Wire) -> None:
    wire.fresh("10.0.0.1", NickName="web")
    # It asks without a question mark and takes both members of each service for granted.
    reply = wire.request("GET", "/access/listvs", headers=wire.basic())
    services = reply.xml.findall("./Success/Data/VS")
    assert [(one.findtext("NickName"), one.findtext("Status")) for one in services] == [
        ("web", "Down")
    ]


def test_an_integration_that_goes_by_the_status_alone(wire: Wire) -> None:
    headers = {**wire.basic(), "Content-Type": "application/xml"}
    target = "port=80&prot=tcp&vs=10.0.0.1"

    def status(command: str, more: str = "") -> int:
        return wire.request("GET", f"/access/{command}?{target}{more}", headers=headers).status

    # Only 200 and 422 are answers to the question whether there is such a service.
    assert status("showvs") == 422
    assert status("addvs", "&checktype=icmp&nickname=web&vstype=gen") == 200
    assert status("showvs") == 200
    server = "&rs=10.0.0.9&rsport=8080"
    assert status("showrs", server) != 200
    assert status("addrs", f"{server}&non_local=1") == 200
    assert status("showrs", server) == 200
    assert status("delvs") == 200
