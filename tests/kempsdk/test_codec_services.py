"""Services and servers: captured answers, and the same one over both interfaces."""

import json
from dataclasses import replace
from ipaddress import ip_address
from xml.etree import ElementTree

import pytest

from kempsdk.auth import ApiKey
from kempsdk.codec import MalformedAnswer
from kempsdk.codec_services import read_servers, read_service, read_service_list
from kempsdk.models import RealServer, VirtualService
from kempsdk.references import Protocol, RsRef, SubVsRef, VsRef
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import HttpAnswer
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2
from kempsdk.words import (
    CheckMethod,
    CheckType,
    Forward,
    Persist,
    RsStatus,
    Schedule,
    ServiceType,
    SslRewrite,
    VsStatus,
)
from tests.kempsdk.recordings import recording

CALL = Call(command="showvs", mutates=False)
AUTH = ApiKey("key")


def v1(body: bytes) -> Reply:
    return V1(AUTH).read(HttpAnswer(status=200, content_type="text/xml", body=body), CALL)


def v2(body: bytes) -> Reply:
    return V2(AUTH).read(HttpAnswer(status=200, content_type="", body=body), CALL)


def test_a_fresh_service_is_the_same_over_both_interfaces() -> None:
    (old,) = read_service_list(v1(recording("listvs-one-http.xml")).data)
    new = read_service(v2(recording("showvs-http-fresh.json")).data)
    assert new.ref == VsRef(Protocol.TCP, "192.168.1.239", 80)
    assert replace(old, ref=new.ref) == new
    assert new.status is VsStatus.DOWN
    assert new.type is ServiceType.HTTP
    assert new.schedule is Schedule.ROUND_ROBIN
    assert new.check_type is CheckType.HTTP
    assert new.check_method is CheckMethod.HEAD
    assert new.persist is Persist.NONE
    assert new.idle_timeout_s == 660
    assert new.nickname == "foo"
    assert new.waf_options == ("opnormal", "auditrelevant", "reqdatadisable", "resdatadisable")
    assert (new.layer, new.force_l7, new.force_l4) == (7, True, False)
    assert new.extra["IsTransparent"] == 2
    assert old.extra["IsTransparent"] == "2"


def test_a_server_is_the_same_over_both_interfaces() -> None:
    (old,) = read_servers(v1(recording("showrs-single.xml")).data)
    (new,) = read_servers(v2(recording("addrs-single.json")).data)
    assert replace(old, rs_index=2) == new
    assert new == RealServer(
        ref=RsRef("10.10.10.10", 8080),
        vs_index=1,
        rs_index=2,
        status=RsStatus.DOWN,
        enabled=True,
        forward=Forward.NAT,
        weight=1000,
    )


def test_a_layer_4_service() -> None:
    found = read_service(v1(recording("addvs-l4-healthcheck.xml")).data)
    assert (found.layer, found.force_l4) == (4, True)
    assert found.check_type is CheckType.HTTPS
    assert found.check_url is not None


def test_old_firmware() -> None:
    services = read_service_list(v1(recording("listvs-two-vs-7.1.xml")).data)
    assert [one.ref.address for one in services if isinstance(one.ref, VsRef)] == [
        "10.154.75.123",
        "10.154.190.229",
    ]
    assert services[0].transparent
    assert read_service(v1(recording("showvs-http-7.1.xml")).data).idle_timeout_s == 0
    certificates = read_service(v1(recording("showvs-ssl-four-certs-7.1.xml")).data).cert_files
    assert len(certificates) == 4


def test_a_sub_service_is_named_by_its_parent_and_slot() -> None:
    ref = SubVsRef(VsRef(Protocol.TCP, "10.0.0.1", 80), 5)
    found = read_service(v1(recording("showvs-subvs-7.1.xml")).data, ref=ref)
    assert found.ref == ref
    assert (found.address, found.port, found.master_index) == ("", 0, 1)
    parent = read_service(v1(recording("modvs-createsubvs-elided.xml")).data)
    (sub,) = parent.sub_services
    assert (sub.index, sub.rs_index, sub.name) == (23, 24, None)
    assert parent.tls_disabled_mask == 0  # printed as N


def test_the_broken_json_of_7_2_50_is_read() -> None:
    reply = v2(recording("showvs-preprocess-rule-broken-one.json"))
    assert reply.data["PreProcessRules"] == ["r"]


PARENT = {
    "Index": 1,
    "Status": "Up",
    "VSAddress": "10.0.0.1",
    "VSPort": "80",
    "Protocol": "tcp",
    "MasterVS": 2,
    "MasterVSID": 0,
    "SubVS": [
        {"Status": "Up", "VSIndex": 7, "RsIndex": 5, "Name": "blue", "Weight": 10, "Enable": True},
        {"Status": "Down", "VSIndex": 6, "RsIndex": 9, "Name": "-", "Enable": False},
    ],
}
SERVER = {"Status": "Up", "VSIndex": 6, "RsIndex": 11, "Addr": "10.0.0.9", "Port": 80}
SUBS = [
    {"Index": 6, "VSPort": "0", "Protocol": "tcp", "MasterVSID": 1, "Rs": [SERVER]},
    {"Index": 7, "VSPort": "0", "Protocol": "tcp", "MasterVSID": 1, "NickName": "blue"},
]


