"""What is recorded in the project's fixtures: one function per command and case.

``run`` is done by the recorder on v1 and v2, and again by the tests on each recording;
its results must be equal. ``prepare`` makes what the case finds, and is not recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kempsdk.errors import CommandRejected, WriteNotApplied
from kempsdk.recording.fixture_state import (
    DSR,
    FIRST,
    PLAIN,
    SECOND,
    SPARE,
    TREE,
    WEB,
    api_keys,
    nothing,
    plain,
    raw,
    with_access_lists,
    with_rules,
    with_servers,
    with_services,
    with_sub_services,
)
from kempsdk.references import SubVsRef
from kempsdk.words import CheckType, Forward, Persist, Schedule

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

Step = Callable[["LoadMaster"], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recording per interface.

    Attributes:
        name: ``command/case``, the path below the fixtures.
        run: what is recorded; errors of the appliance are results.
        prepare: brings a fresh appliance into the state that the case finds.
        grows: the answer gets longer with every command that is emulated; an older recording
            of it is as good. Delete it to have it made anew.
    """

    name: str
    run: Step
    prepare: Step
    grows: bool = False

    def result(self, lm: "LoadMaster") -> object:
        """Run the case; a refusal is described instead of raised."""
        try:
            return self.run(lm)
        except CommandRejected as error:
            return type(error).__name__, error.status, error.reason
        except WriteNotApplied as error:
            return type(error).__name__, error.differences


CASES: Final[list[Case]] = []


def _case(name: str, *, prepare: Step = nothing, grows: bool = False) -> Callable[[Step], Step]:
    def add(run: Step) -> Step:
        CASES.append(Case(name=name, run=run, prepare=prepare, grows=grows))
        return run

    return add


def _commands(name: str, *commands: tuple[str, dict[str, str]], prepare: Step = nothing) -> None:
    """Add a case of raw commands, for what has no manager of its own."""

    def run(lm: "LoadMaster") -> Sequence[object]:
        return [raw(lm.command(word, params)) for word, params in commands]

    CASES.append(Case(name=name, run=run, prepare=prepare))


# Virtual services ------------------------------------------------------------------------


@_case("listvs/empty")
def _listvs_empty(lm: "LoadMaster") -> object:
    return lm.virtual_services.list()


@_case("listvs/one-service", prepare=lambda lm: lm.virtual_services.create(WEB, nickname="web"))
def _listvs_one(lm: "LoadMaster") -> object:
    return lm.virtual_services.list()


@_case("listvs/two-services", prepare=with_servers)
def _listvs_two(lm: "LoadMaster") -> object:
    return lm.virtual_services.list()


@_case("listvs/sub-services", prepare=with_sub_services)
def _listvs_sub_services(lm: "LoadMaster") -> object:
    return lm.virtual_services.list()


@_case("listvs/find-by-nickname", prepare=with_servers)
def _listvs_find(lm: "LoadMaster") -> object:
    return lm.virtual_services.find("dsr")


@_case("showvs/dsr-service", prepare=with_servers)
def _showvs_dsr(lm: "LoadMaster") -> object:
    return lm.virtual_services.get(DSR)


@_case("showvs/fresh-http", prepare=with_services)
def _showvs_http(lm: "LoadMaster") -> object:
    return lm.virtual_services.get(WEB)


@_case("showvs/parent-and-sub-service", prepare=with_sub_services)
def _showvs_sub(lm: "LoadMaster") -> object:
    parent = lm.virtual_services.get(TREE)
    return parent, lm.virtual_services.get(parent.sub_services[0].ref)


@_case("showvs/with-rules", prepare=with_rules)
def _showvs_rules(lm: "LoadMaster") -> object:
    return lm.virtual_services.get(WEB)


@_case("showvs/unknown")
def _showvs_unknown(lm: "LoadMaster") -> object:
    return lm.virtual_services.get(WEB)


@_case("addvs/defaults")
def _addvs_defaults(lm: "LoadMaster") -> object:
    return lm.virtual_services.create(PLAIN)


@_case("addvs/dsr")
def _addvs_dsr(lm: "LoadMaster") -> object:
    return lm.virtual_services.create(
        DSR,
        nickname="dsr",
        force_l4=True,
        check_type=CheckType.HTTP,
        check_url="/health",
        schedule=Schedule.WEIGHTED_LEAST_CONNECTION,
    )


@_case("addvs/exists-already", prepare=with_services)
def _addvs_again(lm: "LoadMaster") -> object:
    return lm.virtual_services.create(WEB)


@_case("modvs/check-and-persistence", prepare=with_services)
def _modvs(lm: "LoadMaster") -> object:
    return lm.virtual_services.update(
        WEB,
        nickname="shop",
        check_url="/ready",
        check_use_http11=True,
        check_host="shop.example",
        persist=Persist.SRC,
        persist_timeout_s=600,
    )


@_case("modvs/coerced-idle-timeout", prepare=with_services)
def _modvs_coerced(lm: "LoadMaster") -> object:
    return lm.virtual_services.update(WEB, idle_timeout_s=0)


