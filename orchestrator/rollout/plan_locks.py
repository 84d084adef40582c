"""What a run of a plan holds, so that no other run touches it meanwhile. Pure."""

from urllib.parse import urlsplit

from orchestrator.errors import SpecInvalid
from orchestrator.inventory import spec_from_data
from orchestrator.rollout.appliances import appliance_in
from orchestrator.rollout.facts import segment_in
from orchestrator.rollout.plan import Plan
from orchestrator.spec import Spec


def resources(plan: Plan) -> tuple[str, ...]:
    """Return what a run of the plan holds: its services and its hosts.

    Raises:
        SpecInvalid: the plan names what its specification does not have.
    """
    spec = spec_from_data(plan.spec)
    try:
        services = [
            lock
            for one in plan.floors
            for lock in service_locks(
                spec, one.loadmaster, one.service, appliance_in(plan.facts, one.loadmaster)
            )
        ]
        hosts = [f"host {spec.hosts[one.host].address}" for one in plan.servers]
    except KeyError as error:
        raise SpecInvalid(f"there is no {error.args[0]} in it", path="plan") from None
    return tuple(dict.fromkeys([*services, *hosts]))


def partitions(plan: Plan) -> tuple[str, ...]:
    """Return what a run of the plan works on, of which workers do one run after another.

    That is a LoadMaster with a segment on which servers of it are: by the network of their
    own address, where the host has it.

    Raises:
        SpecInvalid: the plan names what its specification does not have.
    """
    spec = spec_from_data(plan.spec)
    try:
        return tuple(
            dict.fromkeys(
                f"{_name(spec, plan, place.loadmaster)}, segment {segment_in(plan.facts, one.host)}"
                for one in plan.servers
                for place in one.places
            )
        )
    except KeyError as error:
        raise SpecInvalid(f"there is no {error.args[0]} in it", path="plan") from None


def _name(spec: Spec, plan: Plan, loadmaster: str) -> str:
    return appliance_in(plan.facts, loadmaster) or _address(spec.loadmasters[loadmaster].url)


def service_locks(
    spec: Spec, loadmaster: str, service: str, appliance: str | None
) -> tuple[str, ...]:
    """Return what a run holds for a service: it, by each name that its LoadMaster is known by.

    By what the appliance says that it is, runs that reach it by another address are held off.
    By its address, those whose user may not read that, and those of earlier versions.

    Args:
        appliance: as ``read_appliance`` says.
    """
    names = [_address(spec.loadmasters[loadmaster].url)]
    if appliance is not None:
        names.append(f"the {appliance}")
    return tuple(f"service {service} of {one}" for one in names)


def _address(url: str) -> str:
    """Return the one spelling of a LoadMaster's address; another name of it stays another one."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"https://{(parts.hostname or url).rstrip('.')}{port}"
