"""Which hosts a verb is about, and the ways to them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from cli.exit_codes import ExitCode, Failure
from cli.host_text import plan_text
from cli.session import Session

if TYPE_CHECKING:
    from orchestrator.fleet import Assignment, HostReport
    from orchestrator.rollout.adapters import Adapters
    from orchestrator.spec import Spec


class Work:
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
def work_on(
    session: Session,
    *,
    names: tuple[str, ...],
    file: str | None,
    everything: bool,
    groups: tuple[str, ...],
    width: int,
    adopt: bool = False,
    mend: tuple[str, ...] = (),
    revert_after_s: int | None = None,
) -> Iterator[Work]:
    """Choose the hosts by what was typed, and open the ways to them while the context lasts.

    Raises:
        Failure: there is no such host or group.
        OrchestratorError: the inventory is not one, or a host is in no pool.
    """
    from orchestrator.fleet import assignment
    from orchestrator.inventory import load_spec

    place = file or session.environ.get("KEMP_INVENTORY")
    if not place:
        raise click.UsageError("name the inventory: -f FILE, or KEMP_INVENTORY")
    spec = load_spec(place)
    chosen = _chosen(spec, names, everything=everything, groups=groups)
    assignments = {name: assignment(spec, name, adopt=adopt, mend=mend) for name in chosen}
    with ExitStack() as stack:
        adapters = stack.enter_context(
            session.adapters.rollout(spec, session, revert_after_s=revert_after_s)
        )
        yield Work(spec, assignments, width, adapters)


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


def to_change(reports: "Mapping[str, HostReport]") -> list[str]:
    """Return the names of those with something to change."""
    return [name for name, one in reports.items() if one.changes]


def confirm_plan(
    session: Session, reports: "Mapping[str, HostReport]", work: Work, *, diff: bool, yes: bool
) -> None:
    """Show the plan on stderr, and have the number of hosts typed."""
    text = plan_text(reports, work.assignments, colour=session.colour, diff=diff)
    session.say(text if session.colour else click.unstyle(text))
    count = len(to_change(reports))
    session.confirm(f"{count} hosts are going to be changed.", str(count), yes=yes)


@contextmanager
def nobody_else(session: Session, work: Work) -> Iterator[None]:
    """Refuse while a rollout holds one of the hosts."""
    from orchestrator.rollout.store import Store

    with Store(session.store_place) as store:
        store.locks.check(
            [f"host {one.host.address}" for one in work.assignments.values()],
            now_s=session.adapters.clock().time_s(),
        )
        yield
