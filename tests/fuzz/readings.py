"""Everything the SDK reads, asked of one answer that may be anything."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kempsdk import ApiKey, LoadMaster, RsRef, VsRef
from kempsdk.access_lists import AccessList
from kempsdk.diagnostics import Report
from kempsdk.limits import ClientLimitKind
from kempsdk.references import SubVsRef
from kempsdk.rule_models import OnService, OnSubService, Phase
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import Dialect
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2
from kempsdk.waf import WafFile
from tests.fakes.clock import FakeClock

AUTH = ApiKey("fuzz")
DIALECTS: dict[str, Dialect] = {"v1": V1(AUTH), "v2": V2(AUTH)}
VS = VsRef.parse("tcp/192.0.2.1:80")
RS = RsRef.parse("198.51.100.1:80")
TREE = VsRef.parse("tcp/192.0.2.4:80")
SLOT = SubVsRef(TREE, 1)
"""Of the rich appliance (tests/fakes)."""


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """A transport that gives every call the same answer."""

    reply: Reply

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        return self.reply

    def close(self) -> None:
        """Nothing is open."""


WAF_FILES = {
    WafFile.OWASP_RULE: "own",
    WafFile.OWASP_DATA: "own",
    WafFile.LEGACY_RULE: "mine",
    WafFile.LEGACY_DATA: "bots",
}


def _clients(kind: ClientLimitKind, lm: LoadMaster) -> object:
    return lm.limits.clients(kind)


def _report(which: Report, lm: LoadMaster) -> object:
    return lm.diagnostics.report(which)


def _waf_file(kind: WafFile, lm: LoadMaster) -> object:
    return lm.waf.download(kind, WAF_FILES[kind])


READINGS: dict[str, Callable[[LoadMaster], Any]] = {
    "services": lambda lm: lm.virtual_services.list(),
    "service": lambda lm: lm.virtual_services.get(VS),
    "found": lambda lm: lm.virtual_services.find("web"),
    "SubVSs": lambda lm: lm.sub_virtual_services.list(TREE),
    "SubVS": lambda lm: lm.sub_virtual_services.get(SLOT),
    "servers": lambda lm: lm.real_servers.list(VS),
    "server": lambda lm: lm.real_servers.get(VS, RS),
    "timers": lambda lm: lm.health_checks.get(),
    "adaptive": lambda lm: lm.health_checks.adaptive(),
    "statistics": lambda lm: lm.statistics.read(),
    "totals": lambda lm: lm.statistics.totals(),
    "parameter": lambda lm: lm.parameters.get("hostname"),
    "parameters": lambda lm: lm.parameters.list(),
    "blocked": lambda lm: lm.access_lists.list(AccessList.BLOCK),
    "blocked for one": lambda lm: lm.access_lists.list(AccessList.BLOCK, vs=VS),
    "allowed": lambda lm: lm.access_lists.list(AccessList.ALLOW),
    "packet filter": lambda lm: lm.access_lists.packet_filter(),
    "API keys": lambda lm: lm.api_keys.list(),
    "certificates": lambda lm: lm.certificates.list(),
    "certificate": lambda lm: lm.certificates.read_pem("one"),
    "intermediate": lambda lm: lm.intermediate_certificates.read_pem("ca"),
    "intermediates": lambda lm: lm.intermediate_certificates.list(),
    "ciphers": lambda lm: lm.cipher_sets.get("Default"),
    "rules": lambda lm: lm.rules.list(),
    "rules of a phase": lambda lm: lm.rule_attachments.list(OnService(VS, Phase.PRE)),
    "rules of a SubVS": lambda lm: lm.rule_attachments.list(OnSubService(SLOT)),
    "template": lambda lm: lm.templates.export(VS),
    "templates": lambda lm: lm.templates.list(),
    "groups": lambda lm: lm.user_groups.list(),
    "users": lambda lm: lm.users.list(),
    "user certificate": lambda lm: lm.users.read_certificate("joe"),
    "user certificate and key": lambda lm: lm.users.download_certificate("joe"),
    "names": lambda lm: lm.dns.get(),
    "hosts": lambda lm: lm.hosts.list(),
    "interfaces": lambda lm: lm.interfaces.list(),
    "routes": lambda lm: lm.routes.list(),
    "gateways": lambda lm: lm.gateways.get(),
    "limits": lambda lm: lm.limits.settings(),
    **{f"{kind.value}s": partial(_clients, kind) for kind in ClientLimitKind},
    "limit rules": lambda lm: lm.limits.rules(),
    "SNMP": lambda lm: lm.snmp.get(),
    "syslog": lambda lm: lm.syslog.get(),
    "mail": lambda lm: lm.mail.get(),
    "NTP": lambda lm: lm.ntp.get(),
    "pair": lambda lm: lm.high_availability.status(),
    "settings of the pair": lambda lm: lm.high_availability.get(),
    "cluster": lambda lm: lm.cluster.status(),
    "identity": lambda lm: lm.system.identity(),
    "previous version": lambda lm: lm.system.previous_version(),
    **{one.value: partial(_report, one) for one in Report},
    "ping": lambda lm: lm.diagnostics.ping("192.0.2.10"),
    "traceroute": lambda lm: lm.diagnostics.traceroute("192.0.2.10"),
    "top": lambda lm: lm.diagnostics.top(),
    "logs": lambda lm: lm.diagnostics.download_logs(),
    "logs of logins": lambda lm: lm.diagnostics.download_logs(extended=True),
    "capture": lambda lm: lm.diagnostics.capture(packets=1),
    "licence": lambda lm: lm.licensing.get(),
    "EULA": lambda lm: lm.licensing.read_eula(),
    "LDAP": lambda lm: lm.ldap_endpoints.list(),
    "SSO": lambda lm: lm.sso_domains.list(),
    "pre-authentication": lambda lm: lm.pre_authentication.get(VS),
    "WAF": lambda lm: lm.waf.rules(),
    "WAF of a service": lambda lm: lm.waf.rules(VS),
    "WAF tuning": lambda lm: lm.waf_tuning.get(VS),
    "WAF settings": lambda lm: lm.waf_settings.get(),
    **{one.value: partial(_waf_file, one) for one in WAF_FILES},
    "ACME": lambda lm: lm.acme.account(),
    "ACME certificates": lambda lm: lm.acme.list(),
    "GEO": lambda lm: lm.geo_fqdns.enabled(),
    "FQDNs": lambda lm: lm.geo_fqdns.list(),
    "GEO clusters": lambda lm: lm.geo_clusters.list(),
    "GEO locations": lambda lm: lm.geo_locations.list(),
    "GEO parameters": lambda lm: lm.geo_parameters.get(),
    "GEO ranges": lambda lm: lm.geo_ranges.list(),
    "GEO records": lambda lm: lm.geo_records.list("www.example.com"),
}


def client(reply: Reply) -> LoadMaster:
    """Return a client that is given this answer whatever it asks."""
    return LoadMaster("https://192.0.2.9", AUTH, transport=OneAnswer(reply), clock=FakeClock())
