"""Groups of remote users: list, get, create, permissions, delete."""

import re
from collections.abc import Collection
from typing import Final

from kempsdk.accounts import Accounts
from kempsdk.appliance import Appliance
from kempsdk.errors import InvalidRequest
from kempsdk.permissions import Account, Permission, write_permissions

# A comma is listed too, as a character or between the others: it is left out as doubtful.
_NAME: Final = re.compile(r"[A-Za-z0-9 =~^._+#@/-]+")


class UserGroups(Accounts):
    """The remote groups whose members may use a LoadMaster: ``lm.user_groups``."""

    def __init__(self, appliance: Appliance) -> None:
        super().__init__(appliance, kind="group", origin="remote")

    def create(self, name: str, *, permissions: Collection[Permission] = ()) -> Account:
        """Add a group and return it. Changes the device.

        Args:
            name: letters, digits, blanks and ``= ~ ^ . _ + # @ / -``.
            permissions: written in a second call.

        Raises:
            InvalidRequest: another name, or something that is no permission; nothing was
                sent.
            CommandRejected: the appliance refused, for instance since the group exists.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: there is no such group, or with other permissions.
        """
        write_permissions(permissions)
        if not _NAME.fullmatch(name) or name != name.strip():
            allowed = "letters, digits, blanks and = ~ ^ . _ + # @ / -"
            raise InvalidRequest(
                f"{name!r} is not a group's name: {allowed}",
                field="name",
                value=name,
                allowed=allowed,
            )
        return self._add(name, permissions)
