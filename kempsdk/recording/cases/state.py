"""The small appliance that the project's fixtures show."""

from typing import TYPE_CHECKING, Final

from kempsdk.access_lists import AccessList
from kempsdk.recording.cases.material import AUTHORITY, PASSWORD, SITE, with_key
from kempsdk.references import Protocol, RsRef, VsRef
from kempsdk.rule_models import (
    AddHeaderRule,
    DeleteHeaderRule,
    MatchContentRule,
    MatchType,
    ModifyUrlRule,
    OnService,
    Phase,
    ReplaceBodyRule,
    ReplaceHeaderRule,
)
from kempsdk.words import Forward, ServiceType

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

DSR: Final = VsRef(Protocol.TCP, "192.0.2.100", 80)
WEB: Final = VsRef(Protocol.TCP, "192.0.2.101", 80)
PLAIN: Final = VsRef(Protocol.TCP, "192.0.2.102", 9090)
TREE: Final = VsRef(Protocol.TCP, "192.0.2.103", 80)
FIRST: Final = RsRef("198.51.100.11", 80)
SECOND: Final = RsRef("198.51.100.12", 80)
SPARE: Final = RsRef("198.51.100.99", 80)
USER: Final = "ada"
GROUP: Final = "Web Operators"

RULES: Final = (
    MatchContentRule(name="images", pattern="/images/*", match_type=MatchType.PREFIX),
    MatchContentRule(name="styles", pattern="/styles/*", match_type=MatchType.PREFIX),
    AddHeaderRule(name="tag", header="X-Via", value="kemp"),
    DeleteHeaderRule(name="untag", pattern="X-Debug"),
    ReplaceHeaderRule(name="swap", header="Host", pattern="a", replacement="b"),
    ModifyUrlRule(name="move", pattern="^/old", replacement="/new"),
    ReplaceBodyRule(name="body", pattern="http:", replacement="https:"),
)


def with_services(lm: "LoadMaster") -> None:
    """One layer-4 service and one layer-7 service, without servers."""
    lm.virtual_services.create(DSR, nickname="dsr", force_l4=True, check_url="/health")
    lm.virtual_services.create(WEB, nickname="web")


def with_servers(lm: "LoadMaster") -> None:
    """The same with servers, one of which serves both."""
    with_services(lm)
    for server in (FIRST, SECOND):
        lm.real_servers.add(DSR, server, forward=Forward.ROUTE)
    lm.real_servers.add(WEB, FIRST)


def with_sub_services(lm: "LoadMaster") -> None:
    """A service with two SubVSs, one of them with a server."""
    lm.virtual_services.create(TREE, nickname="tree", type=ServiceType.HTTP)
    first = lm.sub_virtual_services.create(TREE, nickname="static")
    lm.sub_virtual_services.create(TREE, nickname="dynamic")
    lm.real_servers.add(first.ref, FIRST)


def with_rules(lm: "LoadMaster") -> None:
    """Rules, and services with servers and SubVSs to attach them to; one is attached."""
    with_servers(lm)
    with_sub_services(lm)
    for rule in RULES:
        lm.rules.create(rule)
    lm.rule_attachments.attach(OnService(WEB, Phase.PRE), "images")


def with_access_lists(lm: "LoadMaster") -> None:
    """One entry in the global block list: one looks like none of a list in v1."""
    lm.access_lists.add(AccessList.BLOCK, "203.0.113.7", comment="scanner")


def with_accounts(lm: "LoadMaster") -> None:
    """Two users, one of whom has a certificate, and a group."""
    lm.users.create(USER, password=PASSWORD)
    lm.users.create_certificate(USER)
    lm.users.create("deploy", password=PASSWORD)
    lm.user_groups.create(GROUP)


def with_certificates(lm: "LoadMaster") -> None:
    """A certificate, an intermediate one, and a service to use them."""
    with_services(lm)
    lm.certificates.add("site", with_key(SITE))
    lm.intermediate_certificates.add("authority", AUTHORITY.encode())


def with_acme(lm: "LoadMaster") -> None:
    """An account with Let's Encrypt and one certificate from there."""
    with_services(lm)
    lm.acme.register("ops@shop.example")
    lm.acme.request("shop", "shop.example", challenge_service=WEB)


def with_template(lm: "LoadMaster") -> None:
    """A template made of one of the services; uploads need v1."""
    with_services(lm)
    lm.templates.upload(lm.templates.export(WEB))
