# ruff: noqa: A002, N802, N803  (names are the appliance's own, whatever their form)
"""Every command of the LoadMaster API as a typed method.

Generated from the catalogue by ``python -m kempsdk.catalogue.generate``; do not edit.
Answers come as ``Reply``: ``data``, or ``file`` for a download, or ``message``. Everything
is checked before it is sent; a mistake raises ``InvalidRequest``.
"""

from collections.abc import Iterable
from typing import Literal, TypedDict

from typing_extensions import Unpack

from kempsdk.catalogue.invocation import Command as Command
from kempsdk.catalogue.invocation import Send as Send
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Reply

__all__ = ["Command", "Commands", "Send"]

class SsoDomainAttributes(TypedDict, total=False):
    """Writable attributes of a sso domain."""

    auth_type: str
    """How users are checked; a word for SAML must exist and is not documented. One of LDAP-
    StartTLS, LDAP-Unencrypted, LDAP-LDAPS, RADIUS, RSA-SECURID, KCD, Certificates, RADIUS and
    LDAP-Unencrypted, RADIUS and LDAP-StartTLS, RADIUS and LDAP-LDAPS, RSA-SECURID and LDAP-
    Unencrypted, RSA-SECURID and LDAP-StartTLS, RSA-SECURID and LDAP-LDAPS, OIDC-OAUTH, or a name
    of your own. Default LDAP-StartTLS.
    """
    ldap_endpoint: str
    """LDAP end point to ask."""
    radius_shared_secret: str | Secret
    """Secret shared with the RADIUS server."""
    radius_send_nas_id: bool
    """Name itself to the RADIUS server. Default 0. Needs RADIUS."""
    radius_nas_id: str
    """What to be named; the host name when unset. Default host name. Needs RADIUS,
    radius_send_nas_id.
    """
    logon_fmt: Literal["not specified", "Principalname", "Username", "Username only"]
    """How users write their name. Username only needs RADIUS or RSA. One of not specified,
    Principalname, Username, Username only. Default Principalname.
    """
    logon_fmt2: Literal["Principalname", "Username"]
    """How the name goes to the server. One of Principalname, Username. Default Principalname."""
    logon_domain: str
    """Domain that completes the name."""
    logon_transcode: bool
    """Turn names and passwords from Latin-1 into UTF-8. Default 0."""
    user_acc_control: int
    """Time between looks at a user's account; 0 is never. 0 to 300 minutes. Default 0."""
    max_failed_auths: int
    """Failed logins until the user is locked; 0 is never. 0 to 999. Default 0."""
    sess_tout_idle_pub: int
    """Idle time of a session on a public machine. 60 to 604800 seconds. Default 900."""
    sess_tout_duration_pub: int
    """Length of a session on a public machine. 60 to 604800 seconds. Default 1800."""
    sess_tout_idle_priv: int
    """Idle time of a session on an own machine. 60 to 604800 seconds. Default 900."""
    sess_tout_duration_priv: int
    """Length of a session on an own machine; the default may be a misprint of 28800. 60 to
    604800 seconds. Default 2800.
    """
    sess_tout_type: Literal["idle time", "max duration"]
    """Which of the two ends a session. One of idle time (ends when idle), max duration (ends
    after its length). Default idle time.
    """
    testuser: str
    """User to check the servers with. Needs no LDAP endpoint in use."""
    testpass: str | Secret
    """Password of that user. Needs no LDAP endpoint in use."""
    reset_fail_tout: int
    """Time after which failed logins are forgotten. 60 to 86400 seconds. Default 60. Needs less
    than unblock_tout.
    """
    unblock_tout: int
    """Time after which a locked user is let in again. 60 to 86400 seconds. Default 1800. Needs
    more than reset_fail_tout.
    """
    server: str
    """Servers to ask; the RADIUS ones where two factors are used."""
    server2: str
    """LDAP servers where two factors are used."""
    kerberos_domain: str
    """Kerberos realm."""
    kerberos_kdc: str
    """Key distribution centre."""
    kcd_username: str
    """User of KCD; no quotes."""
    kcd_password: str | Secret
    """Password of that user; no quotes."""
    ldap_admin: str
    """User that looks up certificates' owners."""
    ldap_password: str | Secret
    """Password of that user."""
    cert_check_asi: bool
    """Compare with altSecurityIdentities. Default 0. Needs Certificates."""
    cert_check_cn: bool
    """Use the common name of a certificate without SAN. Default 0."""
    server_side: bool
    """Which side the domain is for. Default Y."""
    idp_entity_id: str
    """Entity of the identity provider. Text, at most 255 characters."""
    idp_sso_url: str
    """Its login address. Text, at most 255 characters."""
    Idp_logoff_url: str
    """Its logout address. Text, at most 255 characters."""
    idp_cert: str
    """Its certificate."""
    idp_match_cert: bool
    """Insist on that very certificate. Default 0."""
    sp_entity_id: str
    """Entity of this service provider. Text, at most 255 characters."""
    sp_cert: str
    """Certificate that signs logouts; useselfsigned or an intermediate's name."""
    ldapephc: bool
    """Check the end point with its own administrator. Default 1."""
    oidc_app_id: str
    """Application. Text, at most 255 characters."""
    oidc_redirect_uri: str
    """Addresses to return to; cannot be emptied again. A list with a blank in between, at most
    255 characters.
    """
    oidc_auth_ep_url: str
    """Authorisation address. Text, at most 255 characters."""
    oidc_token_ep_url: str
    """Token address. Text, at most 255 characters."""
    oidc_logoff_url: str
    """Logout address. Text, at most 255 characters."""
    oidc_secret: str | Secret
    """Secret of the application."""

