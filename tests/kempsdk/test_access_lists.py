"""Access lists and the packet filter."""

import pytest

from kempsdk.access_lists import AccessEntry, AccessList, _read
from kempsdk.client import LoadMaster
from kempsdk.codec import XmlTree, parse_xml
from kempsdk.emulator import VirtualLoadMaster
from kempsdk.errors import (
    AuthenticationFailed,
    BadAnswer,
    CommandRejected,
    InvalidRequest,
    NotFound,
    WriteNotApplied,
)
from kempsdk.references import VsRef
from tests.kempsdk.test_virtual_services import DONE, scripted

BLOCK, ALLOW = AccessList.BLOCK, AccessList.ALLOW
REFUSED = CommandRejected("no", status=422, reason="no")


def test_the_global_lists(lm: LoadMaster) -> None:
    assert lm.access_lists.list(BLOCK) == ()
    made = lm.access_lists.add(BLOCK, "198.51.100.0/24", comment="noisy")
    assert made == AccessEntry(network="198.51.100.0/24", comment="noisy")
    lm.access_lists.add(BLOCK, "203.0.113.7")
    lm.access_lists.add(ALLOW, "2001:db8::/32")
    assert [one.network for one in lm.access_lists.list(BLOCK)] == [
        "198.51.100.0/24",
        "203.0.113.7/32",
    ]
    assert lm.access_lists.list(ALLOW) == (AccessEntry(network="2001:db8::/32"),)
    lm.access_lists.remove(BLOCK, "203.0.113.7/32")
    assert [one.network for one in lm.access_lists.list(BLOCK)] == ["198.51.100.0/24"]
    with pytest.raises(NotFound):
        lm.access_lists.remove(BLOCK, "203.0.113.7")
    with pytest.raises(CommandRejected):
        lm.access_lists.add(ALLOW, "2001:db8::/32")


def test_the_lists_of_services(lm: LoadMaster, web: VsRef) -> None:
    lm.access_lists.add(ALLOW, "10.1.0.0/16", comment="office", vs=web)
    assert lm.access_lists.list(ALLOW, vs=web) == (
        AccessEntry(network="10.1.0.0/16", comment="office"),
    )
    assert lm.access_lists.list(ALLOW) == ()
    assert lm.access_lists.list(BLOCK, vs=web) == ()
    lm.access_lists.remove(ALLOW, "10.1.0.0/16", vs=web)
    assert lm.access_lists.list(ALLOW, vs=web) == ()
    with pytest.raises(NotFound):
        lm.access_lists.list(BLOCK, vs=VsRef.parse("tcp/10.9.9.9:80"))


def test_the_lists_of_a_sub_vs(lm: LoadMaster) -> None:
    parent = lm.virtual_services.create(VsRef.parse("tcp/10.0.1.99:80")).ref
    assert isinstance(parent, VsRef)
    ref = lm.sub_virtual_services.create(parent).ref
    lm.access_lists.add(BLOCK, "10.1.0.0/16", vs=ref)
    assert [one.network for one in lm.access_lists.list(BLOCK, vs=ref)] == ["10.1.0.0/16"]
    assert lm.access_lists.list(BLOCK, vs=parent) == ()


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "lb.example", ""])
def test_what_is_no_network_is_not_sent(network: str) -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="host bits"):
        lm.access_lists.add(BLOCK, network)
    with pytest.raises(InvalidRequest, match="127"):
        lm.access_lists.add(BLOCK, "10.0.0.0/8", comment="x" * 128)
    assert transport.calls == []


def test_old_firmware_says_black_and_white() -> None:
    entry = {"list": "black", "IP": [{"addr": "10.0.0.0/8", "comment": ""}]}
    lm, transport = scripted(
        aclcontrol=[REFUSED, {"list": "black"}, DONE, entry, {"list": "white"}]
    )
    lm.access_lists.add(BLOCK, "10.0.0.0/8")
    assert lm.access_lists.list(ALLOW) == ()
    assert [dict(one.params) for one in transport.calls] == [
        {"list": "block"},
        {"list": "black"},
        {"add": "black", "addr": "10.0.0.0/8"},
        {"list": "black"},
        {"list": "white"},
    ]


def test_a_refusal_of_both_is_the_first_one() -> None:
    again = CommandRejected("again", status=422, reason="again")
    lm, _ = scripted(aclcontrol=[REFUSED, again])
    with pytest.raises(CommandRejected, match="no"):
        lm.access_lists.list(BLOCK)


