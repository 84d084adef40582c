"""Export, diff and apply of what stands for itself: network, limits, accounts, SSO, GEO."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kempsdk.client import LoadMaster
from kempsdk.configuration import InvalidConfiguration, apply, diff, export
from kempsdk.configuration_file import read_wanted
from kempsdk.configuration_registry import KEYS, THINGS
from kempsdk.desired_state import Action, Changed, Unchanged
from kempsdk.dns import HostsEntry
from kempsdk.emulator import Switches, VirtualLoadMaster
from kempsdk.errors import CommandRejected, InvalidRequest
from kempsdk.geo_clusters import GeoClusterType
from kempsdk.geo_models import GeoCheck, GeoSelection
from kempsdk.geo_records import GeoRecordType
from kempsdk.ldap_endpoints import LdapSecurity
from kempsdk.limits import ClientLimitKind, LimitMatch
from kempsdk.permissions import Permission
from kempsdk.references import VsRef
from kempsdk.sso_domains import LogonFormat, SsoProtocol
from kempsdk.waf_settings import WafLogFormat
from tests.fakes.clock import FakeClock
from tests.kempsdk.test_virtual_services import scripted

WEB = VsRef.parse("tcp/10.0.1.250:443")
CITY = "www.example.com"


@pytest.fixture
def fresh() -> Iterator[LoadMaster]:
    """Another LoadMaster, as it came out of the box."""
    with (
        VirtualLoadMaster(switches=Switches(rate_limit=False)) as box,
        box.client(clock=FakeClock()) as client,
    ):
        yield client


@pytest.fixture
def full(lm: LoadMaster) -> LoadMaster:
    """A LoadMaster with something of every kind."""
    lm.interfaces.update(0, mtu=9000)
    lm.interfaces.add_address(0, "10.0.0.15/24")
    gateway = lm.parameters.get("dfltgw")
    assert isinstance(gateway, str)
    lm.routes.add("10.9.0.0/16", gateway)
    lm.hosts.add("10.0.0.5", "db.example.com")
    lm.cipher_sets.set("ours", ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"])
    lm.virtual_services.create(WEB, nickname="web")
    lm.virtual_services.update(WEB, ssl_acceleration=True, cipher_set="ours")
    lm.limits.set_client(ClientLimitKind.CONNECTIONS, "10.1.0.0/16", 50)
    lm.limits.set_client(ClientLimitKind.REQUESTS_PER_S, "10.2.3.4", 7)
    lm.limits.add_rule("agents", "curl", limit=10, match=LimitMatch.USER_AGENT, negated=True)
    lm.limits.add_rule("login", "/login", limit=5)
    lm.limits.move_rule("login", 1)
    lm.user_groups.create("operators", permissions=[Permission.REAL_SERVERS])
    lm.users.create("ann", password="hunter2-ann", permissions=[Permission.SERVICES])
    lm.ldap_endpoints.create("office", servers=["10.0.0.7"], security=LdapSecurity.STARTTLS)
    lm.sso_domains.create(
        "example",
        protocol=SsoProtocol.LDAP_STARTTLS,
        servers=["10.0.0.7"],
        logon_format=LogonFormat.USER_NAME,
        failures_forgotten_s=60,
        locked_s=120,
    )
    lm.waf_settings.update(log_format=WafLogFormat.JSON, install_hour=3)
    lm.geo_fqdns.switch(enabled=True)
    lm.geo_parameters.update(zone="example.com", ttl_s=30)
    lm.geo_locations.create("lab")
    lm.geo_ranges.create("192.0.2.0/24")
    lm.geo_ranges.put_in_location("192.0.2.0/24", "lab")
    lm.geo_ranges.create("198.51.100.0/24")
    lm.geo_ranges.put_in_country("198.51.100.0/24", "DE")
    lm.geo_ranges.move("198.51.100.0/24", latitude_s=187_200, longitude_s=46_800)
    lm.geo_clusters.create("10.0.0.20", "berlin", type=GeoClusterType.REMOTE)
    lm.geo_clusters.move("10.0.0.20", latitude_s=189_000, longitude_s=48_240)
    lm.geo_fqdns.create(CITY, selection=GeoSelection.LOCATION)
    lm.geo_fqdns.add_site(CITY, "10.0.0.21", cluster="berlin", check=GeoCheck.TCP)
    lm.geo_fqdns.check_site_at(CITY, "10.0.0.21", "10.0.0.22", 8080)
    lm.geo_fqdns.serve_country(CITY, "10.0.0.21", "DE")
    lm.geo_fqdns.serve_location(CITY, "10.0.0.21", "lab")
    lm.geo_fqdns.add_site(CITY, "10.0.0.23")
    lm.geo_fqdns.move_site(CITY, "10.0.0.23", latitude_s=3600, longitude_s=7200)
    lm.geo_records.add(CITY, GeoRecordType.MX, "mail.example.com", priority=10)
    lm.geo_records.add(CITY, GeoRecordType.TXT, "v=spf1 -all")
    return lm


def complete(data: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Return an export with what only an operator can know."""
    secret = tmp_path / "ann"
    secret.write_text("hunter2-ann\n")
    data["users"]["ann"]["password_file"] = str(secret)
    return data


