"""Who may connect, and who may log in: access lists, API keys, users and groups."""

from typing import TYPE_CHECKING, Final

from kempsdk.access_lists import AccessList
from kempsdk.permissions import Permission
from kempsdk.recording.cases.case import case, raw
from kempsdk.recording.cases.material import PASSWORD
from kempsdk.recording.cases.state import (
    GROUP,
    USER,
    WEB,
    with_access_lists,
    with_accounts,
    with_services,
)

if TYPE_CHECKING:
    from kempsdk.client import LoadMaster

_SCANNER: Final = "203.0.113.7"
_OFFICE: Final = "198.51.100.0/24"
_BOTH: Final = (Permission.RULES, Permission.BACKUP)


def _with_filter_off(lm: "LoadMaster") -> None:
    lm.geo_fqdns.switch(enabled=False)  # while it is on the filter stays on
    lm.access_lists.update_packet_filter(enabled=False)


def _made_and_deleted(lm: "LoadMaster") -> object:
    lm.api_keys.delete(lm.api_keys.create())
    return lm.api_keys.list()


CASES: Final = (
    case(
        "aclcontrol/list",
        lambda lm: lm.access_lists.list(AccessList.BLOCK),
        lambda lm: lm.access_lists.list(AccessList.ALLOW),
        prepare=with_access_lists,
    ),
    case(
        "aclcontrol/add",
        lambda lm: lm.access_lists.add(AccessList.BLOCK, _SCANNER, comment="scanner"),
        lambda lm: lm.access_lists.add(AccessList.BLOCK, "2001:db8:bad::/48"),
    ),
    case(
        "aclcontrol/del",
        lambda lm: lm.access_lists.remove(AccessList.BLOCK, _SCANNER),
        lambda lm: lm.access_lists.list(AccessList.BLOCK),
        prepare=with_access_lists,
    ),
    case(
        "aclcontrol/of-a-service",
        lambda lm: lm.access_lists.add(AccessList.ALLOW, _OFFICE, comment="office", vs=WEB),
        lambda lm: lm.access_lists.list(AccessList.ALLOW, vs=WEB),
        lambda lm: lm.access_lists.remove(AccessList.ALLOW, _OFFICE, vs=WEB),
        prepare=with_services,
    ),
    case("aclcontrol/packet-filter", lambda lm: lm.access_lists.packet_filter()),
    case(
        "aclcontrol/packet-filter-on",
        lambda lm: lm.access_lists.update_packet_filter(
            enabled=True, drop=True, restrict_interfaces=True, include_web_interface=True
        ),
        prepare=_with_filter_off,
    ),
    # The client would not send such an address.
    case("aclcontrol/invalid-address", raw("aclcontrol", {"add": "block", "addr": "300.1.2.3"})),
    case("listapikeys/two", lambda lm: lm.api_keys.list(), prepare=lambda lm: lm.api_keys.create()),
    case("addapikey/one", lambda lm: lm.api_keys.create()),
    case("delapikey/made-before", _made_and_deleted),
    case("userlist/none", lambda lm: lm.users.list()),
    case(
        "userlist/two",
        lambda lm: lm.users.list(),
        lambda lm: lm.users.get(USER),
        lambda lm: lm.users.get("nobody"),
        prepare=with_accounts,
    ),
    case(
        "useraddlocal/with-permissions",
        lambda lm: lm.users.create(USER, password=PASSWORD, permissions=_BOTH),
    ),
    case(
        "useraddlocal/exists-already",
        lambda lm: lm.users.create(USER, password=PASSWORD),
        prepare=with_accounts,
    ),
    case(
        "usersetperms/replaced",
        lambda lm: lm.users.set_permissions(USER, _BOTH),
        prepare=with_accounts,
    ),
    case(
        "userchangelocpass/other",
        lambda lm: lm.users.set_password(USER, f"{PASSWORD}2"),
        lambda lm: lm.users.set_password("nobody", PASSWORD),
        prepare=with_accounts,
    ),
    case(
        "usersetsyspassword/right-and-wrong",
        lambda lm: lm.users.set_own_password(PASSWORD, f"{PASSWORD}2"),
        lambda lm: lm.users.set_own_password(PASSWORD, f"{PASSWORD}3"),
    ),
    case(
        "usernewcert/with-passphrase",
        lambda lm: lm.users.create_certificate(USER, passphrase=PASSWORD),
        prepare=with_accounts,
    ),
    case(
        "userreadcert/one-and-none",
        lambda lm: lm.users.read_certificate(USER),
        lambda lm: lm.users.read_certificate("deploy"),
        prepare=with_accounts,
    ),
    case(
        "userdownloadcert/one",
        lambda lm: lm.users.download_certificate(USER),
        prepare=with_accounts,
    ),
    case(
        "userdelcert/one",
        lambda lm: lm.users.delete_certificate(USER),
        lambda lm: lm.users.read_certificate(USER),
        prepare=with_accounts,
    ),
    case(
        "userdellocal/one",
        lambda lm: lm.users.delete(USER),
        lambda lm: lm.users.list(),
        prepare=with_accounts,
    ),
    case("grouplist/none", lambda lm: lm.user_groups.list()),
    case(
        "grouplist/one",
        lambda lm: lm.user_groups.list(),
        lambda lm: lm.user_groups.get(GROUP),
        prepare=with_accounts,
    ),
    case(
        "groupaddremote/with-permissions",
        lambda lm: lm.user_groups.create(GROUP, permissions=_BOTH),
    ),
    case(
        "groupsetperms/none-left",
        lambda lm: lm.user_groups.set_permissions(GROUP, ()),
        prepare=with_accounts,
    ),
    case(
        "groupdelremote/one",
        lambda lm: lm.user_groups.delete(GROUP),
        lambda lm: lm.user_groups.list(),
        prepare=with_accounts,
    ),
)
