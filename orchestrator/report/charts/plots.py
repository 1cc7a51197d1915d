"""Charts as positions of lines and texts, pure; templates/charts.html draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.report.charts.axes import Point, Scale, Tick, fenced, path, scale_over
from searchctl.orchestrator.report.charts.cutting import beyond, pieces

SERIES = 6
"""Number of distinguishable line colours; the stylesheet defines them."""


@dataclass(frozen=True)
class Frame:
    """The size of a chart and its axes."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_title: str
    y_title: str


@dataclass(frozen=True)
class Line:
    """A line of numbers over numbers."""

    label: str
    points: Sequence[Point]
    colour: int
    """Index of the colour, below SERIES."""
    dashed: bool = False
    strength: float = 1.0
    """Opacity; it distinguishes lines of one colour."""
    marked: Point | None = None


@dataclass(frozen=True)
class DrawnLine:
    """A line as an SVG path."""

    label: str
    path: str
    colour: int
    dashed: bool
    strength: float
    marked: Point | None
    """The marked point; None too if it is beyond the axis."""
    beyond: list["Beyond"]
    """Its points beyond the axis."""


@dataclass(frozen=True)
class Beyond:
    """A point of a line that is beyond the axis, drawn as a triangle at its end."""

    at: Point
    above: bool
    title: str


@dataclass(frozen=True)
class LineChart:
    """Lines on common axes."""

    frame: Frame
    lines: list[DrawnLine]


@dataclass(frozen=True)
class Dot:
    """A trial in a scatter chart."""

    trial: int
    at: Point
    on_front: bool
    title: str


@dataclass(frozen=True)
class ScatterChart:
    """Trials by cost and score, and the steps of the front."""

    frame: Frame
    dots: list[Dot]
    front: str


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Histogram:
    """Bars on common axes."""

    frame: Frame
    bars: list[Bar]


def line_chart(
    lines: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    higher_is_better: bool,
    room_for: Sequence[float] = (),
    width: int = 370,
    height: int = 225,
) -> LineChart | None:
    """Return lines on common axes; None if there is no point.

    The vertical axis covers the numbers `room_for` too. A line is cut where it leaves the axis.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return None
    left, right, top, bottom = 46.0, width - 10.0, 24.0, height - 34.0
    across = scale_over((x for x, _ in points), left, right, margin=0.02)
    values = [y for _, y in points]
    low, high = fenced(values, higher_is_better=higher_is_better)
    up = scale_over((low, high, *room_for), bottom, top)
    drawn = [_drawn(line, across, up) for line in lines if line.points]
    ticks = across.whole_ticks(), up.ticks()
    return LineChart(
        Frame(width, height, left, right, top, bottom, *ticks, x_title, y_title), drawn
    )


def _drawn(line: Line, across: Scale, up: Scale) -> DrawnLine:
    def placed(point: Point) -> Point:
        return across(point[0]), up(point[1])

    outside = beyond(line.points, up.low, up.high)
    parts = pieces(line.points, up.low, up.high)
    return DrawnLine(
        line.label,
        "".join(path(map(placed, part)) for part in parts),
        line.colour % SERIES,
        line.dashed,
        line.strength,
        placed(line.marked) if line.marked and line.marked not in outside else None,
        [
            Beyond(placed(point), point[1] > up.high, f"{line.label}, {point[0]:g}: {point[1]:.4g}")
            for point in outside
        ],
    )


@dataclass(frozen=True)
class Spot:
    """A trial to be drawn in a scatter chart."""

    trial: int
    cost: float
    score: float
    on_front: bool
    title: str


def scatter_chart(
    spots: Sequence[Spot],
    *,
    x_title: str,
    y_title: str,
    higher_is_better: bool,
    width: int = 370,
    height: int = 225,
) -> ScatterChart | None:
    """Return trials by cost (log scale) and score, better is up; None without trials."""
    spots = [spot for spot in spots if spot.cost > 0]
    if not spots:
        return None
    left, right, top, bottom = 46.0, width - 16.0, 24.0, height - 34.0
    across = scale_over((spot.cost for spot in spots), left, right, log=True)
    up = score_scale([spot.score for spot in spots], top, bottom, higher_is_better)
    dots = [
        Dot(spot.trial, (across(spot.cost), up(spot.score)), spot.on_front, spot.title)
        for spot in sorted(spots, key=lambda spot: spot.on_front)
    ]
    front = sorted(dot.at for dot in dots if dot.on_front)
    return ScatterChart(
        Frame(
            width, height, left, right, top, bottom, across.ticks(4), up.ticks(), x_title, y_title
        ),
        dots,
        path(front) if len(front) > 1 else "",
    )


def score_scale(
    scores: Sequence[float], top: float, bottom: float, higher_is_better: bool
) -> Scale:
    """Return a scale on which the better score is higher up."""
    low, high = fenced(scores, higher_is_better=higher_is_better)
    return scale_over((low, high), *((bottom, top) if higher_is_better else (top, bottom)))


def histogram(
    bins: Sequence[int],
    upper: float,
    *,
    x_title: str,
    y_title: str,
    width: int = 370,
    height: int = 200,
) -> Histogram:
    """Return a histogram of counts in equal bins of shares from 0 to `upper`."""
    left, right, top, bottom = 46.0, width - 16.0, 24.0, height - 34.0
    across = Scale(0.0, upper, left, right)
    up = Scale(0.0, max([*bins, 1]), bottom, top)
    step = upper / len(bins)
    bars = [
        Bar(
            across(place * step) + 0.5,
            up(count),
            across((place + 1) * step) - across(place * step) - 1,
            round(bottom - up(count), 1),
            f"{place * step:.1%} to {(place + 1) * step:.1%} of the pixels: "
            f"{counted(count, 'image')}",
        )
        for place, count in enumerate(bins)
        if count
    ]
    digits = 1 if upper < 0.1 else 0
    x_ticks = [Tick(across(upper * n / 5), f"{upper * n / 5:.{digits}%}") for n in range(6)]
    ticks = x_ticks, up.whole_ticks(4)
    frame = Frame(width, height, left, right, top, bottom, *ticks, x_title, y_title)
    return Histogram(frame, bars)
