"""What lies on a host so that it can be given back as it was found. Pure."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sysctl that we took over: what it was, and what we set."""

    before: int
    set: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRecord:
    """The sysctls taken over on a host, and the VIPs for which.

    Attributes:
        sysctls: by key (``conf/all/arp_ignore``), as found before the first VIP.
        vips: the VIPs that this product put there, or is about to.
    """

    sysctls: Mapping[str, Taken] = field(default_factory=dict)
    vips: frozenset[str] = frozenset()

    def render(self) -> str:
        """Return the record as the file holds it; the same record always gives the same text."""
        content = {
            "written_by": "kemp",
            "format": _FORMAT,
            "vips": sorted(self.vips),
            "sysctls": {
                key: {"before": taken.before, "set": taken.set}
                for key, taken in sorted(self.sysctls.items())
            },
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> "UndoRecord":
        """Return the record that the text holds.

        Raises:
            ValueError: it holds none, or one of a later kind.
        """
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']}, not {_FORMAT}")
            return cls(
                vips=frozenset(str(ipaddress.IPv4Address(one)) for one in content["vips"]),
                sysctls={
                    str(key): Taken(before=int(taken["before"]), set=int(taken["set"]))
                    for key, taken in content["sysctls"].items()
                },
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
