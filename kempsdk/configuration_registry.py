"""All things that a file knows by name, in the order in which they are made."""

from typing import Final

from kempsdk.configuration_accounts import USER_GROUPS, USERS
from kempsdk.configuration_geo import (
    GEO,
    GEO_CLUSTERS,
    GEO_FQDNS,
    GEO_LOCATIONS,
    GEO_RANGES,
    GEO_RECORDS,
    GEO_SITES,
)
from kempsdk.configuration_limits import CIPHER_SETS, CLIENT_LIMITS, LIMIT_RULES
from kempsdk.configuration_network import ADDRESSES, HOSTS, INTERFACES, ROUTES
from kempsdk.configuration_sso import LDAP_ENDPOINTS, SSO_DOMAINS
from kempsdk.configuration_things import Things
from kempsdk.configuration_waf import WAF

THINGS: Final = (
    INTERFACES,
    ADDRESSES,
    ROUTES,
    HOSTS,
    CIPHER_SETS,
    CLIENT_LIMITS,
    LIMIT_RULES,
    USER_GROUPS,
    USERS,
    LDAP_ENDPOINTS,
    SSO_DOMAINS,
    WAF,
    GEO,
    GEO_LOCATIONS,
    GEO_RANGES,
    GEO_CLUSTERS,
    GEO_FQDNS,
    GEO_SITES,
    GEO_RECORDS,
)
"""What others need comes before them, services last of all."""

KEYS: Final = tuple(one.key for one in THINGS if one.within is None)
"""Their places in a file."""


def within(things: Things) -> tuple[Things, ...]:
    """Return what stands in the file within things of a kind."""
    return tuple(one for one in THINGS if one.within is not None and one.within[0] is things)
