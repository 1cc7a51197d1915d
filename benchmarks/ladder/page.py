"""Writes the tables and pictures of docs/evidence.md from the analysis.

    python -m benchmarks.ladder.page    # results/ladder.json -> docs/evidence.md, docs/pictures

A table stands between `<!-- NAME -->` and `<!-- end -->`; the text around it is written by hand.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import log2
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS

from .pictures import agreement_picture, differences_picture

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"
PICTURES = ROOT / "docs" / "pictures"
ANALYSIS = RESULTS / "ladder.json"
_BLOCK = re.compile(r"(<!-- (\w+) (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Found = Mapping[str, Any]


def main() -> None:
    """Write the page's tables and its pictures."""
    found = json.loads(ANALYSIS.read_text())
    PAGE.write_text(filled(PAGE.read_text(), found))
    for name, picture in pictures(found).items():
        (PICTURES / name).write_text(picture)


def pictures(found: Found) -> dict[str, str]:
    """Return the page's pictures by their file names."""
    return {
        f"evidence-{kind}-{table}.svg": draw(found[table])
        for table in ("fcn", "unet")
        for kind, draw in (("differences", differences_picture), ("agreement", agreement_picture))
    }


def filled(page: str, found: Found) -> str:
    """Return the page with the tables of an analysis."""

    def block(match: re.Match[str]) -> str:
        start, kind, table, end = match.groups()
        return start + "\n".join(_KINDS[kind](found[table])) + "\n" + end

    return _BLOCK.sub(block, page)


def _strategies(found: Found) -> Iterator[str]:
    yield "| strategy | cost, share of the grid's | regret | less the ladder's | recombined |"
    yield "|---|---|---|---|---|"
    for name, row in found["strategies"].items():
        numbers = [row["regret"], row["difference"]]
        mixed = row.get("recombined")
        cells = [points(each) for each in numbers]
        cells.append(points(mixed["difference"]) if mixed else "-")
        if name == "ladder":
            cells[1:] = ["", f"(regret {points(mixed['regret'])})"]
        yield f"| {name} | {row['cost']:.2f} | " + " | ".join(cells) + " |"


def _agreement(found: Found) -> Iterator[str]:
    agreement = found["agreement"]
    full = found["about"]["images"][-1]
    yield "| images | share | steps | median mIoU | rank correlation | last two | mean over seeds |"
    yield "|---|---|---|---|---|---|---|"
    for images, row in agreement["images"].items():
        below = int(images) < full
        cells = [
            images,
            f"1/{_power(full / int(images))}" if below else "all, another seed",
            agreement["steps"][images],
            agreement["median"][images],
            _plain(row),
            _plain(agreement["last_two"][images]),
            f"{agreement['means'][images]:.2f}" if below else "-",
        ]
        yield f"| {' | '.join(map(str, cells))} |"


def _prefixes(found: Found) -> Iterator[str]:
    epochs = found["about"]["epochs"]
    yield "| epochs of the full training | share | rank correlation |"
    yield "|---|---|---|"
    for count, row in found["agreement"]["epochs"].items():
        yield f"| {count} | 1/{epochs // int(count)} | {_plain(row)} |"


def _survival(found: Found) -> Iterator[str]:
    survival = found["survival"]
    yield "| after the cut at | trials left | the best one is left | of the best three |"
    yield "|---|---|---|---|"
    rungs = survival["rungs"]
    rows = zip(rungs, rungs[1:], survival["best_1"], survival["best_3"], strict=False)
    for (_, images), (left, _), one, three in rows:
        yield f"| {images} images | {left} | {one['mean']:.0%} | {three['mean']:.0%} |"


def _validation(found: Found) -> Iterator[str]:
    validation, strategies = found["validation"], found["strategies"]
    every, last = validation["share"]["every"], validation["share"]["last_two"]
    same = [f"{each['mean']:.0%}" for each in validation["same_survivors"]]
    row = strategies["ladder, last two validations"]
    yield "| | every epoch | last two epochs below the last rung |"
    yield "|---|---|---|"
    yield f"| validation's share of the ladder's cost | {every:.0%} | {last:.0%} |"
    yield f"| cost | 1 | {1 - validation['saved']:.2f} |"
    yield f"| trials that both keep, by cut | | {', '.join(same[:-1])} |"
    yield f"| the same winner | | {same[-1]} of the seeds |"
    yield f"| regret less that of every epoch | | {points(row['difference'])} |"
    mixed = points(row["recombined"]["difference"])
    yield f"| the same, recombined | | {mixed} |"


def _spread(found: Found) -> Iterator[str]:
    spread, about = found["spread"], found["about"]
    yield "| jobs | seeds | best trial's mean | median trial | sd between trials | between seeds |"
    yield "|---|---|---|---|---|---|"
    sds = (100 * spread[name] for name in ("between_trials", "between_seeds"))
    cells = [about["jobs"], len(about["seeds"]), spread["best"], spread["median"]]
    yield "| " + " | ".join([*map(str, cells), *(f"{each:.1f}" for each in sds)]) + " |"


def _power(ratio: float) -> int:
    """Return the nearest power of two: a rung's images are rounded up."""
    return 1 << round(log2(ratio))


def points(estimate: Found) -> str:
    """Return a difference in hundredths of mIoU, with its standard error."""
    return f"{100 * estimate['mean']:+.2f} ± {100 * (estimate['error'] or 0):.2f}"


def _plain(estimate: Found) -> str:
    return f"{estimate['mean']:.2f} ± {estimate['error'] or 0:.2f}"


_KINDS: dict[str, Callable[[Found], Iterator[str]]] = {
    "strategies": _strategies,
    "agreement": _agreement,
    "prefixes": _prefixes,
    "survival": _survival,
    "validation": _validation,
    "spread": _spread,
}

if __name__ == "__main__":
    main()
