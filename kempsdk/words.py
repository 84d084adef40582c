"""The closed sets of words a LoadMaster uses; the values are the wire's.

``UNKNOWN`` and ``OTHER`` stand for words that this version does not know: a newer
firmware's word must not make a whole list unreadable. The word itself is then in
``extra`` under its wire name.
"""

from enum import Enum


class VsStatus(str, Enum):
    """State of a virtual service; the ones after Unchecked are the web interface's words."""

    UP = "Up"
    DOWN = "Down"
    DISABLED = "Disabled"
    REDIRECT = "Redirect"
    UNCHECKED = "Unchecked"
    SORRY = "Sorry"
    FAIL_MESSAGE = "Fail Message"
    SECURITY_DOWN = "Security Down"
    WAF_MISCONFIGURED = "WAF Misconfigured"
    UNKNOWN = "unknown"


class RsStatus(str, Enum):
    """State of a real server."""

    UP = "Up"
    DOWN = "Down"
    DISABLED = "Disabled"
    UNKNOWN = "unknown"


class Forward(str, Enum):
    """How packets reach a real server; ``ROUTE`` is direct server return, layer 4 only."""

    NAT = "nat"
    ROUTE = "route"
    OTHER = "other"


class Schedule(str, Enum):
    """Which server gets a new connection."""

    ROUND_ROBIN = "rr"
    WEIGHTED_ROUND_ROBIN = "wrr"
    LEAST_CONNECTION = "lc"
    WEIGHTED_LEAST_CONNECTION = "wlc"
    FIXED = "fixed"
    ADAPTIVE = "adaptive"
    SOURCE_HASH = "sh"
    RESPONSE_TIME = "dl"
    SDN_ADAPTIVE = "sdn-adaptive"
    URL_HASH = "uhash"
    OTHER = "other"


class ServiceType(str, Enum):
    """What a virtual service carries."""

    GENERIC = "gen"
    HTTP = "http"
    HTTP2 = "http2"
    REMOTE_TERMINAL = "ts"
    STARTTLS = "tls"
    LOG = "log"
    OTHER = "other"


class CheckType(str, Enum):
    """How servers are checked; ``NONE`` leaves them unchecked and in use."""

    ICMP = "icmp"
    HTTPS = "https"
    HTTP = "http"
    TCP = "tcp"
    SMTP = "smtp"
    NNTP = "nntp"
    FTP = "ftp"
    TELNET = "telnet"
    POP3 = "pop3"
    IMAP = "imap"
    RDP = "rdp"
    BINARY = "bdata"
    LDAP = "ldap"
    DNS = "dns"
    NONE = "none"
    OTHER = "other"


class CheckMethod(str, Enum):
    """Method of an HTTP check; a number on the wire."""

    HEAD = "head"
    GET = "get"
    POST = "post"
    OPTIONS = "options"
    OTHER = "other"


class Persist(str, Enum):
    """What keeps a client on one server; ``NONE`` also where the wire leaves it out."""

    NONE = "none"
    SSL = "ssl"
    COOKIE = "cookie"
    ACTIVE_COOKIE = "active-cookie"
    COOKIE_SRC = "cookie-src"
    ACTIVE_COOKIE_SRC = "active-cook-src"
    COOKIE_HASH = "cookie-hash"
    COOKIE_HASH_SRC = "cookie-hash-src"
    URL = "url"
    QUERY_HASH = "query-hash"
    HOST = "host"
    HEADER = "header"
    SUPER = "super"
    SUPER_SRC = "super-src"
    SRC = "src"
    RDP = "rdp"
    RDP_SRC = "rdp-src"
    RDP_SB = "rdp-sb"
    RDP_SB_SRC = "rdp-sb-src"
    UDP_SIP = "udpsip"
    OTHER = "other"


class SslRewrite(str, Enum):
    """Scheme put into redirects of the servers; written as a word, read as a number.

    Which number stands for which word is a guess: 1 http, 2 https.
    """

    OFF = ""
    HTTP = "http"
    HTTPS = "https"
    OTHER = "other"