def test_everything_comes_back_on_another_appliance(
    full: LoadMaster, fresh: LoadMaster, tmp_path: Path
) -> None:
    saved = export(full)
    for key in KEYS:
        assert saved.data[key], key
    assert "hunter2" not in saved.to_yaml()
    assert diff(full, saved.data) == ()
    wanted = complete(saved.data, tmp_path)
    assert isinstance(apply(fresh, wanted), Changed)
    assert apply(fresh, wanted) == Unchanged()
    again = export(fresh).data
    again["users"]["ann"]["password_file"] = wanted["users"]["ann"]["password_file"]
    assert again == wanted
    assert fresh.geo_fqdns.get(CITY).sites[0].cluster == "berlin"
    assert [one.name for one in fresh.limits.rules()] == ["login", "agents"]


DRIFT = [
    (("interfaces", "0", "mtu"), 1500, "update interface 0: mtu: 9000 -> 1500"),
    (("routes", "10.9.0.0/16", "gateway"), "10.0.0.3", "gateway: "),
    (("hosts", "10.0.0.5", "name"), "sql.example.com", "name: 'db.example.com' -> "),
    (("cipher_sets", "ours", "ciphers"), ["ECDHE-RSA-AES128-GCM-SHA256"], "ciphers: ["),
    (("client_limits", "connections 10.1.0.0/16", "limit"), 60, "limit: 50 -> 60"),
    (("limit_rules", "agents", "match"), "host", "match: 'user-agent' -> 'host'"),
    (("user_groups", "operators", "permissions"), ["vs", "real"], "user_group operators"),
    (("users", "ann", "permissions"), [], "update user ann: permissions"),
    (("ldap_endpoints", "office", "timeout_s"), 9, "timeout_s: "),
    (("sso_domains", "EXAMPLE", "locked_s"), 240, "locked_s: 120 -> 240"),
    (("waf", "log_format"), "native", "update waf firewall: log_format: 'json' -> 'native'"),
    (("geo", "ttl_s"), 60, "update geo GEO: ttl_s: 30 -> 60"),
    (("geo_ranges", "192.0.2.0/24", "latitude_s"), 3600, "latitude_s: "),
    (("geo_clusters", "10.0.0.20", "enabled"), False, "enabled: True -> False"),
    (("geo_fqdns", CITY, "public_sites"), 2, "public_sites: "),
    (("geo_fqdns", CITY, "sites", "10.0.0.23", "weight"), 7, "update geo_site www.example.com 10"),
    (("geo_fqdns", CITY, "sites", "10.0.0.23", "check_address"), "10.0.0.24", "check_address: "),
    (("geo_fqdns", CITY, "sites", "10.0.0.21", "countries"), ["FR"], "countries: ['DE'] -> ['FR']"),
    (("geo_fqdns", CITY, "records", "mx mail.example.com", "priority"), 20, "priority: 10 -> 20"),
]


def test_one_setting_that_is_different_is_one_change(full: LoadMaster) -> None:
    before = export(full).data
    for path, value, said in DRIFT:
        wanted: Any = value
        for key in reversed(path):
            wanted = {key: wanted}
        (change,) = diff(full, wanted)
        assert change.action is Action.UPDATE
        assert said in str(change)
        assert change.guarded is (path[0] == "routes")
        apply(full, wanted, allow=["route/10.9.0.0/16"])
        assert diff(full, wanted) == ()
        after = export(full).data
        assert [key for key in before if before[key] != after[key]] == [path[0]]
        before = after


