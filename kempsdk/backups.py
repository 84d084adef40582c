"""Backups of the configuration: download, restore."""

from enum import IntFlag
from typing import Final

from kempsdk.appliance import Appliance
from kempsdk.errors import InvalidRequest, will_not_do

_SLOW_S: Final = 60.0
"""Backups take longer than other calls."""


class BackupPart(IntFlag):
    """What of a backup is put back; join several with ``|``."""

    BASE = 1
    SERVICES = 2
    GEO = 4
    SSO = 8
    ALL = 15


class Backups:
    """The configuration of one LoadMaster as a file: ``lm.backups``."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def download(self, *, timeout_s: float = _SLOW_S) -> bytes:
        """Return the whole configuration as a file; changes nothing.

        Certificates are not in it, see ``lm.certificates.backup``.

        Args:
            timeout_s: seconds to wait for data.
        """
        return self._appliance.download("backup", {}, target="configuration", timeout_s=timeout_s)

    def restore(self, data: bytes, parts: BackupPart, *, timeout_s: float = _SLOW_S) -> None:
        """Put parts of a configuration back. Changes the device.

        The form of the file is the appliance's secret, so nothing is compared afterwards;
        read what matters. What replaces services gives them new indices; references stay
        right. Restoring the base can change addresses, and with them end the connection.

        Args:
            data: what ``download`` returned.
            parts: ``BackupPart.SERVICES | BackupPart.BASE`` and the like.
            timeout_s: seconds to wait for the answer.

        Raises:
            InvalidRequest: no data, or no part; nothing was sent.
            CommandRejected: the appliance refused the file.
            OutcomeUnknown: no answer; it may be restored, or not.
        """
        if not data:
            raise InvalidRequest("the backup is empty", field="data")
        if not 1 <= int(parts) <= int(BackupPart.ALL):
            allowed = ", ".join(str(one.name) for one in BackupPart)
            raise will_not_do("parts", int(parts), allowed)
        # As a text, in which form a client that was tested on 7.2.63 sends it in v2.
        params = {"type": str(int(parts))}
        self._appliance.write(
            "restore", params, target="configuration", body=data, timeout_s=timeout_s
        )