@_case("modvs/disable", prepare=with_services)
def _modvs_disable(lm: "LoadMaster") -> object:
    return lm.virtual_services.update(WEB, enable=False)


@_case("modvs/createsubvs", prepare=with_services)
def _createsubvs(lm: "LoadMaster") -> object:
    return lm.sub_virtual_services.create(WEB, nickname="first"), lm.sub_virtual_services.list(WEB)


@_case("modvs/sub-service", prepare=with_sub_services)
def _modvs_sub(lm: "LoadMaster") -> object:
    ref = lm.sub_virtual_services.list(TREE)[1].ref
    return (
        lm.sub_virtual_services.update(ref, schedule=Schedule.LEAST_CONNECTION),
        lm.sub_virtual_services.set_slot(ref, weight=500, enable=False),
    )


@_case("delvs/service", prepare=with_services)
def _delvs(lm: "LoadMaster") -> object:
    lm.virtual_services.delete(WEB)
    return lm.virtual_services.list()


@_case("delvs/sub-service", prepare=with_sub_services)
def _delvs_sub(lm: "LoadMaster") -> object:
    lm.sub_virtual_services.delete(lm.sub_virtual_services.list(TREE)[0].ref)
    return lm.sub_virtual_services.list(TREE)


@_case("delvs/unknown")
def _delvs_unknown(lm: "LoadMaster") -> object:
    lm.virtual_services.delete(WEB)
    return None


# Real servers ----------------------------------------------------------------------------


@_case("addrs/dsr", prepare=with_services)
def _addrs(lm: "LoadMaster") -> object:
    return lm.real_servers.add(DSR, FIRST, forward=Forward.ROUTE, weight=500, enable=False)


@_case("addrs/service-has-sub-services", prepare=with_sub_services)
def _addrs_refused(lm: "LoadMaster") -> object:
    return lm.real_servers.add(TREE, FIRST)


@_case("modrs/weight-and-limit", prepare=with_servers)
def _modrs(lm: "LoadMaster") -> object:
    return lm.real_servers.update(DSR, FIRST, weight=250, limit=100)


@_case("modrs/disable-and-enable", prepare=with_servers)
def _modrs_enable(lm: "LoadMaster") -> object:
    return lm.real_servers.disable_in(DSR, FIRST), lm.real_servers.enable_in(DSR, FIRST)


@_case("modrs/unknown", prepare=with_servers)
def _modrs_unknown(lm: "LoadMaster") -> object:
    return lm.real_servers.update(DSR, SPARE, weight=250)


@_case("showrs/one", prepare=with_servers)
def _showrs(lm: "LoadMaster") -> object:
    return lm.real_servers.get(DSR, SECOND)


@_case("showrs/unknown", prepare=with_servers)
def _showrs_unknown(lm: "LoadMaster") -> object:
    return lm.real_servers.get(DSR, SPARE)


@_case("delrs/one", prepare=with_servers)
def _delrs(lm: "LoadMaster") -> object:
    lm.real_servers.delete(DSR, SECOND)
    return lm.real_servers.list(DSR)


@_case("disablers/everywhere", prepare=with_servers)
def _disablers(lm: "LoadMaster") -> object:
    return lm.real_servers.disable_everywhere(FIRST.address)


@_case("enablers/everywhere", prepare=with_servers)
def _enablers(lm: "LoadMaster") -> object:
    lm.real_servers.disable_everywhere(FIRST.address)
    return lm.real_servers.enable_everywhere(FIRST.address)


# Health checks, statistics, parameters ----------------------------------------------------


@_case("showhealth/defaults")
def _showhealth(lm: "LoadMaster") -> object:
    return lm.health_checks.get()


@_case("modhealth/all")
def _modhealth(lm: "LoadMaster") -> object:
    return lm.health_checks.update(timeout_s=5, retry_count=3, retry_interval_s=20)


@_case("stats/two-services", prepare=with_servers)
def _stats(lm: "LoadMaster") -> object:
    return lm.statistics.read()


@_case("stats/empty")
def _stats_empty(lm: "LoadMaster") -> object:
    return lm.statistics.read()


@_case("vstotals/two-services", prepare=with_servers)
def _vstotals(lm: "LoadMaster") -> object:
    return lm.statistics.totals()


@_case("get/kinds-of-values")
def _get(lm: "LoadMaster") -> object:
    return [
        lm.parameters.get(name) for name in ("Hostname", "version", "finalpersist", "sshaccess")
    ]


@_case("get/unknown")
def _get_unknown(lm: "LoadMaster") -> object:
    return lm.parameters.get("nosuchparameter")


@_case("set/drain-time")
def _set(lm: "LoadMaster") -> object:
    return lm.parameters.set("finalpersist", 120), lm.parameters.set("dropatdrainend", value=True)


@_case("set/secret")
def _set_secret(lm: "LoadMaster") -> object:
    return raw(lm.command("set", {"param": "radiussecret", "value": "correct horse battery"}))


