"""What hosts print, in the spellings of several releases."""

import base64

import pytest

from orchestrator.hosts.answer import Unintelligible, answer
from orchestrator.hosts.driver import CommandResult, Host
from orchestrator.hosts.ssh_answer import changes_done, command_result, net_state
from orchestrator.hosts.state import HostAddress, NetState, PersistentSysctl, Socket

WHO = "== user\nroot\n== hostname\nweb1\n== date\n2026-01-01T00:00:00Z\n"
HOST = Host(name="web1", address="192.0.2.11", interface="ens32")


def b64(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def printed(
    *,
    links: str = "1: lo: <LOOPBACK,UP> mtu 65536 \\    link/loopback 00:00:00:00:00:00 brd ::\n",
    addresses: str = "",
    routes: str = "",
    sysctls: str = "/proc/sys/net/ipv4/conf/all/arp_ignore:0\n",
    rest: str = "",
) -> bytes:
    return (
        f"Welcome!\n== kemp\n== links\n{links}{WHO}== addresses\n{addresses}== routes 4\n{routes}"
        f"== sysctls\n{sysctls}{rest}== end\n"
    ).encode()


def state(output: bytes) -> NetState:
    return net_state(answer(output), HOST)


def test_interfaces_of_every_kind() -> None:
    links = (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT \\    "
        "link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
        "2: ens32: <BROADCAST,UP> mtu 1500 qdisc mq master bond0 state UP mode DEFAULT qlen 1000\\"
        "    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff permaddr 02:00:00:00:00:09\\    "
        "altname enp2s0\n"
        "3: ens32.100@ens32: <BROADCAST,UP> mtu 1500 \\    link/ether 02:00:00:00:00:02 brd ff\n"
        "4: veth0@if3: <UP> mtu 1500 \\    link/ether 02:00:00:00:00:03 brd ff link-netnsid 0\n"
        "5: tunl0@NONE: <NOARP> mtu 1480 \\    link/ipip 0.0.0.0 brd 0.0.0.0\n"
        "6: tun0: <POINTOPOINT,NOARP,UP> mtu 1500 \\    link/none \n"
        "7: ib0: <UP> mtu 2044 \\    link/infiniband "
        "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01 brd 00:ff\n"
    )
    assert state(printed(links=links)).interfaces == {
        "lo": "",
        "ens32": "02:00:00:00:00:01",
        "ens32.100": "02:00:00:00:00:02",
        "veth0": "02:00:00:00:00:03",
        "tunl0": "",
        "tun0": "",
        "ib0": "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "2: ens32    inet 192.0.2.11/24 brd 192.0.2.255 scope global noprefixroute ens32",
            HostAddress(address="192.0.2.11", prefix=24, interface="ens32"),
        ),
        (
            "2: ens32    inet 192.0.2.12/24 scope global secondary dynamic ens32:1",
            HostAddress(address="192.0.2.12", prefix=24, interface="ens32", label="ens32:1"),
        ),
        (
            "1: lo    inet 192.0.2.250/32 brd 192.0.2.250 scope global lo:0",
            HostAddress(address="192.0.2.250", prefix=32, interface="lo", label="lo:0"),
        ),
        (
            "1: lo    inet 127.0.0.1/8 scope host lo",
            HostAddress(address="127.0.0.1", prefix=8, interface="lo"),
        ),
        (
            "6: tun0    inet 10.0.0.1 peer 10.0.0.2/32 scope global tun0",
            HostAddress(address="10.0.0.1", prefix=32, interface="tun0"),
        ),
        (
            "6: tun0    inet 10.0.0.1/31 scope global",
            HostAddress(address="10.0.0.1", prefix=31, interface="tun0"),
        ),
        (
            "2: ens32    inet 192.0.2.13/24 metric 100 brd 192.0.2.255 scope global deprecated",
            HostAddress(address="192.0.2.13", prefix=24, interface="ens32"),
        ),
    ],
)
@pytest.mark.parametrize("lifetime", ["", "\\       valid_lft forever preferred_lft forever"])
def test_addresses(line: str, lifetime: str, expected: HostAddress) -> None:
    assert state(printed(addresses=f"{line}{lifetime}\n")).addresses == (expected,)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ("", None),
        ("default via 192.0.2.1 dev ens32 \n", ("192.0.2.1", "ens32")),
        (
            "default via 192.0.2.2 dev a proto static metric 200 \n"
            "default via 192.0.2.1 dev b proto dhcp src 192.0.2.9 metric 100 \n",
            ("192.0.2.1", "b"),
        ),
        ("default dev tun0 scope link \n", ("", "tun0")),
        ("default via inet6 fe80::1 dev ens32 \n", ("fe80::1", "ens32")),
        (
            "default proto static \\\tnexthop via 192.0.2.1 dev a weight 1 "
            "\\\tnexthop via 192.0.2.2 dev b weight 1 \n",
            ("192.0.2.1", "a"),
        ),
        ("unreachable default metric 4278198272 \n", None),
        ("blackhole default dev lo \n", None),
    ],
)
def test_the_default_route(routes: str, expected: tuple[str, str] | None) -> None:
    assert state(printed(routes=routes)).default_route == expected


