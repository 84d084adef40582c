"""``LoadMaster``: the object a script holds."""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal

from kempsdk.appliance import Appliance
from kempsdk.auth import ApiKey, Auth, ClientCert
from kempsdk.clock import Clock, SystemClock
from kempsdk.errors import InvalidRequest
from kempsdk.real_servers import RealServers
from kempsdk.sub_virtual_services import SubVirtualServices
from kempsdk.transport.call import Call, ParamValue, Reply, Transport
from kempsdk.transport.endpoint import Endpoint
from kempsdk.transport.tls import Insecure, Trust, Verify
from kempsdk.virtual_services import VirtualServices

if TYPE_CHECKING:
    from kempsdk.access_lists import AccessLists
    from kempsdk.acme import Acme
    from kempsdk.api_keys import ApiKeys
    from kempsdk.backups import Backups
    from kempsdk.certificates import Certificates, IntermediateCertificates
    from kempsdk.cipher_sets import CipherSets
    from kempsdk.cluster import Cluster
    from kempsdk.commands import Commands
    from kempsdk.diagnostics import Diagnostics
    from kempsdk.dns import Dns, Hosts
    from kempsdk.geo_clusters import GeoClusters
    from kempsdk.geo_fqdns import GeoFqdns
    from kempsdk.geo_places import GeoLocations, GeoRanges
    from kempsdk.health_checks import HealthChecks
    from kempsdk.high_availability import HighAvailability
    from kempsdk.interfaces import Interfaces
    from kempsdk.ldap_endpoints import LdapEndpoints
    from kempsdk.licensing import Licensing
    from kempsdk.limits import Limits
    from kempsdk.mail import Mail
    from kempsdk.ntp import Ntp
    from kempsdk.parameters import Parameters
    from kempsdk.routes import Gateways, Routes
    from kempsdk.rule_attachments import RuleAttachments
    from kempsdk.rules import Rules
    from kempsdk.snmp import Snmp
    from kempsdk.sso_domains import SsoDomains
    from kempsdk.statistics import StatisticsReader
    from kempsdk.syslog import Syslog
    from kempsdk.system import System
    from kempsdk.templates import Templates
    from kempsdk.transport.detection import WireTransport
    from kempsdk.transport.http import Observer
    from kempsdk.user_groups import UserGroups
    from kempsdk.users import Users
    from kempsdk.waf import Waf

_APIS: Final[Mapping[str, Literal["auto", "v1", "v2"]]] = {
    "auto": "auto",
    "v1": "v1",
    "v2": "v2",
}


