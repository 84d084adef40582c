"""Which user may run which command.

The rights and what they are for are the vendor's (interface description, 2022). That every
user may read, with a few exceptions, and the text of the refusal are guesses.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from kempsdk.emulator.answers import Refusal
from kempsdk.emulator.values import Params, words

if TYPE_CHECKING:
    from kempsdk.emulator.registry import Command, Request
    from kempsdk.emulator.state import User

RIGHTS: Final = words("real vs rules backup certs cert3 certbackup users root geo addvs")

_TABLE: Final = {
    "real": "enablers disablers",
    "vs": (
        "addvs modvs delvs addrs modrs delrs enablers disablers addprerule delprerule"
        " addrequestrule delrequestrule addresponserule delresponserule addresponsebodyrule"
        " delresponsebodyrule addrsrule delrsrule vsaddwafrule vsremovewafrule owasprules"
        " uploadvserrfile exportvstmplt"
    ),
    "rules": "addrule modrule delrule",
    "backup": "backup",
    "certs": (
        "addcert delcert addlecert renewlecert dellecert registerleaccount fetchleaccount"
        " addacmecert renewacmecert delacmecert registeracmeaccount"
    ),
    "cert3": "addintermediate delintermediate",
    "certbackup": "backupcert restorecert",
    "users": (
        "useraddlocal userdellocal userchangelocpass usersetperms userlist usershow"
        " usernewcert userdelcert userreadcert userdownloadcert groupaddremote groupdelremote"
        " groupsetperms grouplist groupshow"
    ),
    "geo": (
        "addcluster delcluster modcluster clustchangeloc addcountry removecountry"
        " addcustomlocation editcustomlocation deletecustomlocation addfqdn modfqdn delfqdn"
        " addmap modmap delmap changemaploc changecheckeraddr addrr modrr delrr addip delip"
        " modiploc deliploc addipcountry removeipcountry modparams enablegeo disablegeo"
        " geosetdnssec geogenerateksk geodeleteksk geoimportksk locdataupdate"
        " geoacl/setautoupdate geoacl/setautoinstall geoacl/setinstalltime geoacl/updatenow"
        " geoacl/installnow geoacl/addcustom geoacl/removecustom"
    ),
}
_ANYBODY: Final = frozenset(words("addapikey listapikeys delapikey"))
_NOT_ROOT: Final = frozenset(words("useraddlocal userdellocal"))
_MAKES_SERVICES: Final = frozenset(words("addvs delvs"))
_ACL_READS: Final = frozenset(words("list listvs isenabled isdrop isifblock iswuiblock wuiaddr"))


def _by_command() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for right, commands in _TABLE.items():
        for command in commands.split():
            found.setdefault(command, set()).add(right)
    return {command: frozenset(rights) for command, rights in found.items()}


_RIGHTS: Final = _by_command()


def _only_switches(params: Params) -> bool:
    """Whether a modrs does nothing but enable or disable a server."""
    return set(params) <= {"vs", "port", "prot", "rs", "rsport", "enable"}


def _acl_reads(request: "Request") -> bool:
    _, _, operation = request.command.partition("/")
    if operation:
        return operation in _ACL_READS
    return any(one in request.params for one in _ACL_READS)


def _allowed(rights: list[str], command: "Command", request: "Request", *, extended: bool) -> bool:
    name = request.command
    if name.startswith("aclcontrol"):
        per_service = any(one in request.params for one in ("addvs", "delvs"))
        return _acl_reads(request) or "root" in rights or (per_service and "vs" in rights)
    sufficient = _RIGHTS.get(name)
    if sufficient is None:
        return not command.mutates or name in _ANYBODY or "root" in rights
    if "root" in rights and name not in _NOT_ROOT:
        return True
    if name == "modrs" and "real" in rights and _only_switches(request.params):
        return True
    if name == "owasprules" and "enable" not in request.params:
        return True
    if extended and (name in _MAKES_SERVICES or "createsubvs" in request.params):
        # With extended permissions, making services needs a right of its own; that ``vs``
        # then changes them only is a guess.
        return "addvs" in rights
    return not sufficient.isdisjoint(rights) or ("addvs" in rights and "vs" in sufficient)


def check(user: "User", command: "Command", request: "Request", *, extended: bool) -> None:
    """Refuse a command that a user has no right to.

    Args:
        extended: whether the parameter ``extendedperms`` is on.

    Raises:
        Refusal: with code 403.
    """
    if user.permissions is None:
        return
    if request.command == "usersetsyspassword" or not _allowed(
        user.permissions, command, request, extended=extended
    ):
        raise Refusal("Access denied", 403)
