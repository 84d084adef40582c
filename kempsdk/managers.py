"""The managers of a LoadMaster, each made when it is first used: a short script needs few."""

from functools import cached_property
from typing import TYPE_CHECKING

from kempsdk.appliance import Appliance
from kempsdk.real_servers import RealServers
from kempsdk.secret import Secret
from kempsdk.sub_virtual_services import SubVirtualServices
from kempsdk.virtual_services import VirtualServices

if TYPE_CHECKING:
    from kempsdk.access_lists import AccessLists
    from kempsdk.acme import Acme
    from kempsdk.api_keys import ApiKeys
    from kempsdk.backups import Backups
    from kempsdk.certificates import Certificates, IntermediateCertificates
    from kempsdk.cipher_sets import CipherSets
    from kempsdk.cluster import Cluster
    from kempsdk.diagnostics import Diagnostics
    from kempsdk.dns import Dns, Hosts
    from kempsdk.geo_clusters import GeoClusters
    from kempsdk.geo_fqdns import GeoFqdns
    from kempsdk.geo_parameters import GeoParameters
    from kempsdk.geo_places import GeoLocations, GeoRanges
    from kempsdk.geo_records import GeoRecords
    from kempsdk.health_checks import HealthChecks
    from kempsdk.high_availability import HighAvailability
    from kempsdk.interfaces import Interfaces
    from kempsdk.ldap_endpoints import LdapEndpoints
    from kempsdk.licensing import Licensing
    from kempsdk.limits import Limits
    from kempsdk.mail import Mail
    from kempsdk.ntp import Ntp
    from kempsdk.parameters import Parameters
    from kempsdk.pre_authentication import PreAuthentications
    from kempsdk.routes import Gateways, Routes
    from kempsdk.rule_attachments import RuleAttachments
    from kempsdk.rules import Rules
    from kempsdk.snmp import Snmp
    from kempsdk.sso_domains import SsoDomains
    from kempsdk.statistics import StatisticsReader
    from kempsdk.syslog import Syslog
    from kempsdk.system import System
    from kempsdk.templates import Templates
    from kempsdk.user_groups import UserGroups
    from kempsdk.users import Users
    from kempsdk.waf import Waf
    from kempsdk.waf_settings import WafControl
    from kempsdk.waf_tuning import WafTunings


class Managers:
    """What hangs off a ``LoadMaster``: one attribute for each kind of object."""

    def __init__(self, appliance: Appliance, *, own_key: Secret | None) -> None:
        """Say where they are.

        Args:
            appliance: what they ask.
            own_key: the API key that the client logs in with, if it does.
        """
        self._appliance = appliance
        self._own_key = own_key
        self.virtual_services = VirtualServices(appliance)
        self.sub_virtual_services = SubVirtualServices(appliance, self.virtual_services)
        self.real_servers = RealServers(appliance, self.virtual_services)

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

    @cached_property
    def waf_tuning(self) -> "WafTunings":
        """How strict the web application firewall is in each service."""
        from kempsdk.waf_tuning import WafTunings

        return WafTunings(self._appliance, self.virtual_services)

    @cached_property
    def waf_settings(self) -> "WafControl":
        """The web application firewall of all services: logs, commercial rules."""
        from kempsdk.waf_settings import WafControl

        return WafControl(self._appliance)

    @cached_property
    def pre_authentication(self) -> "PreAuthentications":
        """Logins in front of services (ESP)."""
        from kempsdk.pre_authentication import PreAuthentications

        return PreAuthentications(self._appliance, self.virtual_services)

    @cached_property
    def geo_records(self) -> "GeoRecords":
        """Further records of the names of GEO."""
        from kempsdk.geo_records import GeoRecords

        return GeoRecords(self._appliance)

    @cached_property
    def geo_parameters(self) -> "GeoParameters":
        """What GEO does for all names."""
        from kempsdk.geo_parameters import GeoParameters

        return GeoParameters(self._appliance)