class LoadMaster:
    """One LoadMaster. Safe to share between threads; a context manager.

    At most 28 calls in 3 s and 4 at a time are sent, by all threads together; more wait.
    Reads are repeated when their answer is lost, and any call whose request was certainly
    not sent; a call that changes something never is, once any of it was written.

    Proxies, authorities and credentials in the environment (HTTPS_PROXY,
    REQUESTS_CA_BUNDLE, SSL_CERT_FILE, ~/.netrc) have no effect.
    """

    def __init__(
        self,
        url: str,
        auth: Auth,
        api: str = "auto",
        tls: Trust = Verify(),  # noqa: B008 - immutable
        timeout: float = 10.0,
        *,
        clock: Clock | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Remember where the LoadMaster is; nothing is sent before the first call.

        Args:
            url: ``https://lb.example`` or ``https://lb.example:9443``. http is accepted for
                this machine itself, and for others with ``Insecure()`` only.
            auth: ``ApiKey``, ``Password`` or ``ClientCert``.
            api: ``v2`` is JSON, from firmware 7.2.50 on, ``v1`` XML; ``auto`` tries v2 with
                the first call.
            tls: ``Verify``, ``Pin`` or ``Insecure``.
            timeout: seconds to connect, and between two pieces of an answer; retries end
                after twice as long.
            clock: what waits; the machine's own by default.
            transport: what sends instead of HTTP, for tests.

        Raises:
            InvalidRequest: arguments that do not fit together.
        """
        if api not in _APIS:
            raise InvalidRequest(
                f"api is one of {', '.join(_APIS)}", field="api", value=api, allowed=" ".join(_APIS)
            )
        if isinstance(auth, ClientCert) and api == "v2":
            raise InvalidRequest("a client certificate logs in to v1 only", field="api", value=api)
        if not timeout > 0:
            raise InvalidRequest("timeout is more than 0", field="timeout", value=timeout)
        endpoint = Endpoint.parse(url, allow_http=isinstance(tls, Insecure))
        self._clock = clock or SystemClock()
        self._transport = transport or _LazyTransport(
            endpoint, auth=auth, api=_APIS[api], trust=tls, timeout_s=timeout, clock=self._clock
        )
        self._where = str(endpoint)
        self._own_key = auth.key if isinstance(auth, ApiKey) else None
        self._appliance = Appliance(self._transport, self._clock)
        self.virtual_services = VirtualServices(self._appliance)
        self.sub_virtual_services = SubVirtualServices(self._appliance, self.virtual_services)
        self.real_servers = RealServers(self._appliance, self.virtual_services)

    def __repr__(self) -> str:
        return f"LoadMaster({self._where})"

    def __enter__(self) -> "LoadMaster":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    # These are loaded when they are first used: a short script needs few of them.

    @cached_property
    def health_checks(self) -> "HealthChecks":
        """The global timers of the health checks."""
        from kempsdk.health_checks import HealthChecks

        return HealthChecks(self._appliance)

    @cached_property
    def statistics(self) -> "StatisticsReader":
        """The counters of services and servers."""
        from kempsdk.statistics import StatisticsReader

        return StatisticsReader(self._appliance)

    @cached_property
    def parameters(self) -> "Parameters":
        """The global parameters."""
        from kempsdk.parameters import Parameters

        return Parameters(self._appliance)

    @cached_property
    def access_lists(self) -> "AccessLists":
        """Who may connect: global lists, those of services, and the packet filter."""
        from kempsdk.access_lists import AccessLists

        return AccessLists(self._appliance)

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """The API keys of the user that this client logs in as."""
        from kempsdk.api_keys import ApiKeys

        return ApiKeys(self._appliance, self._own_key)

    @cached_property
    def backups(self) -> "Backups":
        """The configuration as a file."""
        from kempsdk.backups import Backups

        return Backups(self._appliance)

    @cached_property
    def certificates(self) -> "Certificates":
        """Certificates with their keys, and the backup of all certificates."""
        from kempsdk.certificates import Certificates

        return Certificates(self._appliance)

    @cached_property
    def intermediate_certificates(self) -> "IntermediateCertificates":
        """Certificates of authorities."""
        from kempsdk.certificates import IntermediateCertificates

        return IntermediateCertificates(self._appliance)

    @cached_property
    def cipher_sets(self) -> "CipherSets":
        """Named lists of ciphers."""
        from kempsdk.cipher_sets import CipherSets

        return CipherSets(self._appliance)

    @cached_property
    def rule_attachments(self) -> "RuleAttachments":
        """Where content rules are attached, and in which order they run."""
        from kempsdk.rule_attachments import RuleAttachments

        return RuleAttachments(self._appliance, self.virtual_services, self.real_servers)

    @cached_property
    def rules(self) -> "Rules":
        """The content rules of all six types."""
        from kempsdk.rules import Rules

        return Rules(self._appliance)

    @cached_property
    def templates(self) -> "Templates":
        """Templates of services."""
        from kempsdk.templates import Templates

        return Templates(self._appliance)

    @cached_property
    def user_groups(self) -> "UserGroups":
        """Groups of remote users and their permissions."""
        from kempsdk.user_groups import UserGroups

        return UserGroups(self._appliance)

    @cached_property
    def users(self) -> "Users":
        """Local users, their permissions and client certificates."""
        from kempsdk.users import Users

        return Users(self._appliance)

    @cached_property
    def dns(self) -> "Dns":
        """The appliance's name and its name servers."""
        from kempsdk.dns import Dns

        return Dns(self._appliance)

    @cached_property
    def hosts(self) -> "Hosts":
        """Names that need no name server."""
        from kempsdk.dns import Hosts

        return Hosts(self._appliance)

    @cached_property
    def interfaces(self) -> "Interfaces":
        """Ports, bonds, VLANs and their addresses."""
        from kempsdk.interfaces import Interfaces

        return Interfaces(self._appliance)

    @cached_property
    def routes(self) -> "Routes":
        """Static routes."""
        from kempsdk.routes import Routes

        return Routes(self._appliance)

    @cached_property
    def gateways(self) -> "Gateways":
        """Default gateways."""
        from kempsdk.routes import Gateways

        return Gateways(self._appliance)

    @cached_property
    def limits(self) -> "Limits":
        """Limits on everything, on clients and on requests."""
        from kempsdk.limits import Limits

        return Limits(self._appliance)

    @cached_property
    def snmp(self) -> "Snmp":
        """The SNMP agent and its traps."""
        from kempsdk.snmp import Snmp

        return Snmp(self._appliance)

    @cached_property
    def syslog(self) -> "Syslog":
        """Where events are sent."""
        from kempsdk.syslog import Syslog

        return Syslog(self._appliance)

    @cached_property
    def mail(self) -> "Mail":
        """E-mail about events."""
        from kempsdk.mail import Mail

        return Mail(self._appliance)

    @cached_property
    def ntp(self) -> "Ntp":
        """How the appliance keeps time."""
        from kempsdk.ntp import Ntp

        return Ntp(self._appliance)

    @cached_property
    def high_availability(self) -> "HighAvailability":
        """What this unit of a pair is, and how the pair behaves."""
        from kempsdk.high_availability import HighAvailability

        return HighAvailability(self._appliance)

    @cached_property
    def cluster(self) -> "Cluster":
        """The cluster that this LoadMaster is in."""
        from kempsdk.cluster import Cluster

        return Cluster(self._appliance)

    @cached_property
    def diagnostics(self) -> "Diagnostics":
        """The appliance's own tools, captures and logs."""
        from kempsdk.diagnostics import Diagnostics

        return Diagnostics(self._appliance)

    @cached_property
    def system(self) -> "System":
        """What the appliance is, its firmware and its power."""
        from kempsdk.system import System

        return System(self._appliance)

    @cached_property
    def licensing(self) -> "Licensing":
        """The licence, and the initial configuration of a new appliance."""
        from kempsdk.licensing import Licensing

        return Licensing(self._appliance)

    @cached_property
    def ldap_endpoints(self) -> "LdapEndpoints":
        """Servers that logins and health checks ask."""
        from kempsdk.ldap_endpoints import LdapEndpoints

        return LdapEndpoints(self._appliance)

    @cached_property
    def sso_domains(self) -> "SsoDomains":
        """Where users of pre-authentication log in."""
        from kempsdk.sso_domains import SsoDomains

        return SsoDomains(self._appliance)

    @cached_property
    def waf(self) -> "Waf":
        """The web application firewall."""
        from kempsdk.waf import Waf

        return Waf(self._appliance)

    @cached_property
    def acme(self) -> "Acme":
        """Certificates from Let's Encrypt."""
        from kempsdk.acme import Acme

        return Acme(self._appliance)

    @cached_property
    def geo_fqdns(self) -> "GeoFqdns":
        """The names that GEO answers for, and their sites."""
        from kempsdk.geo_fqdns import GeoFqdns

        return GeoFqdns(self._appliance)

    @cached_property
    def geo_clusters(self) -> "GeoClusters":
        """The data centres of GEO."""
        from kempsdk.geo_clusters import GeoClusters

        return GeoClusters(self._appliance)

    @cached_property
    def geo_locations(self) -> "GeoLocations":
        """Locations of one's own, for GEO."""
        from kempsdk.geo_places import GeoLocations

        return GeoLocations(self._appliance)

    @cached_property
    def geo_ranges(self) -> "GeoRanges":
        """Where addresses of clients are, for GEO."""
        from kempsdk.geo_places import GeoRanges

        return GeoRanges(self._appliance)

    def observed(self, observer: "Observer") -> AbstractContextManager[None]:
        """Tell an observer of each HTTP attempt while a block runs, as ``recording`` does.

        Raises:
            InvalidRequest: the client has a transport of its own, or is observed already.
        """
        if not isinstance(self._transport, _LazyTransport):
            raise InvalidRequest("only HTTP can be observed", field="transport")
        return self._transport.real().observed(observer)

    @cached_property
    def commands(self) -> "Commands":
        """Every command of the API as a method: ``lm.commands.showvs(vs="10.0.1.250", ...)``.

        Names, types and ranges are checked before anything is sent.
        """
        from kempsdk.commands import Commands

        return Commands(self._transport.send)

    def command(
        self,
        name: str,
        params: Mapping[str, ParamValue] | None = None,
        *,
        body: bytes | None = None,
    ) -> Reply:
        """Send any command as it is, without checking its parameters.

        Args:
            name: as in the vendor's description: ``listvs``, ``logging/df``.
            params: names in any case.
            body: a file to upload.

        Raises:
            KempError: see ``kempsdk.errors``.
        """
        given = dict(params or {})
        call = Call(command=name, params=given, body=body, mutates=_changes(name, given))
        return self._transport.send(call)


def _changes(name: str, params: Mapping[str, ParamValue]) -> bool:
    # Here, so that scripts which only use the resources never load the catalogue.
    from kempsdk.catalogue import UnknownCommandName, command

    try:
        return command(name, params).changes_with(params)
    except UnknownCommandName:
        return True  # the careful assumption: it is never sent twice


class _LazyTransport:
    """Makes the real transport at the first call: requests takes 100 ms to import."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        auth: Auth,
        api: Literal["auto", "v1", "v2"],
        trust: Trust,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self._endpoint = endpoint
        self._auth = auth
        self._api = api
        self._trust = trust
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: WireTransport | None = None

    def send(self, call: Call, *, timeout_s: float | None = None) -> Reply:
        return self.real().send(call, timeout_s=timeout_s)

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()

    def real(self) -> "WireTransport":
        """Return the transport, made now if it was not needed yet."""
        with self._lock:
            if self._made is None:
                from kempsdk.transport.detection import WireTransport

                self._made = WireTransport(
                    self._endpoint,
                    auth=self._auth,
                    api=self._api,
                    trust=self._trust,
                    timeout_s=self._timeout_s,
                    clock=self._clock,
                )
            return self._made
