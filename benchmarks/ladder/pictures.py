"""The pictures of docs/evidence.md, as SVG."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from searchctl.orchestrator.report.charts.axes import Scale, path, scale_over

WIDTH, ROW, TOP, BOTTOM = 760, 22, 30, 40
_STYLE = (
    "<style>text{font:12px sans-serif;fill:#57606a}.name{fill:#24292f}.grid{stroke:#d0d7de}"
    ".zero{stroke:#57606a}.a{stroke:#0969da;fill:#0969da}.b{stroke:#bc4c00;fill:#bc4c00}"
    ".line{fill:none;stroke-width:2}</style>"
)
Found = Mapping[str, Any]


def differences_picture(found: Found) -> str:
    """Draw each strategy's regret less the ladder's, with two standard errors, best first."""
    rows = []
    for name, row in found["strategies"].items():
        each = row.get("recombined", row)["difference"]
        if name != "ladder":
            rows.append((name, row["cost"], 100 * each["mean"], 200 * (each["error"] or 0)))
    rows.sort(key=lambda row: row[2])
    height = TOP + ROW * len(rows) + BOTTOM
    ends = [mean + side * two for _, _, mean, two in rows for side in (-1, 1)]
    across = scale_over([*ends, 0.0], 330, WIDTH - 20)
    bottom = height - BOTTOM
    parts = [*_columns(across, bottom), _line("zero", across(0), TOP, across(0), bottom)]
    for place, (name, cost, mean, two) in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        parts += [
            _text(8, y + 4, name, "name"),
            _text(320, y + 4, f"{cost:.2f}", anchor="end"),
            _line("a", across(mean - two), y, across(mean + two), y),
            f'<circle class="a" cx="{across(mean):g}" cy="{y:g}" r="4"/>',
        ]
    title = "mIoU points of regret more than the ladder (left is better), ± 2 standard errors"
    parts += [_text(WIDTH - 20, height - 6, title, anchor="end")]
    parts += [_text(8, 16, "strategy"), _text(320, 16, "cost / grid", anchor="end")]
    return _svg(height, parts, title)


def agreement_picture(found: Found) -> str:
    """Draw the rank correlation with the full scores over the share of the full training."""
    height, full, epochs = 300, found["about"]["images"][-1], found["about"]["epochs"]
    agreement = found["agreement"]
    shares = {int(n) / full: row for n, row in agreement["images"].items()}
    prefixes = {int(n) / epochs: row for n, row in agreement["epochs"].items()}
    prefixes[1.0] = agreement["images"][str(full)]
    across = Scale(1 / 18, 1.08, 60, WIDTH - 230, log=True)
    ends = [
        row["mean"] + side * (row["error"] or 0)
        for row in [*shares.values(), *prefixes.values()]
        for side in (-1, 1)
    ]
    up = scale_over(ends, height - BOTTOM, TOP)
    parts = [_line("grid", 60, t.at, WIDTH - 230, t.at) for t in up.ticks()]
    parts += [_text(52, t.at + 4, t.text, anchor="end") for t in up.ticks()]
    parts += [
        _text(across(1 / d), height - BOTTOM + 18, f"1/{d}" if d > 1 else "1", anchor="middle")
        for d in (16, 8, 4, 2, 1)
    ]
    parts += _series("a", shares, across, up) + _series("b", prefixes, across, up)
    for place, (kind, name) in enumerate(
        [("a", "a share of the images"), ("b", "the first epochs on all images")]
    ):
        y = TOP + 20 + 20 * place
        parts += [_line(f"{kind} line", WIDTH - 215, y, WIDTH - 195, y)]
        parts += [_text(WIDTH - 190, y + 4, name, "name")]
    title = "Rank correlation with the scores on all images, by other seeds (± 1 standard error)"
    parts += [_text(8, 16, title), _text(WIDTH - 230, height - 6, "share", anchor="end")]
    return _svg(height, parts, title)


def _series(kind: str, rows: Mapping[float, Found], across: Scale, up: Scale) -> list[str]:
    drawn = path((across(share), up(row["mean"])) for share, row in rows.items())
    parts = [f'<path class="{kind} line" d="{drawn}"/>']
    for share, row in rows.items():
        x, error = across(share), row["error"] or 0
        parts.append(_line(kind, x, up(row["mean"] - error), x, up(row["mean"] + error)))
        parts.append(f'<circle class="{kind}" cx="{x:g}" cy="{up(row["mean"]):g}" r="3.5"/>')
    return parts


def _columns(across: Scale, bottom: float) -> Iterable[str]:
    for tick in across.ticks(7):
        yield _line("grid", tick.at, TOP, tick.at, bottom)
        yield _text(tick.at, bottom + 16, tick.text, anchor="middle")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: int, parts: Iterable[str], title: str) -> str:
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([start, f"<title>{escape(title)}</title>", _STYLE, ground, *parts, "</svg>\n"])
