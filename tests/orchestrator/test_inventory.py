"""The file a person writes: each mistake is refused with its line and what to write."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.errors import SpecInvalid
from orchestrator.inventory import json_schema, load_spec, parse_spec, spec_from_data
from orchestrator.rollout_spec import Amount, RolloutSpec, batch_sizes

GOOD = """\
loadmasters:
  lb1: {url: "https://192.0.2.10"}
services:
  web:
    loadmaster: lb1
    service: tcp/203.0.113.250:80
    method: loopback
hosts:
  web1: {address: 203.0.113.11, interface: eth0}
  web2: {address: 203.0.113.12, interface: eth0}
  web3: {address: 203.0.113.13, interface: eth0}
pools:
  web:
    service: web
    hosts: [web1, web2, web3]
rollout:
  kind: roll
  pool: web
  batch: 1
  action:
    argv: [systemctl, restart, "httpd@{host}"]
    on: host
"""

_ARGV = '[systemctl, restart, "httpd@{host}"]'


def test_good_file() -> None:
    spec = parse_spec(GOOD, path="web.yaml")
    assert spec.rollout is not None
    assert spec.rollout.max_unavailable == 1
    assert spec.rollout.drain.at_deadline == "fail"
    assert spec.pools["web"].hosts == ("web1", "web2", "web3")
    assert str(spec.server("web", "web2")) == "203.0.113.12:80"
    assert spec.host("web1").interface == "eth0"


def test_the_key_on_is_a_word_not_a_truth_value() -> None:
    spec = parse_spec(GOOD.replace("on: host", "on: here"), path="web.yaml")
    assert spec.rollout is not None
    assert spec.rollout.action is not None
    assert spec.rollout.action.on == "here"


def test_plain_data_gives_the_same_spec() -> None:
    import dataclasses
    import json

    spec = parse_spec(GOOD, path="web.yaml")
    assert spec_from_data(json.loads(json.dumps(dataclasses.asdict(spec)))) == spec


# Each: what stands in the good file, what is written instead, the line of the mistake, and
# words that the message must have.
MISTAKES = {
    "tab": ("    loadmaster: lb1", "\tloadmaster: lb1", 5, "tab"),
    "tab-within": ("  kind: roll", "  kind:\t\troll", 17, "tab"),
    "syntax": ("hosts: [web1, web2, web3]", "hosts: [web1, web2", 16, "not YAML"),
    "unknown-key": ("  batch: 1", "  bach: 1", 19, "did you mean batch?"),
    "unknown-section": ("loadmasters:", "loadmaster:", 1, "did you mean loadmasters?"),
    "unknown-nested": ("    on: host", "    onn: host", 22, "did you mean on?"),
    "unknown-far": ("  batch: 1", "  zzzzz: 1", 19, "known here: kind, pool"),
    "duplicate-key": ("  pool: web\n", "  pool: web\n  pool: web\n", 19, "first on line 18"),
    "duplicate-host-name": (
        "  web3: {address: 203.0.113.13, interface: eth0}",
        "  web1: {address: 203.0.113.13, interface: eth0}",
        11,
        "web1 is given twice (first on line 9)",
    ),
    "ssh-setting-for-netlink": (
        "  web3: {address: 203.0.113.13, interface: eth0}",
        "  web3: {address: 203.0.113.13, interface: eth0, user: root}",
        11,
        "user is for driver: ssh, but web3 is reached by netlink",
    ),
    "namespace-for-ssh": (
        "  web3: {address: 203.0.113.13, interface: eth0}",
        "  web3: {address: 203.0.113.13, interface: eth0, driver: ssh, namespace: web3}",
        11,
        "namespace is for driver: netlink, but web3 is reached by ssh",
    ),
    "mac-that-yaml-takes-for-a-number": (
        '"https://192.0.2.10"}',
        '"https://192.0.2.10", macs: [10:20:30:40:50:51]}',
        2,
        "loadmasters.lb1.macs.0: write text, in quotes",
    ),
    "yes-as-a-number": (
        "  batch: 1",
        "  batch: yes",
        19,
        "rollout.batch: write a whole number, a percentage such as 25% or a list",
    ),
    "yes-as-an-amount": (
        "  batch: 1",
        "  max_unavailable: true",
        19,
        "rollout.max_unavailable: write a whole number or a percentage such as 25%",
    ),
    "number-in-quotes": ("  batch: 1", "  settle_s: '5'", 19, "rollout.settle_s: write a number"),
    "section-left-empty": (
        "  batch: 1",
        "  drain:",
        19,
        "rollout.drain: write names and values: connections, window_s, poll_s, deadline_s, ",
    ),
    "no-list": (_ARGV, "systemctl restart", 21, "argv: write a list"),
    "list-too-short": (_ARGV, "[]", 21, "argv: write at least 1"),
    "list-too-long": ("  batch: 1", "  ramp: {percent: [1, 2, 3]}", 19, "percent: write at most 2"),
    "mac-that-is-none": (
        '"https://192.0.2.10"}',
        '"https://192.0.2.10", macs: ["00:50:56"]}',
        2,
        "'00:50:56' is not a MAC; write it as",
    ),
    "segment-address-that-is-none": (
        '"https://192.0.2.10"}',
        '"https://192.0.2.10", segment_address: lb1}',
        2,
        "segment_address: 'lb1' is not an IPv4 or IPv6 address",
    ),
    "station-that-is-a-host": (
        "pools:\n",
        "stations: {web1: {address: 203.0.113.2, interface: eth0}}\npools:\n",
        12,
        "web1 is a host already",
    ),
    "station-with-a-servers-address": (
        "pools:\n",
        "stations: {gw: {address: 203.0.113.11, interface: eth0}}\npools:\n",
        12,
        "duplicate host: web1 has the address 203.0.113.11 too",
    ),
    "router-that-is-no-station": (
        "pools:\n",
        "stations: {gw: {address: 203.0.113.1, interface: eth0}}\nrouters: [g]\npools:\n",
        13,
        "no host g; did you mean gw? (stations)",
    ),
    "probe-from-nowhere": ("pools:\n", "arp_probe: {}\npools:\n", 12, "say interface"),
    "probe-from-two-places": (
        "pools:\n",
        "arp_probe: {interface: eth0, station: gw}\npools:\n",
        12,
        "and not both",
    ),
    "probe-from-an-unknown-station": (
        "pools:\n",
        "arp_probe: {station: gw}\npools:\n",
        12,
        "no station gw",
    ),
    "probe-with-a-namespace-of-a-station": (
        "pools:\n",
        "stations: {gw: {address: 203.0.113.1, interface: eth0}}\n"
        "arp_probe: {station: gw, namespace: x}\npools:\n",
        13,
        "a namespace goes with interface",
    ),
    "ssh-port-out-of-range": (
        "  web3: {address: 203.0.113.13, interface: eth0}",
        "  web3: {address: 203.0.113.13, interface: eth0, driver: ssh, port: 70000}",
        11,
        "port",
    ),
    "duplicate-host-address": (
        "203.0.113.13",
        "203.0.113.11",
        11,
        "duplicate host: web1 has the address 203.0.113.11 too",
    ),
    "duplicate-in-pool": ("[web1, web2, web3]", "[web1, web2, web1]", 15, "duplicate host web1"),
    "batch-too-large": ("  batch: 1", "  batch: 4", 19, "4 hosts at a time, but there are only 3"),
    "batch-zero": ("  batch: 1", "  batch: 0", 19, "0 hosts at a time"),
    "batch-word": ("  batch: 1", "  batch: many", 19, "neither a number nor a percentage"),
    "batch-percent-zero": ("  batch: 1", "  batch: 10%", 19, "10% of 3 hosts is less than one"),
    "batch-percent-over": ("  batch: 1", "  batch: 101%", 19, "between 1% and 100%"),
    "batch-percent-all": ("  batch: 1", "  batch: 100%", 19, "max_unavailable is 1"),
    "batch-over-floor": ("  batch: 1", "  batch: 2", 19, "max_unavailable is 1"),
    "batch-shrinks": ("  batch: 1", "  batch: [2, 1]", 19, "a list of batches grows, but 1"),
    "batch-empty-list": ("  batch: 1", "  batch: []", 19, "empty list"),
    "floor-word": ("  batch: 1", "  min_healthy: most", 19, "neither a number nor a percentage"),
    "floor-percent": ("  batch: 1", "  max_unavailable: 0%", 19, "between 1% and 100%"),
    "pool-floor": (
        "    service: web\n",
        "    service: web\n    min_healthy: 0\n",
        15,
        "min_healthy is at least 1",
    ),
    "nobody": ("  pool: web\n", "", 16, "say which servers"),
    "pool-and-pools": ("  batch: 1", "  pools: [web]", 19, "pool or pools, not both"),
    "no-such-pools": ("  pool: web\n", "  pools: [web, wbe]\n", 18, "did you mean web?"),
    "no-such-label": ("  batch: 1", "  selector: {rack: a}", 19, "no host has the labels rack=a"),
    "host-in-no-pool": (
        "    hosts: [web1, web2, web3]\nrollout:\n  kind: roll\n  pool: web\n",
        "    hosts: [web1, web2]\nrollout:\n  kind: roll\n  hosts: [web3]\n",
        18,
        "web3 is in no pool",
    ),
    "may-empty": ("  batch: 1", "  may_empty: [wep]", 19, "did you mean web?"),
    "canary-too-many": ("  batch: 1", "  canary: {hosts: 4}", 19, "a canary of 4 out of 3"),
    "canary-none": ("  batch: 1", "  canary: {hosts: 10%}", 19, "a canary of 10% out of 3"),
    "canary-blind": ("  batch: 1", "  canary: {gate: check}", 19, "nothing is looked at"),
    "canary-gate": ("  batch: 1", "  canary: {gate: chek}", 19, "'approve' or 'check'"),
    "check-of-nothing": (
        "  batch: 1",
        "  bake:\n    checks:\n      - {name: a}",
        21,
        "give one of http, traffic or argv",
    ),
    "check-twice": (
        "  batch: 1",
        "  bake:\n    checks:\n      - {name: a, argv: [x]}\n      - {name: a, argv: [x]}",
        22,
        "check a is there twice",
    ),
    "check-key": (
        "  batch: 1",
        "  bake:\n    checks:\n      - {name: a, argc: [x]}",
        21,
        "did you mean argv?",
    ),
    "check-field": (
        "  batch: 1",
        "  bake:\n    checks:\n      - {name: a, argv: ['{host}']}",
        21,
        "known: batch, run",
    ),
    "bake-looks": ("  batch: 1", "  bake: {time_s: 5}", 19, "holds no two looks 10 s apart"),
    "progress": ("  batch: 1", "  progress_deadline_s: 900", 19, "before one step may have ended"),
    "ramp-falls": ("  batch: 1", "  ramp: {percent: [50, 10]}", 19, "the steps of a ramp rise"),
    "ramp-long": ("  batch: 1", "  ramp: {percent: [1, 2, 3]}", 19, "at most 2"),
    "ramp-late": ("  batch: 1", "  ramp: {every_s: 120}", 19, "is over before a step of the ramp"),
    "hook-point": (
        "  batch: 1",
        "  hooks:\n    - {at: after-away, name: x, argv: [x]}",
        20,
        "a roll never comes to after-away",
    ),
    "hook-no-point": (
        "  batch: 1",
        "  hooks:\n    - {at: after, name: x, argv: [x]}",
        20,
        "'before-run'",
    ),
    "hook-empty": ("  batch: 1", "  hooks:\n    - {at: after-in, name: x}", 20, "argv or http"),
    "hook-on-no-host": (
        "  batch: 1",
        "  hooks:\n    - {at: after-run, name: x, argv: [x], on: host}",
        20,
        "after-run is about no host",
    ),
    "hook-about-no-server": (
        "  batch: 1",
        "  hooks:\n    - {at: before-batch, name: x, argv: [x, '{host}']}",
        20,
        "{host} is not filled in; known: batch, run",
    ),
    "hook-about-no-batch": (
        "  batch: 1",
        "  hooks:\n    - {at: after-run, name: x, argv: [x, '{batch}']}",
        20,
        "{batch} is not filled in; known: run",
    ),
    "hook-twice": (
        "  batch: 1",
        "  hooks:\n    - {at: after-in, name: x, argv: [x]}\n"
        "    - {at: after-in, name: x, argv: [x]}",
        21,
        "hook x is there twice",
    ),
    "hook-credential": (
        "  batch: 1",
        "  hooks:\n    - {at: after-in, name: x, http: {url: 'https://me:secret@example.org'}}",
        20,
        "no credential belongs in a URL",
    ),
    "hook-url": (
        "  batch: 1",
        "  hooks:\n    - {at: after-in, name: x, http: {url: 'ftp://example.org'}}",
        20,
        "is not http(s)://HOST",
    ),
    "hook-field": (
        "  batch: 1",
        "  hooks:\n    - {at: after-in, name: x, argv: ['{hots}']}",
        20,
        "address, host, run",
    ),
    "hook-name": (
        "  batch: 1",
        "  hooks:\n    - {at: after-in, name: 'a b', argv: [x]}",
        20,
        "is not a name",
    ),
    "vip-is-server": ("203.0.113.13", "203.0.113.250", 11, "vip-is-server-address"),
    "dsr-port": ("    service: web\n", "    service: web\n    port: 8080\n", 15, "dsr-port-equal"),
    "port-range": ("    service: web\n", "    service: web\n    port: 70000\n", 15, "65535"),
    "weight-range": ("    service: web\n", "    service: web\n    weight: 0\n", 15, "weight"),
    "service-form": ("tcp/203.0.113.250:80", "203.0.113.250:80", 6, "PROTOCOL/ADDRESS:PORT"),
    "service-wildcard": ("tcp/203.0.113.250:80", "tcp/203.0.113.250:*", 6, "name one"),
    "method": ("method: loopback", "method: loopbak", 7, "'loopback', 'arptables'"),
    "gateway-elsewhere": (
        "    method: loopback",
        "    method: loopback\n    gateway: 203.0.113.1",
        8,
        "no other method has it",
    ),
    "no-such-lb": ("    loadmaster: lb1", "    loadmaster: lb2", 5, "did you mean lb1?"),
    "no-such-service": ("    service: web\n", "    service: wep\n", 14, "did you mean web?"),
    "no-such-host": ("[web1, web2, web3]", "[web1, web2, wbe3]", 15, "no host wbe3"),
    "no-such-pool": ("  pool: web\n", "  pool: wb\n", 18, "did you mean web?"),
    "host-outside-pool": ("  batch: 1", "  hosts: [web9]", 19, "pool web"),
    "bad-address": ("203.0.113.13", "203.0.113.300", 11, "not an IPv4 or IPv6 address"),
    "interface-lo": ("203.0.113.13, interface: eth0", "203.0.113.13, interface: lo", 11, "eth0"),
    "missing": ("    loadmaster: lb1\n", "", 4, "services.web.loadmaster is missing"),
    "wrong-type": ("[web1, web2, web3]", "web1", 15, "pools.web.hosts"),
    "password": ('{url: "https://192.0.2.10"}', "{url: x, password: hunter2}", 2, "no credential"),
    "api-key": ('{url: "https://192.0.2.10"}', "{url: x, api_key: hunter2}", 2, "no credential"),
    "url-credential": ("https://192.0.2.10", "https://bal:hunter2@192.0.2.10", 2, "no credential"),
    "url": ("https://192.0.2.10", "192.0.2.10", 2, "https://HOST"),
    "pin": ('"https://192.0.2.10"', '"https://192.0.2.10", tls_pin: ab', 2, "64 hexadecimal"),
    "kind": ("  kind: roll", "  kind: rol", 17, "'roll'"),
    "action-elsewhere": ("  kind: roll", "  kind: drain", 20, "belongs to kind: roll"),
    "action-field": ("httpd@{host}", "httpd@{hots}", 21, "address, host, run"),
    "action-brace": ("httpd@{host}", "httpd@{", 21, "not filled in"),
    "infinite": ("  batch: 1", "  settle_s: .inf", 19, "settle_s"),
    "negative": ("  batch: 1", "  settle_s: -1", 19, "settle_s"),
    "floor-zero": ("  batch: 1", "  min_healthy: 0", 19, "min_healthy"),
    "no-such-rule": ("  batch: 1", "  allow: [dsr-needs-l5]", 19, "did you mean dsr-needs-l4?"),
    "window": ("  batch: 1", "  drain: {window_s: 1, poll_s: 5}", 19, "no two observations"),
    "deadline": ("  batch: 1", "  drain: {deadline_s: 10}", 19, "is over before"),
    "healthy-deadline": ("  batch: 1", "  healthy_deadline_s: 5", 19, "is over before"),
    "health-path": (
        "    method: loopback",
        "    method: loopback\n    health: {path: status}",
        8,
        "begins with /",
    ),
    "bad-name": ("  web3: {", "  web 3: {", 11, "is not a name"),
    "list-as-key": ("  batch: 1", "  [a]: 1", 19, "plain word"),
    "self-alias": ("  batch: 1", "  allow: &a [*a]", 19, "refers to itself"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str) -> None:
    old, new, line, words = MISTAKES[name]
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    with pytest.raises(SpecInvalid) as refused:
        parse_spec(text, path="web.yaml")
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"web.yaml:{line}: ")
    assert refused.value.line == line
    assert refused.value.path == "web.yaml"
    assert "hunter2" not in str(refused.value)


def test_what_is_wrong_in_a_list_is_not_said_of_the_list_again() -> None:
    with pytest.raises(SpecInvalid) as refused:
        parse_spec(GOOD.replace(_ARGV, "[1]"), path="web.yaml")
    assert str(refused.value) == (
        "web.yaml:21: rollout.action.argv.0: write text, in quotes where YAML takes it for "
        "something else"
    )


def test_a_date_is_text_where_text_is_wanted() -> None:
    labels = GOOD.replace(
        ".11, interface: eth0}", ".11, interface: eth0, labels: {on: 2026-01-31}}"
    )
    assert parse_spec(labels, path="web.yaml").hosts["web1"].labels == {"on": "2026-01-31"}


def test_further_mistakes_are_listed_too() -> None:
    text = GOOD.replace("  batch: 1", "  bach: 1").replace("method: loopback", "method: x")
    with pytest.raises(SpecInvalid, match=r"(?s)^web.yaml:7: .*also line 19: .*batch") as refused:
        parse_spec(text, path="web.yaml")
    assert refused.value.line == 7


def test_a_rule_is_allowed_by_name() -> None:
    text = GOOD.replace("    service: web\n", "    service: web\n    port: 8080\n", 1)
    text = text.replace("  batch: 1", "  allow: [dsr-port-equal]")
    assert str(parse_spec(text, path="x").server("web", "web1")) == "203.0.113.11:8080"


def test_aliases_cannot_fill_the_memory() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(SpecInvalid, match="aliases multiply"):
        parse_spec("l0: &l0 [x]\n" + levels, path="bomb.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\xff\xfe", "UTF-8"), (b"a: \x01\n", "character"), (b"- a\n", "names")],
)
def test_not_a_specification(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecInvalid, match=words):
        load_spec(path)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecInvalid, match="cannot be read") as refused:
        load_spec(tmp_path / "none.yaml")
    assert refused.value.line is None


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD)
    assert load_spec(path) == parse_spec(GOOD, path="x")


@pytest.mark.parametrize(
    ("batch", "hosts", "sizes"),
    [
        (1, 3, (1, 1, 1)),
        ("50%", 3, (1, 1, 1)),
        ("50%", 4, (2, 2)),
        ("100%", 3, (3,)),
        (2, 3, (2, 1)),
        ((1, "10%", "50%"), 20, (1, 2, 10, 7)),
        # A small percentage of few hosts does not grow, but does not stand still either.
        ((1, "10%", "50%"), 5, (1, 1, 2, 1)),
        ((2, 9), 4, (2, 2)),
    ],
)
def test_batch_sizes(
    batch: Amount | tuple[Amount, ...], hosts: int, sizes: tuple[int, ...]
) -> None:
    rollout = RolloutSpec(kind="add", pool="web", batch=batch)
    assert batch_sizes(rollout, hosts) == sizes


def test_schema_accepts_the_good_file_and_refuses_unknown_keys() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    # A JSON Schema sees the file as YAML 1.2, where "on" is a word.
    data = yaml.safe_load(GOOD.replace("    on: host\n", ""))
    jsonschema.validate(data, schema)
    data["rollout"]["bach"] = 1
    with pytest.raises(jsonschema.ValidationError, match="bach"):
        jsonschema.validate(data, schema)


def test_schema_explains_every_field() -> None:
    for name, section in json_schema()["$defs"].items():
        assert section["description"], name
        for field, entry in section["properties"].items():
            assert entry.get("description"), f"{name}.{field}"
