"""Virtual services and SubVSs."""

from typing import TYPE_CHECKING, Final

from kempsdk.desired_state import RealServerSpec, VirtualServiceSpec
from kempsdk.recording.cases.case import case
from kempsdk.recording.cases.state import (
    DSR,
    FIRST,
    PLAIN,
    SECOND,
    TREE,
    WEB,
    with_rules,
    with_servers,
    with_services,
    with_sub_services,
    with_template,
)
from kempsdk.words import CheckType, Persist, Schedule

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster
    from kempsdk.models import SubVs


def _slots(lm: "LoadMaster") -> "tuple[SubVs, ...]":
    return lm.sub_virtual_services.list(TREE)


CASES: Final = (
    case("listvs/empty", lambda lm: lm.virtual_services.list()),
    case(
        "listvs/one-service",
        lambda lm: lm.virtual_services.list(),
        prepare=lambda lm: lm.virtual_services.create(WEB, nickname="web"),
    ),
    case("listvs/two-services", lambda lm: lm.virtual_services.list(), prepare=with_servers),
    case("listvs/sub-services", lambda lm: lm.virtual_services.list(), prepare=with_sub_services),
    case(
        "listvs/find-by-nickname",
        lambda lm: lm.virtual_services.find("dsr"),
        prepare=with_servers,
    ),
    case("showvs/dsr-service", lambda lm: lm.virtual_services.get(DSR), prepare=with_servers),
    case("showvs/fresh-http", lambda lm: lm.virtual_services.get(WEB), prepare=with_services),
    case(
        "showvs/parent-and-sub-service",
        lambda lm: lm.virtual_services.get(TREE),
        lambda lm: lm.virtual_services.get(_slots(lm)[0].ref),
        lambda lm: lm.sub_virtual_services.get(_slots(lm)[1].ref),
        prepare=with_sub_services,
    ),
    case("showvs/with-rules", lambda lm: lm.virtual_services.get(WEB), prepare=with_rules),
    case("showvs/unknown", lambda lm: lm.virtual_services.get(WEB)),
    case(
        "showvs/differences",
        lambda lm: lm.virtual_services.differences(WEB, nickname="shop", enable=True),
        prepare=with_services,
    ),
    case("addvs/defaults", lambda lm: lm.virtual_services.create(PLAIN)),
    case(
        "addvs/dsr",
        lambda lm: lm.virtual_services.create(
            DSR,
            nickname="dsr",
            force_l4=True,
            check_type=CheckType.HTTP,
            check_url="/health",
            schedule=Schedule.WEIGHTED_LEAST_CONNECTION,
        ),
    ),
    case(
        "addvs/exists-already",
        lambda lm: lm.virtual_services.create(WEB),
        prepare=with_services,
    ),
    case(
        "addvs/from-template",
        lambda lm: lm.templates.apply(PLAIN, "web", nickname="copy"),
        prepare=with_template,
    ),
    case(
        "addvs/ensure",
        lambda lm: lm.virtual_services.ensure(
            VirtualServiceSpec(
                ref=PLAIN,
                settings={"nickname": "plain"},
                real_servers=(RealServerSpec(ref=FIRST), RealServerSpec(ref=SECOND)),
            )
        ),
    ),
    case(
        "modvs/check-and-persistence",
        lambda lm: lm.virtual_services.update(
            WEB,
            nickname="shop",
            check_url="/ready",
            check_use_http11=True,
            check_host="shop.example",
            persist=Persist.SRC,
            persist_timeout_s=600,
        ),
        prepare=with_services,
    ),
    case(
        "modvs/coerced-idle-timeout",
        lambda lm: lm.virtual_services.update(WEB, idle_timeout_s=0),
        prepare=with_services,
    ),
    case(
        "modvs/disable",
        lambda lm: lm.virtual_services.update(WEB, enable=False),
        prepare=with_services,
    ),
    case(
        "modvs/createsubvs",
        lambda lm: lm.sub_virtual_services.create(WEB, nickname="first"),
        lambda lm: lm.sub_virtual_services.list(WEB),
        prepare=with_services,
    ),
    case(
        "modvs/sub-service",
        lambda lm: lm.sub_virtual_services.update(
            _slots(lm)[1].ref, schedule=Schedule.LEAST_CONNECTION
        ),
        lambda lm: lm.sub_virtual_services.set_slot(_slots(lm)[1].ref, weight=500, enable=False),
        prepare=with_sub_services,
    ),
    case(
        "uploadvserrfile/new",
        lambda lm: lm.virtual_services.upload_error_page(WEB, b"<html>Back soon.</html>\n"),
        prepare=with_services,
    ),
    case(
        "delvs/service",
        lambda lm: lm.virtual_services.delete(WEB),
        lambda lm: lm.virtual_services.list(),
        prepare=with_services,
    ),
    case(
        "delvs/sub-service",
        lambda lm: lm.sub_virtual_services.delete(_slots(lm)[0].ref),
        _slots,
        prepare=with_sub_services,
    ),
    case("delvs/unknown", lambda lm: lm.virtual_services.delete(WEB)),
)
