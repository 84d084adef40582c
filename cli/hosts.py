"""``kemp host``: the real servers' own network state, read, planned, changed and given back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from cli.command import group
from cli.exit_codes import ExitCode, Failure
from cli.host_text import plan_text, report_text
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from kempsdk import VsRef
    from orchestrator.fleet import Assignment, Fleet, HostReport
    from orchestrator.rollout.adapters import Adapters
    from orchestrator.spec import Spec


@group("The servers behind a LoadMaster: their addresses, ARP, routes and files.")
def command() -> None:
    """Hold the verbs."""


def _which(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the ways to say which hosts it is about."""
    options = (
        click.argument("names", metavar="[HOST]...", nargs=-1),
        click.option(
            "-f",
            "--file",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Inventory or rollout file [KEMP_INVENTORY].",
        ),
        click.option("--all", "everything", is_flag=True, help="Every host that is in a pool."),
        click.option(
            "--group",
            "groups",
            multiple=True,
            metavar="POOL|LABEL=VALUE",
            help="The hosts of a pool, or those in pools that have a label of the inventory.",
        ),
        click.option(
            "--width",
            type=click.IntRange(1, 256),
            default=16,
            show_default=True,
            help="Hosts at the same time.",
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def _local_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the ways to say what this machine is to carry."""
    options = (
        click.option(
            "--service",
            "services",
            multiple=True,
            metavar="PROTOCOL/VIP:PORT",
            help="What this machine is to carry, such as tcp/203.0.113.250:80.",
        ),
        click.option("--method", default="loopback", show_default=True),
        click.option("--interface", metavar="NAME", help="The default route's, unless named."),
        click.option("--address", metavar="ADDRESS", help="The interface's first, unless named."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


_adopt = click.option(
    "--adopt", is_flag=True, help="Take over files and settings that somebody else made."
)
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_keep_going = click.option(
    "--keep-going", is_flag=True, help="Begin further hosts after one has failed."
)
_revert_after = click.option(
    "--revert-after",
    "revert_after_s",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="When a host takes back by itself what could have cut us off and was not confirmed "
    "over a new connection. Over ssh only.",
)
_diff = click.option(
    "--diff/--no-diff", default=True, show_default=True, help="Show files before and after."
)


class _Work:
    """Which hosts, and the ways to them."""

    def __init__(
        self,
        spec: "Spec",
        assignments: "Mapping[str, Assignment]",
        width: int,
        adapters: "Adapters",
    ) -> None:
        from orchestrator.fleet import Fleet

        self.spec = spec
        self.assignments = assignments
        self.adapters = adapters
        self.fleet = Fleet(list(assignments.values()), adapters.driver, width=width)


@contextmanager
def _work(
    session: Session,
    *,
    names: tuple[str, ...],
    file: str | None,
    everything: bool,
    groups: tuple[str, ...],
    width: int,
    adopt: bool = False,
    revert_after_s: int = 60,
) -> Iterator[_Work]:
    from orchestrator.fleet import assignment
    from orchestrator.inventory import load_spec

    place = file or session.environ.get("KEMP_INVENTORY")
    if not place:
        raise click.UsageError("name the inventory: -f FILE, or KEMP_INVENTORY")
    spec = load_spec(place)
    chosen = _chosen(spec, names, everything=everything, groups=groups)
    assignments = {name: assignment(spec, name, adopt=adopt) for name in chosen}
    with ExitStack() as stack:
        adapters = stack.enter_context(
            session.adapters.rollout(spec, session, revert_after_s=revert_after_s)
        )
        yield _Work(spec, assignments, width, adapters)


def _chosen(
    spec: "Spec", names: tuple[str, ...], *, everything: bool, groups: tuple[str, ...]
) -> list[str]:
    from orchestrator.targets import groups as known_groups

    known = known_groups(spec)
    chosen = list(names)
    for name in names:
        if name not in spec.hosts:
            raise Failure(
                f"there is no host {name}; there are {', '.join(spec.hosts)}", ExitCode.NOT_FOUND
            )
    for one in groups:
        if one not in known:
            raise Failure(
                f"there is no group {one}; there are {', '.join(known)}", ExitCode.NOT_FOUND
            )
        chosen += known[one]
    if everything:
        chosen += [name for pool in spec.pools.values() for name in pool.hosts]
    if not chosen:
        raise click.UsageError("which hosts? Name them, or give --group or --all")
    return list(dict.fromkeys(chosen))


def _record(reports: "Mapping[str, HostReport]") -> dict[str, Any]:
    """Return the reports as data: stable names, changes in words and as they are."""
    from cli.render import plain
    from orchestrator.hosts.changes import describe

    return {
        "hosts": [
            {
                **dict(plain(one)),  # type: ignore[call-overload] # a record becomes a mapping
                "changes": [
                    {
                        "kind": type(change).__name__,
                        "text": describe(change),
                        **dict(plain(change)),  # type: ignore[call-overload] # as above
                    }
                    for change in one.changes
                ],
            }
            for one in reports.values()
        ]
    }


def _ended(reports: "Mapping[str, HostReport]") -> ExitCode:
    from orchestrator.fleet import Outcome

    outcomes = {one.outcome for one in reports.values()}
    if outcomes <= {Outcome.UNREACHABLE}:
        return ExitCode.UNREACHABLE
    if outcomes & {Outcome.FAILED, Outcome.UNREACHABLE, Outcome.NOT_ATTEMPTED}:
        return ExitCode.PARTIAL
    return ExitCode.FINDINGS if Outcome.WRONG in outcomes else ExitCode.OK


@command.command()
@_which
@pass_session
def facts(session: Session, /, **which: Any) -> ExitCode:
    """Show what is true on the hosts; with --output json all of it, to be replayed in tests."""
    import json

    from orchestrator.fleet import HostReport
    from orchestrator.hosts.recorded import facts_to_json
    from orchestrator.hosts.sections import Section

    with _work(session, **which) as work:
        found = work.fleet.facts(Section)
    unread = {name: one for name, one in found.items() if isinstance(one, HostReport)}
    states = {name: one for name, one in found.items() if not isinstance(one, HostReport)}

    def text() -> str:
        from cli.host_facts import facts_text

        blocks = [
            facts_text(work.assignments[name].host, one, colour=session.colour)
            for name, one in states.items()
        ]
        if unread:
            blocks.append(report_text(unread, colour=session.colour))
        return "\n\n".join(blocks)

    record = {
        **{name: json.loads(facts_to_json(one)) for name, one in states.items()},
        **{name: {"unreachable": one.reason} for name, one in unread.items()},
    }
    # One host alone is the file that a recorded host is made of.
    whole = next(iter(record.values())) if len(record) == 1 else record
    session.show(whole, details=text, name="\n".join(states))
    return _ended(unread) if unread else ExitCode.OK


@command.command()
@_which
@_adopt
@_diff
@pass_session
def plan(session: Session, /, diff: bool, **which: Any) -> ExitCode:
    """Show what would be changed on the hosts. Changes nothing; exit code 20: nothing to do."""
    with _work(session, **which) as work:
        reports = work.fleet.plan()
    _show_plan(session, reports, work, diff=diff)
    code = _ended(reports)
    if code is ExitCode.OK and not any(one.changes for one in reports.values()):
        return ExitCode.NOTHING_TO_DO
    return code


def _show_plan(
    session: Session, reports: "Mapping[str, HostReport]", work: _Work, *, diff: bool
) -> None:
    session.show(
        _record(reports),
        details=lambda: plan_text(reports, work.assignments, colour=session.colour, diff=diff),
        name="\n".join(name for name, one in reports.items() if one.changes),
    )


def _show(session: Session, reports: "Mapping[str, HostReport]") -> ExitCode:
    session.show(
        _record(reports),
        details=lambda: report_text(reports, colour=session.colour),
        name="\n".join(reports),
    )
    return _ended(reports)


@command.command()
@_which
@pass_session
def verify(session: Session, /, **which: Any) -> ExitCode:
    """Say whether the hosts are as they must be, now and after a boot. Changes nothing."""
    with _work(session, **which) as work:
        reports = work.fleet.verify()
    return _show(session, reports)


@command.command()
@_which
@_adopt
@_diff
@_revert_after
@_keep_going
@_yes
@pass_session
def apply(session: Session, /, diff: bool, keep_going: bool, yes: bool, **which: Any) -> ExitCode:
    """Make the hosts as they must be: shows the plan, asks, changes, verifies.

    The LoadMaster is not touched: a server that is not enabled there gets no traffic.
    """
    with _work(session, **which) as work:
        reports = work.fleet.plan()
        if not _to_change(reports):
            return _show(session, reports)
        _confirm_plan(session, reports, work, diff=diff, yes=yes)
        with _nobody_else(session, work):
            done = work.fleet.apply(reports, keep_going=keep_going)
    return _show(session, done)


@command.command()
@_which
@_diff
@_revert_after
@_keep_going
@click.option(
    "--force",
    multiple=True,
    metavar="HOST",
    help="Give this host back though a LoadMaster still sends it traffic.",
)
@_yes
@pass_session
def revert(
    session: Session,
    /,
    diff: bool,
    keep_going: bool,
    force: tuple[str, ...],
    yes: bool,
    **which: Any,
) -> ExitCode:
    """Give the hosts back as they were found, where nobody else has changed them since."""
    from orchestrator.fleet import refuse_enabled

    with _work(session, **which) as work:
        reports = work.fleet.plan_revert()
        changing = _to_change(reports)
        if not changing:
            return _show(session, reports)
        refuse_enabled(
            work.spec, [one for one in changing if one not in force], work.adapters.loadmaster
        )
        _confirm_plan(session, reports, work, diff=diff, yes=yes)
        with _nobody_else(session, work):
            done = work.fleet.revert(reports, keep_going=keep_going)
    return _show(session, done)


@command.command()
@_which
@_adopt
@_revert_after
@_keep_going
@click.option("--local", is_flag=True, help="This very machine; no inventory is needed.")
@_local_options
@pass_session
def ensure(
    session: Session,
    /,
    keep_going: bool,
    local: bool,
    services: tuple[str, ...],
    method: str,
    interface: str | None,
    address: str | None,
    **which: Any,
) -> ExitCode:
    """Make hosts as they must be, without asking; one that is right is left as it is.

    For automation: run it as often as you like. With --local on the server itself, from
    cloud-init, an image or the unit of "kemp host unit".
    """
    if not local:
        if services:
            raise click.UsageError("--service goes with --local")
        with _work(session, **which) as work:
            reports = work.fleet.plan()
            with _nobody_else(session, work):
                done = work.fleet.apply(reports, keep_going=keep_going)
        return _show(session, done)
    if which["names"] or which["file"] or which["everything"] or which["groups"]:
        raise click.UsageError("--local is this machine: name no other host")
    fleet = _local_fleet(
        session, services, method, interface=interface, address=address, adopt=which["adopt"]
    )
    return _show(session, fleet.apply(fleet.plan()))


@command.command()
@_local_options
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


def _local_fleet(
    session: Session,
    services: tuple[str, ...],
    method: str,
    *,
    interface: str | None,
    address: str | None,
    adopt: bool,
) -> "Fleet":
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
    wanted = Wanted(host=host, services=refs, adopt=adopt)
    part = Part(method=known[method], wanted=wanted)
    return Fleet([Assignment(host=host, parts=(part,))], lambda _host: driver)


def _services(texts: tuple[str, ...]) -> "tuple[VsRef, ...]":
    from kempsdk import VsRef

    if not texts:
        raise click.UsageError("which service? --service tcp/203.0.113.250:80")
    return tuple(VsRef.parse(one) for one in texts)


@command.command()
@_which
@_adopt
@pass_session
def script(session: Session, /, **which: Any) -> ExitCode:
    """Print the shell commands that do by hand what apply would do, for one host."""
    from orchestrator.hosts.by_hand import script as by_hand

    with _work(session, **which) as work:
        if len(work.assignments) != 1:
            raise click.UsageError("a script is for one host")
        reports = work.fleet.plan()
    ((name, one),) = reports.items()
    if one.reason:
        return _show(session, reports)
    of = work.assignments[name]
    methods = ", ".join(
        f"{part.method} for {' '.join(map(str, part.wanted.services))}" for part in of.parts
    )
    click.echo(by_hand(of.host, one.changes, title=f"{name}: {methods}"), nl=False)
    return ExitCode.OK


def _to_change(reports: "Mapping[str, HostReport]") -> list[str]:
    return [name for name, one in reports.items() if one.changes]


def _confirm_plan(
    session: Session, reports: "Mapping[str, HostReport]", work: _Work, *, diff: bool, yes: bool
) -> None:
    text = plan_text(reports, work.assignments, colour=session.colour, diff=diff)
    session.say(text if session.colour else click.unstyle(text))
    count = len(_to_change(reports))
    session.confirm(f"{count} hosts are going to be changed.", str(count), yes=yes)


@contextmanager
def _nobody_else(session: Session, work: _Work) -> Iterator[None]:
    """Refuse while a rollout holds one of the hosts."""
    from orchestrator.rollout.store import Store

    with Store(session.store_place) as store:
        store.locks.check(
            [f"host {one.host.address}" for one in work.assignments.values()],
            now_s=session.adapters.clock().time_s(),
        )
        yield