def test_bad_credentials_are_not_tried_twice() -> None:
    lm, transport = scripted(aclcontrol=[AuthenticationFailed("401", status=401, reason="401")])
    with pytest.raises(AuthenticationFailed):
        lm.access_lists.list(BLOCK)
    assert len(transport.calls) == 1


def test_what_was_not_stored() -> None:
    entry = {"IP": [{"addr": "10.0.0.0/8", "comment": ""}]}
    lm, _ = scripted(aclcontrol=[{}, DONE, {}])
    with pytest.raises(WriteNotApplied, match="entry"):
        lm.access_lists.add(BLOCK, "10.0.0.0/8")
    lm, _ = scripted(aclcontrol=[{}, DONE, entry])
    with pytest.raises(WriteNotApplied, match="comment"):
        lm.access_lists.add(BLOCK, "10.0.0.0/8", comment="mine")
    lm, _ = scripted(aclcontrol=[entry, DONE, entry])
    with pytest.raises(WriteNotApplied):
        lm.access_lists.remove(BLOCK, "10.0.0.0/8")


def test_answers_of_v1() -> None:
    def data(inner: str) -> XmlTree:
        return XmlTree(parse_xml(f"<Data>{inner}</Data>".encode()))

    one = data("<Whitelist><IP><addr>10.0.0.0/8</addr><comment>x</comment></IP></Whitelist>")
    assert _read(one) == (AccessEntry(network="10.0.0.0/8", comment="x"),)
    old = data("<Blacklist><addr>10.0.0.1</addr><addr>10.0.0.2</addr></Blacklist>")
    assert [entry.network for entry in _read(old)] == ["10.0.0.1/32", "10.0.0.2/32"]
    assert len(_read(data("<Blacklist><addr>10.0.0.1</addr></Blacklist>"))) == 1
    service = data(
        "<VS><VS_IP>1.2.3.4</VS_IP><Blacklist><IP><addr>::1</addr></IP></Blacklist></VS>"
    )
    assert _read(service) == (AccessEntry(network="::1/128"),)
    assert _read(data("<Blacklist></Blacklist>")) == ()
    assert _read(data("")) == ()


def test_an_entry_that_is_no_network() -> None:
    lm, _ = scripted(aclcontrol=[{"IP": [{"addr": "somewhere", "comment": ""}]}])
    with pytest.raises(BadAnswer):
        lm.access_lists.list(BLOCK)


def test_the_packet_filter(lm: LoadMaster, box: VirtualLoadMaster) -> None:
    before = lm.access_lists.packet_filter()
    assert before.enabled
    now = lm.access_lists.update_packet_filter(
        drop=True, restrict_interfaces=True, include_web_interface=True
    )
    assert (now.enabled, now.drop, now.restrict_interfaces) == (True, True, True)
    assert (now.include_web_interface, now.last_changed_from) == (True, "127.0.0.1")
    written = len([one for one in box.calls if "drop" in one.params])
    lm.access_lists.update_packet_filter(drop=True)
    assert len([one for one in box.calls if "drop" in one.params]) == written
    # Off last, on first: the others cannot be set while it is off.
    now = lm.access_lists.update_packet_filter(enabled=False, drop=False)
    assert (now.enabled, now.drop) == (False, False)
    now = lm.access_lists.update_packet_filter(drop=True, enabled=True)
    assert (now.enabled, now.drop) == (True, True)


def test_packet_filter_oddities() -> None:
    lm, transport = scripted()
    with pytest.raises(InvalidRequest, match="True or False"):
        lm.access_lists.update_packet_filter(drop=1)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidRequest):
        lm.access_lists.update_packet_filter(dorp=True)  # type: ignore[call-arg]  # wrong on purpose
    assert transport.calls == []
    lm, _ = scripted(aclcontrol=[{"isdrop": "perhaps"}])
    with pytest.raises(BadAnswer):
        lm.access_lists.packet_filter()
    on = {"state": "yes"}
    lm, _ = scripted(aclcontrol=[{"state": "no"}, DONE, on, {"state": "no"}, on, on, {}])
    with pytest.raises(WriteNotApplied, match="drop"):
        lm.access_lists.update_packet_filter(drop=True)
