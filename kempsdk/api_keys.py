"""API keys: list, create, delete."""

from collections.abc import Mapping
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, texts
from kempsdk.errors import FieldDifference, InvalidRequest, OutcomeUnknown
from kempsdk.read_back import not_applied
from kempsdk.secret import Secret
from kempsdk.transport.call import ParamValue, Tree

MOST_API_KEYS: Final = 16
"""Keys that a user can have; one more silently drops the oldest."""

_TARGET: Final = "API keys"


class ApiKeys:
    """The API keys of the user that a client logs in as: ``lm.api_keys``.

    That no other client of this user makes keys at the same moment is taken for granted.
    """

    def __init__(self, appliance: Appliance, own: Secret | None = None) -> None:
        self._appliance = appliance
        self._own = own

    def list(self) -> tuple[Secret, ...]:
        """Return the user's keys in the appliance's order, oldest first by all that is known."""
        return self._appliance.read("listapikeys", {}, _read, target=_TARGET)

    def create(self, *, drop_oldest: bool = False) -> Secret:
        """Make a key and return it. Changes the device.

        Args:
            drop_oldest: allow that a 17th key drops the oldest one, which some client, or
                this one, may log in with.

        Raises:
            InvalidRequest: there are 16 already; nothing was changed.
            OutcomeUnknown: no answer, or another client made one at the same moment;
                ``list`` shows what there is.
            WriteNotApplied: there is no new key.
        """
        with self._appliance.writing_in_turn:
            before = self.list()
            if len(before) >= MOST_API_KEYS and not drop_oldest:
                raise InvalidRequest(
                    f"the user has {len(before)} keys; one more would drop the oldest",
                    field="drop_oldest",
                    value=drop_oldest,
                    command="addapikey",
                )
            reply = self._appliance.write("addapikey", {}, target=_TARGET)
            # The answer is the list as it is now. Asking again could fail: the key that was
            # dropped may be the one of this client.
            new = [one for one in _keys(reply.data) or self.list() if one not in before]
        if not new:
            raise not_applied(
                "addapikey", _TARGET, FieldDifference("keys", "one more", "as before")
            )
        if len(new) > 1:
            raise OutcomeUnknown(
                f"{len(new)} API keys are new; another client made some",
                command="addapikey",
                target=_TARGET,
            )
        return new[0]

    def delete(self, key: str | Secret, *, user: str | None = None) -> None:
        """Delete a key; whoever logs in with it gets an error from then on. Changes the device.

        Args:
            key: the key.
            user: its owner, if that is another user; needs the permission ``users``. The
                keys of others cannot be listed, so this is not read back.

        Raises:
            InvalidRequest: the key that this client logs in with, or none; nothing was sent.
            CommandRejected: the user has no such key.
            OutcomeUnknown: no answer; ``list`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        secret = key if isinstance(key, Secret) else Secret(key)
        if secret == self._own or not secret.reveal():
            raise InvalidRequest(
                "this client logs in with that key" if secret.reveal() else "the key is empty",
                field="key",
                command="delapikey",
            )
        params: dict[str, ParamValue] = {"key": secret.reveal()}
        if user is not None:
            params["user"] = user
        with self._appliance.writing_in_turn:
            self._appliance.write("delapikey", params, target=user or _TARGET)
            if user is None and secret in self.list():
                raise not_applied(
                    "delapikey", _TARGET, FieldDifference("key", "deleted", "still there")
                )


def _read(tree: Tree) -> tuple[Secret, ...]:
    found = _keys(tree)
    if not found and any(tree[name] for name in tree):
        raise MalformedAnswer("no API keys in the answer")
    return found


def _keys(tree: Tree) -> tuple[Secret, ...]:
    # As the vendor's PowerShell module (v1) and a tested client (v2) read them.
    found = tree.get("apikeys")
    if isinstance(found, Mapping):
        found = found.get("key")
    return tuple(Secret(one.strip()) for one in texts(found) if one.strip())
