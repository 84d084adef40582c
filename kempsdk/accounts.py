"""What local users and remote groups have in common: they are listed and have permissions."""

from collections.abc import Collection

from kempsdk.appliance import Appliance, not_found
from kempsdk.errors import FieldDifference, NotFound
from kempsdk.permissions import Account, Permission, read_accounts, write_permissions
from kempsdk.read_back import not_applied


class Accounts:
    """Accounts of one kind.

    How the appliance shows them is not documented; that it prints ``Name`` and ``Perms`` is
    what clients rely on.
    """

    def __init__(self, appliance: Appliance, *, kind: str, origin: str) -> None:
        """Say which accounts.

        Args:
            appliance: where.
            kind: ``user`` or ``group``: how commands begin, and their parameter.
            origin: how the commands that add and delete one end.
        """
        self._appliance = appliance
        self._kind = kind
        self._origin = origin

    def list(self) -> tuple[Account, ...]:
        """Return all of them with their permissions. One API call."""
        return self._appliance.read(f"{self._kind}list", {}, read_accounts)

    def get(self, name: str) -> Account:
        """Return one by its name, which has case.

        Raises:
            NotFound: there is none.
        """
        for one in self.list():
            if one.name == name:
                return one
        raise not_found(
            f"there is no {self._kind} {name!r}", command=f"{self._kind}list", target=name
        )

    def set_permissions(self, name: str, permissions: Collection[Permission]) -> Account:
        """Replace all permissions of one. Changes the device.

        Args:
            name: whose.
            permissions: all that it has from then on; none takes them all away.

        Raises:
            InvalidRequest: something that is no permission; nothing was sent.
            NotFound: there is none of that name; nothing was changed.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        asked = write_permissions(permissions)
        command = f"{self._kind}setperms"
        self.get(name)
        self._appliance.write(command, {self._kind: name, "perms": asked}, target=name)
        now = self.get(name)
        if now.permissions != frozenset(Permission(one) for one in permissions) or (
            now.unknown_permissions
        ):
            got = [*(one.value for one in now.permissions), *now.unknown_permissions]
            difference = FieldDifference("permissions", asked, ",".join(sorted(got)))
            raise not_applied(command, name, difference)
        return now

    def delete(self, name: str) -> None:
        """Delete one. Changes the device.

        Raises:
            NotFound: there is none; nothing was changed.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        command = f"{self._kind}del{self._origin}"
        self.get(name)
        self._appliance.write(command, {self._kind: name}, target=name)
        try:
            self.get(name)
        except NotFound:
            return
        raise not_applied(command, name, FieldDifference(self._kind, "deleted", "still there"))

    def _add(self, name: str, permissions: Collection[Permission], **more: str) -> Account:
        command = f"{self._kind}add{self._origin}"
        self._appliance.write(command, {self._kind: name, **more}, target=name)
        try:
            now = self.get(name)
        except NotFound:
            difference = FieldDifference(self._kind, "created", "not there")
            raise not_applied(command, name, difference) from None
        return self.set_permissions(name, permissions) if permissions else now