@_case("getall/defaults")
def _getall(lm: "LoadMaster") -> object:
    return dict(lm.parameters.list())


_commands("get/param-missing", ("get", {}))


@_case("listapi/all", grows=True)
def _listapi(lm: "LoadMaster") -> object:
    # v2 has a dot where v1 has a slash.
    return str(raw(lm.command("listapi"))).replace("/", ".")


# Access ----------------------------------------------------------------------------------


@_case("addapikey/one")
def _addapikey(lm: "LoadMaster") -> object:
    return api_keys(lm.command("addapikey"))


@_case("listapikeys/two", prepare=lambda lm: lm.command("addapikey"))
def _listapikeys(lm: "LoadMaster") -> object:
    return api_keys(lm.command("listapikeys"))


@_case("delapikey/made-before")
def _delapikey(lm: "LoadMaster") -> object:
    made = api_keys(lm.command("addapikey"))[-1]
    return api_keys(lm.command("delapikey", {"key": made}))


_BLOCKED: Final = {"addr": "203.0.113.7/32", "comment": "scanner"}
_commands(
    "aclcontrol/add-list-delete",
    ("aclcontrol", {"add": "block", **_BLOCKED}),
    ("aclcontrol", {"del": "block", "addr": _BLOCKED["addr"]}),
)
_commands("aclcontrol/invalid-address", ("aclcontrol", {"add": "block", "addr": "300.1.2.3"}))


@_case("aclcontrol/list", prepare=with_access_lists)
def _acl_list(lm: "LoadMaster") -> object:
    data = lm.command("aclcontrol", {"list": "block"}).data
    # v1 has a group named after the list, v2 a member that names it.
    group = data.get("Blocklist", data)
    return plain(group["IP"]) if isinstance(group, Mapping) else group


# Backup ----------------------------------------------------------------------------------


@_case("backup/all", prepare=with_servers)
def _backup(lm: "LoadMaster") -> object:
    # The file itself is scrubbed out of the recording.
    return lm.command("backup").file is not None


@_case("restore/all", prepare=with_servers)
def _restore(lm: "LoadMaster") -> object:
    saved = lm.command("backup").file
    lm.virtual_services.delete(DSR)
    return raw(lm.command("restore", {"type": 15}, body=saved)), lm.virtual_services.list()


# Content rules ---------------------------------------------------------------------------

_commands(
    "addrule/six-types",
    ("addrule", {"name": "images", "type": "0", "pattern": "/images/*", "matchtype": "prefix"}),
    ("addrule", {"name": "tag", "type": "1", "header": "X-Via", "replacement": "kemp"}),
    ("addrule", {"name": "untag", "type": "2", "pattern": "X-Debug"}),
    (
        "addrule",
        {"name": "swap", "type": "3", "header": "Host", "pattern": "a"},
    ),
    ("addrule", {"name": "move", "type": "4", "pattern": "^/old", "replacement": "/new"}),
    ("addrule", {"name": "body", "type": "5", "pattern": "http:", "replacement": "https:"}),
)
_commands("addrule/hyphen-in-name", ("addrule", {"name": "not-allowed", "pattern": "a"}))
_commands("showrule/none", ("showrule", {}))
_commands("showrule/all", ("showrule", {}), prepare=with_rules)
_commands("showrule/by-name", ("showrule", {"name": "images"}), prepare=with_rules)
_commands("showrule/unknown", ("showrule", {"name": "nosuchrule"}))
_commands(
    "modrule/pattern", ("modrule", {"name": "images", "pattern": "/pictures"}), prepare=with_rules
)
_commands("delrule/attached", ("delrule", {"name": "images"}), prepare=with_rules)

_WEB: Final = {"vs": WEB.address, "port": str(WEB.port), "prot": WEB.protocol.value}
for _ending, _rule in (
    ("prerule", "images"),
    ("requestrule", "tag"),
    ("responserule", "untag"),
    ("responsebodyrule", "body"),
):
    _commands(f"add{_ending}/one", (f"add{_ending}", {**_WEB, "rule": _rule}), prepare=with_rules)
    _commands(
        f"del{_ending}/one",
        (f"add{_ending}", {**_WEB, "rule": _rule}),
        (f"del{_ending}", {**_WEB, "rule": _rule}),
        prepare=with_rules,
    )
_SERVER: Final = {**_WEB, "rs": FIRST.address, "rsport": str(FIRST.port), "rule": "images"}
_commands("addrsrule/one", ("addrsrule", _SERVER), prepare=with_rules)
_commands("delrsrule/one", ("addrsrule", _SERVER), ("delrsrule", _SERVER), prepare=with_rules)


@_case("addrsrule/sub-service", prepare=with_rules)
def _addrsrule_sub(lm: "LoadMaster") -> object:
    slot: SubVsRef = lm.sub_virtual_services.list(TREE)[0].ref
    params = {"vs": TREE.address, "port": str(TREE.port), "prot": "tcp"}
    lm.command("addrsrule", {**params, "rs": f"!{slot.slot}", "rule": "images"})
    return lm.sub_virtual_services.list(TREE)
