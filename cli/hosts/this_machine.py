"""The machine that ``kemp`` runs on, as a server: without an inventory, and at its boot."""

from typing import TYPE_CHECKING

import click

from cli.command import Command
from cli.hosts.options import local_options
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk import VsRef
    from orchestrator.fleet import Fleet


@click.command(cls=Command)
@local_options
@click.option(
    "--before",
    multiple=True,
    metavar="UNIT",
    default=("httpd.service", "nginx.service", "haproxy.service"),
    show_default=True,
    help="The service that must not start earlier.",
)
@pass_session
def unit(
    session: Session,
    /,
    services: tuple[str, ...],
    method: str,
    interface: str | None,
    address: str | None,
    before: tuple[str, ...],
) -> None:
    """Print a systemd unit that makes this machine right at boot, before it serves.

    Put it in /etc/systemd/system/kemp-host.service, then: systemctl enable kemp-host
    """
    import sys
    from pathlib import Path

    from orchestrator.hosts.local import local_host
    from orchestrator.hosts.local import unit as unit_text

    refs = _services(services)
    host = local_host(session.adapters.here(), interface=interface, address=address)
    argv = [str(Path(sys.argv[0]).absolute()), "host", "ensure", "--local", "--method", method]
    argv += ["--interface", host.interface, "--address", host.address]
    for ref in refs:
        argv += ["--service", str(ref)]
    click.echo(unit_text(argv, interface=host.interface, before=before), nl=False)


def fleet_of_this_machine(
    session: Session,
    services: tuple[str, ...],
    method: str,
    *,
    interface: str | None,
    address: str | None,
    adopt: bool,
    mend: tuple[str, ...],
) -> "Fleet":
    """Return this very machine, as the only host of a fleet."""
    from orchestrator.fleet import Assignment, Fleet
    from orchestrator.hosts.carrying import Part
    from orchestrator.hosts.local import local_host
    from orchestrator.hosts.methods.method import Wanted
    from orchestrator.hosts.methods.registry import METHODS

    refs = _services(services)
    known = {str(name): name for name in METHODS}
    if method not in known:
        raise click.UsageError(f"there is no method {method}; there are {', '.join(known)}")
    driver = session.adapters.here()
    host = local_host(driver, interface=interface, address=address)
    wanted = Wanted(host=host, services=refs, adopt=adopt, mend=frozenset(mend))
    part = Part(method=known[method], wanted=wanted)
    return Fleet([Assignment(host=host, parts=(part,))], lambda _host: driver)


def _services(texts: tuple[str, ...]) -> "tuple[VsRef, ...]":
    from kempsdk import VsRef

    if not texts:
        raise click.UsageError("which service? --service tcp/203.0.113.250:80")
    return tuple(VsRef.parse(one) for one in texts)
