"""The web application firewall: OWASP rules per service, custom rule and data files, updates."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kempsdk.emulator.addressing import find_service, service_at
from kempsdk.emulator.answers import DONE, Answer, Many, Members, One, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.registry import Handler, Request, command
from kempsdk.emulator.sections import SERVICES, section
from kempsdk.emulator.state import ServiceWaf, VirtualService
from kempsdk.emulator.values import Params, address_of

_OWASP_MODE: Final = 2
_RULE_NUMBER: Final = re.compile(rb"\bid:\s*'?(\d+)")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_PREFIXES: Final = {
    "C": "C",
    "Custom": "C",
    "Z": "Z",
    "ApplicationGeneric": "Z",
    "A": "A",
    "ApplicationSpecific": "A",
    "G": "G",
    "Generic": "G",
}

CORE_RULES: Final = {
    # A few of the public OWASP core rule set (3.3); an appliance has all of them.
    "911100": "Method is not allowed by policy",
    "913100": "Found User-Agent associated with security scanner",
    "913110": "Found request header associated with security scanner",
    "913120": "Found request filename/argument associated with security scanner",
    "920100": "Invalid HTTP Request Line",
    "920160": "Content-Length HTTP header is not numeric",
    "920170": "GET or HEAD Request with Body Content",
    "920350": "Host header is a numeric IP address",
    "921110": "HTTP Request Smuggling Attack",
    "930100": "Path Traversal Attack (/../)",
    "931100": "Possible Remote File Inclusion (RFI) Attack: URL Parameter using IP Address",
    "932100": "Remote Command Execution: Unix Command Injection",
    "933100": "PHP Injection Attack: PHP Open Tag Found",
    "941100": "XSS Attack Detected via libinjection",
    "942100": "SQL Injection Attack Detected via libinjection",
    "943100": "Possible Session Fixation Attack: Setting Cookie Values in HTML",
    "944100": "Remote Command Execution: Suspicious Java class detected",
}


@section("waf", part=SERVICES)
@dataclass(slots=True, kw_only=True)
class Waf:
    """Files in base64 by name; the names of rules have no extension, those of data do."""

    owasp_rules: dict[str, str] = field(default_factory=dict)
    owasp_data: dict[str, str] = field(default_factory=dict)
    legacy_rules: dict[str, str] = field(default_factory=dict)
    legacy_data: dict[str, str] = field(default_factory=dict)
    auto_update: bool = False
    auto_install: bool = False
    install_hour: int = 4
    log_format: str = "native"
    remote_uri: str = ""
    remote_user: str = ""


def _waf(box: Appliance) -> Waf:
    return box.state.section(Waf)


def _stem(name: str) -> str:
    """Return a file's name without its extension."""
    for ending in (".tar.gz", ".conf", ".data", ".txt"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _file_name(request: Request) -> str:
    name = request.params.need("filename")
    if not _FILE_NAME.fullmatch(name):
        # The text is a guess.
        raise Refusal("Invalid filename")
    return name


_Files = Callable[[Waf], dict[str, str]]


def _find(kept: dict[str, str], name: str) -> str | None:
    """Return the stored name that a name with or without extension means."""
    if name in kept:
        return name
    return next((one for one in kept if _stem(one) == _stem(name)), None)


def _adder(files: _Files, *, keeps_extension: bool) -> Handler:
    def add(box: Appliance, request: Request) -> Answer:
        name = _file_name(request)
        if not request.body:
            raise missing("data", "File")
        # A name that exists is taken over (seen with a client's tests).
        stored = name if keeps_extension else _stem(name)
        files(_waf(box))[stored] = base64.b64encode(request.body).decode("ascii")
        box.changed()
        return DONE

    return add


def _remover(files: _Files, *, rules: bool) -> Handler:
    def remove(box: Appliance, request: Request) -> Answer:
        kept = files(_waf(box))
        name = _find(kept, _file_name(request))
        if name is None:
            # The text is a guess, and so is the code: only a download is known to say 404.
            raise Refusal("File not found")
        del kept[name]
        if rules:
            for service in box.state.services.values():
                if service.waf is not None:
                    service.waf.custom.pop(name, None)
        box.changed()
        return DONE

    return remove


def _sender(files: _Files) -> Handler:
    def send(box: Appliance, request: Request) -> Answer:
        kept = files(_waf(box))
        name = _find(kept, _file_name(request))
        if name is None:
            raise Refusal("File not found", 404)
        return Answer(file=base64.b64decode(kept[name]))

    return send


def _register_files(word: str, files: _Files, *, rules: bool) -> None:
    command(f"add{word}", mutates=True, takes_file=True)(_adder(files, keeps_extension=not rules))
    command(f"del{word}", mutates=True)(_remover(files, rules=rules))
    command(f"download{word}")(_sender(files))


_register_files("owaspcustomrule", lambda waf: waf.owasp_rules, rules=True)
_register_files("owaspcustomdata", lambda waf: waf.owasp_data, rules=False)
_register_files("wafcustomrule", lambda waf: waf.legacy_rules, rules=True)
_register_files("wafcustomdata", lambda waf: waf.legacy_data, rules=False)


def _service_waf(service: VirtualService) -> ServiceWaf:
    if service.waf is None:
        service.waf = ServiceWaf()
    return service.waf


def _word(on: bool) -> str:
    return "yes" if on else "no"


def _shown(name: str, service: VirtualService | None) -> Members:
    waf = None if service is None else service.waf or ServiceWaf()
    if name in CORE_RULES:
        members: Members = [("Id", name), ("Type", "CRS"), ("Name", CORE_RULES[name])]
        # That every core rule is on at first is a guess.
        return members if waf is None else [*members, ("Enabled", _word(name not in waf.disabled))]
    members = [("Id", name), ("Type", "custom"), ("Name", name)]
    if waf is None:
        return members
    return [
        *members,
        ("Enabled", _word(name in waf.custom)),
        ("Runfirst", _word(waf.custom.get(name, False))),
    ]


def _matching(box: Appliance, params: Params) -> list[str]:
    """Return the rules that ``rule`` (a number, its beginning, a name) and ``filter`` mean."""
    names = [*CORE_RULES, *_waf(box).owasp_rules]
    if given := params.get("rule"):
        exact = [one for one in names if one == given]
        names = exact or [one for one in CORE_RULES if one.startswith(given)]
        if not names:
            # The text is a guess.
            raise Refusal("Unknown rule")
    if term := params.get("filter").lower():
        names = [one for one in names if term in CORE_RULES.get(one, one).lower()]
    return names


@command("owasprules")
def owasprules(box: Appliance, request: Request) -> Answer:
    params = request.params
    names = _matching(box, params)
    if "vs" not in params:
        return Answer(members=[("Rule", Many([_shown(one, None) for one in names]))])
    service = find_service(box, params)
    if service.settings["InterceptMode"] != _OWASP_MODE:
        # The service must have the OWASP engine on; the text is a guess.
        raise Refusal("WAF is not enabled")
    if "enable" not in params:
        if names == [params.get("rule")]:
            return Answer(members=[("Rule", One(_shown(names[0], service)))])
        return Answer(members=[("Rule", Many([_shown(one, service) for one in names]))])
    _switch(service, names, params)
    box.changed(service)
    return DONE


def _switch(service: VirtualService, names: list[str], params: Params) -> None:
    on = params.flag("enable")
    if on is None:
        raise missing("enable")
    waf = _service_waf(service)
    for name in names:
        if name in CORE_RULES:
            waf.disabled = [one for one in waf.disabled if one != name] + ([] if on else [name])
        elif on:
            waf.custom[name] = bool(params.flag("runfirst"))
        else:
            waf.custom.pop(name, None)


def _addressed(box: Appliance, params: Params) -> VirtualService:
    """Return the service of the legacy WAF commands, which take no index.

    Raises:
        Refusal: a part is missing (documented with this text), or there is no such service.
    """
    if not all(one in params for one in ("vs", "port", "prot", "rule")):
        raise Refusal("String value missing")
    address, port = address_of(params.get("vs")), params.number("port")
    found = None
    if address is not None and port is not None:
        found = service_at(box, address, port, params.get("prot").lower())
    if found is None:
        raise Refusal("Unknown VS")
    return found


def _ruleset(text: str) -> str:
    prefix, slash, name = text.partition("/")
    if not (slash and name and prefix in _PREFIXES):
        # The text is a guess.
        raise Refusal("Unknown rule")
    return f"{_PREFIXES[prefix]}/{name}"


@command("vsaddwafrule", mutates=True)
def vsaddwafrule(box: Appliance, request: Request) -> Answer:
    params = request.params
    service = _addressed(box, params)
    given = [_ruleset(one) for one in params.get("rule").split()]
    disabled = [one.strip() for one in params.get("disablerules").split(",") if one.strip()]
    if not given and not disabled:
        raise Refusal("String value missing")
    waf = _service_waf(service)
    waf.legacy += [one for one in given if one not in waf.legacy]
    waf.legacy_disabled += [one for one in disabled if one not in waf.legacy_disabled]
    box.changed(service)
    return DONE


@command("vslistwafruleids")
def vslistwafruleids(box: Appliance, request: Request) -> Answer:
    """List the rules of a custom rule set, by their numbers; the vendor's sets are empty.

    The group and the names of inactive rules are documented. That active ones are named
    alike, and that the text is the number, are guesses.
    """
    service = _addressed(box, request.params)
    ruleset = _ruleset(request.params.get("rule"))
    name = ruleset.partition("/")[2]
    waf = service.waf or ServiceWaf()
    file = base64.b64decode(_waf(box).legacy_rules.get(name, ""))
    members: Members = []
    counts = {"Active": 0, "Inactive": 0}
    for number in (one.decode("ascii") for one in _RULE_NUMBER.findall(file)):
        on = ruleset in waf.legacy and number not in waf.legacy_disabled
        word = "Active" if on else "Inactive"
        counts[word] += 1
        members.append((f"{word}Rule{counts[word]}", number))
    return Answer(members=[(name, One(members))])


@command("vsremovewafrule", mutates=True)
def vsremovewafrule(box: Appliance, request: Request) -> Answer:
    service = _addressed(box, request.params)
    name = _ruleset(request.params.get("rule"))
    waf = _service_waf(service)
    if name not in waf.legacy:
        raise Refusal("Unknown rule")
    waf.legacy.remove(name)
    box.changed(service)
    return DONE


@command("listwafrules")
def listwafrules(box: Appliance, request: Request) -> Answer:
    """List rule sets: custom ones, and those that services have.

    The names tell which are active, and are numbered: a guess from another answer's names.
    """
    active = {
        name
        for service in box.state.services.values()
        if service.waf is not None
        for name in service.waf.legacy
    }
    idle = {f"C/{name}" for name in _waf(box).legacy_rules} - active
    members: Members = [(f"Active{i}", one) for i, one in enumerate(sorted(active), 1)]
    members += [(f"Inactive{i}", one) for i, one in enumerate(sorted(idle), 1)]
    return _wrapped("Rules", members, request)


def _wrapped(name: str, members: Members, request: Request) -> Answer:
    """Put members where the vendor's PowerShell module reads them in v1; v2 is flat."""
    return Answer(members=[(name, One(members))] if request.api == "v1" else members)


@command("getwafsettings")
def getwafsettings(box: Appliance, request: Request) -> Answer:
    # The names of the members are a client's.
    waf = _waf(box)
    members: Members = [
        ("AutoUpdate", waf.auto_update),
        ("AutoInstall", waf.auto_install),
        ("InstallHour", waf.install_hour),
        ("RemoteLoggingEnabled", bool(waf.remote_uri)),
        ("RemoteURI", waf.remote_uri),
        ("LogFormat", waf.log_format),
    ]
    return _wrapped("WAF", members, request)


def _flag(request: Request, name: str) -> bool:
    request.params.need(name)
    return bool(request.params.flag(name))


@command("setwafautoupdate", mutates=True)
def setwafautoupdate(box: Appliance, request: Request) -> Answer:
    _waf(box).auto_update = _flag(request, "enable")
    box.changed()
    return DONE


@command("setwafautoinstall", mutates=True)
def setwafautoinstall(box: Appliance, request: Request) -> Answer:
    _waf(box).auto_install = _flag(request, "enable")
    box.changed()
    return DONE


@command("setwafinstalltime", mutates=True)
def setwafinstalltime(box: Appliance, request: Request) -> Answer:
    request.params.need("hour")
    hour = request.params.number("hour")
    if hour is None or hour > 23:
        raise Refusal("hour: value out of range")
    _waf(box).install_hour = hour
    box.changed()
    return DONE


@command("setwaflogformat", mutates=True)
def setwaflogformat(box: Appliance, request: Request) -> Answer:
    wanted = request.params.need("logformat")
    if wanted not in ("json", "native"):
        raise missing("logformat")
    _waf(box).log_format = wanted
    box.changed()
    return DONE


@command("enablewafremotelogging", mutates=True)
def enablewafremotelogging(box: Appliance, request: Request) -> Answer:
    """Remember where logs go; the password is not kept, since nothing is sent."""
    params = request.params
    uri, user = params.need("remoteuri"), params.need("username")
    params.need("passwd")
    _waf(box).remote_uri, _waf(box).remote_user = uri, user
    box.changed()
    return DONE


@command("disablewafremotelogging", mutates=True)
def disablewafremotelogging(box: Appliance, _request: Request) -> Answer:
    _waf(box).remote_uri = _waf(box).remote_user = ""
    box.changed()
    return DONE
