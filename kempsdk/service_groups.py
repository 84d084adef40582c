"""Settings of a service that only some services need, typed, apart from its own model.

A service shows some 170 attributes. Those that belong to one feature would make every model
larger for everybody, so they are read and written here, a group for each feature.
"""

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer
from kempsdk.errors import BadAnswer
from kempsdk.fields import Table, compare, write_settings
from kempsdk.read_back import check_applied
from kempsdk.references import AnyVsRef
from kempsdk.virtual_services import VirtualServices

ModelT = TypeVar("ModelT")


class ServiceGroup(Generic[ModelT]):
    """The attributes of one feature of services.

    Attributes:
        table: the attributes, by the appliance's names.
        model: what they are read into.
    """

    table: ClassVar[Table]
    model: type[ModelT]

    def __init__(self, appliance: Appliance, services: VirtualServices) -> None:
        self._appliance = appliance
        self._services = services

    def get(self, vs: AnyVsRef) -> ModelT:
        """Return the group of a service or SubVS.

        Raises:
            NotFound: there is no such service.
        """
        found = self._services.get(vs)
        try:
            return self.model(**self.table.read(dict(found.extra)))
        except MalformedAnswer as error:
            raise BadAnswer(f"showvs {vs}: {error}", command="showvs", target=str(vs)) from None

    def _update(self, vs: AnyVsRef, settings: Mapping[str, object]) -> ModelT:
        params = write_settings(self.table, settings)
        if params:
            address = self._appliance.address(vs)
            self._appliance.write("modvs", {**address, **params}, target=str(vs))
        now = self.get(vs)
        check_applied("modvs", str(vs), compare(self.table, settings, now))
        return now
