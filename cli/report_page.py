"""A run as one page that a change manager can file: no script, no network, also on paper."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from orchestrator.rollout.history import Bar, Health, History, Point

_WIDTH = 860.0
"""Of the drawn time, in units of the pictures' view boxes."""

_TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
_MOST_TICKS = 9
_PLOT_HEIGHT = 90.0


def report_page(run: "History") -> str:
    """Return the page as HTML."""
    # Only here: a template engine is no part of any other command.
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    from orchestrator.rollout.holders import named

    environment = Environment(
        loader=PackageLoader("cli", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scale = _Scale(run.seconds)
    return environment.get_template("report.html").render(
        run=run,
        report=run.report,
        scale=scale,
        width=_WIDTH,
        ticks=tuple(scale.ticks()),
        rectangle=scale.rectangle,
        connection_plots=[
            (name, _plot(scale, points, top=_top(points)))
            for name, points in run.connections.items()
        ],
        health_plots=[(one, _health_plot(scale, one)) for one in run.health],
        named=named,
        when=_when,
        span=_span,
    )


class Rectangle(NamedTuple):
    """Where a bar is drawn."""

    x: float
    width: float


class Plot(NamedTuple):
    """A line over time: what is to be drawn, and what is to be written beside it.

    Attributes:
        lines: one for each stretch without a gap, as points of an SVG polyline.
        top: the count at the upper edge.
        floor_y: where a limit is drawn; None without one.
    """

    lines: tuple[str, ...]
    top: float
    height: float
    floor_y: float | None = None


class _Scale:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def x(self, at_s: float) -> float:
        return round(min(max(at_s, 0.0), self.seconds) / self.seconds * _WIDTH, 1)

    def rectangle(self, bar: "Bar") -> Rectangle:
        # A step of a millisecond is still to be seen.
        return Rectangle(
            x=self.x(bar.from_s), width=max(self.x(bar.to_s) - self.x(bar.from_s), 2.0)
        )

    def ticks(self) -> Iterator[tuple[float, str]]:
        step = next(
            (one for one in _TICK_STEPS_S if self.seconds / one <= _MOST_TICKS),
            self.seconds / _MOST_TICKS,
        )
        at_s = 0.0
        while at_s <= self.seconds:
            yield self.x(at_s), _span(at_s)
            at_s += step


def _top(points: "Sequence[Point]", *others: float) -> float:
    return max([1.0, *others, *(one.value for one in points if one.value is not None)])


def _plot(scale: _Scale, points: "Sequence[Point]", *, top: float) -> Plot:
    lines: list[list[str]] = [[]]
    for one in points:
        if one.value is None:
            lines.append([])
        else:
            y = _PLOT_HEIGHT * (1 - one.value / top)
            lines[-1].append(f"{scale.x(one.at_s)},{y:.1f}")
    # A count between two that could not be read is a dot: a line needs two ends.
    drawn = tuple(" ".join(one * 2 if len(one) == 1 else one) for one in lines if one)
    return Plot(lines=drawn, top=top, height=_PLOT_HEIGHT)


def _health_plot(scale: _Scale, health: "Health") -> Plot:
    top = _top(health.points, health.floor)
    plot = _plot(scale, _as_steps(health.points, until_s=scale.seconds), top=top)
    return plot._replace(floor_y=round(_PLOT_HEIGHT * (1 - health.floor / top), 1))


def _as_steps(points: "Sequence[Point]", *, until_s: float) -> "list[Point]":
    """Return the points with a corner at each change: a count holds until the next one.

    The last one holds until the end, such as where a server stays out of a run that paused.
    """
    from orchestrator.rollout.history import Point

    drawn: list[Point] = []
    for one in points:
        if drawn:
            drawn.append(Point(at_s=one.at_s, value=drawn[-1].value))
        drawn.append(one)
    return [*drawn, Point(at_s=until_s, value=drawn[-1].value)]


def _when(at_s: float | None) -> str:
    if at_s is None:
        return "not yet"
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(at_s))


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s" if seconds == int(seconds) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"
