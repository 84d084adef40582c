"""SSO domains and image sets. Nobody logs in here, so there are no sessions to show."""

import io
import tarfile
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree

from kempsdk.emulator.answers import CERTIFICATE_TYPE, DONE, Answer, Many, Members, Refusal, missing
from kempsdk.emulator.appliance import Appliance
from kempsdk.emulator.certificate import user_certificate
from kempsdk.emulator.records import Secret, Switch, Table, Values, number, text, word
from kempsdk.emulator.registry import Request, command
from kempsdk.emulator.sections import SSO, section
from kempsdk.emulator.values import Params

_MOST_DOMAINS: Final = 128
_UNKNOWN: Final = "Unknown domain"
_MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"

_AUTH_TYPES: Final = (
    "LDAP-StartTLS",
    "LDAP-Unencrypted",
    "LDAP-LDAPS",
    "RADIUS",
    "RSA-SECURID",
    "KCD",
    "Certificates",
    "RADIUS and LDAP-Unencrypted",
    "RADIUS and LDAP-StartTLS",
    "RADIUS and LDAP-LDAPS",
    "RSA-SECURID and LDAP-Unencrypted",
    "RSA-SECURID and LDAP-StartTLS",
    "RSA-SECURID and LDAP-LDAPS",
    "OIDC-OAUTH",
    # Not in the vendor's list, although it has the fields of such a domain.
    "SAML",
)
_FORMATS: Final = ("not specified", "Principalname", "Username", "Username only")


_TABLE: Final = Table(
    # Order and names as far as the vendor's example shows them; the rest follows.
    text("testuser", optional=False),
    Secret("testpass"),
    number("ldap_version", 3, 3, 3),
    Switch("server_side"),
    word("auth_type", "LDAP-StartTLS", _AUTH_TYPES),
    text("ldap_endpoint"),
    Switch("ldapephc", default=1),
    text("server"),
    text("server2"),
    Secret("radius_shared_secret"),
    Switch("radius_send_nas_id", optional=True),
    text("radius_nas_id"),
    word("logon_fmt", "Principalname", _FORMATS),
    word("logon_fmt2", "Principalname", ("Principalname", "Username")),
    text("logon_domain", optional=False),
    Switch("logon_transcode"),
    number("user_acc_control", 0, 300, 0),
    text("kerberos_domain", optional=False),
    text("kerberos_kdc", optional=False),
    text("kcd_username", optional=False),
    Secret("kcd_password"),
    text("ldap_admin"),
    Secret("ldap_password"),
    number("max_failed_auths", 0, 999, 0),
    number("reset_fail_tout", 60, 86400, 60),
    number("unblock_tout", 60, 86400, 1800),
    word("sess_tout_type", "idle time", ("idle time", "max duration")),
    number("sess_tout_idle_pub", 60, 604800, 900),
    number("sess_tout_duration_pub", 60, 604800, 1800),
    number("sess_tout_idle_priv", 60, 604800, 900),
    # 2800 in the vendor's table and 28800 in its example.
    number("sess_tout_duration_priv", 60, 604800, 28800),
    Switch("cert_check_asi"),
    Switch("cert_check_cn", optional=True),
    text("idp_entity_id", longest=255),
    text("idp_sso_url", longest=255),
    text("idp_logoff_url", longest=255),
    text("idp_cert"),
    Switch("idp_match_cert", optional=True),
    text("sp_entity_id", longest=255),
    text("sp_cert"),
    text("oidc_app_id", longest=255),
    text("oidc_redirect_uri", longest=255),
    text("oidc_auth_ep_url", longest=255),
    text("oidc_token_ep_url", longest=255),
    text("oidc_logoff_url", longest=255),
    Secret("oidc_secret"),
)


@dataclass(slots=True, kw_only=True)
class Domain:
    """Attributes:
    sp_certificate: PEM of the self-signed one that a SAML domain shows; made when asked for.
    """

    id: int
    settings: Values
    sp_certificate: str = ""


@section("sso", part=SSO)
@dataclass(slots=True, kw_only=True)
class Sso:
    """Domains and image sets by name; only the size of an image set is kept."""

    domains: dict[str, Domain] = field(default_factory=dict)
    next_id: int = 1
    images: dict[str, int] = field(default_factory=dict)


def _sso(box: Appliance) -> Sso:
    return box.state.section(Sso)


def _members(name: str, domain: Domain) -> Members:
    return [("Id", domain.id), ("Name", name), *_TABLE.members(domain.settings)]


def _asked(request: Request) -> str:
    # The vendor's Python SDK says ``name`` to showdomain and moddomain: that it is understood
    # is a guess, and so is that names, which are kept in upper case, are found in any case.
    return (request.params.get("domain") or request.params.get("name")).upper()


def _named(box: Appliance, request: Request) -> str:
    name = _asked(request) or request.params.need("domain")
    if name not in _sso(box).domains:
        # The text is a guess.
        raise Refusal(_UNKNOWN)
    return name


def _shown(box: Appliance, names: list[str]) -> Answer:
    domains = _sso(box).domains
    if not names:
        return Answer(members=[])
    return Answer(members=[("Domain", Many([_members(one, domains[one]) for one in names]))])


@command("showdomain")
def showdomain(box: Appliance, request: Request) -> Answer:
    if not _asked(request):
        return _shown(box, list(_sso(box).domains))
    return _shown(box, [_named(box, request)])