def test_sysctls_of_interfaces_that_were_listed() -> None:
    sysctls = "".join(
        f"/proc/sys/net/ipv4/conf/{name}/rp_filter:{value}\n"
        for name, value in (("all", 0), ("default", 2), ("lo", 1), ("new0", 1))
    )
    found = state(printed(sysctls=f"/proc/sys/net/ipv4/conf/all/arp_ignore:8\n{sysctls}"))
    assert found.sysctls == {
        "conf/all/arp_ignore": 8,
        "conf/all/rp_filter": 0,
        "conf/default/rp_filter": 2,
        "conf/lo/rp_filter": 1,
    }


def test_files_in_the_order_of_the_boot_and_sockets() -> None:
    line = "net.ipv4.conf.all.arp_ignore = {}\n".format
    rest = (
        f"== sysctl-file /etc/sysctl.conf\n{b64(line(3))}"
        f"== sysctl-file /etc/sysctl.d/b.conf\n{b64(line(2))}"
        "== sysctl-file /etc/sysctl.d/masked.conf\n"
        f"== sysctl-file /usr/lib/sysctl.d/masked.conf\n{b64(line(9))}"
        f"== sysctl-file /usr/lib/sysctl.d/a.conf\n{b64(line(1))}"
        f"== managed-file /var/lib/kemp/dsr.json\n{b64('== end')}"
        "== sockets tcp\n  sl  local_address\n"
        "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
        "== sockets udp6\n  sl  local_address\n"
    )
    found = state(printed(rest=rest))
    assert found.persistent_sysctls == (
        PersistentSysctl(path="/usr/lib/sysctl.d/a.conf", key="conf/all/arp_ignore", value="1"),
        PersistentSysctl(path="/etc/sysctl.d/b.conf", key="conf/all/arp_ignore", value="2"),
        PersistentSysctl(path="/etc/sysctl.conf", key="conf/all/arp_ignore", value="3"),
    )
    assert found.files == {"/var/lib/kemp/dsr.json": "== end"}
    assert found.sockets == (
        Socket(
            protocol="tcp",
            local_address="127.0.0.1",
            local_port=80,
            peer_address="0.0.0.0",  # noqa: S104 - no binding
            peer_port=0,
            state="listen",
        ),
    )


@pytest.mark.parametrize(
    "output",
    [
        printed(links="2: what\n"),
        printed(addresses="inet\n"),
        printed(sysctls=""),
        printed(sysctls="/proc/sys/net/ipv4/conf/all/arp_ignore:\n"),
        printed(rest="== managed-file /x\n!!\n"),
        printed(rest="== sockets tcp\nhead\n0: zz\n"),
        b"== kemp\n== end\n",
    ],
    ids=["link", "address", "no sysctls", "empty sysctl", "base64", "socket", "nothing"],
)
def test_what_is_not_understood_is_never_an_empty_state(output: bytes) -> None:
    found = answer(output)
    with pytest.raises(Unintelligible):
        net_state(found, HOST)


def test_a_cut_answer_is_not_complete() -> None:
    whole = printed()
    assert answer(whole).complete
    for length in range(len(whole)):
        assert not answer(whole[:length]).complete


def test_what_was_printed_before_the_script_says_nothing() -> None:
    found = answer(b"== end\n== done 0\nno end of line\n== kemp\n== done 0\n")
    assert (found.begun, found.complete, changes_done(found)) == (True, False, 1)
    assert not answer(b"== done 0\n== end\n").begun


@pytest.mark.parametrize(
    ("code", "expected"), [("0", 0), ("127", 127), ("late", None)], ids=["0", "127", "late"]
)
def test_how_a_command_ended(code: str, expected: int | None) -> None:
    found = answer(f"== kemp\n== ended {code}\n== out\n{b64('é')}== err\n== end\n".encode())
    assert command_result(found) == CommandResult(exit_code=expected, stdout="é", stderr="")


@pytest.mark.parametrize("text", ["", "== ended \n== out\n== err\n", "== ended 0\n== out\n"])
def test_an_end_that_is_not_told_is_not_made_up(text: str) -> None:
    found = answer(f"== kemp\n{text}== end\n".encode())
    with pytest.raises(Unintelligible):
        command_result(found)