class VirtualServiceAttributes(TypedDict, total=False):
    """Writable attributes of a virtual service."""

    ConnsPerSecLimit: int
    """New connections allowed per second; 0 is no limit. 0 to 100000000."""
    RequestsPerSecLimit: int
    """Requests allowed per second; 0 is no limit. 0 to 1000000."""
    MaxConnsLimit: int
    """Connections open at once; 0 is no limit. 0 to 1000000."""
    bandwidth: int
    """Bandwidth; 0 is no limit. Forces the service to layer 7. 16 to 99999999 kbit/s or 0."""
    VSPort: int | Literal["*"]
    """New port. 3 to 65530 or *."""
    Protocol: Literal["udp", "tcp"]
    """Transport; requests say prot. Cells of the table are run together. One of udp, tcp."""
    VSAddress: str
    """New address."""
    Enable: bool
    """Whether it takes connections. Of a SubVS the slot decides. Default Y."""
    VStype: Literal["gen", "http", "http2", "ts", "tls", "log"]
    """Kind of service; by default 80 and 443 are http, others gen. A change clears body rules
    and resets AddVia and Cache. One of gen (generic), http (HTTP/HTTPS), http2 (HTTP/2), ts
    (remote terminal), tls (STARTTLS protocols), log (Log Insight). Default by port.
    """
    NickName: str
    """Letters, digits and . @ - _, the signs not in front."""
    Cookie: str
    """Cookie to look at (or header, with header persistence); to be given with the Persist mode
    that needs it. Needs Persist cookie, active-cookie, cookie-src or active-cook-src.
    """
    ForceL7: bool
    """Layer 7 instead of layer 4. Default Y (UDP: N)."""
    Idletime: int
    """Idle time before a connection is closed; 0 is stored as the global value, 660. 0 to 86400
    seconds. Default 660.
    """
    Persist: Literal[
        "ssl",
        "cookie",
        "active-cookie",
        "cookie-src",
        "active-cook-src",
        "cookie-hash",
        "cookie-hash-src",
        "url",
        "query-hash",
        "host",
        "header",
        "super",
        "super-src",
        "src",
        "rdp",
        "rdp-src",
        "rdp-sb",
        "rdp-sb-src",
        "none",
        "udpsip",
        "",
    ]
    """What ties a client to its server; empty switches it off. One of ssl, cookie, active-
    cookie, cookie-src, active-cook-src, cookie-hash, cookie-hash-src, url, query-hash, host,
    header, super, super-src, src, rdp, rdp-src, rdp-sb, rdp-sb-src, none, udpsip, ''. Default
    none. Needs Cookie for cookie modes.
    """
    SubnetOriginating: bool
    """Without transparency, use the appliance's address on the servers' subnet. Default 0."""
    PersistTimeout: int
    """How long a client stays tied after its last connection; below 60 becomes 0 and switches
    persistence off, 60 or more switches src on. 0 to 2419200 seconds. Default 0.
    """
    Refreshpersist: bool
    """Renew while a connection lasts."""
    QueryTag: str
    """Query argument to look at. Needs Persist=query-hash."""
    Schedule: Literal[
        "rr", "wrr", "lc", "wlc", "fixed", "adaptive", "sh", "dl", "sdn-adaptive", "uhash"
    ]
    """How servers are chosen. One of rr (round robin), wrr (weighted round robin), lc (least
    connection), wlc (weighted least connection), fixed (fixed weighting), adaptive (resource
    based (adaptive)), sh (source IP hash), dl (weighted response time), sdn-adaptive (resource
    based (SDN adaptive)), uhash (URL hash). Default rr.
    """
    ServerInit: Literal[0, 1, 2, 3, 4, 5, 6]
    """Protocol in which the server speaks first. One of 0 (normal protocols), 1 (SMTP), 2 (SSH),
    3 (other server-initiating), 4 (IMAP4), 5 (MySQL), 6 (POP3). Default 0.
    """
    Transparent: bool
    """Servers see clients' addresses; off with re-encryption, always on at layer 4. Default Y."""
    UseforSnat: bool
    """Servers reach out with the service's address. Default N."""
    QoS: Literal[0, 1, 2, 4, 8, 16]
    """Type of service of outgoing packets. One of 0 (normal service), 1 (minimize cost), 2
    (maximize reliability), 4 (maximize throughput), 8 (minimize delay), 16 (pass through).
    Default 0.
    """
    StartTLSMode: Literal[0, 1, 2, 3, 4, 6]
    """Protocol of STARTTLS; 5 is not documented. One of 0 (HTTP), 1 (SMTP where asked for), 2
    (SMTP always), 3 (FTP), 4 (IMAP), 6 (POP3). Needs VStype tls, or http for 0.
    """
    ExtraPorts: str
    """Further ports; what stands between several is not documented. Empty removes them. Text."""
    CertFile: str
    """All certificates of the service; switching SSLAcceleration off clears it. A list with a
    blank in between, at most 8099 characters.
    """
    Ciphers: str
    """All ciphers; makes the set Custom_ and the index. A list with a colon in between. Needs no
    CipherSet beside it.
    """
    CipherSet: str
    """Cipher set, own ones by name. One of Default, Default_NoRc4, BestPractices,
    Intermediate_compatibility, Backward_compatibility, WUI, FIPS, Legacy, Null_Ciphers,
    ECDSA_Default, ECDSA_BestPractices, or a name of your own. Default Default. Needs no Ciphers
    beside it.
    """
    Tls13CipherSet: str
    """TLS 1.3 suites; at least one stays. One of TLS_AES_256_GCM_SHA384,
    TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256, TLS_AES_128_CCM_8_SHA256,
    TLS_AES_128_CCM_SHA256; several with a blank or a colon in between.
    """
    ClientCert: Literal[0, 1, 2, 3, 4, 5, 6]
    """Client certificates. One of 0 (none), 1 (required), 2 (required, headers added), 3
    (required, DER in SSL-CLIENT-CERT), 4 (required, DER in X-CLIENT-CERT), 5 (required, in SSL-
    CLIENT-CERT), 6 (required, PEM in X-CLIENT-CERT). Default 0.
    """
    PassCipher: bool
    """Tell servers about the TLS connection in X-SSL headers. Needs SSLAcceleration=Y."""
    SSLReencrypt: bool
    """TLS to the servers too. Default N. Needs SSLAcceleration=Y."""
    PassSNI: bool
    """Pass the client's host name on. Needs SSLReencrypt."""
    SSLReverse: bool
    """TLS to the servers only. Default N."""
    SSLRewrite: Literal["", "http", "https"]
    """Scheme for servers' redirects; empty leaves them. One of http, https, ''."""
    ReverseSNIHostname: str
    """Host name for TLS to the servers."""
    SecurityHeaderOptions: Literal[0, 1, 2, 4, 6]
    """Strict-Transport-Security of the appliance's own pages. One of 0 (none), 1 (this host), 2
    (with subdomains), 4 (this host, preload), 6 (with subdomains, preload). Default 0.
    """
    SSLAcceleration: bool
    """TLS to clients. Without a certificate a self-signed one is made. Default N."""
    OCSPVerify: bool
    """Check client certificates by OCSP. Default 0."""
    TLSType: int
    """Sum of the protocols switched OFF; 0-14 with SSLOldLibraryVersion. One of 1 (SSLv3), 2
    (TLS 1.0), 4 (TLS 1.1), 8 (TLS 1.2), 16 (TLS 1.3). Added up, 0 to 30. Default 3. Needs
    SSLAcceleration=Y.
    """
    NeedHostName: bool
    """Refuse clients that send no host name. Default 0."""
    IntermediateCerts: str
    """All intermediates that may be used. A list with + in between. Default all."""
    CopyHdrFrom: str
    """Header to copy for the servers."""
    CopyHdrTo: str
    """Header that gets the copy. Needs CopyHdrFrom."""
    AddVia: Literal[0, 1, 2, 3, 4, 5, 6]
    """Headers that name the client; the X- ones without transparency only. One of 0
    (X-Forwarded-For (legacy)), 1 (X-Forwarded-For, Via), 2 (none), 3 (X-ClientSide, Via), 4
    (X-ClientSide), 5 (X-Forwarded-For), 6 (Via).
    """
    AllowHTTP2: bool
    """HTTP/2; the BestPractices ciphers are advised. Default 0. Needs SSLAcceleration=Y."""
    Cache: bool
    """Keep answers. Default N."""
    Compress: bool
    """Compress answers. Default N."""
    CachePercent: int
    """Share of the cache. 0 to 100 percent. Default 0. Needs Cache=Y."""
    DefaultGW: str
    """Gateway for answers instead of the global one. An IPv4 or IPv6 address or ''."""
    ErrorCode: int | Literal[""]
    """HTTP code when no server is up; empty unsets it. 200 to 505 or 0 or ''. Default 0."""
    ErrorUrl: str
    """Where clients are sent when no server is up."""
    PortFollow: int
    """Use FollowVSID from 7.1-24 on. 3 to 65530 or 0."""
    FollowVSID: int
    """Index of the service whose persistence this one follows; 0 is none."""
    LocalBindAddrs: str
    """Further source addresses. A list with a blank in between. Needs localbind."""
    StandbyAddr: str
    """Server of last resort; never checked. An IPv4 or IPv6 address or ''."""
    StandbyPort: int | Literal[""]
    """Its port. 3 to 65530 or ''."""
    NonLocalSorryServer: bool
    """It is outside the local networks. Needs StandbyAddr, StandbyPort."""
    Verify: int
    """Old intrusion detection. One of 1 (find attacks), 2 (drop instead of reject, needs 1), 4
    (look at warnings too, needs 1). Added up, 0 to 7. Default 0.
    """
    AltAddress: str
    """Second address. An IPv4 or IPv6 address or ''."""
    PreProcPrecedence: str
    """Rule to move among the first ones. Needs PreProcPrecedencePos."""
    PreProcPrecedencePos: int
    """Its new place, from 1. Needs PreProcPrecedence."""
    RequestPrecedence: str
    """Request rule to move. Needs RequestPrecedencePos."""
    RequestPrecedencePos: int
    """Its new place, from 1. Needs RequestPrecedence."""
    ResponsePrecedence: str
    """Answer rule to move. Needs ResponsePrecedencePos."""
    ResponsePrecedencePos: int
    """Its new place, from 1. Needs ResponsePrecedence."""
    MatchBodyPrecedence: str
    """Body rule to move. Needs MatchBodyPrecedencePos."""
    MatchBodyPrecedencePos: int
    """Its new place, from 1. Needs MatchBodyPrecedence."""
    Intercept: bool
    """Legacy WAF; InterceptMode says which engine. Default 0."""
    InterceptOpts: str
    """Options, one of each family (op, audit, reqdata, resdata, json, xml, otherctypes); json,
    xml need reqdataenable. One of opnormal (audit only), opblock (block), auditnone (log
    nothing), auditrelevant (log warnings), auditall (log everything), reqdataenable (look into
    POSTs), reqdatadisable (not into POSTs), resdataenable (look into answers), resdatadisable
    (not into answers), jsonenable (JSON too), jsondisable (no JSON), xmlenable (XML too),
    xmldisable (no XML), otherctypesenable (other types too), otherctypesdisable (no other
    types); several with a semicolon in between. Needs Intercept.
    """
    InterceptPOSTOtherContentTypes: str
    """Types of POST bodies to look into; any is all. A list with a comma in between. Needs
    otherctypesenable.
    """
    AlertThreshold: int
    """Incidents before an alert; 0 is none. 0 to 100000 incidents per hour. Default 0."""
    AllowedHosts: str
    """Hosts that may be asked for. Text, at most 254 characters. Needs EspEnabled=Y."""
    AllowedDirectories: str
    """Folders that may be asked for. Text, at most 254 characters. Needs EspEnabled=Y."""
    Domain: str
    """SSO domain."""
    Logoff: str
    """Texts in an address that mean logout. A list with a blank in between, at most 255
    characters. Needs EspEnabled, InputAuthMode 2.
    """
    AddAuthHeader: str
    """Header that tells servers the user; empty unsets it. Text, at most 255 characters. Needs
    InputAuthMode=6.
    """
    DisplayPubPriv: bool
    """Ask whether the machine is public. Default 1."""
    DisablePasswordForm: bool
    """No password on the login page. Default 0."""
    Captcha: bool
    """CAPTCHA v2 on the login page; the appliance must reach Google. Default 0. Needs
    InputAuthMode 2, all Captcha attributes.
    """
    CaptchaPublicKey: str
    """Public key. Needs InputAuthMode=2."""
    CaptchaPrivateKey: str | Secret
    """Private key. Needs InputAuthMode=2."""
    CaptchaAccessUrl: str
    """Where the question comes from, without https. Default www.google.com/recaptcha/api.js.
    Needs InputAuthMode=2.
    """
    CaptchaVerifyUrl: str
    """Where the answer is checked, without https. Default
    www.google.com/recaptcha/api/siteverify. Needs InputAuthMode=2.
    """
    ESPLogs: int
    """Sum of what is logged; SMTP takes 0 and 4. One of 0 (none), 1 (users), 2 (security), 4
    (connections). Added up, 0 to 7. Default 7.
    """
    SMTPAllowedDomains: str
    """Mail domains to receive for."""
    ExcludedDirectories: str
    """Folders without login. Needs EspEnabled=Y."""
    EspEnabled: bool
    """Edge Security Pack. Default N."""
    InputAuthMode: Literal[0, 1, 2, 4, 5, 6, 7, 8]
    """Login of clients; 3 is not documented. One of 0 (left to the server), 1 (Basic), 2 (form),
    4 (client certificate), 5 (NTLM), 6 (SAML), 7 (POST passed on), 8 (OIDC or OAUTH). Default 0.
    """
    OutputAuthMode: Literal[0, 1, 2, 3, 4]
    """Login at servers. One of 0 (none), 1 (Basic), 2 (form), 3 (KCD), 4 (server token). Default
    by InputAuthMode.
    """
    TokenServerFQDN: str
    """Where the server token comes from; the server when unset. Text, at most 127 characters.
    Needs InputAuthMode 6, OutputAuthMode 4.
    """
    ServerFbaPath: str
    """Path of the servers' login form; not for Exchange. Needs OutputAuthMode=2."""
    ServerFBAPost: str
    """Body for it, base64; not for Exchange. Needs OutputAuthMode=2."""
    ServerFbaUsernameOnly: bool
    """User without domain in it. Default 0. Needs both modes 2, ServerFbaPath."""
    OutConf: str
    """SSO domain towards servers."""
    SingleSignOnDir: str
    """Images of the login page, own sets by name; Exchange when unset. One of Blank, Dual Factor
    Authentication, Exchange, Français Canadien - Blank, Français Canadien - Exchange, Português
    do Brasil - Blank, Português do Brasil - Exchange, or a name of your own.
    """
    SingleSignOnMessage: str
    """Text or HTML of the login page; an apostrophe breaks logins. Text, at most 255 characters."""
    AllowedGroups: str
    """Groups that are let in. Text, at most 2048 characters."""
    GroupSIDs: str
    """The same by SID. A list with a semicolon in between, at most 2048 characters."""
    IncludeNestedGroups: bool
    """Groups within them too, one level. Default 0. Needs AllowedGroups."""
    SteeringGroups: str
    """Groups that rules can steer by, in order. A list with a semicolon in between, at most 2048
    characters.
    """
    VerifyBearer: bool
    """Check bearer tokens (JWT). Default 0."""
    BearerCertificateName: str
    """Certificate to check them with. Needs VerifyBearer=1."""
    BearerText: str
    """What they must contain, at most five. A list with a comma in between. Needs
    VerifyBearer=1.
    """
    ExcludedDomains: str
    """Described with the words for ExcludedDirectories. A list with a blank in between."""
    AltDomains: str
    """Further SSO domains. A list with a blank in between."""
    SameSite: Literal[0, 1, 2, 3, 4]
    """SameSite of ESP cookies. One of 0 (as the system), 1 (None), 2 (Lax), 3 (Strict), 4 (not
    added).
    """
    UserPwdChangeURL: str
    """Where users change their password. Needs LDAP by form."""
    UserPwdChangeMsg: str
    """What they are told then. Needs UserPwdChangeURL."""
    UserPwdExpiryWarn: bool
    """Warn before a password ends. Default 0. Needs InputAuthMode 2, UserPwdChangeURL."""
    UserPwdExpiryWarnDays: int
    """How long before. 1 to 30 days. Default 15. Needs InputAuthMode 2, UserPwdChangeURL."""
    CheckType: Literal[
        "icmp",
        "https",
        "http",
        "tcp",
        "smtp",
        "nntp",
        "ftp",
        "telnet",
        "pop3",
        "imap",
        "rdp",
        "bdata",
        "ldap",
        "none",
    ]
    """Health check; by default from the port: 80 http, 443 https, 21 ftp, 23 telnet, 25 smtp,
    110 pop3, 119 nntp, 143 imap, 389 and 636 ldap, else tcp, UDP icmp. One of icmp, https, http,
    tcp, smtp, nntp, ftp, telnet, pop3, imap, rdp, bdata, ldap, none. Default tcp.
    """
    LdapEndpoint: str
    """LDAP end point to check instead of the server. Needs CheckType=ldap."""
    CheckHost: str
    """Host header of checks; the service's address when unset. Needs CheckUse1.1=Y."""
    CheckPattern: str
    """What the answer must contain (GET and POST); hexadecimal for bdata. Needs CheckType http,
    https or bdata.
    """
    CheckUrl: str
    """Path to ask for; for bdata what to send, hexadecimal. Text, at most 126 characters. Needs
    CheckType http, https or bdata.
    """
    CheckCodes: str
    """Further HTTP codes that count as success. A list with a blank in between."""
    CheckHeaders: str
    """Up to four headers, name:value. A list with | in between."""
    MatchLen: int
    """How far to look for CheckPattern. 0 to 8000 bytes. Default 0. Needs CheckType=bdata."""
    CheckUse1_1: bool
    """HTTP/1.1 instead of 1.0. Default N. On the wire: CheckUse1.1."""
    CheckPort: int | Literal[""]
    """Port to check; 0 is the server's own. 3 to 65530 or 0 or ''."""
    CheckUseGet: Literal[0, 1, 2, 3]
    """Method of HTTP checks. One of 0 (HEAD), 1 (GET), 2 (POST), 3 (OPTIONS). Default 0."""
    ExtraHdrKey: str
    """Header to add for servers."""
    ExtraHdrValue: str
    """Its value."""
    CheckPostData: str
    """Body of a POST check. Text, at most 2047 characters. Needs CheckUseGet=2."""
    RSRulePrecedence: str
    """Server rule to move. Needs RSRulePrecedencePos."""
    RSRulePrecedencePos: int
    """Its new place, from 1. Needs RSRulePrecedence."""
    EnhancedHealthchecks: bool
    """Use RsMinimum; off, one server is enough. Set RsMinimum to 0 before switching it off.
    Default 0.
    """
    RsMinimum: int
    """Servers that must be up; at most as many as there are. modvs only. 0 or more. Default 1.
    Needs EnhancedHealthchecks=1.
    """
    MultiConnect: bool
    """Several clients over one connection to a server; plain GETs only. Default 0. Needs no WAF,
    no ESP, no SSLAcceleration.
    """
    non_local: bool
    """Servers outside the local networks. Default 0. Needs nonlocalrs on, Transparent off."""
    ChkInterval: int
    """Own time between checks; 0, the global one, is refused once another was set. 9 to 120
    seconds or 0. Default 0.
    """
    ChkTimeout: int
    """Own time to wait for an answer; 0 as for ChkInterval. 4 to 60 seconds or 0. Default 0."""
    ChkRetryCount: int
    """Own number of failures; 0 as for ChkInterval. 2 to 15 or 0. Default 0."""
    ForceL4: bool
    """Layer 4 instead of layer 7. Default N (UDP: Y). Needs no cookie persistence, content
    switching or SSLAcceleration.
    """
    InterceptMode: Literal[0, 1, 2]
    """Which WAF works. One of 0 (disabled), 1 (legacy WAF), 2 (OWASP WAF). Default 0."""
    OwaspOpts: str
    """Options of the OWASP WAF. A list with a semicolon in between."""
    BlockingParanoia: int
    """Level at which the OWASP engine blocks. 1 to 4. Default 1."""
    ExecutingParanoia: int
    """Level at which the OWASP engine logs. 1 to 4. Default 1. Needs not below BlockingParanoia."""
    AnomalyScoringThreshold: int
    """Score at which a request is blocked. 1 to 10000. Default 100."""
    pcrelimit: int
    """Steps of one regular expression. 1000 to 99999. Default 3000."""
    JSONDLimit: int
    """Depth of JSON; too low misses attacks. 1000 to 99999. Default 10000."""
    BodyLimit: int
    """Largest body of a POST. 1024 to 52428800 bytes. Default 1048576."""
    PostOtherContentTypes: str
    """Types of POST bodies to look into, the OWASP engine's InterceptPOSTOtherContentTypes (a
    guess). Needs otherctypesenable.
    """
    IPReputationBlocking: bool
    """Refuse addresses of ill repute. Default 0."""
    RuleSets: str
    """OWASP rule sets by number (911,913). A list with a comma in between."""
    ExcludedWorkLoads: str
    """Applications whose false alarms are left out; what stands between several is not
    documented. One of drupal, wordpress, nextcloud, dokuwiki, cpanel, xenforo, or a name of your
    own.
    """
    BlockedCountries: str
    """Countries to refuse, by two letters; what stands between several is not documented."""
    AuditParts: str
    """Parts of a request that are logged, by letter. Default ABEFHKZ."""
    CustomRules: str
    """Own rules in use; what stands between several is not documented."""
    DisabledRules: str
    """Rules switched off; what stands between several is not documented."""

