"""No secret gets into a recording, in whatever spelling, and everything else stays."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kempsdk.catalogue import attributes, commands, kinds, parameters
from kempsdk.recording import Answer, Closed, Exchange, Request
from kempsdk.recording.scrubbing import SCRUBBED_FILE, Scrubber, is_secret_name, spellings

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIDdTCCAl2gAwIBAgIB\n-----END CERTIFICATE-----"

secrets = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=8)


def _exchange(body: str | bytes, *, api: str = "v2", **params: object) -> Exchange:
    content = body.encode("utf-8") if isinstance(body, str) else body
    request = Request(api="v1" if api == "v1" else "v2", command="x", method="GET", params=params)
    kind = "text/xml" if api == "v1" else "application/json"
    return Exchange(request=request, reply=Answer(status=200, content_type=kind, body=content))


def _body(exchange: Exchange) -> str:
    assert isinstance(exchange.reply, Answer)
    return exchange.reply.body.decode("utf-8")


def _scrubbed(body: str, *, api: str = "v2", addresses: bool = False) -> str:
    (one,) = Scrubber(addresses=addresses).scrub([_exchange(body, api=api)])
    return _body(one)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<emailpassword>hunter2</emailpassword>", "<emailpassword>scrubbed1</emailpassword>"),
        ("<Password>\n a&amp;b\n</Password>", "<Password>\n scrubbed1\n</Password>"),
        ("<password><![CDATA[a<b]]></password>", "<password><![CDATA[scrubbed1<b]]></password>"),
        ("<key>cut sho", "<key>scrubbed1"),
        ('<controller password="a b" id="1">', '<controller password="scrubbed1" id="1">'),
        ('"apipass" : "a\\"b", "x": "y"', '"apipass" : "scrubbed1", "x": "y"'),
        ('"secret": "cut sho', '"secret": "scrubbed1'),
        ('"apikeys": [ "", "k1", "k2"\n]', '"apikeys": [ "", "scrubbed1", "scrubbed2"\n]'),
        ('"serialnumber": 1234567, "a": 1', '"serialnumber": "scrubbed1", "a": 1'),
        ("GET /access/x?apikey=abc&vs=1 HTTP", "GET /access/x?apikey=scrubbed1&vs=1 HTTP"),
        (f'"data2": "{PEM}"', '"data2": "-----BEGIN RSA PRIVATE KEY-----scrubbed0'),
    ],
)
def test_what_a_name_says_is_secret(body: str, expected: str) -> None:
    if "CDATA" in body:
        expected, body = expected.replace("<b", ""), body.replace("<b", "")
    assert _scrubbed(body).startswith(expected)


@pytest.mark.parametrize(
    "body",
    [
        "<radiussecret>********</radiussecret>",
        "<emailpassword></emailpassword>",
        "<SSLDisableMasterSecret>N</SSLDisableMasterSecret>",
        '"MinPassword" : 8',
        '"PassSni" : "Y", "PassCipher" : true, "nopass" : "x"',
        '"Cookie" : "JSESSIONID", "CheckUrl" : "/a?b=c"',
        CERTIFICATE,
        '{ "code": 200,\r\n\t"PreProcessRules": [\r\n"a" \r\n "EspEnabled" : false,\r\n]',
    ],
)
def test_what_is_no_secret_stays_to_the_byte(body: str) -> None:
    assert _scrubbed(body) == body


@pytest.mark.parametrize(
    "name",
    [
        "apikey apipass passwd currpassword radius_shared_secret snmpcommunity snmpv3privpasswd",
        "ntpkeysecret CaptchaPrivateKey kcd_password key magic serialnumber SerialNo kempid",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert [one for one in name.split() if not is_secret_name(one)] == []


def test_names_that_the_catalogue_calls_secret() -> None:
    named = {one.name for info in commands().values() for one in info.params if one.secret}
    named |= {name for name, one in parameters().items() if one.secret}
    for kind in kinds():
        named |= {name for name, one in attributes(kind).items() if one.secret}
    assert len(named) > 20
    assert [one for one in sorted(named) if not is_secret_name(one)] == []


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("escaped", [False, True])
def test_private_keys_go_and_certificates_stay(escaped: bool, cut: bool) -> None:
    key = PEM[:45] if cut else PEM
    text = f"{CERTIFICATE}\n{key}"
    if escaped:
        text = json.dumps({"pem": text})
    got = _scrubbed(text)
    assert "MIIEp" not in got
    assert "MIIDdTCCAl2gAwIBAgIB" in got
    if escaped:
        json.loads(got)


def test_a_secret_that_was_sent_goes_wherever_it_comes_back() -> None:
    secret = 'pä&"<ß/ word+1'
    ways = [secret, html.escape(secret), json.dumps(secret), quote(secret, safe="")]
    ways.append(base64.b64encode(secret.encode()).decode())
    scrubber = Scrubber()
    scrubber.learn(secret)
    done = scrubber.scrub([_exchange(f"<a>x{way}x</a>") for way in ways])
    assert [_body(one).strip("<a>/").strip('x"') for one in done] == ["scrubbed1"] * len(ways)


def test_the_same_secret_gets_the_same_replacement() -> None:
    key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGz"
    made, used = Scrubber().scrub([_exchange(f'"apikeys": ["{key}"]'), _exchange("{}", key=key)])
    assert _body(made) == '"apikeys": ["scrubbed1"]'
    assert used.request.params == {"key": "scrubbed1"}


def test_the_value_of_a_secret_parameter() -> None:
    (one,) = Scrubber().scrub([_exchange("hunter2hunter2", param="radiussecret", value="hunter2")])
    assert one.request.params == {"param": "radiussecret", "value": "scrubbed1"}


def test_a_short_secret_goes_as_a_word_only() -> None:
    scrubber = Scrubber()
    scrubber.learn("lama")
    assert scrubber.text("lama lamas") == "scrubbed1 lamas"


def test_digits_go_as_a_number_only() -> None:
    scrubber = Scrubber()
    scrubber.learn("12345678")
    text = scrubber.text('"a": "12345678", "b": 123456789')
    assert text == '"a": "scrubbed1", "b": 123456789'
    assert not scrubber.leaks([text])


def test_files_without_a_readable_form_go() -> None:
    binary = b"\x1f\x8b\x08\x00secret"
    encoded = base64.b64encode(binary).decode()
    (one,) = Scrubber().scrub([_exchange(f'{{"code": 200, "data": "{encoded}"}}')])
    assert base64.b64decode(json.loads(_body(one))["data"]) == SCRUBBED_FILE


def test_readable_files_are_scrubbed_inside() -> None:
    encoded = base64.b64encode(f"{CERTIFICATE}\n{PEM}\n".encode()).decode()
    (one,) = Scrubber().scrub([_exchange(f'{{"code": 200, "data": "{encoded}"}}')])
    content = base64.b64decode(json.loads(_body(one))["data"]).decode()
    assert CERTIFICATE in content
    assert "MIIEp" not in content


@pytest.mark.parametrize("digits", ["a2V5cHdkcGFzcw==", "key/pwd+pass/a2==", "UFNLPQ=="])
@pytest.mark.parametrize("end", ['", "status": "ok"}', '"', ""])
def test_a_file_that_looks_like_a_name_with_a_value_goes(digits: str, end: str) -> None:
    request = Request(api="v2", command="backupcert", method="POST")
    body = f'{{"code": 200, "data": "{digits}{end}'.encode()
    reply = Answer(status=200, content_type="application/json", body=body)
    (one,) = Scrubber().scrub([Exchange(request=request, reply=reply)])
    taken_out = base64.b64encode(SCRUBBED_FILE).decode()
    assert _body(one) == f'{{"code": 200, "data": "{taken_out}{end}'


@pytest.mark.parametrize("cut", range(4))
def test_a_file_that_was_cut_short_or_is_escaped_goes(cut: int) -> None:
    digits = base64.b64encode(b"\xff\x00?>" * 20).decode().replace("/", "\\/")
    (one,) = Scrubber().scrub([_exchange(f'{{"data": "{digits[: len(digits) - cut]}')])
    assert base64.b64decode(_body(one).partition('": "')[2]) == SCRUBBED_FILE


def test_a_secret_inside_a_file_goes_elsewhere_too() -> None:
    inside = base64.b64encode(b'{"password": "pale blue dot"}').decode()
    file, other = Scrubber().scrub(
        [_exchange(f'{{"data": "{inside}"}}'), _exchange("pale blue dot")]
    )
    assert base64.b64decode(json.loads(_body(file))["data"]) == b'{"password": "scrubbed1"}'
    assert _body(other) == "scrubbed1"


@pytest.mark.parametrize(
    "command",
    ["backup", "backupcert", "restore", "license", "fetchleaccount", "addlmingressk8sconf"],
)
def test_files_that_are_secrets_go_even_if_they_are_text(command: str) -> None:
    request = Request(api="v1", command=command, method="POST", file=b"root:x:0:0")
    reply = Answer(status=200, content_type="application/octet-stream", body=b"root:x:0:0")
    (one,) = Scrubber().scrub([Exchange(request=request, reply=reply)])
    assert one.request.file == SCRUBBED_FILE
    assert isinstance(one.reply, Answer)
    assert one.reply.body == SCRUBBED_FILE


def test_an_attempt_without_answer_stays() -> None:
    request = Request(api="v1", command="x", method="GET")
    (one,) = Scrubber().scrub([Exchange(request=request, reply=Closed.TIMEOUT)])
    assert one.reply is Closed.TIMEOUT


def test_addresses_are_replaced_consistently() -> None:
    text = (
        "tcp/10.1.2.3:80 <Addr>10.1.2.3</Addr> 10.9.8.7/24 fd00::1 [fe80::2]:53 fd00:0::1"
        ' ^10\\.1\\.2\\.3$ 255.255.255.0 127.0.0.1 0.0.0.0 "version" : "7.2.54.1" 12:34:56'
    )
    assert _scrubbed(text, addresses=True) == (
        "tcp/192.0.2.1:80 <Addr>192.0.2.1</Addr> 192.0.2.2/24 2001:db8::1 [2001:db8::2]:53"
        ' 2001:db8::1 ^192\\.0\\.2\\.1$ 255.255.255.0 127.0.0.1 0.0.0.0 "version" : "7.2.54.1"'
        " 12:34:56"
    )
    assert _scrubbed(text) == text


def test_addresses_do_not_run_out() -> None:
    text = " ".join(f"10.{high}.{low}.1" for high in range(8) for low in range(200))
    assert len(set(_scrubbed(text, addresses=True).split())) == 1600


@given(secrets, st.sampled_from(["v1", "v2"]))
def test_no_spelling_of_a_learned_secret_is_left(secret: str, api: str) -> None:
    assume(secret.strip() and "scrubbed" not in secret and secret.strip("*"))
    scrubber = Scrubber()
    scrubber.learn(secret)
    body = "\n".join(f"<name>{one}</name>" for one in sorted(spellings(secret)))
    (one,) = scrubber.scrub([_exchange(body, api=api, note=secret)])
    texts = [_body(one), str(one.request.params["note"])]
    assert not scrubber.leaks(texts)
    assert all(secret not in text for text in texts)


@given(secrets)
def test_a_named_secret_is_never_left(secret: str) -> None:
    assume(secret.strip() and "scrubbed" not in secret and secret.strip("* "))
    for body in (
        f"<password>{html.escape(secret)}</password>",
        json.dumps({"password": secret, "list": [{"apikeys": [secret]}]}),
        json.dumps({"password": secret}, ensure_ascii=False),
    ):
        got = _scrubbed(body)
        assert secret not in html.unescape(got)
        assert secret not in got.encode("ascii", "backslashreplace").decode("unicode-escape")


@given(st.binary(max_size=200), st.sampled_from(["text/xml", "application/json", ""]))
def test_any_bytes_can_be_scrubbed(body: bytes, kind: str) -> None:
    request = Request(api="v1", command="x", method="GET")
    reply = Answer(status=200, content_type=kind, body=body)
    (one,) = Scrubber(addresses=True).scrub([Exchange(request=request, reply=reply)])
    assert isinstance(one.reply, Answer)
    assert isinstance(one.reply.body, bytes)


@pytest.mark.parametrize("part", ["a", "<a ", '"a":"', "ab:", "1.", '"data": \n'])
def test_long_answers_take_no_time_to_speak_of(part: str) -> None:
    # With a pattern that starts again at every character this would take hours.
    body = part * (300_000 // len(part))
    assert len(_scrubbed(body, addresses=True)) == len(body)
