"""Which appliance an address leads to: the same words whatever address it is reached by."""

from collections.abc import Mapping

from kempsdk import LoadMaster
from kempsdk.errors import CommandRejected


def read_appliance(loadmaster: LoadMaster) -> str | None:
    """Return what a LoadMaster is, in words that lead to no other; None: it does not say.

    A pair is one, whichever unit answers. A unit of a cloud pair or a node of a cluster has
    no shared address that it shows, and is told by its own serial number.

    Raises:
        KempError: it could not be read.
    """
    try:
        shared = loadmaster.high_availability.shared_address()
        if shared is not None:
            return f"pair at {shared}"
        serial = loadmaster.system.serial_number()
    except CommandRejected:
        # Whoever may change services need not have the right to read parameters.
        return None
    return f"LoadMaster with serial number {serial}" if serial else None


def appliance_fact(loadmaster: str, appliance: str | None) -> Mapping[str, str]:
    """Return what a plan keeps of it among its facts: nothing where it does not say."""
    return {} if appliance is None else {_fact(loadmaster): appliance}


def appliance_in(facts: Mapping[str, str], loadmaster: str) -> str | None:
    """Return which appliance a plan was made for, by the name of the inventory."""
    return facts.get(_fact(loadmaster))


def _fact(loadmaster: str) -> str:
    return f"{loadmaster} appliance"
