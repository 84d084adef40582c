"""What a run of a plan holds, so that no other run touches it meanwhile. Pure."""

from urllib.parse import urlsplit

from orchestrator.errors import SpecInvalid
from orchestrator.inventory import spec_from_data
from orchestrator.rollout.plan import Plan
from orchestrator.spec import Spec


def resources(plan: Plan) -> tuple[str, ...]:
    """Return what a run of the plan holds: its services and its hosts.

    Raises:
        SpecInvalid: the plan names what its specification does not have.
    """
    spec = spec_from_data(plan.spec)
    try:
        return tuple(
            dict.fromkeys(
                [
                    *(service_lock(spec, one.loadmaster, one.service) for one in plan.floors),
                    *(f"host {spec.hosts[one.host].address}" for one in plan.servers),
                ]
            )
        )
    except KeyError as error:
        raise SpecInvalid(f"there is no {error.args[0]} in it", path="plan") from None


def service_lock(spec: Spec, loadmaster: str, service: str) -> str:
    """Return what a run holds for a service."""
    return f"service {service} of {_box(spec.loadmasters[loadmaster].url)}"


def _box(url: str) -> str:
    """Return the one spelling of a LoadMaster's address; another name of it stays another one."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"https://{(parts.hostname or url).rstrip('.')}{port}"
