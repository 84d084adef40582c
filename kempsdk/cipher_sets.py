"""Cipher sets: get, set, delete."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, flatten, texts
from kempsdk.errors import FieldDifference, InvalidRequest, NotFound
from kempsdk.read_back import not_applied
from kempsdk.transport.call import Tree

SYSTEM_CIPHER_SETS: Final = frozenset(
    {
        "Default",
        "Default_NoRc4",
        "BestPractices",
        "Intermediate_compatibility",
        "Backward_compatibility",
        "WUI",
        "FIPS",
        "Legacy",
        "Null_Ciphers",
        "ECDSA_Default",
        "ECDSA_BestPractices",
    }
)
"""The appliance's own sets, which cannot be changed (vendor's interface description, 2022)."""

_CIPHER: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CipherSet:
    """A named list of ciphers, in order of preference, by OpenSSL's names."""

    name: str
    ciphers: tuple[str, ...]

    @property
    def is_system(self) -> bool:
        """Whether it is the appliance's own."""
        return self.name in SYSTEM_CIPHER_SETS


class CipherSets:
    """The cipher sets of one LoadMaster: ``lm.cipher_sets``. No command lists them all.

    TLS 1.3 suites are apart: ``tls13_ciphers`` of a service. A set is used by writing its
    name to ``cipher_set`` of a service.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def get(self, name: str) -> CipherSet:
        """Return one set by its name, which has case.

        Raises:
            NotFound: there is none.
        """
        ciphers = self._appliance.read("getcipherset", {"name": name}, _read, target=name)
        return CipherSet(name=name, ciphers=ciphers)

    def set(self, name: str, ciphers: Sequence[str]) -> CipherSet:
        """Make a set, or give an existing one other ciphers. Changes the device.

        Services get new indices then (seen on 7.2.50 to 7.2.63); references stay right.

        Args:
            name: of a set of one's own.
            ciphers: all of them, in order of preference; they replace what was there.

        Raises:
            InvalidRequest: one of the appliance's own sets, no cipher, or no cipher's name;
                nothing was sent.
            CommandRejected: the appliance knows no such cipher.
            OutcomeUnknown: no answer; ``get`` tells.
            WriteNotApplied: the appliance made something else of it.
        """
        _check_own(name)
        asked = tuple(ciphers) if not isinstance(ciphers, str) else ()
        if not asked or not all(_CIPHER.fullmatch(one) for one in asked):
            raise InvalidRequest(
                "ciphers: a list of names of ciphers", field="ciphers", value=ciphers, target=name
            )
        params = {"name": name, "value": ":".join(asked)}
        self._appliance.write("modifycipherset", params, target=name)
        now = self.get(name)
        if now.ciphers != asked:
            raise not_applied(
                "modifycipherset", name, FieldDifference("ciphers", asked, now.ciphers)
            )
        return now

    def delete(self, name: str) -> None:
        """Delete a set that no service uses. Changes the device.

        Raises:
            InvalidRequest: one of the appliance's own sets; nothing was sent.
            NotFound: there is none.
            CommandRejected: the appliance refused, as for one that a service uses.
            OutcomeUnknown: no answer; ``get`` tells whether it is still there.
            WriteNotApplied: it is still there.
        """
        _check_own(name)
        self._appliance.write("delcipherset", {"name": name}, target=name)
        try:
            self.get(name)
        except NotFound:
            return
        raise not_applied(
            "delcipherset", name, FieldDifference("ciphers", "deleted", "still there")
        )


def _read(tree: Tree) -> tuple[str, ...]:
    # The name of the member is not documented, so whatever there is is read.
    found = [text for value in flatten(tree).values() for text in texts(value)]
    ciphers = tuple(one for text in found for one in re.split(r"[:,\s]+", text) if one)
    if not ciphers or not all(_CIPHER.fullmatch(one) for one in ciphers):
        raise MalformedAnswer("no list of ciphers in the answer")
    return ciphers


def _check_own(name: str) -> None:
    if not name or name in SYSTEM_CIPHER_SETS:
        raise InvalidRequest(
            f"{name!r} is one of the appliance's own sets" if name else "a set needs a name",
            field="name",
            value=name,
        )
