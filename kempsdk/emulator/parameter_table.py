"""Names, kinds and defaults of the get/set parameters.

Names with their case and the values are those that a hardened 7.2.54.12 unit answered;
names without a value, and ranges, are from the vendor's interface description of 2022.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class ParameterKind(Enum):
    """How a parameter is typed: v2 prints true/false, numbers and arrays."""

    TEXT = "text"
    SWITCH = "switch"
    NUMBER = "number"
    LIST = "list"
    SECRET = "secret"  # noqa: S105 - a kind of parameter, not a password
    MARKUP = "markup"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One get/set parameter.

    Attributes:
        name: in the appliance's own spelling.
        default: value of a fresh unit; None where it is unset.
        low, high: accepted numbers; 0 besides where ``zero``.
    """

    name: str
    kind: ParameterKind
    default: str | None
    low: int = 0
    high: int = 2**31 - 1
    zero: bool = False


_TABLE: Final = """\
hostname text = lb100
version fixed = 7.2.54.12.22642.RELEASE
serialnumber fixed
autosave switch = yes
MinPassword number[8-16] = 8
extendedperms switch = no
EnableIsetupCli switch = yes
dfltgw text = 10.0.0.2
nameserver list = 8.8.8.8,8.8.4.4
hamode number[0-4] = 0
snat switch = yes
multigw switch = no
onlydefaultroutes switch = no
routefilter switch = no
IPV6forwarding switch = yes
dhcpv6 switch = no
enableapi switch = yes
apiport number = 443
wuiaccess switch = yes
wuiport number = 443
wuiiface number = 0
wuiservercertval switch = no
wuicertmapping number = 0
wuinestedgroups switch = no
WUITLSProtocols number[0-30] = 7
WUICipherset text = FIPS2
WUITLS13Ciphersets text = TLS_AES_256_GCM_SHA384 TLS_AES_128_GCM_SHA256
OutboundCipherset text = FIPS2
multihomedwui switch = no
adminclientaccess number[0-3] = 1
sshaccess switch = yes
sshport number[3-65530] = 22
sshiface text = all
geosshport number[3-65530] = 22
ntphost text = pool.ntp.org
ntpkeyid number[0,1-99] = 0
ntpkeysecret secret = ********
SyslogPort number = 514
SyslogProt text = udp
SyslogCert switch = no
CEFmsgFormat switch = yes
emailenable switch = no
emailport number[0-65535] = 25
emailpassword secret = ********
emailsslmode number[0-3] = 0
snmpenable switch = no
snmpV3enable switch = no
snmptrapenable switch = no
snmpHaTrap switch = no
radiusport number[0,3-65535] = 0
radiussecret secret = ********
radiusbackupport number[0,3-65535] = 0
radiusbackupsecret secret = ********
radiusrevalidateinterval number[10-86400] = 60
radiussendnasid switch = no
radiussendvendorspec switch = no
dhkeysize number = 2048
ECCerts number[0-2] = 0
SSLStapling switch = no
SSLRefreshInterval number[3600-86400] = 3600
SSLDisableMasterSecret switch = no
SSLForceServerVerify switch = no
SSLOldLibraryVersion switch = no
sslrenegotiate switch = no
sslclienterrors number = 0
KcdCipherSha1 switch = yes
OCSPcertChecking switch = no
backupenable switch = no
backupmethod text = wput
backupday number[0-7] = 0
backuphour number[0-23] = 0
backupminute number[0-59] = 0
backuptop switch = no
backupsecure switch = yes
backupnetstat switch = yes
backuppassword secret = ********
backupident secret = ********
MaxConnsLimit number = 0
MaxCPSLimit number = 0
MaxRPSLimit number = 0
MaxBandwidthLimit number = 0
ClientMaxConnsLimit number[0-1000000] = 0
ClientCPSLimit number = 0
ClientRPSLimit number = 0
ClientMaxBandwidthLimit number = 0
ClientRepeatDelay number[10-86400] = 60
L7LimitInput number = 0
SendRateLimitError number = 0
RateLimitFail switch = no
LimitLogging switch = no
sessionauthmode number = 0
sessioncontrol switch = yes
sessionidletime number[60-86400] = 600
sessionmaxfailattempts number[1-999] = 5
sessionbasicauth switch = no
sessionlocalauth switch = no
sessionconcurrent number[0-9] = 3
authtimeout number[30-300] = 30
authpostwait number[1-2000] = 2000
clienttokentimeout number[60-300] = 120
dnssecclient switch = no
conntimeout number[0-86400] = 660
finalpersist number[0,60-86400] = 300
slowstart number[0-600] = 0
paranoia number[0-3] = 1
cachesize number[1-409] = 100
expect100 number[0-2] = 2
keepalive switch = yes
rfcconform switch = yes
addforwardheader number[0-2] = 1
addvia switch = no
transparent switch = no
localbind switch = no
nonlocalrs switch = yes
subnetoriginating switch = no
rsarelocal switch = no
L4SyncThreshold number = 3
L4SyncPeriod number = 50
L4SyncRefreshPeriod number = 0
L7NTLMProxy switch = yes
tcptimestamp switch = no
tcpsack switch = no
TCPnorecycle switch = no
resetclose switch = no
closeonerror switch = no
droponfail switch = no
dropatdrainend switch = no
DNSNamesEnable switch = yes
DNSUpdateInterval number[1-60] = 60
DNSReloadOnError switch = no
directoryurl text = https://acme-v02.api.letsencrypt.org/directory
renewperiod number[1-60] = 30
WUICACertList text
WUIPreAuth markup
hostcache switch
admincert text
localcert text
haif number
hainitial switch
macglobal switch
haprefered number[0-2]
hastyle switch
hatimeout number[1-5]
havhid number[1-255]
hawait number[0-200]
mcast number
vmac switch
Tcpfailover switch
hal4update switch
cookieupdate switch
hal7update switch
hacheck switch
halinkfailreboot switch
ha1hostname text
ha2hostname text
searchlist text
addcookieport switch
allowemptyposts switch
forcefullrsmatch switch
alwayspersist text
logsplitinterval number[1-100]
ShareSubVSPersist number[0-1]
loguseragent switch
SameSite number[0-3]
syslogemergency text
syslogcritical text
syslogerror text
syslogwarn text
syslognotice text
sysloginfo text
syslognone text
snmpcommunity secret
snmpcontact text
snmpv1sink text
snmpv2sink text
snmpv3user text
snmpv3userpasswd secret
snmplocation text
snmpclient text
snmpAuthProt text
snmpV3Privenable switch
snmpv3privpasswd secret
snmpPrivProt text
emailserver text
emaildomain text
emailuser text
emailemergency text
emailcritical text
emailerror text
emailwarn text
emailnotice text
emailinfo text
allowupload switch
subnetorigin switch
http_proxy text
TelemetryServer text
TelemetryActiveTimeout number[10-6000]
TelemetryInactiveTimeout number[1-59]
TelemetryOptArp switch
TelemetryOptDhcp switch
TelemetryOptDns switch
TelemetryOptHttp switch
TelemetryOptMail switch
TelemetryOptNbar2 switch
TelemetryOptSamba switch
TelemetryOptExtendedVoip switch
TelemetryOptMsSql switch
TelemetryOptPostgres switch
TelemetryOptMySql switch
TelemetryOptNpm switch
TelemetryOptExtendedNpm switch
TelemetryOptVxlan switch
OCSPPort number
OCSPUseSSL switch
OCSPOnServerFail switch
OCSPServer text
OCSPUrl text
admingw text
tethering switch
geoclients text
geopartners text
SSHPreAuth markup
geo_ssh_iface number
dfltgwv6 text
sdnstatsmode number[1-2]
hideaslloginmsg switch
backuphost text
backuppath text
backupuser text
timezone text
ntpkeytype text
irqpinning switch
irqbalance switch
linearesplogs switch
netconsole text
netconsoleinterface number
securityheaderage number[86400-94608000]
wuildapep text
ldapbackupserver text
ldapsecurity number[0-2]
ldapserver text
ldaprevalidateinterval number
wuiusergroups text
wuidomain text
radiusbackupserver text
radiusnasid text
radiusserver text
hoverhelp switch
motd markup
wuidisplaylines number[10-100]
"""


def _parse(line: str) -> Parameter:
    declaration, _, default = line.partition(" = ")
    name, kind = declaration.split()
    word, _, span = kind.removesuffix("]").partition("[")
    zero = span.startswith("0,")
    low, _, high = span.removeprefix("0,").partition("-")
    return Parameter(
        name=name,
        kind=ParameterKind(word),
        default=default or None,
        low=int(low or 0),
        high=int(high or 2**31 - 1),
        zero=zero,
    )


PARAMETERS: Final = {one.name.lower(): one for one in map(_parse, _TABLE.splitlines())}
"""By lower-case name, in the order in which getall prints them."""


def is_fixed(name: str) -> bool:
    """Return whether a parameter is the unit's own, whatever is restored on it: a guess.

    Args:
        name: in lower case.
    """
    return name in PARAMETERS and PARAMETERS[name].kind is ParameterKind.FIXED


def default_parameters() -> dict[str, str]:
    """Return the values of a fresh unit by lower-case name; unset ones are missing."""
    return {name: one.default for name, one in PARAMETERS.items() if one.default is not None}