def test_sub_services_hang_below_their_parent_in_whatever_order() -> None:
    plain = {**PARENT, "Index": 2, "VSPort": "*", "SubVS": []}
    found = read_service_list({"VS": [SUBS[0], plain, SUBS[1], PARENT]})
    assert [str(one.ref) for one in found] == ["tcp/10.0.0.1:*", "tcp/10.0.0.1:80"]
    blue, unnamed = found[1].sub_services
    assert (blue.name, blue.weight, str(blue.ref)) == ("blue", 10, "tcp/10.0.0.1:80#5")
    assert blue.service is not None
    assert blue.service.ref == blue.ref
    assert unnamed.name is None
    assert unnamed.service is not None
    assert unnamed.service.real_servers[0].ref == RsRef("10.0.0.9", 80)


def test_words_of_another_firmware_are_kept() -> None:
    entry = {**PARENT, "SubVS": [], "Status": "Sleepy", "Schedule": "best", "Brand": "new"}
    (found,) = read_service_list({"VS": [entry]})
    assert (found.status, found.schedule) == (VsStatus.UNKNOWN, Schedule.OTHER)
    assert {"Status": "Sleepy", "Schedule": "best", "Brand": "new"}.items() <= found.extra.items()
    (server,) = read_servers({"Rs": [{**SERVER, "Forward": "tunnel"}]})
    assert server.forward is Forward.OTHER
    assert server.extra["Forward"] == "tunnel"


def test_white_space_around_values_does_not_matter() -> None:
    xml = (
        b'<Response stat="200" code="ok"><Success><Data><Index>\n4 </Index><VSAddress> 10.0.0.1 '
        b"</VSAddress><VSPort> 80\n</VSPort><Protocol> tcp </Protocol><Enable> Y </Enable>"
        b"<Schedule> wlc\n</Schedule><SSLRewrite> 2 </SSLRewrite></Data></Success></Response>"
    )
    found = read_service(v1(xml).data)
    assert (found.index, found.enabled) == (4, True)
    assert found.schedule is Schedule.WEIGHTED_LEAST_CONNECTION
    assert found.ssl_rewrite is SslRewrite.HTTPS


def test_a_server_whose_name_does_not_resolve() -> None:
    (found,) = read_servers({"Rs": [{**SERVER, "Addr": "", "DnsName": "web.example", "Port": 0}]})
    assert (found.port, found.dns_name) == (0, "web.example")
    assert ip_address(found.address).is_unspecified


def test_addresses_of_servers_are_canonical() -> None:
    (found,) = read_servers({"Rs": [{**SERVER, "Addr": "2001:DB8:0::b"}]})
    assert found.ref == RsRef("2001:db8::b", 80)


@pytest.mark.parametrize(
    "entry",
    [
        {"Status": "Up"},
        {**PARENT, "Index": "many"},
        {**PARENT, "VSPort": "http"},
        {**PARENT, "Protocol": "sctp"},
        {**PARENT, "VSAddress": "10.0.0"},
        {**PARENT, "VSPort": "70000"},
        {**PARENT, "Enable": "perhaps"},
        {**PARENT, "VSAddress": None},
        {**PARENT, "Rs": [{**SERVER, "Port": "x"}]},
        {**PARENT, "Rs": [{**SERVER, "Addr": "1::2::3"}]},
    ],
)
def test_nonsense_is_named(entry: dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer):
        read_service_list({"VS": [entry]})


def _as_xml(name: str, value: object) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(value, dict):
        for key, one in value.items():
            for part in one if key in ("VS", "Rs", "SubVS") else [one]:
                element.append(_as_xml(key, part))
    elif isinstance(value, list):
        for word in value:
            ElementTree.SubElement(element, "Opt").text = word
    elif isinstance(value, bool):
        element.text = "Y" if value else "N"
    else:
        element.text = str(value)
    return element


def test_every_field_is_the_same_over_both_interfaces() -> None:
    fields: dict[str, object] = {
        **PARENT,
        "SubVS": [],
        "Persist": "src",
        "PersistTimeout": "360",
        "CheckUseGet": 1,
        "CheckCodes": "301 302",
        "ExtraPorts": "8080,8081",
        "DefaultGW": "10.0.0.254",
        "SSLRewrite": "1",
        "CertFile": "a b",
        "OwaspOpts": ["opnormal", "auditnone"],
        "Bandwidth": 100,
        "Rs": [{**SERVER, "Forward": "route", "Enable": False, "DnsName": ""}],
    }
    data = ElementTree.Element("Data")
    data.append(_as_xml("VS", fields))
    text = ElementTree.tostring(data)
    old = v1(b'<Response stat="200" code="ok"><Success>' + text + b"</Success></Response>")
    new = v2(json.dumps({"code": 200, "VS": [fields], "status": "ok"}).encode())
    (left,), (right,) = read_service_list(old.data), read_service_list(new.data)
    assert left == right
    assert hash(left) == hash(right)
    assert isinstance(left, VirtualService)
    assert left.check_method is CheckMethod.GET
    assert left.check_codes == ("301", "302")
    assert left.real_servers[0].forward is Forward.ROUTE
