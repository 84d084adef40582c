"""What is refused before anything is sent, and what is not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kempsdk.catalogue import check
from kempsdk.errors import InvalidRequest, Outcome
from kempsdk.secret import Secret

VS = {"vs": "10.0.0.1", "port": 80, "prot": "tcp"}


def refusal(name: str, params: dict[str, object], body: bytes | None = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        check(name, params, body=body)
    assert caught.value.outcome is Outcome.NOT_SENT
    return caught.value


@pytest.mark.parametrize(
    "params",
    [
        VS,
        {"VS": "10.0.0.1", "Port": "80", "PROT": "udp"},
        VS | {"port": "*"},
        VS | {"vs": "2001:db8::1"},
        VS | {"nickname": "web-1", "schedule": "wlc", "ForceL7": False, "Transparent": "N"},
        VS | {"CheckUse1.1": True, "CheckCodes": "301 302", "CheckPort": 0},
        VS | {"CertFile": "one two", "CipherSet": "my_own_set", "TLSType": 19},
        VS | {"InterceptOpts": "opblock;auditall", "Persist": "", "SSLRewrite": ""},
        VS | {"ErrorCode": "", "bandwidth": 0, "DefaultGW": ""},
        VS | {"ChkInterval": 0, "RsMinimum": 0},
    ],
)
def test_a_service_is_accepted(params: dict[str, object]) -> None:
    assert check("addvs", params).name == "addvs"


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        ({"port": 2}, "port", "3 to 65530 or *"),
        ({"port": True}, "port", "3 to 65530 or *"),
        ({"port": 80.0}, "port", "3 to 65530 or *"),
        ({"port": "\N{FULLWIDTH DIGIT EIGHT}0"}, "port", "3 to 65530 or *"),
        ({"prot": "TCP"}, "prot", "tcp, udp"),
        ({"vs": "web.example.com"}, "vs", "an IPv4 or IPv6 address"),
        ({"vs": 7}, "vs", "an IPv4 or IPv6 address"),
        ({"Schedule": "wrl"}, "Schedule", "rr, wrr, lc, wlc, fixed, adaptive"),
        ({"QoS": 3}, "QoS", "1"),
        ({"TLSType": 31}, "TLSType", "0 to 30"),
        ({"CheckCodes": "301,302"}, "CheckCodes", "a list with a blank in between"),
        ({"CheckCodes": "200"}, "CheckCodes", "a list"),
        ({"CheckUrl": "/" * 127}, "CheckUrl", "text, at most 126 characters"),
        ({"InterceptOpts": "opblock;nothing"}, "InterceptOpts", "opnormal"),
        ({"Enable": "maybe"}, "Enable", "yes or no"),
        ({"ChkInterval": 5}, "ChkInterval", "9 to 120 seconds or 0"),
        ({"PersistTimeout": -1}, "PersistTimeout", "0 to 2419200 seconds"),
        ({"NickName": b"web"}, "NickName", "text"),
        ({"NickName": None}, "NickName", "text"),
    ],
)
def test_a_wrong_value_is_refused(change: dict[str, object], field: str, allowed: str) -> None:
    error = refusal("addvs", VS | change)

    assert error.field == field
    assert error.allowed is not None
    assert allowed in error.allowed
    assert error.command == "addvs"


@pytest.mark.parametrize(
    ("params", "near"),
    [({"shedule": "rr"}, "Schedule"), ({"nikname": "x"}, "NickName"), ({"prott": "tcp"}, "prot")],
)
def test_a_misspelt_name_names_the_right_one(params: dict[str, object], near: str) -> None:
    error = refusal("addvs", VS | params)

    assert error.allowed is not None
    assert error.allowed.startswith(near)
    assert f"did you mean {near}" in str(error)
    assert error.value is None  # it may be a password's value


def test_a_name_that_is_read_only_is_refused() -> None:
    assert "read-only" in str(refusal("modvs", {"vs": 3, "Status": "Up"}))


def test_a_name_given_twice_is_refused() -> None:
    assert "twice" in str(refusal("modvs", {"vs": 3, "Enable": True, "enable": False}))


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "vs"),
        ({"vs": 3}, "rs"),
        ({"vs": 3, "rs": "10.0.0.9"}, "rsport"),
        ({"vs": "10.0.0.1", "rs": "!7"}, "port"),
        ({"vs": "10.0.0.1", "port": 80, "rs": "!7"}, "prot"),
    ],
)
def test_a_mandatory_parameter_is_missed(params: dict[str, object], field: str) -> None:
    assert refusal("modrs", params).field == field


@pytest.mark.parametrize(
    "params",
    [
        {"vs": 3, "rs": "!7"},
        {"vs": "3", "rs": "web1.example.com"},
        {"vs": 3, "rs": "10.0.0.9", "rsport": 80},
        {"vs": "10.0.0.1", "port": 80, "prot": "tcp", "rs": "2001:db8::9", "rsport": 80},
    ],
)
def test_an_index_needs_no_port(params: dict[str, object]) -> None:
    assert check("modrs", params).name == "modrs"


@pytest.mark.parametrize("rs", ["7", 7, "!x 7", ""])
def test_an_index_without_its_mark_is_refused(rs: object) -> None:
    error = refusal("modrs", {"vs": 3, "rs": rs})

    assert error.field == "rs"
    if str(rs).isdigit():
        assert "!7" in str(error)


def test_a_file_is_demanded_and_refused() -> None:
    assert refusal("addcert", {"cert": "x"}).field == "data"
    assert refusal("restore", {"type": 2}, body=b"").field == "data"
    assert refusal("listvs", {}, body=b"x").field == "data"
    assert check("addcert", {"cert": "x"}, body=b"PEM").takes_file is not None


def test_credentials_are_never_repeated() -> None:
    params = {"name": "v", "localid": "a", "remoteid": "b"}
    for key in ("hunter2", Secret("hunter2")):
        error = refusal("setvpnsecret", params | {"key": key})

        assert "hunter2" not in str(error)
        assert error.value is None
        assert error.allowed == "text, 16 to 64 characters"
    assert check("setvpnsecret", params | {"key": Secret("k" * 16)}).name == "setvpnsecret"


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("enableapi", True),
        ("enableapi", "yes"),
        ("finalpersist", 0),
        ("FINALPERSIST", "600"),
        ("hostname", "lb1"),
        ("admingw", ""),
        ("dfltgw", "10.0.0.254"),
        ("syslogerror", "10.0.0.5,log.example.com"),
        ("wuicipherset", "my_own_set"),
    ],
)
def test_a_global_parameter_is_accepted(param: str, value: object) -> None:
    assert check("set", {"param": param, "value": value}).name == "set"


@pytest.mark.parametrize(
    ("param", "value", "field"),
    [
        ("finalpersist", 30, "finalpersist"),
        ("finalpersist", True, "finalpersist"),
        ("finalpersit", 300, "param"),
        ("version", "7.2.60", "param"),
        ("dfltgw", "gateway", "dfltgw"),
        ("syslogprot", "sctp", "syslogprot"),
    ],
)
def test_a_global_parameter_is_refused(param: str, value: object, field: str) -> None:
    assert refusal("set", {"param": param, "value": value}).field == field


def test_get_knows_the_names() -> None:
    assert check("get", {"param": "version"}).name == "get"
    assert "version" in str(refusal("get", {"param": "verson"}))
    assert refusal("get", {}).field == "param"


@given(st.integers())
def test_weight_is_taken_in_its_range_only(weight: int) -> None:
    params = {"vs": 3, "rs": "!7", "weight": weight}
    if 1 <= weight <= 65535:
        check("modrs", params)
    else:
        assert refusal("modrs", params).value == weight


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        assert refusal("enablers", {"rs": text}).field == "rs"
    else:
        check("enablers", {"rs": text})


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers(), st.binary())))
def test_any_parameters_are_accepted_or_refused_as_invalid(params: dict[str, object]) -> None:
    if "vs" in {name.lower() for name in params}:
        params = {name: value for name, value in params.items() if name.lower() != "vs"}
    error = refusal("modvs", params)

    assert error.field in {*params, "vs"}
