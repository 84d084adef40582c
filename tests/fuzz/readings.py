"""Everything the SDK reads, asked of one answer that may be anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kempsdk import ApiKey, LoadMaster, RsRef, VsRef
from kempsdk.access_lists import AccessList
from kempsdk.references import SubVsRef
from kempsdk.transport.call import Call, Reply
from kempsdk.transport.dialect import Dialect
from kempsdk.transport.v1 import V1
from kempsdk.transport.v2 import V2
from tests.fakes.clock import FakeClock

AUTH = ApiKey("fuzz")
DIALECTS: dict[str, Dialect] = {"v1": V1(AUTH), "v2": V2(AUTH)}
VS = VsRef.parse("tcp/192.0.2.1:80")
RS = RsRef.parse("198.51.100.1:80")


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """A transport that gives every call the same answer."""

    reply: Reply

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        return self.reply

    def close(self) -> None:
        """Nothing is open."""


READINGS: dict[str, Callable[[LoadMaster], Any]] = {
    "services": lambda lm: lm.virtual_services.list(),
    "service": lambda lm: lm.virtual_services.get(VS),
    "found": lambda lm: lm.virtual_services.find("web"),
    "SubVSs": lambda lm: lm.sub_virtual_services.list(VS),
    "SubVS": lambda lm: lm.sub_virtual_services.get(SubVsRef(VS, 3)),
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
    "packet filter": lambda lm: lm.access_lists.packet_filter(),
    "API keys": lambda lm: lm.api_keys.list(),
    "certificates": lambda lm: lm.certificates.list(),
    "intermediates": lambda lm: lm.intermediate_certificates.list(),
    "ciphers": lambda lm: lm.cipher_sets.get("Default"),
    "rules": lambda lm: lm.rules.list(),
    "templates": lambda lm: lm.templates.list(),
    "groups": lambda lm: lm.user_groups.list(),
    "users": lambda lm: lm.users.list(),
    "names": lambda lm: lm.dns.get(),
    "hosts": lambda lm: lm.hosts.list(),
    "interfaces": lambda lm: lm.interfaces.list(),
    "routes": lambda lm: lm.routes.list(),
    "gateways": lambda lm: lm.gateways.get(),
    "limits": lambda lm: lm.limits.settings(),
    "limit rules": lambda lm: lm.limits.rules(),
    "SNMP": lambda lm: lm.snmp.get(),
    "syslog": lambda lm: lm.syslog.get(),
    "mail": lambda lm: lm.mail.get(),
    "NTP": lambda lm: lm.ntp.get(),
    "pair": lambda lm: lm.high_availability.status(),
    "cluster": lambda lm: lm.cluster.status(),
    "identity": lambda lm: lm.system.identity(),
    "licence": lambda lm: lm.licensing.get(),
    "EULA": lambda lm: lm.licensing.read_eula(),
    "LDAP": lambda lm: lm.ldap_endpoints.list(),
    "SSO": lambda lm: lm.sso_domains.list(),
    "WAF": lambda lm: lm.waf.rules(),
    "ACME": lambda lm: lm.acme.account(),
    "FQDNs": lambda lm: lm.geo_fqdns.list(),
    "GEO clusters": lambda lm: lm.geo_clusters.list(),
}


def client(reply: Reply) -> LoadMaster:
    """Return a client that is given this answer whatever it asks."""
    return LoadMaster("https://192.0.2.9", AUTH, transport=OneAnswer(reply), clock=FakeClock())
