"""LDAP end points and SSO domains in a file, without their secrets."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from kempsdk.configuration_things import Settings, Things, some_name
from kempsdk.desired_state import Kind
from kempsdk.fields import Table
from kempsdk.ldap_endpoints import LDAP_ENDPOINT, LdapEndpoint
from kempsdk.managers import Managers
from kempsdk.sso_domains import SSO_DOMAIN, SsoDomain


def _without_secrets(table: Table) -> Table:
    return Table([one for one in table.fields if one.attribute is not None])


def _upper(text: str) -> str:
    # The appliance keeps them in capitals.
    return some_name(text).upper()


def _endpoints(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {one.name: one for one in hands.ldap_endpoints.list()}


def _add_endpoint(hands: Managers, name: str, settings: Settings) -> None:
    hands.ldap_endpoints.create(name, **settings)


def _change_endpoint(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.ldap_endpoints.update(name, **settings)


def _endpoint_secret(name: str, one: LdapEndpoint) -> Iterator[str]:
    if one.admin_user:
        yield f"admin_password of LDAP end point {name}: a secret"


LDAP_ENDPOINTS: Final = Things(
    key="ldap_endpoints",
    kind=Kind.LDAP_ENDPOINT,
    table=_without_secrets(LDAP_ENDPOINT),
    name=some_name,
    now=_endpoints,
    create=_add_endpoint,
    update=_change_endpoint,
    delete=lambda hands, name: hands.ldap_endpoints.delete(name),
    left_out=_endpoint_secret,
)


def _domains(hands: Managers, _names: Collection[str]) -> dict[str, object]:
    return {one.name.upper(): one for one in hands.sso_domains.list()}


def _add_domain(hands: Managers, name: str, settings: Settings) -> None:
    hands.sso_domains.create(name, **settings)


def _change_domain(hands: Managers, name: str, settings: Settings, _now: object) -> None:
    hands.sso_domains.update(name, **settings)


def _domain_secrets(name: str, one: SsoDomain) -> Iterator[str]:
    used: dict[str, Any] = {
        "kcd_password": one.kcd_user,
        "test_password": one.test_user,
        "certificate_password": one.certificate_user,
        "oidc_secret": one.oidc_app_id,
    }
    for secret, user in used.items():
        if user:
            yield f"{secret} of SSO domain {name}: a secret"


SSO_DOMAINS: Final = Things(
    key="sso_domains",
    kind=Kind.SSO_DOMAIN,
    table=_without_secrets(SSO_DOMAIN),
    name=_upper,
    now=_domains,
    create=_add_domain,
    update=_change_domain,
    delete=lambda hands, name: hands.sso_domains.delete(name),
    left_out=_domain_secrets,
)