PRUNED = [
    "address/0 10.0.0.15/24",
    "route/10.9.0.0/16",
    "hosts_entry/10.0.0.5",
    "client_limit/connections 10.1.0.0/16",
    "limit_rule/agents",
    "user_group/operators",
    "user/ann",
    "ldap_endpoint/office",
    "sso_domain/EXAMPLE",
    "geo_range/192.0.2.0/24",
    "geo_site/www.example.com 10.0.0.23",
    "geo_record/www.example.com txt v=spf1 -all",
    "geo_fqdn/www.example.com",
    "geo_cluster/10.0.0.20",
    "geo_location/lab",
]


def test_pruned_by_name_and_nothing_else(full: LoadMaster) -> None:
    for thing in PRUNED:
        kind, _, name = thing.partition("/")
        (change,) = diff(full, {}, prune=[thing])
        assert (change.kind.value, change.name, change.action) == (kind, name, Action.DELETE)
        with pytest.raises(InvalidRequest, match="mentions"):
            diff(full, _mentioning(kind, name), prune=[thing])
        apply(full, {}, prune=[thing])
        assert diff(full, {}, prune=[thing]) == ()


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        ("sso_domain/example", "EXAMPLE"),
        ("geo_fqdn/WWW.example.com.", CITY),
        ("geo_site/WWW.example.com 10.0.0.23", f"{CITY} 10.0.0.23"),
    ],
)
def test_pruned_as_a_file_may_spell_it(full: LoadMaster, thing: str, name: str) -> None:
    (change,) = diff(full, {}, prune=[thing])
    assert change.name == name
    with pytest.raises(InvalidRequest, match="mentions"):
        diff(full, _mentioning(change.kind.value, name), prune=[thing])


def test_a_name_that_cannot_be_is_not_pruned_in_silence(fresh: LoadMaster) -> None:
    with pytest.raises(InvalidRequest, match="appliance's own"):
        diff(fresh, {}, prune=["cipher_set/Default"])


def _mentioning(kind: str, name: str) -> dict[str, Any]:
    (things,) = (one for one in THINGS if one.kind.value == kind)
    if things.within is None:
        return {things.key: {name: {}}}
    parent, word = things.within
    holder, _, own = name.partition(" ")
    return {parent.key: {holder: {word: {own: {}}}}}


def test_every_kind_can_be_pruned_except_what_cannot_be_deleted() -> None:
    tried = {one.partition("/")[0] for one in PRUNED}
    cannot = {one.kind.value for one in THINGS if one.delete is None}
    assert tried | cannot | {"cipher_set"} == {one.kind.value for one in THINGS}
    assert cannot == {"interface", "geo", "waf"}


def test_a_cipher_set_in_use_is_not_deleted(full: LoadMaster) -> None:
    with pytest.raises(CommandRejected):
        apply(full, {}, prune=["cipher_set/ours"])
    full.virtual_services.update(WEB, cipher_set="Default")
    apply(full, {}, prune=["cipher_set/ours"])
    assert diff(full, {}, prune=["cipher_set/ours"]) == ()