class Commands:
    """All commands of the catalogue, as methods."""

    def __init__(self, send: Send) -> None: ...
    def __dir__(self) -> Iterable[str]: ...
    def KillASLInstance(self) -> Reply:
        """Give back a licence of the activation server. Changes the appliance."""
    def accepteula(
        self,
        *,
        magic: str,
        type: Literal["Trial", "Perm", "Free", "free"],
    ) -> Reply:
        """Accept the licence agreement for one kind of licence. Changes the appliance.

        Args:
            magic: The magic that readeula answered.
            type: Kind of licence; the documented example writes free. One of Trial (for a time),
                Perm (bought), Free (free edition), free.
        """
    def accepteula2(
        self,
        *,
        magic: str,
        accept: Literal["yes", "no"],
    ) -> Reply:
        """Say whether usage data may be sent; ends the licence agreement. Changes the appliance.

        Args:
            magic: The magic that accepteula answered.
            accept: Consent. One of yes (send usage data), no (do not).
        """
    def accesskey(self) -> Reply:
        """Show the access key that licensing asks for."""
    def aclcontrol_add(
        self,
        *,
        add: Literal["block", "allow", "black", "white"],
        addr: str,
        comment: str | None = None,
    ) -> Reply:
        """Put an address on the appliance's block or allow list. Changes the appliance.

        Args:
            add: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
            addr: Address, or network with prefix; a lone address counts as /32.
            comment: Remark shown with the entry. Text, at most 127 characters. From 7.2.37 on.
        """
    def aclcontrol_addvs(
        self,
        *,
        addvs: Literal["block", "allow", "black", "white"],
        addr: str,
        vsip: str | int | None = None,
        vsprot: Literal["tcp", "udp"] | None = None,
        vsport: int | Literal["*"] | None = None,
        vs: int | None = None,
        comment: str | None = None,
    ) -> Reply:
        """Put an address on the block or allow list of one service. Changes the appliance.

        Args:
            addvs: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
            addr: Address, or network with prefix; a lone address counts as /32.
            vsip: Address of the service; in v2 an index was seen to work too.
            vsprot: Transport of the service. One of tcp, udp.
            vsport: Port of the service. A whole number or *.
            vs: Index of the service; give this or address, protocol and port.
            comment: Remark shown with the entry. Text, at most 127 characters. From 7.2.37 on.
        """
    def aclcontrol_del(
        self,
        *,
        del_: Literal["block", "allow", "black", "white"],
        addr: str,
    ) -> Reply:
        """Take an address off the appliance's block or allow list. Changes the appliance.

        Args:
            del_: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
            addr: Address, or network with prefix; a lone address counts as /32.
        """
    def aclcontrol_delvs(
        self,
        *,
        delvs: Literal["block", "allow", "black", "white"],
        addr: str,
        vsip: str | int | None = None,
        vsprot: Literal["tcp", "udp"] | None = None,
        vsport: int | Literal["*"] | None = None,
        vs: int | None = None,
        comment: str | None = None,
    ) -> Reply:
        """Take an address off the block or allow list of one service. Changes the appliance.

        Args:
            delvs: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
            addr: Address, or network with prefix; a lone address counts as /32.
            vsip: Address of the service; in v2 an index was seen to work too.
            vsprot: Transport of the service. One of tcp, udp.
            vsport: Port of the service. A whole number or *.
            vs: Index of the service; give this or address, protocol and port.
            comment: Documented in an example only and probably without effect. Text, at most 127
                characters.
        """
    def aclcontrol_drop(
        self,
        *,
        drop: bool,
    ) -> Reply:
        """Choose between dropping blocked clients silently and rejecting them. Changes the
        appliance.

        Args:
            drop: Silent dropping on or off. Needs packet filter on.
        """
    def aclcontrol_enable(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch the packet filter on or off. Changes the appliance.

        Args:
            enable: On by default; refused while GEO is on.
        """
    def aclcontrol_ifblock(
        self,
        *,
        ifblock: bool,
    ) -> Reply:
        """Forbid or allow routing between attached subnets. Changes the appliance.

        Args:
            ifblock: Restriction on or off. Needs packet filter on.
        """
    def aclcontrol_isdrop(self) -> Reply:
        """Tell whether a blocked client is dropped silently or told so."""
    def aclcontrol_isenabled(self) -> Reply:
        """Tell whether packets are filtered at all."""
    def aclcontrol_isifblock(self) -> Reply:
        """Tell whether hosts may be routed between attached subnets."""
    def aclcontrol_iswuiblock(self) -> Reply:
        """Tell whether the lists also govern the web interface."""
    def aclcontrol_list(
        self,
        *,
        list: Literal["block", "allow", "black", "white"],
    ) -> Reply:
        """Show the appliance's own block or allow list.

        Args:
            list: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
        """
    def aclcontrol_listvs(
        self,
        *,
        listvs: Literal["block", "allow", "black", "white"],
        vsip: str | int | None = None,
        vsprot: Literal["tcp", "udp"] | None = None,
        vsport: int | Literal["*"] | None = None,
        vs: int | None = None,
    ) -> Reply:
        """Show the block or allow list of one service.

        Args:
            listvs: Which list. One of block (block list), allow (allow list), black (block list on
                older firmware), white (allow list on older firmware).
            vsip: Address of the service; in v2 an index was seen to work too.
            vsprot: Transport of the service. One of tcp, udp.
            vsport: Port of the service. A whole number or *.
            vs: Index of the service; give this or address, protocol and port.
        """
    def aclcontrol_wuiaddr(self) -> Reply:
        """Show the address that stays admitted to the web interface."""
    def aclcontrol_wuiblock(
        self,
        *,
        wuiblock: bool,
    ) -> Reply:
        """Let the lists govern the web interface too, or not. Changes the appliance.

        Args:
            wuiblock: Whoever switches it on stays admitted. Needs packet filter on.
        """
    def addadditional(
        self,
        *,
        interface: int,
        addr: str,
    ) -> Reply:
        """Give an interface a further address. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            addr: Address with prefix.
        """
    def addaddon(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install or update an add-on. Changes the appliance.

        Args:
            data: add-on.
        """
    def addapikey(self) -> Reply:
        """Make an API key for the calling user. Changes the appliance."""
    def addbond(
        self,
        *,
        interface: int,
        bond: int,
    ) -> Reply:
        """Put an interface into a bond. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            bond: Number of the bond: 2 for bnd2.
        """
    def addcert(
        self,
        *,
        cert: str,
        data: bytes,
        password: str | Secret | None = None,
        replace: bool | None = None,
    ) -> Reply:
        """Install a certificate, or replace one. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
            password: Passphrase of the file, if it has one.
            replace: 1 for a name that exists, 0 for a new one.
            data: PFX, or PEM with certificate and private key in one file.
        """
    def addcluster(
        self,
        *,
        ip: str,
        name: str,
    ) -> Reply:
        """Add a GEO cluster. Changes the appliance.

        Args:
            ip: Address of the cluster.
            name: Name of the cluster.
        """
    def addcountry(
        self,
        *,
        fqdn: str,
        ip: str,
        countrycode: str | None = None,
        iscontinent: bool | None = None,
        customlocation: str | None = None,
    ) -> Reply:
        """Give a site a country, a continent or a custom location to serve. Changes the
        appliance.

        Args:
            fqdn: Name of the FQDN; case matters here.
            ip: Address of the site.
            countrycode: Two capital letters of the country or continent, or ALL.
            iscontinent: Whether the code is a continent; yes for ALL too.
            customlocation: Name of a custom location.
        """
    def addcustomlocation(
        self,
        *,
        location: str,
    ) -> Reply:
        """Add a custom location. Changes the appliance.

        Args:
            location: Name of the location.
        """
    def adddomain(
        self,
        *,
        domain: str,
    ) -> Reply:
        """Make an SSO domain. Changes the appliance.

        Args:
            domain: Name; stored in upper case. Text, at most 64 characters.
        """
    def addfqdn(
        self,
        *,
        fqdn: str,
    ) -> Reply:
        """Add an FQDN to balance. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
        """
    def addhostsentry(
        self,
        *,
        hostip: str,
        hostfqdn: str,
    ) -> Reply:
        """Add a host entry. Changes the appliance.

        Args:
            hostip: Address.
            hostfqdn: Full name.
        """
    def addintermediate(
        self,
        *,
        cert: str,
        data: bytes,
    ) -> Reply:
        """Install an intermediate certificate; one that exists is not replaced. Changes the
        appliance.

        Args:
            cert: Name of the certificate on the appliance.
            data: certificate, PEM or DER.
        """
    def addip(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Add an address that is to have a place of its own. Changes the appliance.

        Args:
            ip: Address; whether a network will do is not documented.
        """
    def addipcountry(
        self,
        *,
        ip: str,
        countrycode: str | None = None,
        customloc: str | None = None,
    ) -> Reply:
        """Tie such an address to a country or custom location. Changes the appliance.

        Args:
            ip: Address; it must have been added before.
            countrycode: Two capital letters of the country.
            customloc: Name of a custom location; addcountry says customlocation.
        """
    def addldapendpoint(
        self,
        *,
        name: str,
        ldaptype: Literal[0, 1, 2] | None = None,
        server: str | None = None,
        vinterval: int | None = None,
        referralcount: int | None = None,
        timeout: int | None = None,
        adminuser: str | None = None,
        adminpass: str | Secret | None = None,
    ) -> Reply:
        """Add an LDAP end point. Changes the appliance.

        Args:
            name: Name without blanks and special characters.
            ldaptype: How the connection is secured. One of 0 (unencrypted), 1 (StartTLS), 2
                (LDAPS). Default 0.
            server: Servers, each with :port if need be. A list with a blank in between.
            vinterval: Time between checks of a user. 10 to 86400 seconds. Default 60.
            referralcount: Referrals to follow; 0 is none. 0 to 10.
            timeout: Time to wait for an answer. 5 to 60 seconds. Default 5.
            adminuser: User to check the server with.
            adminpass: Password of that user.
        """
    def addlecert(
        self,
        *,
        cert: str,
        cn: str,
        vid: int,
        san1: str | None = None,
        vid1: int | None = None,
        san2: str | None = None,
        vid2: int | None = None,
        san3: str | None = None,
        vid3: int | None = None,
        san4: str | None = None,
        vid4: int | None = None,
        san5: str | None = None,
        vid5: int | None = None,
        san6: str | None = None,
        vid6: int | None = None,
        san7: str | None = None,
        vid7: int | None = None,
        san8: str | None = None,
        vid8: int | None = None,
        san9: str | None = None,
        vid9: int | None = None,
        san10: str | None = None,
        vid10: int | None = None,
        country: str | None = None,
        state: str | None = None,
        city: str | None = None,
        company: str | None = None,
        organization: str | None = None,
        email: str | None = None,
        key_size: Literal[2048, 4096] | None = None,
        ec: bool | None = None,
    ) -> Reply:
        """Have Let's Encrypt issue a certificate. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
            cn: Common name, a full domain name.
            vid: Index of the service on which the challenge for the common name is answered.
            san1: Further name 1.
            vid1: Service index for further name 1.
            san2: Further name 2.
            vid2: Service index for further name 2.
            san3: Further name 3.
            vid3: Service index for further name 3.
            san4: Further name 4.
            vid4: Service index for further name 4.
            san5: Further name 5.
            vid5: Service index for further name 5.
            san6: Further name 6.
            vid6: Service index for further name 6.
            san7: Further name 7.
            vid7: Service index for further name 7.
            san8: Further name 8.
            vid8: Service index for further name 8.
            san9: Further name 9.
            vid9: Service index for further name 9.
            san10: Further name 10.
            vid10: Service index for further name 10.
            country: Country in the request.
            state: State or province in the request.
            city: City in the request.
            company: Company in the request.
            organization: Organisation in the request.
            email: Mail address in the request.
            key_size: Size of an RSA key. One of 2048 (2048 bit), 4096 (4096 bit).
            ec: Elliptic curve key instead of RSA; then no key_size.
        """
    def addlimitrule(
        self,
        *,
        name: str,
        pattern: str,
        limit: int,
        match: Literal[0, 1, 2, 64, 65, 66],
    ) -> Reply:
        """Add a limit by request. Changes the appliance.

        Args:
            name: Name of the rule.
            pattern: What to look for, such as /test/a.html.
            limit: Highest value allowed.
            match: Where to look. One of 0 (request), 1 (host), 2 (user agent), 64 (not request), 65
                (not host), 66 (not user agent).
        """
    def addlmingressk8sconf(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Give the ingress controller its kubeconfig. Changes the appliance.

        Args:
            data: kubeconfig.
        """
    def addmap(
        self,
        *,
        fqdn: str,
        ip: str,
        clust: str | None = None,
    ) -> Reply:
        """Add a site to an FQDN. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            ip: Address of the site.
            clust: Cluster of the site, by name.
        """
    def addnocache(
        self,
        *,
        param: str,
    ) -> Reply:
        """Exclude a file extension from the cache. Changes the appliance.

        Args:
            param: Extension with its dot, such as .jpg.
        """
    def addnocompress(
        self,
        *,
        param: str,
    ) -> Reply:
        """Exclude a file extension from compression. Changes the appliance.

        Args:
            param: Extension with its dot, such as .jpg.
        """
    def addowaspcustomdata(
        self,
        *,
        filename: str,
        data: bytes,
    ) -> Reply:
        """Install data of own rules of the OWASP engine. Changes the appliance.

        Args:
            filename: Name with its extension.
            data: data of own rules.
        """
    def addowaspcustomrule(
        self,
        *,
        filename: str,
        data: bytes,
    ) -> Reply:
        """Install own rules of the OWASP engine. Changes the appliance.

        Args:
            filename: Name with its extension.
            data: own rules, .conf.
        """
    def addprerule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Attach a rule that is looked at before everything else. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def addrequestrule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Attach a rule to requests. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def addresponsebodyrule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Attach a rule to the bodies of answers. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def addresponserule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Attach a rule to answers. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def addroute(
        self,
        *,
        dest: str,
        gateway: str,
    ) -> Reply:
        """Add a static route. Changes the appliance.

        Args:
            dest: Destination; that a prefix is taken is a guess.
            gateway: Gateway.
        """
    def addrr(
        self,
        *,
        fqdn: str,
        type: Literal["txt", "cname", "mx"],
        rdata: str | None = None,
        name: str | None = None,
    ) -> Reply:
        """Give an FQDN a TXT, CNAME or MX record. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            type: Kind of record. One of txt, cname, mx.
            rdata: Data of a txt or mx record.
            name: Target of a cname record.
        """
    def addrs(
        self,
        *,
        vs: str | int,
        rs: str,
        rsport: int,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        addtoallsubvs: bool | None = None,
        weight: int | None = None,
        newport: int | None = None,
        forward: Literal["nat", "route"] | None = None,
        enable: bool | None = None,
        limit: int | None = None,
        non_local: bool | None = None,
        critical: bool | None = None,
        follow: int | None = None,
    ) -> Reply:
        """Add a real server to a service. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server.
            rsport: Port of the server. 3 to 65535.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            addtoallsubvs: Add it to all SubVSs; vs must then be the index of a SubVS. Default 0.
            weight: Share of the traffic. 1 to 65535. Default 1000.
            newport: Documented with modrs in one table; has no meaning here. 3 to 65535.
            forward: Forwarding; seen to be ignored here, so follow up with modrs. One of nat, route
                (direct server return). Default nat.
            enable: Whether it takes connections. Default 1.
            limit: Open connections at which it leaves the rotation. 0 to 100000 connections.
                Default 0.
            non_local: Server outside the local networks. Default 0.
            critical: The service is down when this server is. Default 0.
            follow: RsIndex of the server whose health this one shares.
        """
    def addrsrule(
        self,
        *,
        vs: str | int,
        rs: str,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        rsport: int | None = None,
    ) -> Reply:
        """Attach a rule to a real server, or to a SubVS in its parent. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server, or its RsIndex with a leading exclamation mark (!7).
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            rsport: Port of the server. Left out with an RsIndex. 3 to 65535. Mandatory when rs is
                an address.
        """
    def addrule(
        self,
        *,
        name: str,
        type: Literal[0, 1, 2, 3, 4, 5] | None = None,
        pattern: str | None = None,
        header: str | None = None,
        replacement: str | None = None,
        matchtype: Literal["regex", "prefix", "postfix"] | None = None,
        inchost: bool | None = None,
        nocase: bool | None = None,
        negate: bool | None = None,
        incquery: bool | None = None,
        setonmatch: int | None = None,
        onlyonflag: int | None = None,
        onlyonnoflag: int | None = None,
        mustfail: bool | None = None,
        caseindependent: bool | None = None,
    ) -> Reply:
        """Make a content rule. Changes the appliance.

        Args:
            name: Name of the rule.
            type: Kind of rule. One of 0 (MatchContentRule), 1 (AddHeaderRule), 2
                (DeleteHeaderRule), 3 (ReplaceHeaderRule), 4 (ModifyURLRule), 5 (ReplaceBodyRule).
                Default 0.
            pattern: What to look for; needed by every type but 1.
            header: Header to look at or to write; types 0, 1 and 3.
            replacement: What to write; types 1, 3, 4 and 5. Text, at most 255 characters.
            matchtype: How to look; type 0. One of regex (regular expression), prefix, postfix.
                Default regex.
            inchost: Put the host in front of the path; type 0. Default N.
            nocase: Ignore case; type 0. Default N.
            negate: Turn the result around; type 0. Default N.
            incquery: Put the query behind the path; type 0. Default N.
            setonmatch: Flag to raise on a match; type 0. 0 to 9.
            onlyonflag: Run only when this flag is raised. 0 to 9.
            onlyonnoflag: Run only when this flag is not raised. 0 to 9.
            mustfail: Refuse the connection on a match; type 0. Default 0.
            caseindependent: Ignore case; type 5. Default 0.
        """
    def addsdncontroller(
        self,
        *,
        ipv4: str,
        port: int,
        https: bool | None = None,
        user: str | None = None,
        password: str | Secret | None = None,
        clid: int | None = None,
    ) -> Reply:
        """Add an SDN controller. Changes the appliance.

        Args:
            ipv4: Address of the controller.
            port: Port of the controller. 1 to 65535.
            https: HTTPS instead of HTTP. Default 0.
            user: User at the controller.
            password: Password at the controller.
            clid: Cluster to join; a new one when left out. 1 to 6.
        """
    def addvlan(
        self,
        *,
        interface: int,
        vlanid: int,
    ) -> Reply:
        """Add a VLAN to an interface. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            vlanid: VLAN number.
        """
    def addvs(
        self,
        *,
        vs: str,
        port: int | Literal["*"],
        prot: Literal["tcp", "udp"],
        template: str | None = None,
        **attributes: Unpack[VirtualServiceAttributes],
    ) -> Reply:
        """Make a service, with any of its attributes at once. Changes the appliance.

        Args:
            vs: Address of the new service.
            port: Port of the new service; * is every port. 3 to 65530 or *.
            prot: Transport of the new service. One of tcp, udp.
            template: Template that configures the service; then the answer is the text Template VS
                added.
        """
    def addvxlan(
        self,
        *,
        interface: int,
        vni: int,
        group: str | None = None,
        remote: str | None = None,
    ) -> Reply:
        """Add a VXLAN to an interface. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            vni: Network identifier.
            group: Multicast group; give this or remote.
            remote: The other end point; give this or group.
        """
    def addwafcustomdata(
        self,
        *,
        filename: str,
        data: bytes,
    ) -> Reply:
        """Install data of own rules of the legacy WAF. Changes the appliance.

        Args:
            filename: Name with its extension.
            data: data of own rules.
        """
    def addwafcustomrule(
        self,
        *,
        filename: str,
        data: bytes,
    ) -> Reply:
        """Install own rules of the legacy WAF. Changes the appliance.

        Args:
            filename: Name with its extension.
            data: .conf, or .tar.gz with a rule set.
        """
    def afeclientlimitadd(
        self,
        *,
        l7addr: str,
        l7limit: int,
    ) -> Reply:
        """Add a connection rate limit; use clientcpslimitadd from 7.2.52 on. Changes the
        appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
            l7limit: Highest value allowed for that client.
        """
    def afeclientlimitdel(
        self,
        *,
        l7addr: str,
    ) -> Reply:
        """Delete a connection rate limit; use clientcpslimitdel from 7.2.52 on. Changes the
        appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
        """
    def afeclientlimitlist(self) -> Reply:
        """List connection rate limits; use clientcpslimitlist from 7.2.52 on."""
    def alsilicense(
        self,
        *,
        kempid: str,
        password: str | Secret,
        orderid: str,
        http_proxy: str | None = None,
        lic_type_id: str | None = None,
    ) -> Reply:
        """Fetch a licence over the internet. Changes the appliance.

        Args:
            kempid: Name of the Kemp account.
            password: Password of the account.
            orderid: Order number; documented as mandatory here and as needed on virtual appliances
                only elsewhere.
            http_proxy: Proxy, host:port.
            lic_type_id: Id from alsilicensetypes; licensetypeid is taken too.
        """
    def alsilicensetypes(
        self,
        *,
        kempid: str,
        password: str | Secret,
        orderid: str | None = None,
    ) -> Reply:
        """List the licences of a Kemp account.

        Args:
            kempid: Name of the account.
            password: Password of the account.
            orderid: Order number; virtual appliances only.
        """
    def aslactivate(
        self,
        *,
        lic_type_id: str,
    ) -> Reply:
        """Take a licence from the activation server. Changes the appliance.

        Args:
            lic_type_id: Id from aslgetlicensetypes; licensetypeid is taken too.
        """
    def aslgetlicensetypes(
        self,
        *,
        aslhost: str,
        aslport: int,
    ) -> Reply:
        """List the licences that a Kemp 360 Central offers.

        Args:
            aslhost: The activation server, by address or name; aslipaddr and aslname before. From
                7.2.43 on.
            aslport: Port of the activation server.
        """
    def awshamode(
        self,
        *,
        hamode: Literal["first", "second", "single"],
    ) -> Reply:
        """Choose the role of an appliance on AWS. Changes the appliance.

        Args:
            hamode: Role of this unit. One of first (first HA unit), second (second HA unit), single
                (no HA).
        """
    def awshaparam(
        self,
        *,
        partner: str | None = None,
        hcp: int | None = None,
        haprefered: bool | None = None,
        hcai: bool | None = None,
    ) -> Reply:
        """Change the HA settings of an appliance on AWS. Changes the appliance.

        Args:
            partner: The other unit, by address or name.
            hcp: Port of the mutual check, equal on both. 1 to 65535.
            haprefered: Spelt with one r on the wire. Default 1.
            hcai: Answer the check on all interfaces, not on eth0 alone. Default 0.
        """
    def azurehamode(
        self,
        *,
        hamode: Literal["first", "second", "single"],
    ) -> Reply:
        """Choose the role of an appliance on Azure. Changes the appliance.

        Args:
            hamode: Role of this unit. One of first (first HA unit), second (second HA unit), single
                (no HA).
        """
    def azurehaparam(
        self,
        *,
        partner: str | None = None,
        hcp: int | None = None,
        haprefered: bool | None = None,
        hcai: bool | None = None,
    ) -> Reply:
        """Change the HA settings of an appliance on Azure. Changes the appliance.

        Args:
            partner: The other unit, by address or name.
            hcp: Port of the mutual check, equal on both. 1 to 65535.
            haprefered: Spelt with one r on the wire. Default 1.
            hcai: Answer the check on all interfaces, not on eth0 alone. Default 0.
        """
    def backup(self) -> Reply:
        """Download a backup of the configuration."""
    def backupcert(
        self,
        *,
        password: str | Secret,
    ) -> Reply:
        """Download all certificates with their keys, encrypted.

        Args:
            password: Letters and digits only, case matters. Text, 7 to 64 characters.
        """
    def changecheckeraddr(
        self,
        *,
        fqdn: str,
        ip: str,
        checkerip: str,
        port: int | Literal[""],
    ) -> Reply:
        """Check a site at another address or port. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            ip: Address of the site.
            checkerip: Address to check; empty returns to the site's own. An IPv4 or IPv6 address or
                ''.
            port: Port to check; empty returns to 80. 1 to 65530 or ''. Default 80.
        """
    def changemaploc(
        self,
        *,
        fqdn: str,
        ip: str,
        lat: int,
        long: int,
    ) -> Reply:
        """Say where on earth a site is. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            ip: Address of the site.
            lat: Latitude in seconds of arc: degrees * 3600 + minutes * 60 + seconds.
            long: Longitude in seconds of arc: degrees * 3600 + minutes * 60 + seconds.
        """
    def clientbandwidthlimitadd(
        self,
        *,
        l7addr: str,
        l7limit: int,
    ) -> Reply:
        """Limit the bandwidth of a client. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
            l7limit: Highest value allowed for that client.
        """
    def clientbandwidthlimitdel(
        self,
        *,
        l7addr: str,
    ) -> Reply:
        """Lift a client's limit of bandwidth. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
        """
    def clientbandwidthlimitlist(self) -> Reply:
        """List the clients with a limit of bandwidth."""
    def clientcpslimitadd(
        self,
        *,
        l7addr: str,
        l7limit: int,
    ) -> Reply:
        """Limit the connections per second of a client. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
            l7limit: Highest value allowed for that client.
        """
    def clientcpslimitdel(
        self,
        *,
        l7addr: str,
    ) -> Reply:
        """Lift a client's limit of connections per second. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
        """
    def clientcpslimitlist(self) -> Reply:
        """List the clients with a limit of connections per second."""
    def clientmaxclimitadd(
        self,
        *,
        l7addr: str,
        l7limit: int,
    ) -> Reply:
        """Limit the open connections of a client. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
            l7limit: Highest value allowed for that client.
        """
    def clientmaxclimitdel(
        self,
        *,
        l7addr: str,
    ) -> Reply:
        """Lift a client's limit of open connections. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
        """
    def clientmaxclimitlist(self) -> Reply:
        """List the clients with a limit of open connections."""
    def clientrpslimitadd(
        self,
        *,
        l7addr: str,
        l7limit: int,
    ) -> Reply:
        """Limit the requests per second of a client. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
            l7limit: Highest value allowed for that client.
        """
    def clientrpslimitdel(
        self,
        *,
        l7addr: str,
    ) -> Reply:
        """Lift a client's limit of requests per second. Changes the appliance.

        Args:
            l7addr: Client address; a network is documented for the older limits.
        """
    def clientrpslimitlist(self) -> Reply:
        """List the clients with a limit of requests per second."""
    def clustchangeloc(
        self,
        *,
        ip: str,
        latsecs: int,
        longsecs: int,
    ) -> Reply:
        """Say where on earth a GEO cluster is. Changes the appliance.

        Args:
            ip: Address of the cluster.
            latsecs: Latitude in seconds of arc.
            longsecs: Longitude in seconds of arc.
        """
    def cluster_addnode(
        self,
        *,
        Address: str,
    ) -> Reply:
        """Add a waiting appliance to the cluster; it starts out disabled. Changes the appliance.

        Args:
            Address: Address of the waiting appliance.
        """
    def cluster_create(
        self,
        *,
        SharedAddress: str,
    ) -> Reply:
        """Turn this appliance into the first node of a cluster. Changes the appliance.

        Args:
            SharedAddress: Address that the cluster will share.
        """
    def cluster_deletenode(
        self,
        *,
        NodeId: int,
    ) -> Reply:
        """Remove a node from the cluster. Changes the appliance.

        Args:
            NodeId: Number of the node, from cluster/status.
        """
    def cluster_disablenode(
        self,
        *,
        nodeid: int,
    ) -> Reply:
        """Stop a node from taking connections. Changes the appliance.

        Args:
            nodeid: Number of the node, from cluster/status.
        """
    def cluster_enablenode(
        self,
        *,
        nodeid: int,
    ) -> Reply:
        """Let a node take connections. Changes the appliance.

        Args:
            nodeid: Number of the node, from cluster/status.
        """
    def cluster_joincluster(self) -> Reply:
        """Make this appliance wait for being added to a cluster. Changes the appliance."""
    def cluster_status(self) -> Reply:
        """Show the cluster and every node in it."""
    def createbond(
        self,
        *,
        interface: int,
    ) -> Reply:
        """Make a bond out of an interface. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
        """
    def createvpncon(
        self,
        *,
        name: str,
    ) -> Reply:
        """Make a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def deladditional(
        self,
        *,
        interface: int,
        addr: str,
    ) -> Reply:
        """Remove a further address. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            addr: Address with prefix.
        """
    def deladdon(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete an add-on. Changes the appliance.

        Args:
            name: Name, from listaddon.
        """
    def delapikey(
        self,
        *,
        key: str | Secret,
        user: str | None = None,
        apikey: str | Secret | None = None,
    ) -> Reply:
        """Delete an API key. Changes the appliance.

        Args:
            key: The key.
            user: Its owner, if not the caller; needs the User Administration permission.
            apikey: Key to log in with; the client adds its own.
        """
    def delbond(
        self,
        *,
        interface: int,
        bond: int,
    ) -> Reply:
        """Take an interface out of a bond. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            bond: Number of the bond: 2 for bnd2.
        """
    def delcert(
        self,
        *,
        cert: str,
    ) -> Reply:
        """Delete a certificate that no service uses. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
        """
    def delcipherset(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete an own cipher set that no service uses. Changes the appliance.

        Args:
            name: Name of the set.
        """
    def delcluster(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Delete a GEO cluster. Changes the appliance.

        Args:
            ip: Address of the cluster; other commands want its number.
        """
    def deldomain(
        self,
        *,
        domain: str,
    ) -> Reply:
        """Delete an SSO domain. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def deletecustomlocation(
        self,
        *,
        clName: str,
    ) -> Reply:
        """Delete a custom location. Changes the appliance.

        Args:
            clName: Name of the location.
        """
    def deleteldapendpoint(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete an LDAP end point that nothing uses. Changes the appliance.

        Args:
            name: Name of the end point.
        """
    def deletevpncon(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def delfqdn(
        self,
        *,
        fqdn: str,
    ) -> Reply:
        """Delete an FQDN with its sites. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
        """
    def delhostsentry(
        self,
        *,
        hostip: str,
    ) -> Reply:
        """Delete a host entry by its address. Changes the appliance.

        Args:
            hostip: Address.
        """
    def delintermediate(
        self,
        *,
        cert: str,
    ) -> Reply:
        """Delete an intermediate certificate. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
        """
    def delip(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Delete such an address. Changes the appliance.

        Args:
            ip: Address.
        """
    def deliploc(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Forget where such an address is. Changes the appliance.

        Args:
            ip: Address.
        """
    def dellecert(
        self,
        *,
        cert: str,
    ) -> Reply:
        """Delete a Let's Encrypt certificate. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
        """
    def dellimitrule(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete a limit by request. Changes the appliance.

        Args:
            name: Name of the rule.
        """
    def dellmingressk8sconf(self) -> Reply:
        """Delete the kubeconfig. Changes the appliance."""
    def delmap(
        self,
        *,
        fqdn: str,
        ip: str,
    ) -> Reply:
        """Remove a site from an FQDN. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            ip: Address of the site.
        """
    def delnocache(
        self,
        *,
        param: str,
    ) -> Reply:
        """Let a file extension be cached again. Changes the appliance.

        Args:
            param: Extension with its dot, such as .jpg.
        """
    def delnocompress(
        self,
        *,
        param: str,
    ) -> Reply:
        """Let a file extension be compressed again. Changes the appliance.

        Args:
            param: Extension with its dot, such as .jpg.
        """
    def delowaspcustomdata(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Delete data of own rules of the OWASP engine. Changes the appliance.

        Args:
            filename: Name without extension.
        """
    def delowaspcustomrule(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Delete own rules of the OWASP engine. Changes the appliance.

        Args:
            filename: Name without extension.
        """
    def delprerule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Take a rule off that is looked at before everything else. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def delrequestrule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Take a rule off requests. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def delresponsebodyrule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Take a rule off the bodies of answers. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def delresponserule(
        self,
        *,
        vs: str | int,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Take a rule off answers. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def delroute(
        self,
        *,
        dest: str,
    ) -> Reply:
        """Delete a static route by its destination. Changes the appliance.

        Args:
            dest: Destination.
        """
    def delrr(
        self,
        *,
        fqdn: str,
        id: int,
    ) -> Reply:
        """Delete such a record. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            id: Index of the record, from showfqdn.
        """
    def delrs(
        self,
        *,
        vs: str | int,
        rs: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        rsport: int | None = None,
    ) -> Reply:
        """Remove a real server from a service. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server, or its RsIndex with a leading exclamation mark (!7).
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            rsport: Port of the server. Left out with an RsIndex. 3 to 65535. Mandatory when rs is
                an address.
        """
    def delrsrule(
        self,
        *,
        vs: str | int,
        rs: str,
        rule: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        rsport: int | None = None,
    ) -> Reply:
        """Take a rule off a real server, or off a SubVS in its parent. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server, or its RsIndex with a leading exclamation mark (!7).
            rule: Name of the rule.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            rsport: Port of the server. Left out with an RsIndex. 3 to 65535. Mandatory when rs is
                an address.
        """
    def delrule(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete a content rule. Changes the appliance.

        Args:
            name: Name of the rule.
        """
    def delsdncontroller(
        self,
        *,
        cid: int | None = None,
        clid: int | None = None,
    ) -> Reply:
        """Delete an SDN controller or a cluster of them. Changes the appliance.

        Args:
            cid: Number of the controller; give this or clid.
            clid: Number of the cluster; give this or cid.
        """
    def delssoimage(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete an own image set. Changes the appliance.

        Args:
            name: Name of the set.
        """
    def deltemplate(
        self,
        *,
        name: str,
    ) -> Reply:
        """Delete a template. Changes the appliance.

        Args:
            name: Name of the template.
        """
    def delvlan(
        self,
        *,
        interface: int,
        vlanid: int,
    ) -> Reply:
        """Remove a VLAN. Changes the appliance.

        Args:
            interface: Number of the parent interface.
            vlanid: VLAN number.
        """
    def delvs(
        self,
        *,
        vs: str | int,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Delete a service with everything below it, or a SubVS. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def delvxlan(
        self,
        *,
        interface: int,
    ) -> Reply:
        """Remove a VXLAN. Changes the appliance.

        Args:
            interface: Number of the VXLAN interface (a guess: no vni is given).
        """
    def delwafcustomdata(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Delete data of own rules of the legacy WAF. Changes the appliance.

        Args:
            filename: Name without extension.
        """
    def delwafcustomrule(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Delete own rules of the legacy WAF; their data stays. Changes the appliance.

        Args:
            filename: Name without extension.
        """
    def disablegeo(self) -> Reply:
        """Switch GEO off. Changes the appliance."""
    def disablers(
        self,
        *,
        rs: str,
    ) -> Reply:
        """Disable a server in all services at once. Changes the appliance.

        Args:
            rs: Address of the server.
        """
    def disablewafremotelogging(self) -> Reply:
        """Stop sending WAF logs. Changes the appliance."""
    def downloadowaspcustomdata(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Download data of own rules of the OWASP engine.

        Args:
            filename: Name with its extension.
        """
    def downloadowaspcustomrule(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Download own rules of the OWASP engine.

        Args:
            filename: Name of the file on the appliance.
        """
    def downloadsamlspcert(
        self,
        *,
        domain: str,
    ) -> Reply:
        """Download the service provider's self-signed certificate.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def downloadwafcustomdata(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Download data of own rules of the legacy WAF.

        Args:
            filename: Name without extension.
        """
    def downloadwafcustomrule(
        self,
        *,
        filename: str,
    ) -> Reply:
        """Download own rules of the legacy WAF.

        Args:
            filename: Name without extension.
        """
    def downloadwafrules(self) -> Reply:
        """Download newer rules now. Changes the appliance."""
    def editcustomlocation(
        self,
        *,
        cloldname: str,
        clnewname: str,
    ) -> Reply:
        """Give a custom location another name. Changes the appliance.

        Args:
            cloldname: Name it has.
            clnewname: Name it gets.
        """
    def enablegeo(self) -> Reply:
        """Switch GEO on. Changes the appliance."""
    def enablers(
        self,
        *,
        rs: str,
    ) -> Reply:
        """Enable a server in all services at once. Changes the appliance.

        Args:
            rs: Address of the server.
        """
    def enabletelemetry(
        self,
        *,
        interface: int,
        enable: bool,
    ) -> Reply:
        """Collect telemetry on an interface, or stop. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            enable: On or off.
        """
    def enablewafremotelogging(
        self,
        *,
        remoteuri: str,
        username: str,
        passwd: str | Secret,
    ) -> Reply:
        """Send WAF logs to a server. Changes the appliance.

        Args:
            remoteuri: Address of the server.
            username: User there.
            passwd: Password there.
        """
    def exportvstmplt(
        self,
        *,
        vs: str | int,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Download a service as a template.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def fetchleaccount(
        self,
        *,
        password: str | Secret,
        data: bytes,
    ) -> Reply:
        """Use an account that another ACME client opened. Changes the appliance.

        Args:
            password: Purpose not documented; probably the key file's passphrase.
            data: the account's private key, for example from certbot.
        """
    def geoacl_addcustom(
        self,
        *,
        addr: str,
    ) -> Reply:
        """Add an own exception. Changes the appliance.

        Args:
            addr: Address or network that is always let in.
        """
    def geoacl_downloadchanges(self) -> Reply:
        """Download what changed in the GEO address list."""
    def geoacl_downloadlist(self) -> Reply:
        """Download the GEO address list."""
    def geoacl_getsettings(self) -> Reply:
        """Show how the GEO address lists are kept up to date."""
    def geoacl_installnow(self) -> Reply:
        """Install downloaded GEO address lists now. Changes the appliance."""
    def geoacl_listcustom(self) -> Reply:
        """List the own exceptions from the GEO address list."""
    def geoacl_removecustom(
        self,
        *,
        addr: str,
    ) -> Reply:
        """Remove an own exception. Changes the appliance.

        Args:
            addr: Address or network.
        """
    def geoacl_setautoinstall(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch the installation of downloaded lists on or off. Changes the appliance.

        Args:
            enable: On or off.
        """
    def geoacl_setautoupdate(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch the download of newer GEO address lists on or off. Changes the appliance.

        Args:
            enable: On or off.
        """
    def geoacl_setinstalltime(
        self,
        *,
        hour: int,
    ) -> Reply:
        """Choose the hour in which lists are installed. Changes the appliance.

        Args:
            hour: Full hour. 0 to 23. Needs automatic installation on.
        """
    def geoacl_updatenow(self) -> Reply:
        """Download newer GEO address lists now. Changes the appliance."""
    def geodeleteksk(self) -> Reply:
        """Delete the key signing keys. Changes the appliance."""
    def geogenerateksk(
        self,
        *,
        algorithm: Literal["RSASHA256", "NSEC3RSASHA1"] | None = None,
        keysize: Literal[1024, 2048, 4096] | None = None,
    ) -> Reply:
        """Make key signing keys for DNSSEC. Changes the appliance.

        Args:
            algorithm: Algorithm; the documentation lost a third one. One of RSASHA256
                (RSA/SHA-256), NSEC3RSASHA1 (RSA/SHA-1 with NSEC3). Default RSASHA256.
            keysize: Size of the key. One of 1024 (1024 bits), 2048 (2048 bits), 4096 (4096 bits).
                Default 2048.
        """
    def geoimportksk(
        self,
        *,
        publickey: bytes,
        privatekey: bytes,
    ) -> Reply:
        """Import a pair of key signing keys. Changes the appliance.

        Args:
            publickey: The .key file.
            privatekey: The .private file.
        """
    def geosetdnssec(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch DNSSEC on or off. Changes the appliance.

        Args:
            enable: On or off.
        """
    def geoshowdnssec(self) -> Reply:
        """Show the DNSSEC settings."""
    def geostats(self) -> Reply:
        """Read the statistics of GEO."""
    def get(
        self,
        *,
        param: str,
    ) -> Reply:
        """Read a global parameter.

        Args:
            param: Name of the parameter.
        """
    def getCloudHaParams(self) -> Reply:
        """Show the HA settings of a cloud appliance."""
    def getall(self) -> Reply:
        """Read all global parameters that are set."""
    def getawshaparams(self) -> Reply:
        """Show the HA settings of an appliance on AWS."""
    def getazurehaparams(self) -> Reply:
        """Show the HA settings of an appliance on Azure."""
    def getcipherset(
        self,
        *,
        name: str,
    ) -> Reply:
        """Show the ciphers of a set.

        Args:
            name: Name of the set, case matters. One of Default (system set), Default_NoRc4 (system
                set), BestPractices (system set), Intermediate_compatibility (system set),
                Backward_compatibility (system set), WUI (system set), FIPS (system set), Legacy
                (system set), or a name of your own.
        """
    def getgeopartnerstatus(self) -> Reply:
        """Show how the GEO partners are."""
    def gethosts(self) -> Reply:
        """List the own host entries."""
    def getlecert(
        self,
        *,
        cert: str,
    ) -> Reply:
        """Show one Let's Encrypt certificate.

        Args:
            cert: Name of the certificate on the appliance.
        """
    def getlmingressmode(self) -> Reply:
        """Show what the ingress controller watches."""
    def getlmingressnamespace(self) -> Reply:
        """Show the namespace that is watched."""
    def getlmingresswatchtimeout(self) -> Reply:
        """Show the time after which a watch is renewed."""
    def getpreviousversion(self) -> Reply:
        """Show the firmware that restorepatch goes back to."""
    def getsdncontroller(self) -> Reply:
        """List the SDN controllers by cluster."""
    def getvpnstatus(
        self,
        *,
        name: str,
    ) -> Reply:
        """Show how a VPN connection is.

        Args:
            name: Name of the connection.
        """
    def getwafchangelog(self) -> Reply:
        """Download the list of changes of the rules."""
    def getwafsettings(self) -> Reply:
        """Show how commercial rules are kept up to date."""
    def groupaddremote(
        self,
        *,
        group: str,
    ) -> Reply:
        """Add a remote group. Changes the appliance.

        Args:
            group: Name: letters, digits, blanks and = ~ ^ . _ + # @ / - (the comma is doubtful).
        """
    def groupdelremote(
        self,
        *,
        group: str,
    ) -> Reply:
        """Delete a remote group. Changes the appliance.

        Args:
            group: Name of the group.
        """
    def grouplist(self) -> Reply:
        """List the remote groups with their permissions."""
    def groupsetperms(
        self,
        *,
        group: str,
        perms: str,
    ) -> Reply:
        """Replace the permissions of a remote group. Changes the appliance.

        Args:
            group: Name of the group.
            perms: All permissions of the group; empty for none. One of real (switch real servers on
                and off), vs (services and SubVSs), rules (content rules), backup (backups), certs
                (certificates), cert3 (intermediate certificates), certbackup (backup of
                certificates), users (user management), root (all but bal's password and users),
                geo, addvs (services and SubVSs with extended permissions); several with a comma in
                between.
        """
    def groupshow(
        self,
        *,
        group: str,
    ) -> Reply:
        """Show the permissions of a remote group.

        Args:
            group: Name of the group.
        """
    def installpatch(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install firmware; counts after a reboot. Changes the appliance.

        Args:
            data: firmware patch.
        """
    def isgeoenabled(self) -> Reply:
        """Tell whether GEO is on."""
    def kill_instance(
        self,
        *,
        name: str,
        passwd: str | Secret,
        kill: int,
    ) -> Reply:
        """Give back a licence; only when support asks for it. Changes the appliance.

        Args:
            name: Name of the Kemp account.
            passwd: Password of the account.
            kill: Always 1.
        """
    def leaccountinfo(self) -> Reply:
        """Show the Let's Encrypt account."""
    def license(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install a licence without the internet. Changes the appliance.

        Args:
            data: licence text from begin to end, a fresh one each time.
        """
    def licenseinfo(self) -> Reply:
        """Show licence and support contract."""
    def listaddon(self) -> Reply:
        """List the add-ons."""
    def listapi(self) -> Reply:
        """List the commands available under this licence, and the firmware."""
    def listapikeys(
        self,
        *,
        apikey: str | Secret | None = None,
    ) -> Reply:
        """List the calling user's API keys.

        Args:
            apikey: Key to log in with; the client adds its own.
        """
    def listcert(self) -> Reply:
        """List the certificates with their public keys."""
    def listclusters(self) -> Reply:
        """List the GEO clusters."""
    def listcustomlocation(self) -> Reply:
        """List the custom locations."""
    def listextlogfiles(self) -> Reply:
        """List the extended logs."""
    def listfqdns(self) -> Reply:
        """List all FQDNs with their sites."""
    def listifconfig(self) -> Reply:
        """Show the interfaces; how it differs from logging/ifconfig is not documented."""
    def listintermediate(self) -> Reply:
        """List the intermediate certificates."""
    def listips(self) -> Reply:
        """List the addresses that have a place of their own."""
    def listlecert(self) -> Reply:
        """List the Let's Encrypt certificates."""
    def listlimitrules(self) -> Reply:
        """List the limits by request."""
    def listparams(self) -> Reply:
        """Show the general settings of GEO."""
    def listssoimages(self) -> Reply:
        """List the own image sets of the login page."""
    def listtemplates(self) -> Reply:
        """List the templates."""
    def listvpns(self) -> Reply:
        """List the VPN connections."""
    def listvs(
        self,
        *,
        timestamp: int | None = None,
    ) -> Reply:
        """List all services with their SubVSs and servers.

        Args:
            timestamp: Any number adds a timestamp member with the time of the last change.
        """
    def listwafrules(self) -> Reply:
        """List all rules of the legacy WAF; names of elements tell active from inactive."""
    def locdataupdate(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install newer location data. Changes the appliance.

        Args:
            data: GEO location data patch.
        """
    def logging_clearextlogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Empty the extended logs. Changes the appliance.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_clearlogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Empty the system logs. Changes the appliance.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_clearmlogcdata(self) -> Reply:
        """Delete WAF logs that wait to be sent. Changes the appliance."""
    def logging_cpuinfo(self) -> Reply:
        """Show the processors."""
    def logging_df(self) -> Reply:
        """Show how full the file systems are."""
    def logging_disableextesplog(self) -> Reply:
        """Stop keeping extended ESP logs here; they go to remote syslog only. Changes the
        appliance.
        """
    def logging_downloadlogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Old name of logging/savelogs.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_enableextesplog(self) -> Reply:
        """Keep extended ESP logs here, and no longer send them. Changes the appliance."""
    def logging_getraiddisksinfo(self) -> Reply:
        """Show the disks of the RAID."""
    def logging_getraidinfo(self) -> Reply:
        """Show the RAID controller."""
    def logging_ifconfig(self) -> Reply:
        """Show the interfaces as text."""
    def logging_interrupts(self) -> Reply:
        """Show the interrupts."""
    def logging_isextesplogenabled(self) -> Reply:
        """Tell whether extended ESP logs are kept here."""
    def logging_listsyslogfiles(self) -> Reply:
        """List the system logs."""
    def logging_lsmod(self) -> Reply:
        """Show the kernel modules."""
    def logging_lspci(self) -> Reply:
        """Show the PCI devices."""
    def logging_meminfo(self) -> Reply:
        """Show the memory."""
    def logging_netstat(self) -> Reply:
        """Show sockets and routes."""
    def logging_partitions(self) -> Reply:
        """Show the partitions."""
    def logging_ping(
        self,
        *,
        addr: str,
        intf: int | None = None,
    ) -> Reply:
        """Ping a host.

        Args:
            addr: Address or name.
            intf: Interface to send from.
        """
    def logging_ping6(
        self,
        *,
        addr: str,
        intf: int | None = None,
    ) -> Reply:
        """Ping a host over IPv6.

        Args:
            addr: Address or name.
            intf: Interface to send from.
        """
    def logging_ps(self) -> Reply:
        """List the processes."""
    def logging_resetlogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Old name of logging/clearlogs. Changes the appliance.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_resetstats(self) -> Reply:
        """Set the statistics back to nothing. Changes the appliance."""
    def logging_saveextlogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Download the extended logs, as tar.gz.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_savelogs(
        self,
        *,
        fsel: str | None = None,
    ) -> Reply:
        """Download the system logs, as tar.gz.

        Args:
            fsel: One file only; all when left out.
        """
    def logging_savemlogcdata(self) -> Reply:
        """Download WAF logs that wait to be sent."""
    def logging_slabinfo(self) -> Reply:
        """Show the kernel's memory."""
    def logging_ssoflush(self) -> Reply:
        """Forget all SSO logins. Changes the appliance."""
    def logging_top(
        self,
        *,
        iterations: int | None = None,
        interval: int | None = None,
        threads: bool | None = None,
        mem: bool | None = None,
    ) -> Reply:
        """Show the busiest processes.

        Args:
            iterations: Number of samples. 1 to 30. Default 10.
            interval: Time between samples. 1 to 30 seconds. Default 1.
            threads: Show threads too. Default 0.
            mem: Sort by memory. Default 0.
        """
    def logging_traceroute(
        self,
        *,
        addr: str,
    ) -> Reply:
        """Find the way to a host.

        Args:
            addr: Address or name.
        """
    def maninstallwafrules(self) -> Reply:
        """Install downloaded rules now. Changes the appliance."""
    def modadaptive(
        self,
        *,
        AdaptiveURL: str | None = None,
        AdaptivePort: int | None = None,
        AdaptiveInterval: int | None = None,
        MinPercent: int | None = None,
    ) -> Reply:
        """Change the parameters of the adaptive check. Changes the appliance.

        Args:
            AdaptiveURL: Path that a server is asked for its load.
            AdaptivePort: Port that a server is asked on.
            AdaptiveInterval: Time between questions (unit is a guess). A whole number seconds.
            MinPercent: Load below which weights are left alone (a guess from its name). A whole
                number percent.
        """
    def modcluster(
        self,
        *,
        id: int,
        type: Literal["default", "remoteLM", "localLM"] | None = None,
        name: str | None = None,
        checker: Literal["none", "tcp", "icmp"] | None = None,
        checkerport: int | None = None,
        enable: bool | None = None,
    ) -> Reply:
        """Change a GEO cluster. Changes the appliance.

        Args:
            id: Number of the cluster.
            type: Kind of cluster. One of default, remoteLM (remote LoadMaster), localLM (local
                LoadMaster). Default default.
            name: New name.
            checker: Kind of health check. One of none (no check), tcp (TCP connect), icmp (ICMP
                echo). Default none.
            checkerport: Port to check. 1 to 65530 or 0. Default 0.
            enable: Cluster on or off. Default 1.
        """
    def moddomain(
        self,
        *,
        domain: str,
        **attributes: Unpack[SsoDomainAttributes],
    ) -> Reply:
        """Change an SSO domain. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def modfqdn(
        self,
        *,
        fqdn: str,
        SelectionCriteria: Literal["rr", "wrr", "fw", "rsr", "prx", "lb", "all"] | None = None,
        FailTime: int | None = None,
        siterecoverymode: Literal["auto", "manual"] | None = None,
        failover: bool | None = None,
        publicRequestValue: Literal[0, 1, 2, 3] | None = None,
        privateRequestValue: Literal[0, 1, 2, 3] | None = None,
        LocalSettings: bool | None = None,
        localttl: int | None = None,
        localsticky: int | None = None,
        unanimouschecks: bool | None = None,
    ) -> Reply:
        """Change an FQDN. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            SelectionCriteria: How a site is chosen. One of rr (round robin), wrr (weighted round
                robin), fw (fixed weighting), rsr (real server load), prx (proximity), lb (location
                based), all (all available). Default rr.
            FailTime: Minutes between a failure and the final disabling of the site. 0 to 1440
                minutes. Default 0.
            siterecoverymode: Whether a recovered site comes back by itself. One of auto
                (automatic), manual. Default auto. Needs SelectionCriteria is lb.
            failover: Failover of the FQDN. Default 0.
            publicRequestValue: Sites offered to clients with public addresses. One of 0 (public
                sites only), 1 (prefer public sites), 2 (prefer private sites), 3 (any site).
                Default 0.
            privateRequestValue: Sites offered to clients with private addresses. One of 0 (private
                sites only), 1 (prefer private sites), 2 (prefer public sites), 3 (any site).
                Default 0.
            LocalSettings: Own TTL and stickiness instead of the global ones. Default 0.
            localttl: How long resolvers may keep the answer. 1 to 86400 seconds.
            localsticky: How long a client gets the same site. 0 to 86400 seconds.
            unanimouschecks: One failed address takes down all of its cluster in this FQDN. Default
                0.
        """
    def modhealth(
        self,
        *,
        RetryInterval: int | None = None,
        Timeout: int | None = None,
        RetryCount: int | None = None,
    ) -> Reply:
        """Change the global timing of health checks. Changes the appliance.

        Args:
            RetryInterval: Time between checks, at least RetryCount * Timeout + 1. 9 to 120 seconds.
                Default 9.
            Timeout: Time to wait for an answer. 4 to 60 seconds. Default 4.
            RetryCount: Failures in a row before a server is down. 2 to 15. Default 2.
        """
    def modiface(
        self,
        *,
        interface: int,
        addr: str | None = None,
        mtu: int | None = None,
        hacheck: bool | None = None,
        clupdate: bool | None = None,
        gwiface: bool | None = None,
        bondmode: Literal[1, 4] | None = None,
        partner: str | None = None,
        shared: str | None = None,
        adminwuienable: bool | None = None,
        geotraffic: bool | None = None,
    ) -> Reply:
        """Change one property of an interface; one per call. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            addr: Address with prefix.
            mtu: Largest frame to send. 512 to 9216 bytes.
            hacheck: Watch the partner over it.
            clupdate: Keep the cluster in step over it.
            gwiface: The default gateway is reached over it; set dfltgw afterwards.
            bondmode: How a bond spreads traffic. One of 1 (active-backup), 4 (802.3ad).
            partner: Address of the partner in a pair.
            shared: Shared address of the pair.
            adminwuienable: Serve the web interface there.
            geotraffic: Serve GEO there.
        """
    def modifycipherset(
        self,
        *,
        name: str,
        value: str,
    ) -> Reply:
        """Make a cipher set, or give an existing own one other ciphers. Changes the appliance.

        Args:
            name: Name of the set; the appliance's own sets cannot be changed.
            value: All ciphers of the set, joined by colons; it replaces what was there. A list with
                a colon in between.
        """
    def modifyldapendpoint(
        self,
        *,
        name: str,
        ldaptype: Literal[0, 1, 2] | None = None,
        server: str | None = None,
        vinterval: int | None = None,
        referralcount: int | None = None,
        timeout: int | None = None,
        adminuser: str | None = None,
        adminpass: str | Secret | None = None,
    ) -> Reply:
        """Change an LDAP end point; its name stays. Changes the appliance.

        Args:
            name: Name of the end point.
            ldaptype: How the connection is secured. One of 0 (unencrypted), 1 (StartTLS), 2
                (LDAPS).
            server: Servers, each with :port if need be. A list with a blank in between.
            vinterval: Time between checks of a user. 10 to 86400 seconds.
            referralcount: Referrals to follow; 0 is none. 0 to 10.
            timeout: Time to wait for an answer. 5 to 60 seconds.
            adminuser: User to check the server with.
            adminpass: Password of that user.
        """
    def modiploc(
        self,
        *,
        ip: str,
        lat: int,
        long: int,
    ) -> Reply:
        """Say where on earth such an address is. Changes the appliance.

        Args:
            ip: Address.
            lat: Latitude in seconds of arc: degrees * 3600 + minutes * 60 + seconds.
            long: Longitude in seconds of arc: degrees * 3600 + minutes * 60 + seconds.
        """
    def modlimitrule(
        self,
        *,
        name: str,
        pattern: str | None = None,
        limit: int | None = None,
        match: Literal[0, 1, 2, 64, 65, 66] | None = None,
    ) -> Reply:
        """Change a limit by request. Changes the appliance.

        Args:
            name: Name of the rule.
            pattern: What to look for.
            limit: Highest value allowed.
            match: Where to look. One of 0 (request), 1 (host), 2 (user agent), 64 (not request), 65
                (not host), 66 (not user agent).
        """
    def modmap(
        self,
        *,
        fqdn: str,
        ip: str,
        Checker: Literal["none", "icmp", "tcp", "clust", "http", "https"] | None = None,
        checkerurl: str | None = None,
        checkercodes: str | None = None,
        checkerhost: str | None = None,
        checkerhttpmethod: Literal["1", "2"] | None = None,
        checkerpostdata: str | None = None,
        Weight: int | None = None,
        Enable: bool | None = None,
        Cluster: int | None = None,
        MapAddress: str | None = None,
        MapPort: int | None = None,
    ) -> Reply:
        """Change a site and its health check. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            ip: Address of the site.
            Checker: Kind of health check; none removes it. One of none (no check), icmp (ICMP
                echo), tcp (TCP connect), clust (cluster check), http, https. Default icmp.
            checkerurl: Path to fetch. Text, at most 127 characters. Default /.
            checkercodes: HTTP codes that count as success, at most 32. A list with a blank in
                between, at most 127 characters.
            checkerhost: Host header of the check. Text, at most 127 characters.
            checkerhttpmethod: Method of the check. One of 1 (GET), 2 (POST). Default 1.
            checkerpostdata: Body of the check. Text, at most 2047 characters. Needs
                checkerhttpmethod is 2.
            Weight: Weight under wrr and fw; the highest is answered. 1 to 65535. Default 1000.
            Enable: Site on or off. Default 1.
            Cluster: Cluster of the site, by number.
            MapAddress: Service on the cluster's LoadMaster that stands for the site.
            MapPort: Port of that service.
        """
    def modparams(
        self,
        *,
        zone: str | None = None,
        PerZoneSOA: bool | None = None,
        SourceOfAuthority: str | None = None,
        namesrv: str | None = None,
        SOAEmail: str | None = None,
        dclustunavail: bool | None = None,
        glueip: str | None = None,
        TTL: int | None = None,
        Txt: str | None = None,
        EDNSECS: bool | None = None,
        persist: int | None = None,
        CheckInterval: int | None = None,
        ConnTimeout: int | None = None,
        RetryAttempts: int | None = None,
    ) -> Reply:
        """Change the general settings of GEO. Changes the appliance.

        Args:
            zone: Zone that the appliance answers for.
            PerZoneSOA: Use the SOA fields for the zone only. Default 0.
            SourceOfAuthority: Answer to SOA queries.
            namesrv: Answer to NS queries.
            SOAEmail: Contact of the zone, written with a dot for the at sign.
            dclustunavail: Drop queries for a disabled cluster. Default 0.
            glueip: Address of the name server in additional records; empty clears it.
            TTL: TTL of answers. 1 to 86400 seconds.
            Txt: TXT record.
            EDNSECS: Take the client's place from the EDNS client subnet.
            persist: How long a client gets the same answer. 0 to 86400 seconds. Default 0.
            CheckInterval: Time between checks. 9 to 3600 seconds. Default 120.
            ConnTimeout: Time to wait for a check's answer. 4 to 60 seconds. Default 20.
            RetryAttempts: Failed checks before a site is down. 2 to 10. Default 2.
        """
    def modrr(
        self,
        *,
        fqdn: str,
        type: Literal["txt", "cname", "mx"],
        param: Literal["rdata", "name", "priority"],
        value: str,
        id: int,
    ) -> Reply:
        """Change one field of such a record. Changes the appliance.

        Args:
            fqdn: Name of the FQDN.
            type: Kind of record. One of txt, cname, mx.
            param: Field to change. One of rdata (record data (txt, mx)), name (name (cname)),
                priority (priority (mx)).
            value: New value of the field.
            id: Index of the record, from showfqdn.
        """
    def modrs(
        self,
        *,
        vs: str | int,
        rs: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        rsport: int | None = None,
        addtoallsubvs: bool | None = None,
        weight: int | None = None,
        newport: int | None = None,
        forward: Literal["nat", "route"] | None = None,
        enable: bool | None = None,
        limit: int | None = None,
        non_local: bool | None = None,
        critical: bool | None = None,
        follow: int | None = None,
    ) -> Reply:
        """Change a real server, or the slot of a SubVS. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server, or its RsIndex with a leading exclamation mark (!7).
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            rsport: Port of the server. Left out with an RsIndex. 3 to 65535. Mandatory when rs is
                an address.
            addtoallsubvs: Documented with addrs in one table. Default 0.
            weight: Share of the traffic. 1 to 65535. Default 1000.
            newport: New port; the address cannot be changed. 3 to 65535.
            forward: Forwarding; direct return at layer 4 only. One of nat, route (direct server
                return). Default nat.
            enable: Whether it takes connections, in this one service. Default 1.
            limit: Open connections at which it leaves the rotation. 0 to 100000 connections.
                Default 0.
            non_local: Server outside the local networks. Default 0.
            critical: The service is down when this server is. Default 0.
            follow: RsIndex of the server whose health this one shares.
        """
    def modrule(
        self,
        *,
        name: str,
        type: Literal[0, 1, 2, 3, 4, 5] | None = None,
        pattern: str | None = None,
        header: str | None = None,
        replacement: str | None = None,
        matchtype: Literal["regex", "prefix", "postfix"] | None = None,
        inchost: bool | None = None,
        nocase: bool | None = None,
        negate: bool | None = None,
        incquery: bool | None = None,
        setonmatch: int | None = None,
        onlyonflag: int | None = None,
        onlyonnoflag: int | None = None,
        mustfail: bool | None = None,
        caseindependent: bool | None = None,
    ) -> Reply:
        """Replace what a content rule says. Changes the appliance.

        Args:
            name: Name of the rule.
            type: Kind of rule; kept when left out. One of 0 (MatchContentRule), 1 (AddHeaderRule),
                2 (DeleteHeaderRule), 3 (ReplaceHeaderRule), 4 (ModifyURLRule), 5 (ReplaceBodyRule).
            pattern: What to look for; needed by every type but 1.
            header: Header to look at or to write; types 0, 1 and 3.
            replacement: What to write; types 1, 3, 4 and 5. Text, at most 255 characters.
            matchtype: How to look; type 0. One of regex (regular expression), prefix, postfix.
            inchost: Put the host in front of the path; type 0.
            nocase: Ignore case; type 0.
            negate: Turn the result around; type 0.
            incquery: Put the query behind the path; type 0.
            setonmatch: Flag to raise on a match; type 0. 0 to 9.
            onlyonflag: Run only when this flag is raised. 0 to 9.
            onlyonnoflag: Run only when this flag is not raised. 0 to 9.
            mustfail: Refuse the connection on a match; type 0.
            caseindependent: Ignore case; type 5.
        """
    def modsdncontroller(
        self,
        *,
        cid: int,
        ipv4: str | None = None,
        port: int | None = None,
        https: bool | None = None,
        user: str | None = None,
        password: str | Secret | None = None,
        clid: int | None = None,
    ) -> Reply:
        """Change an SDN controller. Changes the appliance.

        Args:
            cid: Number of the controller, from getsdncontroller.
            ipv4: Address of the controller.
            port: Port of the controller. 1 to 65535.
            https: HTTPS instead of HTTP. Default 0.
            user: User at the controller.
            password: Password at the controller.
            clid: Cluster to join. 1 to 6.
        """
    def modvs(
        self,
        *,
        vs: str | int,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        createsubvs: str | None = None,
        **attributes: Unpack[VirtualServiceAttributes],
    ) -> Reply:
        """Change a service or SubVS, or make a SubVS. Changes the appliance.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            createsubvs: Empty or 1 makes a SubVS in this service; the answer is the parent.
        """
    def movelimitrule(
        self,
        *,
        name: str,
        position: int,
    ) -> Reply:
        """Move a limit to another place in the order. Changes the appliance.

        Args:
            name: Name of the rule.
            position: New place; past the end is the end.
        """
    def notice(self) -> Reply:
        """Show the licences of third parties."""
    def owasprules(
        self,
        *,
        vs: int | None = None,
        rule: str | None = None,
        filter: str | None = None,
        enable: bool | None = None,
    ) -> Reply:
        """List the OWASP rules, or switch rules of a service on and off. Changes the appliance
        only with enable.

        Args:
            vs: Index of the service; without it all rules, without state.
            rule: Number of a rule, or the beginning of several.
            filter: Text that rules must contain.
            enable: Switches the rules that were named, or all; without it nothing is changed.
        """
    def readcert(
        self,
        *,
        cert: str,
        outform: Literal["PEM", "DER"] | None = None,
    ) -> Reply:
        """Fetch a certificate without its private key.

        Args:
            cert: Name of the certificate on the appliance.
            outform: Form of the answer; DER comes base64-encoded. One of PEM (PEM text), DER (DER
                in base64). Default PEM.
        """
    def readeula(self) -> Reply:
        """Read the licence agreement; first step of licensing."""
    def readintermediate(
        self,
        *,
        cert: str,
        outform: Literal["PEM", "DER"] | None = None,
    ) -> Reply:
        """Fetch an intermediate certificate.

        Args:
            cert: Name of the certificate on the appliance.
            outform: Form of the answer; DER comes base64-encoded. One of PEM (PEM text), DER (DER
                in base64). Default PEM.
        """
    def reboot(self) -> Reply:
        """Boot the appliance again. Changes the appliance."""
    def registerleaccount(
        self,
        *,
        email: str | None = None,
    ) -> Reply:
        """Open a Let's Encrypt account for the appliance. Changes the appliance.

        Args:
            email: Mail address of the account.
        """
    def removecountry(
        self,
        *,
        fqdn: str,
        ip: str,
        countrycode: str | None = None,
        iscontinent: bool | None = None,
        customlocation: str | None = None,
    ) -> Reply:
        """Take a country, a continent or a custom location away from a site. Changes the
        appliance.

        Args:
            fqdn: Name of the FQDN; case matters here.
            ip: Address of the site.
            countrycode: Two capital letters of the country or continent, or ALL.
            iscontinent: Whether the code is a continent; yes for ALL too.
            customlocation: Name of a custom location.
        """
    def removeipcountry(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Untie such an address from its country. Changes the appliance.

        Args:
            ip: Address.
        """
    def renewlecert(
        self,
        *,
        cert: str,
    ) -> Reply:
        """Renew a Let's Encrypt certificate now. Changes the appliance.

        Args:
            cert: Name of the certificate on the appliance.
        """
    def resolvenow(self) -> Reply:
        """Look up all names of real servers now. Changes the appliance."""
    def restartlmingress(self) -> Reply:
        """Restart the ingress controller. Changes the appliance."""
    def restore(
        self,
        *,
        type: int,
        data: bytes,
    ) -> Reply:
        """Put a backup back. Changes the appliance.

        Args:
            type: Sum of the parts to put back. One of 1 (base), 2 (services), 4 (GEO), 8 (SSO).
                Added up, 1 to 15.
            data: backup made by backup.
        """
    def restorecert(
        self,
        *,
        password: str | Secret,
        type: Literal["full", "third", "vs"],
        data: bytes,
    ) -> Reply:
        """Put certificates back from such a backup. Changes the appliance.

        Args:
            password: The one used for the backup. Text, 7 to 64 characters.
            type: What to put back; lower case only. One of full (all), third (intermediates only),
                vs (without intermediates).
            data: backup made by backupcert.
        """
    def restorepatch(self) -> Reply:
        """Go back to the firmware before; counts after a reboot. Changes the appliance."""
    def sdndeviceinfo(
        self,
        *,
        cid: int,
    ) -> Reply:
        """Read the switches and ports that an SDN controller knows.

        Args:
            cid: Number of the controller, from getsdncontroller.
        """
    def sdnpathinfo(
        self,
        *,
        cid: int,
    ) -> Reply:
        """Read the ways through the switches of an SDN controller.

        Args:
            cid: Number of the controller, from getsdncontroller.
        """
    def set(
        self,
        *,
        param: str,
        value: ParamValue | Secret,
    ) -> Reply:
        """Change a global parameter. Changes the appliance.

        Args:
            param: Name of the parameter.
            value: New value; switches want yes or no. Empty clears where that is possible.
        """
    def set_initial_passwd(
        self,
        *,
        passwd: str | Secret,
    ) -> Reply:
        """Give the user bal its first password. Changes the appliance.

        Args:
            passwd: Password; at least 8 letters and digits are advised.
        """
    def setadminaccess(
        self,
        *,
        wuiiface: int,
        wuiport: int,
        wuidefaultgateway: str | None = None,
    ) -> Reply:
        """Move the web interface to an interface and port. Changes the appliance.

        Args:
            wuiiface: Interface number, 0 for eth0.
            wuiport: Port. 3 to 65535.
            wuidefaultgateway: Gateway of administrative traffic, also the parameter admingw.
        """
    def setcloudhamode(
        self,
        *,
        hamode: Literal["first", "second", "single"],
    ) -> Reply:
        """Choose the role of a cloud appliance. Changes the appliance.

        Args:
            hamode: Role of this unit. One of first (first HA unit), second (second HA unit), single
                (no HA).
        """
    def setcloudhaparam(
        self,
        *,
        partner: str | None = None,
        hcp: int | None = None,
        haprefered: bool | None = None,
        hcai: bool | None = None,
    ) -> Reply:
        """Change the HA settings of a cloud appliance. Changes the appliance.

        Args:
            partner: The other unit, by address or name.
            hcp: Port of the mutual check, equal on both. 1 to 65535.
            haprefered: Spelt with one r on the wire. Default 1.
            hcai: Answer the check on all interfaces, not on eth0 alone. Default 0.
        """
    def setlmingressmode(
        self,
        *,
        mode: Literal["Service", "Ingress"],
    ) -> Reply:
        """Choose what the ingress controller watches. Changes the appliance.

        Args:
            mode: Mode. One of Service (services), Ingress (ingress objects).
        """
    def setlmingressnamespace(
        self,
        *,
        namespace: str,
    ) -> Reply:
        """Choose the namespace to watch. Changes the appliance.

        Args:
            namespace: Namespace.
        """
    def setlmingresswatchtimeout(
        self,
        *,
        watchtimeout: int,
    ) -> Reply:
        """Set the time after which a watch is renewed. Changes the appliance.

        Args:
            watchtimeout: Time. A whole number seconds.
        """
    def setrsaconfig(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install the configuration for RSA-SECURID. Changes the appliance.

        Args:
            data: configuration of the RSA Authentication Manager, zip.
        """
    def setrsanodesecret(
        self,
        *,
        rsanspwd: str | Secret,
        data: bytes,
    ) -> Reply:
        """Install the RSA node secret. Changes the appliance.

        Args:
            rsanspwd: Password of the file.
            data: RSA node secret, zip.
        """
    def setvpnaddr(
        self,
        *,
        name: str,
        localip: str,
        localsubnets: str,
        remoteip: str,
        remotesubnets: str,
    ) -> Reply:
        """Set all addresses of a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
            localip: Own address; the default gateway interface's at first, the shared one in a
                pair.
            localsubnets: Own networks, at most 10; derived from localip at first. A list with a
                comma in between.
            remoteip: Address of the other side.
            remotesubnets: Networks of the other side, at most 10. A list with a comma in between.
        """
    def setvpnlocalip(
        self,
        *,
        name: str,
        localip: str,
    ) -> Reply:
        """Set the own address of a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
            localip: Own address; the default gateway interface's at first, the shared one in a
                pair.
        """
    def setvpnlocalsubnets(
        self,
        *,
        name: str,
        localsubnets: str,
    ) -> Reply:
        """Set the own networks of a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
            localsubnets: Own networks, at most 10; derived from localip at first. A list with a
                comma in between.
        """
    def setvpnpfsdisable(
        self,
        *,
        name: str,
    ) -> Reply:
        """Switch perfect forward secrecy off. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def setvpnpfsenable(
        self,
        *,
        name: str,
    ) -> Reply:
        """Switch perfect forward secrecy on. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def setvpnremoteip(
        self,
        *,
        name: str,
        remoteip: str,
    ) -> Reply:
        """Set the other side's address of a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
            remoteip: Address of the other side.
        """
    def setvpnremotesubnets(
        self,
        *,
        name: str,
        remotesubnets: str,
    ) -> Reply:
        """Set the other side's networks of a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
            remotesubnets: Networks of the other side, at most 10. A list with a comma in between.
        """
    def setvpnsecret(
        self,
        *,
        name: str,
        localid: str,
        remoteid: str,
        key: str | Secret,
    ) -> Reply:
        """Set names and shared key of both sides. Changes the appliance.

        Args:
            name: Name of the connection.
            localid: Own name; localip at first.
            remoteid: Name of the other side.
            key: Shared key. Text, 16 to 64 characters.
        """
    def setwafautoinstall(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch the installation of downloaded rules on or off. Changes the appliance.

        Args:
            enable: On or off.
        """
    def setwafautoupdate(
        self,
        *,
        enable: bool,
    ) -> Reply:
        """Switch the daily download of rules on or off. Changes the appliance.

        Args:
            enable: On or off.
        """
    def setwafinstalltime(
        self,
        *,
        hour: int,
    ) -> Reply:
        """Choose the hour in which rules are installed. Changes the appliance.

        Args:
            hour: Full hour. 0 to 23. Default 4.
        """
    def setwaflogformat(
        self,
        *,
        logformat: Literal["json", "native"],
    ) -> Reply:
        """Choose the form of WAF logs. Changes the appliance.

        Args:
            logformat: Form. One of json, native (own form).
        """
    def showadaptive(self) -> Reply:
        """Show the parameters of the adaptive check."""
    def showcluster(
        self,
        *,
        id: int,
    ) -> Reply:
        """Show one GEO cluster.

        Args:
            id: Number of the cluster.
        """
    def showdomain(
        self,
        *,
        domain: str | None = None,
    ) -> Reply:
        """Show one SSO domain, or all.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def showdomainlockedusers(self) -> Reply:
        """List the users that are locked out."""
    def showfqdn(
        self,
        *,
        fqdn: str,
    ) -> Reply:
        """Show one FQDN with its sites and further records.

        Args:
            fqdn: Name of the FQDN.
        """
    def showhealth(self) -> Reply:
        """Show the global timing of health checks."""
    def showiface(
        self,
        *,
        interface: int | None = None,
        iface: int | None = None,
    ) -> Reply:
        """Show one interface, or all.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
            iface: Other spelling of interface, seen in use.
        """
    def showip(
        self,
        *,
        ip: str,
    ) -> Reply:
        """Show one such address.

        Args:
            ip: Address.
        """
    def showldapendpoint(
        self,
        *,
        name: str,
    ) -> Reply:
        """Show one LDAP end point.

        Args:
            name: Name of the end point.
        """
    def showldaplist(self) -> Reply:
        """List the LDAP end points."""
    def showlmingressk8sconf(self) -> Reply:
        """List the contexts of the kubeconfig."""
    def showroute(self) -> Reply:
        """List the static routes."""
    def showrs(
        self,
        *,
        vs: str | int,
        rs: str,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
        rsport: int | None = None,
    ) -> Reply:
        """Show one real server.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            rs: Address or name of the server, or its RsIndex with a leading exclamation mark (!7).
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
            rsport: Port of the server. Left out with an RsIndex. 3 to 65535. Mandatory when rs is
                an address.
        """
    def showrule(
        self,
        *,
        name: str | None = None,
        type: Literal[0, 1, 2, 3, 4, 5] | None = None,
    ) -> Reply:
        """Show content rules.

        Args:
            name: One rule.
            type: Rules of one type. One of 0 (MatchContentRule), 1 (AddHeaderRule), 2
                (DeleteHeaderRule), 3 (ReplaceHeaderRule), 4 (ModifyURLRule), 5 (ReplaceBodyRule).
        """
    def showtelemetry(
        self,
        *,
        interface: int | None = None,
    ) -> Reply:
        """Show on which interfaces telemetry is collected.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
        """
    def showvs(
        self,
        *,
        vs: str | int,
        port: int | Literal["*"] | None = None,
        prot: Literal["tcp", "udp"] | None = None,
    ) -> Reply:
        """Show one service or SubVS with its servers.

        Args:
            vs: Address of the service, or its index; a SubVS has an index only.
            port: Port of the service; * is every port. Left out with an index. 3 to 65530 or *.
                Mandatory when vs is an address.
            prot: Transport of the service. Left out with an index. One of tcp, udp. Mandatory when
                vs is an address.
        """
    def shutdown(self) -> Reply:
        """Shut the appliance down. Changes the appliance."""
    def ssodomain_killallsessions(
        self,
        *,
        domain: str,
    ) -> Reply:
        """End all sessions of a domain. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def ssodomain_killsession(
        self,
        *,
        domain: str,
        key: str | Secret,
    ) -> Reply:
        """End one session. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
            key: Its cookie, or user,address.
        """
    def ssodomain_queryall(
        self,
        *,
        domain: str,
    ) -> Reply:
        """Count the open sessions of a domain.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
        """
    def ssodomain_querysessions(
        self,
        *,
        domain: str,
        startsession: int | None = None,
        endsession: int | None = None,
    ) -> Reply:
        """List open sessions of a domain, at most 1000 at once.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
            startsession: First one; 1 when left out.
            endsession: Last one; 1000 when left out.
        """
    def ssodomain_search(
        self,
        *,
        domain: str,
        user: str,
    ) -> Reply:
        """List open sessions of users with a name like this.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
            user: Part of the user's name, in any case.
        """
    def ssoimages(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install an image set for the login page. Changes the appliance.

        Args:
            data: image set, tar.
        """
    def startikedaemon(self) -> Reply:
        """Start the IKE service. Changes the appliance."""
    def startvpncon(
        self,
        *,
        name: str,
    ) -> Reply:
        """Open a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def stats(self) -> Reply:
        """Read the counters of the appliance, its services and their servers."""
    def statusikedaemon(self) -> Reply:
        """Show how the IKE service is."""
    def stopikedaemon(self) -> Reply:
        """Stop the IKE service. Changes the appliance."""
    def stopvpncon(
        self,
        *,
        name: str,
    ) -> Reply:
        """Close a VPN connection. Changes the appliance.

        Args:
            name: Name of the connection.
        """
    def tcpdump(
        self,
        *,
        maxpackets: int | None = None,
        maxtime: int | None = None,
        interface: str | None = None,
        port: int | None = None,
        address: str | None = None,
        tcpoptions: str | None = None,
    ) -> Reply:
        """Record packets and download them (pcap).

        Args:
            maxpackets: Packets to record at most. 1 to 200000. Default 10000.
            maxtime: Time to record at most. 1 to 600 seconds. Default 10.
            interface: Interface name, or all. Default eth0.
            port: Port to watch. 1 to 65535.
            address: Address to watch.
            tcpoptions: Further options of tcpdump. Text, at most 255 characters.
        """
    def unbond(
        self,
        *,
        interface: int,
    ) -> Reply:
        """Make a plain interface out of a bond. Changes the appliance.

        Args:
            interface: Interface number, the ifaceID in the answer of stats.
        """
    def unlockdomainusers(
        self,
        *,
        domain: str,
        users: str,
    ) -> Reply:
        """Let locked users in again. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
            users: Users; what stands between several is not documented.
        """
    def updatedetect(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install intrusion detection rules. Changes the appliance.

        Args:
            data: intrusion detection rules.
        """
    def uploadsamlidpmd(
        self,
        *,
        domain: str,
        data: bytes,
    ) -> Reply:
        """Take an identity provider's addresses from its metadata. Changes the appliance.

        Args:
            domain: Name of the SSO domain; the appliance stores it in upper case.
            data: metadata of the identity provider, XML.
        """
    def uploadtemplate(
        self,
        *,
        data: bytes,
    ) -> Reply:
        """Install a template. Changes the appliance.

        Args:
            data: template.
        """
    def uploadvserrfile(
        self,
        *,
        vs: int,
        data: bytes,
    ) -> Reply:
        """Give a service the page that it shows with ErrorCode. Changes the appliance.

        Args:
            vs: Index of the service.
            data: page to show.
        """
    def useraddlocal(
        self,
        *,
        user: str,
        password: str | Secret | None = None,
        radius: bool | None = None,
        nopass: bool | None = None,
    ) -> Reply:
        """Add a local user. Changes the appliance.

        Args:
            user: Name of the user.
            password: Password; needed unless nopass or radius is yes.
            radius: Check by RADIUS, which must be set up.
            nopass: User without password, for client certificates. Needs session management.
        """
    def userchangelocpass(
        self,
        *,
        user: str,
        password: str | Secret,
        radius: bool,
    ) -> Reply:
        """Give a local user another password. Changes the appliance.

        Args:
            user: Name of the user; case matters.
            password: New password.
            radius: Check by RADIUS.
        """
    def userdelcert(
        self,
        *,
        user: str,
    ) -> Reply:
        """Delete a user's client certificate. Changes the appliance.

        Args:
            user: Name of the user.
        """
    def userdellocal(
        self,
        *,
        user: str,
    ) -> Reply:
        """Delete a local user. Changes the appliance.

        Args:
            user: Name of the user.
        """
    def userdownloadcert(
        self,
        *,
        user: str,
    ) -> Reply:
        """Download a user's client certificate.

        Args:
            user: Name of the user.
        """
    def userlist(self) -> Reply:
        """List the local users with their permissions."""
    def usernewcert(
        self,
        *,
        user: str,
        passphrase: str | Secret | None = None,
    ) -> Reply:
        """Make a client certificate for a user. Changes the appliance.

        Args:
            user: Name of the user.
            passphrase: Encrypts the private key.
        """
    def userreadcert(
        self,
        *,
        user: str,
    ) -> Reply:
        """Read a user's client certificate.

        Args:
            user: Name of the user.
        """
    def usersetperms(
        self,
        *,
        user: str,
        perms: str,
    ) -> Reply:
        """Replace the permissions of a local user. Changes the appliance.

        Args:
            user: Name of the user.
            perms: All permissions of the user; empty for none. One of real (switch real servers on
                and off), vs (services and SubVSs), rules (content rules), backup (backups), certs
                (certificates), cert3 (intermediate certificates), certbackup (backup of
                certificates), users (user management), root (all but bal's password and users),
                geo, addvs (services and SubVSs with extended permissions); several with a comma in
                between.
        """
    def usersetsyspassword(
        self,
        *,
        currpassword: str | Secret,
        password: str | Secret,
    ) -> Reply:
        """Change the password of the user bal. Changes the appliance.

        Args:
            currpassword: Present password.
            password: New password.
        """
    def usershow(
        self,
        *,
        user: str,
    ) -> Reply:
        """Show the permissions of a local user.

        Args:
            user: Name of the user.
        """
    def vsaddwafrule(
        self,
        *,
        vs: str,
        port: int,
        prot: Literal["tcp", "udp"],
        rule: str,
        disablerules: str | None = None,
    ) -> Reply:
        """Attach a rule set of the legacy WAF, or switch single rules off. Changes the
        appliance.

        Args:
            vs: Address of the service; an index will not do.
            port: Port of the service. 3 to 65530.
            prot: Transport of the service. One of tcp, udp.
            rule: Prefix/set; prefixes C, Z, A, G for Custom, ApplicationGeneric,
                ApplicationSpecific, Generic, case matters; blanks between several. Empty to switch
                single rules off.
            disablerules: Numbers of rules to leave out, from vslistwafruleids. A list with a comma
                in between.
        """
    def vslistwafruleids(
        self,
        *,
        vs: str,
        port: int,
        prot: Literal["tcp", "udp"],
        rule: str,
    ) -> Reply:
        """List the rules of a rule set with their numbers.

        Args:
            vs: Address of the service.
            port: Port of the service. 3 to 65530.
            prot: Transport of the service. One of tcp, udp.
            rule: Prefix/set, as for vsaddwafrule.
        """
    def vsremovewafrule(
        self,
        *,
        vs: str,
        port: int,
        prot: Literal["tcp", "udp"],
        rule: str,
    ) -> Reply:
        """Take a rule set of the legacy WAF off. Changes the appliance.

        Args:
            vs: Address of the service; an index will not do.
            port: Port of the service. 3 to 65530.
            prot: Transport of the service. One of tcp, udp.
            rule: Prefix/set, as for vsaddwafrule.
        """
    def vstotals(self) -> Reply:
        """Count services, SubVSs and servers that are up, down and disabled."""