@command("adddomain", mutates=True)
def adddomain(box: Appliance, request: Request) -> Answer:
    name = request.params.need("domain").upper()
    sso = _sso(box)
    # The limits are the vendor's; the texts are guesses.
    if len(name) > 64:
        raise Refusal("domain: String Value too long")
    if name in sso.domains:
        raise Refusal(f"Domain '{name}' already exists")
    if len(sso.domains) >= _MOST_DOMAINS:
        raise Refusal("Too many domains")
    sso.domains[name] = Domain(id=sso.next_id, settings=_TABLE.defaults())
    sso.next_id += 1
    box.changed_globally()
    return Answer(message=f"Domain '{name}' created")


@command("moddomain", mutates=True)
def moddomain(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    settings = _sso(box).domains[name].settings
    before = dict(settings)
    _TABLE.apply(settings, request.params)
    # The counter must be reset before the account is unblocked.
    if int(str(settings["reset_fail_tout"])) >= int(str(settings["unblock_tout"])):
        settings.update({one: before[one] for one in ("reset_fail_tout", "unblock_tout")})
    if before["oidc_redirect_uri"] and not settings["oidc_redirect_uri"]:
        settings["oidc_redirect_uri"] = before["oidc_redirect_uri"]
    box.changed_globally()
    return _shown(box, [name])


@command("deldomain", mutates=True)
def deldomain(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    if any(str(one.settings["Domain"]).upper() == name for one in box.state.services.values()):
        # That it is refused, and the text, are guesses.
        raise Refusal("Domain in use")
    del _sso(box).domains[name]
    box.changed_globally()
    return DONE


def _metadata(file: bytes) -> dict[str, str]:
    """Return the settings that an identity provider's metadata hold (SAML 2.0 Metadata)."""
    # The text is a guess.
    refused = Refusal("Invalid metadata")
    try:
        root = ElementTree.fromstring(file)  # noqa: S314 - for tests; expat bounds entities
    except ElementTree.ParseError:
        raise refused from None
    entity = root if root.tag == f"{_MD}EntityDescriptor" else root.find(f"{_MD}EntityDescriptor")
    provider = None if entity is None else entity.find(f"{_MD}IDPSSODescriptor")
    if entity is None or provider is None:
        raise refused
    found = {"idp_entity_id": entity.get("entityID", "")}
    for setting, tag in (
        ("idp_sso_url", "SingleSignOnService"),
        ("idp_logoff_url", "SingleLogoutService"),
    ):
        service = provider.find(f"{_MD}{tag}")
        if service is not None:
            found[setting] = service.get("Location", "")
    return found


@command("uploadsamlidpmd", mutates=True, takes_file=True)
def uploadsamlidpmd(box: Appliance, request: Request) -> Answer:
    name = _named(box, request)
    if not request.body:
        raise missing("data", "File")
    _TABLE.apply(_sso(box).domains[name].settings, Params(_metadata(request.body)))
    box.changed_globally()
    return DONE


@command("downloadsamlspcert")
def downloadsamlspcert(box: Appliance, request: Request) -> Answer:
    """Send the domain's own certificate as PEM, which is a guess; its key is not kept."""
    domain = _sso(box).domains[_named(box, request)]
    if not domain.sp_certificate:
        made = user_certificate(request.params.get("domain"), "")
        domain.sp_certificate = made.certificate.decode("ascii")
        box.changed()
    return Answer(file=domain.sp_certificate.encode(), content_type=CERTIFICATE_TYPE)


@command("showdomainlockedusers")
def showdomainlockedusers(_box: Appliance, _request: Request) -> Answer:
    return Answer(members=[])


@command("unlockdomainusers", mutates=True)
def unlockdomainusers(box: Appliance, request: Request) -> Answer:
    _named(box, request)
    request.params.need("users")
    return DONE


@command("ssodomain/search", "ssodomain/querysessions", "ssodomain/queryall")
def sessions(box: Appliance, request: Request) -> Answer:
    """Show no sessions; the members of ``queryall`` are guesses."""
    _named(box, request)
    if request.command == "ssodomain/search":
        request.params.need("user")
    if request.command == "ssodomain/queryall":
        return Answer(members=[("Users", 0), ("Cookies", 0)])
    return Answer(members=[])


@command("ssodomain/killsession", "ssodomain/killallsessions", mutates=True)
def killsession(box: Appliance, request: Request) -> Answer:
    _named(box, request)
    if request.command == "ssodomain/killsession":
        request.params.need("key")
        # There is never such a session; the text is a guess.
        raise Refusal("Unknown session")
    return DONE


@command("logging/ssoflush", mutates=True)
def ssoflush(_box: Appliance, _request: Request) -> Answer:
    return DONE


@command("listssoimages")
def listssoimages(box: Appliance, _request: Request) -> Answer:
    # The element is a guess.
    rows: list[Members] = [[("Name", name)] for name in _sso(box).images]
    return Answer(members=[("Image", Many(rows))] if rows else [])


@command("ssoimages", mutates=True, takes_file=True)
def ssoimages(box: Appliance, request: Request) -> Answer:
    if not request.body:
        raise missing("data", "File")
    # The set is named by the archive; that it is its only directory is a guess.
    name = _first_directory(request.body)
    _sso(box).images[name] = len(request.body)
    box.changed()
    return DONE


def _first_directory(archive: bytes) -> str:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            first = tar.next()
    except tarfile.TarError:
        first = None
    if first is None:
        # The text is a guess.
        raise Refusal("Invalid image set")
    return first.name.strip("./").partition("/")[0]


@command("delssoimage", mutates=True)
def delssoimage(box: Appliance, request: Request) -> Answer:
    if _sso(box).images.pop(request.params.need("name"), None) is None:
        raise Refusal("Unknown image set")
    box.changed()
    return DONE