def test_the_way_in_is_not_exported_and_comes_last(full: LoadMaster) -> None:
    saved = export(full)
    assert "address" not in saved.data["interfaces"]["0"]
    assert any(one.startswith("address of interfaces: ") for one in saved.left_out)
    wanted = {
        "interfaces": {"0": {"address": "10.0.0.99/24", "mtu": 1400}},
        "hosts": {"10.0.0.6": {"name": "cache.example.com"}},
    }
    told = [str(one) for one in diff(full, wanted)]
    assert told[-1].startswith("update interface 0: address: ")
    assert len(told) == 3


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"interfaces": {"0": {"address": "10.0.0.99/24"}}}, "interface/0"),
        ({"routes": {"10.9.0.0/16": {"gateway": "10.0.0.3"}}}, "route/10.9.0.0/16"),
        ({"parameters": {"dfltgw": "10.0.0.3"}}, "parameter/dfltgw"),
        ({"parameters": {"dfltgwv6": "2001:db8::1"}}, "parameter/dfltgwv6"),
        ({"parameters": {"WUIport": 8443}}, "parameter/WUIport"),
    ],
)
def test_what_can_cut_us_off_is_allowed_by_name_or_nothing_is_changed(
    full: LoadMaster, wanted: dict[str, Any], name: str
) -> None:
    harmless = {"hosts": {"10.0.0.6": {"name": "cache.example.com"}}}
    before = export(full).data
    for allow in ((), ("interface/7",)):
        with pytest.raises(InvalidRequest, match=f"allowed by name: {name}$"):
            apply(full, {**wanted, **harmless}, allow=allow)
    assert export(full).data == before
    assert len(apply(full, {**wanted, **harmless}, allow=[name]).changes) == 2
    assert diff(full, wanted) == ()


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("listlimitrules", {"limit_rules"}),
        ("clientcpslimitlist", {"client_limits"}),
        ("grouplist", {"user_groups"}),
    ],
)
def test_what_a_firmware_has_not_is_told_and_the_rest_exported(
    full: LoadMaster, box: VirtualLoadMaster, command: str, missing: set[str]
) -> None:
    whole = export(full).data
    box.reject(command, 405, "Unknown command", 1)
    saved = export(full)
    assert whole.keys() - saved.data.keys() == missing
    told = [one for one in saved.left_out if one.endswith("licence has nothing of it")]
    assert [one.partition(":")[0] for one in told] == sorted(missing)
    # What is not in the file is not touched.
    assert diff(full, saved.data) == ()


def test_without_a_licence_for_geo_the_rest_is_exported(
    full: LoadMaster, box: VirtualLoadMaster
) -> None:
    box.reject("isgeoenabled", 422, "Command not available.", n=50)
    saved = export(full)
    box.disarm()
    assert [key for key in saved.data if key.startswith("geo")] == []
    assert diff(full, saved.data) == ()


def test_another_refusal_is_no_smaller_export(full: LoadMaster, box: VirtualLoadMaster) -> None:
    box.reject("grouplist", 422, "busy", 1)
    with pytest.raises(CommandRejected, match="busy"):
        export(full)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "needs one way to log in"),
        ({"radius": True, "certificate": True}, "needs one way to log in"),
        ({"password_file": "/nowhere/at/all"}, "is no file"),
    ],
)
def test_a_new_user_needs_a_way_to_log_in(
    fresh: LoadMaster, entry: dict[str, object], said: str
) -> None:
    before = export(fresh).data
    with pytest.raises(InvalidConfiguration, match=said) as told:
        apply(fresh, {"users": {"bob": entry}, "hosts": {"10.0.0.6": {"name": "x.example"}}})
    assert told.value.place == ("users", "bob")
    assert export(fresh).data == before


def test_a_password_is_read_where_the_file_says(fresh: LoadMaster, tmp_path: Path) -> None:
    secret = tmp_path / "bob"
    secret.write_text("hunter2-bob\n")
    wanted = {"users": {"bob": {"permissions": ["rules"], "password_file": str(secret)}}}
    result = apply(fresh, wanted)
    assert "hunter2" not in str(result)
    assert fresh.users.get("bob").permissions == {Permission.RULES}
    secret.write_text("\n")
    with pytest.raises(InvalidRequest, match="no password in its first line"):
        apply(fresh, {"users": {"eve": {"password_file": str(secret)}}})


BAD = [
    ({"interfaces": {"eth0": {}}}, "interfaces > eth0"),
    ({"interfaces": {"7": {"mtu": 1400}}}, "there is no interface 7"),
    ({"interfaces": {"0": {"mtu": 99}}}, "interfaces > 0 > mtu"),
    ({"interfaces": {"0": {"addresses": {"10.0.0.9": {}}}}}, "with its prefix"),
    ({"routes": {"10.9.1.0/16": {}}}, "routes > 10.9.1.0/16"),
    ({"routes": {"10.8.0.0/16": {}}}, "needs its gateway"),
    ({"hosts": {"10.0.0.6": {}}}, "needs its name"),
    ({"cipher_sets": {"Default": {"ciphers": ["A"]}}}, "appliance's own"),
    ({"client_limits": {"requests 10.0.0.1": {"limit": 1}}}, "is not KIND NETWORK"),
    ({"limit_rules": {"a b": {"pattern": "x", "limit": 1}}}, "limit_rules > a b"),
    ({"limit_rules": {"new": {"limit": 1}}}, "needs its pattern"),
    ({"users": {"bob": {"password": "hunter2"}}}, "users > bob > password"),
    ({"users": {"bob": {"permissions": "real"}}}, "'real' will not do: a list"),
    ({"users": {"bob": {"permissions": [["real"]]}}}, "users > bob > permissions: .* some of"),
    ({"sso_domains": {"A": {"kcd_password": "x"}}}, "sso_domains > A > kcd_password"),
    ({"sso_domains": {"a": {}, "A": {}}}, "given twice"),
    ({"geo_fqdns": {CITY: {"records": {"srv x": {}}}}}, "is not TYPE DATA"),
    ({"geo_clusters": {"10.0.0.30": {}}}, "needs its name"),
    ({"geo": {"enabled": False, "ttl_s": 77}}, "leave the rest out"),
    ({"geo_cities": {}}, "geo_cities"),
]


