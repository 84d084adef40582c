"""Texts of diagnostics, logs, and the two families without their own room in the docs."""

import base64
import io
import platform
import struct
import tarfile

import pytest

from tests.kempsdk.emulator.wire import Wire

TEXTS = ["df", "meminfo", "cpuinfo", "partitions", "ps", "top", "ifconfig", "netstat"]
TEXTS += ["interrupts", "lsmod", "lspci", "slabinfo", "getraidinfo", "getraiddisksinfo"]


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_bare_in_v1_and_show_nothing_of_this_machine(wire: Wire, name: str) -> None:
    reply = wire.v1(f"logging/{name}")
    assert reply.status == 200
    assert not reply.text.startswith("<")
    assert base64.b64decode(wire.v2(f"logging.{name}").json["data"]) == reply.body
    assert platform.node() not in reply.text


def test_only_the_appliance_itself_answers_a_ping(wire: Wire) -> None:
    assert "0% packet loss" in wire.v1("logging/ping", addr="192.0.2.10").text
    assert "0% packet loss" in wire.v1("logging/ping6", addr="::1").text
    assert wire.v1("logging/ping", addr="198.51.100.1").text.startswith("connect: Network")
    assert wire.v1("logging/traceroute", addr="198.51.100.1").status == 200
    assert wire.v1("logging/ping").error == (400, "addr: Address Value missing")


def test_interfaces_and_listeners(wire: Wire) -> None:
    wire.fresh("198.18.0.1", 80)
    wire.fresh("198.18.0.2", 81, Enable=0)
    assert "inet 192.0.2.10" in wire.v1("listifconfig").text
    listening = wire.v1("logging/netstat").text
    assert "198.18.0.1:80" in listening
    assert "198.18.0.2:81" not in listening
    assert wire.v1("logging/top", iterations=31).status == 422


def test_a_capture_is_a_file_without_packets(wire: Wire) -> None:
    reply = wire.v1("tcpdump", maxtime=1)
    assert reply.content_type == "application/vnd.tcpdump.pcap"
    assert struct.unpack("<IHH", reply.body[:8]) == (0xA1B2C3D4, 2, 4)
    assert len(reply.body) == 24


def test_extended_logs(wire: Wire) -> None:
    assert wire.v2("logging.isextesplogenabled").json["isextesplogenabled"] == "yes"
    wire.v1("logging/disableextesplog")
    assert wire.v2("logging.isextesplogenabled").json["isextesplogenabled"] == "no"
    wire.v1("logging/enableextesplog")
    assert wire.v2("logging.isextesplogenabled").json["isextesplogenabled"] == "yes"


def test_statistics_begin_anew(wire: Wire) -> None:
    assert wire.v1("logging/resetstats").status == 200
    totals = wire.v1("stats").data.find("VStotals")
    assert totals is not None
    assert totals.findtext("TotalConns") == "0"


def test_kubernetes(wire: Wire) -> None:
    config = (
        b"contexts:\n- name: one\n  context: {user: u}\nusers:\n- name: u\n  user: {token: t}\n"
    )
    data = base64.b64encode(config).decode()
    assert wire.v2("addlmingressk8sconf", data=data).status == 200
    assert wire.v2("addlmingressk8sconf", data="bm9uc2Vuc2U=").status == 422
    assert wire.v1("showlmingressk8sconf").data[0].text == "one"
    assert wire.v2("dellmingressk8sconf").status == 200
    assert wire.v2("dellmingressk8sconf").status == 422
    for name, params, value in (
        ("mode", {"mode": "Ingress"}, "Ingress"),
        ("namespace", {"namespace": "web"}, "web"),
        ("watchtimeout", {"watchtimeout": 60}, "60"),
    ):
        assert wire.v2(f"setlmingress{name}", **params).status == 200
        assert wire.v2(f"getlmingress{name}").json["Value"] == value
        assert wire.v2(f"setlmingress{name}").status == 400
    assert wire.v2("setlmingressmode", mode="Other").status == 400
    assert wire.v2("restartlmingress").status == 200


def test_vpn_connections(wire: Wire) -> None:
    assert wire.v2("createvpncon", name="v").status == 200
    assert wire.v2("createvpncon", name="v").status == 422
    assert wire.v2("startvpncon", name="v").status == 422
    addresses = {
        "localip": "192.0.2.10",
        "localsubnets": "198.18.0.0/24,198.18.1.0/24",
        "remoteip": "203.0.113.1",
        "remotesubnets": "198.18.2.0/24",
    }
    assert wire.v2("setvpnaddr", name="v", **{**addresses, "remoteip": "x"}).status == 422
    assert wire.v2("setvpnaddr", name="v", **addresses).status == 200
    secret = {"localid": "a", "remoteid": "b"}
    assert wire.v2("setvpnsecret", name="v", **secret, key="short").status == 422
    assert wire.v2("setvpnsecret", name="v", **secret, key="long enough, or not?").status == 200
    assert wire.v2("setvpnpfsenable", name="v").status == 200
    assert wire.v2("startvpncon", name="v").status == 200
    (shown,) = wire.v2("listvpns").json["VPN"]
    assert (shown["RemoteIP"], shown["PFS"]) == ("203.0.113.1", True)
    assert shown["LocalSubnets"] == "198.18.0.0/24,198.18.1.0/24"
    started = wire.v2("getvpnstatus", name="v").json["status"]
    assert wire.v2("stopikedaemon").status == 200
    assert wire.v2("statusikedaemon").json["code"] == 200
    assert wire.v2("deletevpncon", name="v").status == 200
    assert wire.v2("getvpnstatus", name="v").status == 422
    assert started


@pytest.mark.parametrize(
    ("kind", "names"),
    [("logs", ["messages"]), ("extlogs", ["connection", "security", "user"])],
)
def test_logs(wire: Wire, kind: str, names: list[str]) -> None:
    def files(**chosen: str) -> dict[str, str]:
        archive = wire.v1(f"logging/save{kind}", **chosen).body
        assert archive.startswith(b"\x1f\x8b")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            found = [(one.name, tar.extractfile(one)) for one in tar.getmembers()]
            return {name: file.read().decode() for name, file in found if file is not None}

    assert list(files()) == names
    assert list(files(fsel=names[-1])) == names[-1:]
    listing = "logging.listsyslogfiles" if kind == "logs" else "listextlogfiles"
    assert [one["name"] for one in wire.v2(listing).json["file"]] == names
    wire.v2(f"logging.clear{kind}", fsel=names[0])
    # Clearing is a change, and the only line that is left.
    assert len(files()[names[0]].splitlines()) == (1 if kind == "logs" else 0)
    refused = wire.v1(f"logging/clear{kind}", fsel="../messages")
    assert refused.error == (422, "Unknown log file")


def test_changes_are_logged_without_their_values(wire: Wire) -> None:
    wire.v2("useraddlocal", user="joe", password="hush-hush-hush")
    archive = base64.b64decode(wire.v2("logging.savelogs").json["data"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile("messages")
        assert file is not None
        text = file.read().decode()
    assert "started\n" in text
    assert "user bal: useraddlocal\n" in text
    assert "hush" not in text
