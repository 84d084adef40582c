"""The appliance itself: what it is, its firmware, and its power."""

import re
from dataclasses import dataclass
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.codec import MalformedAnswer, flatten
from kempsdk.errors import (
    BadAnswer,
    InvalidRequest,
    OutcomeUnknown,
    Unreachable,
)
from kempsdk.parameters import Parameters
from kempsdk.transport.call import Tree

_LOOK_EVERY_S: Final = 5.0
_UPLOAD_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an appliance says it is.

    Attributes:
        hostname: what ``confirm`` must say.
        version: of the firmware, ``7.2.54.12.22642.RELEASE``.
        booted_at_s: seconds since the epoch, by its own clock.
    """

    hostname: str
    version: str
    serial_number: str
    booted_at_s: int


class System:
    """The appliance itself: ``lm.system``.

    What interrupts service needs ``confirm="HOSTNAME"``, the appliance's own name: a script
    with the address of the wrong one then stops here.
    """

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def identity(self) -> Identity:
        """Return what the appliance is. One call."""
        return self._appliance.read("getall", {}, _read_identity)

    def serial_number(self) -> str:
        """Return the appliance's serial number; empty where it has none. One call.

        Each unit of a pair has its own; see ``high_availability.shared_address``.
        """
        return str(Parameters(self._appliance).get("serialnumber"))

    def previous_version(self) -> str:
        """Return the firmware that was installed before this one.

        Raises:
            CommandRejected: there is none.
        """
        return self._appliance.read("getpreviousversion", {}, _read_version)

    def reboot(self, *, confirm: str, wait_s: float | None = None) -> Identity | None:
        """Reboot the appliance. Changes the device: service stops for minutes.

        Args:
            confirm: the appliance's host name.
            wait_s: wait until it is back, at most so many seconds; None returns at once.

        Returns:
            What it is after the reboot, or None without waiting.

        Raises:
            InvalidRequest: another appliance; it was not rebooted.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer, or it was not back in time.
        """
        before = self._confirmed(confirm)
        try:
            self._appliance.write("reboot", {}, target=before.hostname)
        except OutcomeUnknown:
            # It may go down before it answers; whether it did, the time of its boot tells.
            if wait_s is None:
                raise
        return None if wait_s is None else self._back(before, wait_s)

    def shut_down(self, *, confirm: str) -> None:
        """Switch the appliance off. Changes the device: somebody must switch it on again.

        Args:
            confirm: the appliance's host name.

        Raises:
            InvalidRequest: another appliance; it was not switched off.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer, which is to be expected.
        """
        before = self._confirmed(confirm)
        self._appliance.write("shutdown", {}, target=before.hostname)

    def install_firmware(self, patch: bytes, *, confirm: str) -> None:
        """Upload a firmware patch; it runs after the next reboot. Changes the device.

        What is installed and not yet running is not shown, so this is not read back.

        Args:
            patch: the file, as for the web interface.
            confirm: the appliance's host name.

        Raises:
            InvalidRequest: another appliance or an empty file; nothing was uploaded.
            CommandRejected: the appliance does not take the file.
            OutcomeUnknown: no answer within 10 minutes.
        """
        if not patch:
            raise InvalidRequest("patch: an empty file", field="patch")
        before = self._confirmed(confirm)
        self._appliance.write(
            "installpatch", {}, target=before.hostname, body=patch, timeout_s=_UPLOAD_S
        )

    def restore_previous_firmware(self, *, confirm: str) -> None:
        """Go back to the previous firmware with the next reboot. Changes the device.

        Args:
            confirm: the appliance's host name.

        Raises:
            InvalidRequest: another appliance; nothing was changed.
            CommandRejected: the appliance refused.
            OutcomeUnknown: no answer.
        """
        before = self._confirmed(confirm)
        self._appliance.write("restorepatch", {}, target=before.hostname)

    def _confirmed(self, confirm: str) -> Identity:
        found = self.identity()
        if not found.hostname or confirm != found.hostname:
            raise InvalidRequest(
                f"this is {found.hostname!r} and not {confirm!r}; nothing was done",
                field="confirm",
                value=confirm,
                allowed=found.hostname,
            )
        return found

    def _back(self, before: Identity, wait_s: float) -> Identity:
        clock = self._appliance.clock
        until_s = clock.monotonic_s() + wait_s
        while clock.monotonic_s() < until_s:
            clock.sleep(_LOOK_EVERY_S)
            try:
                now = self.identity()
            except (Unreachable, BadAnswer, OutcomeUnknown):
                continue  # down, or starting up
            if now.booted_at_s > before.booted_at_s:
                return now
        raise OutcomeUnknown(
            f"reboot {before.hostname}: not back within {wait_s:g} s",
            command="reboot",
            target=before.hostname,
        )


def _read_identity(tree: Tree) -> Identity:
    fields = {name.lower(): str(value).strip() for name, value in flatten(tree).items()}
    booted = fields.get("boottime", "0")
    if "version" not in fields or not re.fullmatch(r"[0-9]{1,20}", booted):
        raise MalformedAnswer("an appliance that does not say what it is")
    return Identity(
        hostname=fields.get("hostname", ""),
        version=fields["version"],
        serial_number=fields.get("serialnumber", ""),
        booted_at_s=int(booted),
    )


def _read_version(tree: Tree) -> str:
    # The name of the element is not documented.
    values = [str(one).strip() for one in flatten(tree).values() if str(one).strip()]
    if len(values) != 1:
        raise MalformedAnswer("no version in the answer")
    return values[0]
