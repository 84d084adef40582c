"""Names for SubVSs that mean the same on another LoadMaster, where slots are different."""

from collections.abc import Iterable
from dataclasses import dataclass

from kempsdk.desired_state import VirtualServiceSpec
from kempsdk.errors import NotFound
from kempsdk.managers import Managers
from kempsdk.models import SubVs
from kempsdk.references import SubVsRef, VsRef


@dataclass(frozen=True, slots=True)
class SubKey:
    """A SubVS by what stays: its nickname, and which one of that nickname.

    Attributes:
        nth: from 0, in the order of the parent's list.
    """

    parent: VsRef
    nickname: str | None
    nth: int

    @property
    def name(self) -> str:
        """How changes name it: ``tcp/10.0.1.250:80/blue``; ``-`` has no nickname."""
        number = f"({self.nth + 1})" if self.nth else ""
        return f"{self.parent}/{self.nickname or '-'}{number}"

    def among(self, subs: Iterable[SubVs]) -> SubVs | None:
        """Return it, if it is there."""
        same = [one for one in subs if one.name == self.nickname]
        return same[self.nth] if self.nth < len(same) else None

    def locate(self, hands: Managers) -> SubVsRef:
        """Look it up on the appliance.

        Raises:
            NotFound: it is not there.
        """
        found = self.among(hands.sub_virtual_services.list(self.parent))
        if found is None:
            reason = f"there is no SubVS {self.name}"
            raise NotFound(reason, status=422, reason=reason, target=self.name)
        return found.ref


def keys_of(parent: VsRef, nicknames: Iterable[str | None]) -> list[SubKey]:
    """Return the keys of the SubVSs of a parent, given in its order."""
    seen: dict[str | None, int] = {}
    keys = []
    for nickname in nicknames:
        nth = seen.get(nickname, 0)
        seen[nickname] = nth + 1
        keys.append(SubKey(parent, nickname, nth))
    return keys


def sub_keys(spec: VirtualServiceSpec) -> list[SubKey]:
    """Return the keys of the SubVSs of a spec."""
    return keys_of(spec.ref, [one.nickname for one in spec.sub_services])
