"""Local users: list, get, create, permissions, passwords, client certificates, delete."""

from collections.abc import Collection
from typing import Final

from kempsdk.accounts import Accounts
from kempsdk.appliance import Appliance
from kempsdk.errors import InvalidRequest
from kempsdk.key_file import read_pem
from kempsdk.permissions import Account, Permission, write_permissions
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue

_YES_NO: Final = {True: "yes", False: "no"}


class Users(Accounts):
    """The local users of one LoadMaster: ``lm.users``. ``bal`` is not one of them."""

    def __init__(self, appliance: Appliance) -> None:
        super().__init__(appliance, kind="user", origin="local")

    def create(
        self,
        name: str,
        *,
        password: str | Secret | None = None,
        radius: bool = False,
        permissions: Collection[Permission] = (),
    ) -> Account:
        """Add a user and return it. Changes the device.

        Args:
            name: of the user.
            password: its length is checked by the appliance, parameter ``minpassword``.
                Without one, and without ``radius``, the user can log in with a client
                certificate only, which needs session management.
            radius: the RADIUS server checks the password; it must be set up.
            permissions: written in a second call.

        Raises:
            InvalidRequest: no name, no permission, or a password together with RADIUS;
                nothing was sent.
            CommandRejected: the appliance refused, for instance since the user exists.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: there is no such user, or with other permissions.
        """
        write_permissions(permissions)
        if not name:
            raise InvalidRequest("a user needs a name", field="name", value=name)
        if radius and password is not None:
            raise InvalidRequest("with RADIUS the password is not kept here", field="password")
        if radius:
            how = {"radius": _YES_NO[True]}
        elif password is None:
            how = {"nopass": _YES_NO[True]}
        else:
            how = {"password": _reveal(password)}
        return self._add(name, permissions, **how)

    def set_password(self, name: str, password: str | Secret, *, radius: bool = False) -> None:
        """Give a user another password. Changes the device; cannot be read back.

        Args:
            name: of the user.
            password: at least as long as the parameter ``minpassword`` says.
            radius: whether the RADIUS server checks it from then on.

        Raises:
            InvalidRequest: no password; nothing was sent.
            NotFound: there is no such user; nothing was changed.
            CommandRejected: the appliance refused it, for instance as too short.
            OutcomeUnknown: no answer; one of the two passwords is right.
        """
        params: dict[str, ParamValue] = {
            "user": name,
            "password": _reveal(password),
            "radius": _YES_NO[radius],
        }
        self.get(name)
        self._appliance.write("userchangelocpass", params, target=name)

    def set_own_password(self, current: str | Secret, new: str | Secret) -> None:
        """Give the user ``bal`` another password, logged in as ``bal``. Changes the device.

        A client that logs in with the old one is out from then on; one with an API key is
        not. Cannot be read back.

        Args:
            current: the present password.
            new: at least as long as the parameter ``minpassword`` says.

        Raises:
            InvalidRequest: an empty password; nothing was sent.
            CommandRejected: the present one is wrong, or the new one was refused.
            OutcomeUnknown: no answer; one of the two passwords is right.
        """
        params: dict[str, ParamValue] = {"currpassword": _reveal(current), "password": _reveal(new)}
        self._appliance.write("usersetsyspassword", params, target="bal")

    def read_certificate(self, name: str) -> str:
        """Return a user's client certificate as PEM text, without its key.

        The name of the member is a guess: that of ``readcert``.

        Raises:
            CommandRejected: the user has none, or there is no such user.
        """
        return self._appliance.read_reply("userreadcert", {"user": name}, read_pem, target=name)

    def download_certificate(self, name: str) -> bytes:
        """Return a user's client certificate with its key, as a file.

        Raises:
            CommandRejected: the user has none, or there is no such user.
        """
        return self._appliance.download("userdownloadcert", {"user": name}, target=name)

    def create_certificate(self, name: str, *, passphrase: str | Secret | None = None) -> str:
        """Make a client certificate for a user and return it as PEM text. Changes the device.

        Args:
            name: of the user, who must not be ``bal``.
            passphrase: encrypts the private key in the file that can be downloaded.

        Raises:
            NotFound: there is no such user; nothing was changed.
            OutcomeUnknown: no answer; ``read_certificate`` tells.
        """
        params: dict[str, ParamValue] = {"user": name}
        if passphrase is not None:
            params["passphrase"] = _reveal(passphrase)
        self.get(name)
        self._appliance.write("usernewcert", params, target=name)
        return self.read_certificate(name)

    def delete_certificate(self, name: str) -> None:
        """Delete a user's client certificate. Changes the device.

        How the appliance answers for a user without one is not known, so this is not read
        back.

        Raises:
            CommandRejected: the user has none, or there is no such user.
            OutcomeUnknown: no answer; ``read_certificate`` tells.
        """
        self._appliance.write("userdelcert", {"user": name}, target=name)


def _reveal(password: str | Secret) -> str:
    text = password.reveal() if isinstance(password, Secret) else password
    if not text:
        raise InvalidRequest("the password is empty", field="password")
    return text