@pytest.mark.parametrize(("wanted", "said"), BAD, ids=[one[1] for one in BAD])
def test_mistakes_are_told_with_their_place_and_nothing_is_sent(
    fresh: LoadMaster, wanted: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=said) as told:
        diff(fresh, wanted)
    assert "hunter2" not in str(told.value)


def test_the_cluster_of_a_site_cannot_be_changed(full: LoadMaster) -> None:
    wanted = {"geo_fqdns": {CITY: {"sites": {"10.0.0.21": {"cluster": "bonn"}}}}}
    with pytest.raises(InvalidConfiguration, match="cannot be changed"):
        diff(full, wanted)


def test_a_route_is_put_back_when_its_new_gateway_is_refused(full: LoadMaster) -> None:
    before = full.routes.list()
    wanted = {"routes": {"10.9.0.0/16": {"gateway": "2001:db8::1"}}}
    with pytest.raises(InvalidRequest, match="not of the family"):
        apply(full, wanted, allow=["route/10.9.0.0/16"])
    assert full.routes.list() == before


def test_a_hosts_entry_is_put_back_when_its_new_name_is_refused(
    full: LoadMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, add = full.hosts.list(), full.hosts.add

    def refusing(address: str, name: str) -> HostsEntry:
        if name == "taken.example.com":
            raise CommandRejected("taken", status=422, reason="taken", target=address)
        return add(address, name)

    monkeypatch.setattr(full.hosts, "add", refusing)
    with pytest.raises(CommandRejected):
        apply(full, {"hosts": {"10.0.0.5": {"name": "taken.example.com"}}})
    assert full.hosts.list() == before


def test_geo_is_switched_on_and_off(fresh: LoadMaster) -> None:
    fresh.geo_fqdns.switch(enabled=False)
    assert export(fresh, ["geo"]).data == {"version": 1, "geo": {"enabled": False}}
    wanted = {"geo": {"enabled": True, "ttl_s": 44}, "geo_fqdns": {CITY: {}}}
    assert [one.action.value for one in diff(fresh, wanted)] == ["update", "create"]
    apply(fresh, wanted)
    assert fresh.geo_parameters.get().ttl_s == 44
    apply(fresh, {"geo": {"enabled": False}})
    assert not fresh.geo_fqdns.enabled()


def test_what_is_not_mentioned_is_not_asked_for(full: LoadMaster, box: VirtualLoadMaster) -> None:
    """A key that may see nothing else can compare hosts entries."""
    before = len(box.calls)
    assert diff(full, {"hosts": {"10.0.0.5": {"name": "db.example.com"}}}) == ()
    assert [one.command for one in box.calls[before:]] == ["gethosts"]


def test_what_a_file_cannot_name_is_told_and_left_out() -> None:
    row = {"Index": 1, "Type": "caa", "RData": "0 issue x"}
    lm, _ = scripted(
        isgeoenabled=[{"geoenabled": True}],
        listfqdns=[{"fqdn": [{"FullyQualifiedDomainName": CITY}]}],
        showfqdn=[{"fqdn": {"AdditionalRecord": [row]}}],
    )
    saved = export(lm, ["geo_fqdns"])
    assert "records" not in saved.data["geo_fqdns"][CITY]
    said = f"geo_record {CITY} other 0 issue x: a file cannot name it"
    assert said in saved.left_out
    assert read_wanted(saved.data)
