"""What GEO does for all names: its zone, how long answers count, how sites are checked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from kempsdk.appliance import Appliance
from kempsdk.codec import flatten
from kempsdk.errors import will_not_do
from kempsdk.fields import Address, Number, Switch, Table, Text, compare, field, write_settings
from kempsdk.read_back import check_applied
from kempsdk.transport.call import Tree

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoSettings:
    """What GEO does for all names.

    Attributes:
        zone: that the appliance answers for. authority, name_server, contact: of the zone;
            the contact is an address with a dot for the at sign.
        authority_for_zone_only: whether those are for the zone only.
        name_server_address: in additional records.
        ttl_s: how long resolvers may keep an answer, 1 to 86,400.
        sticky_s: how long a client gets the same answer, 0 to 86,400.
        text: TXT record.
        client_subnet: take the client's place from the EDNS client subnet.
        drop_without_cluster: no answer where the cluster is disabled.
        check_interval_s: 9 to 3600, more than ``check_timeout_s`` times ``check_retries``.
        check_timeout_s: 4 to 60. check_retries: before a site is down, 2 to 10.
    """

    zone: str | None
    authority: str | None
    name_server: str | None
    contact: str | None
    authority_for_zone_only: bool
    name_server_address: str | None
    ttl_s: int
    sticky_s: int
    text: str | None
    client_subnet: bool
    drop_without_cluster: bool
    check_interval_s: int
    check_timeout_s: int
    check_retries: int


class GeoSettingsChanges(TypedDict, total=False):
    """What can be changed; see ``GeoSettings``."""

    zone: str | None
    authority: str | None
    name_server: str | None
    contact: str | None
    authority_for_zone_only: bool
    name_server_address: str | None
    ttl_s: int
    sticky_s: int
    text: str | None
    client_subnet: bool
    drop_without_cluster: bool
    check_interval_s: int
    check_timeout_s: int
    check_retries: int


class _Glue(Address):
    """An address that reads 0.0.0.0 while unset (vendor's interface description, 2022)."""

    def read(self, raw: object) -> str | None:
        return None if str(raw).strip() == "0.0.0.0" else super().read(raw)  # noqa: S104 - as above


_TEXT: Final = Text()
GEO_SETTINGS: Final = Table(
    [
        field("zone", "zone", _TEXT),
        field("SourceOfAuthority", "authority", _TEXT),
        field("namesrv", "name_server", _TEXT),
        field("SOAEmail", "contact", _TEXT),
        field("PerZoneSOA", "authority_for_zone_only", Switch()),
        field("glueip", "name_server_address", _Glue()),
        field("TTL", "ttl_s", Number(low=1, high=86_400)),
        field("persist", "sticky_s", Number(high=86_400)),
        field("Txt", "text", _TEXT),
        field("EDNSECS", "client_subnet", Switch()),
        field("dclustunavail", "drop_without_cluster", Switch()),
        field("CheckInterval", "check_interval_s", Number(low=9, high=3600)),
        field("ConnTimeout", "check_timeout_s", Number(low=4, high=60)),
        field("RetryAttempts", "check_retries", Number(low=2, high=10)),
    ]
)


class GeoParameters:
    """What GEO does for all names on one LoadMaster: ``lm.geo_parameters``. Needs GEO."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self) -> GeoSettings:
        """Return the settings.

        Raises:
            CommandRejected: GEO is off, or not licensed.
        """
        return self._appliance.read("listparams", {}, _read)

    def update(self, **settings: "Unpack[GeoSettingsChanges]") -> GeoSettings:
        """Change some of them and return them as they are now. Changes the device.

        Raises:
            InvalidRequest: an unknown setting, a wrong value, or an interval that does not
                hold all retries; nothing was sent.
            CommandRejected: GEO is off, or not licensed.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        params = write_settings(GEO_SETTINGS, settings)
        now = self.get()
        if not params:
            return now
        interval_s = settings.get("check_interval_s", now.check_interval_s)
        timeout_s = settings.get("check_timeout_s", now.check_timeout_s)
        retries = settings.get("check_retries", now.check_retries)
        if interval_s <= timeout_s * retries:
            # The appliance would raise the interval by itself, and say nothing.
            raise will_not_do(
                "check_interval_s",
                interval_s,
                f"more than {timeout_s * retries}, {retries} retries of {timeout_s} s",
            )
        self._appliance.write("modparams", params, target="GEO")
        now = self.get()
        check_applied("modparams", "GEO", compare(GEO_SETTINGS, settings, now))
        return now


def _read(tree: Tree) -> GeoSettings:
    # The vendor's description shows no answer; the names are those of the requests, in any
    # case.
    wires = {one.wire.lower(): one.wire for one in GEO_SETTINGS.fields}
    fields = flatten(tree)
    known = {wires.get(name.lower(), name): value for name, value in fields.items()}
    return GeoSettings(**GEO_SETTINGS.read(known))
