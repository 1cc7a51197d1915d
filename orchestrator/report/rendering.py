"""A report as text: one HTML file that needs no network, Markdown, or JSON."""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from searchctl.orchestrator.facts.sweeps import assignments, duration, number, value
from searchctl.orchestrator.facts.text import local_time
from searchctl.orchestrator.report.facts import Report
from searchctl.orchestrator.report.page import page_of
from searchctl.orchestrator.storage.scores import by_accuracy, value_of

Format = Literal["html", "md", "json"]
SPLITS = {
    "train": "train",
    "val_original": "validation, original size",
    "test": "test",
    "test_original": "test, original size",
}
"""Splits shown for a finalist besides its validation score."""


def render(report: Report, how: Format) -> str:
    """Return the report in a format; HTML and Markdown escape the user's names."""
    renderers: dict[Format, Callable[[Report], str]] = {"html": html, "md": markdown, "json": _json}
    return renderers[how](report)


def html(report: Report) -> str:
    """Return the page."""
    return _filled("page.html", report, autoescape=True)


def markdown(report: Report) -> str:
    """Return tables and sentences, without pictures."""
    return re.sub(r"\n{3,}", "\n\n", _filled("report.md", report, autoescape=False)).strip() + "\n"


def _json(report: Report) -> str:
    return json.dumps(report.to_json(), indent=2) + "\n"


def _filled(template: str, report: Report, *, autoescape: bool) -> str:
    of_images = by_accuracy(report.about.score, report.about.task)
    what = "accuracy" if of_images else "mIoU"
    return (
        _environment(autoescape=autoescape)
        .get_template(template)
        .render(
            page=page_of(report),
            measure="overall_accuracy" if of_images else "miou",
            what=what,
            splits=[
                (split, f"{name} {what}")
                for split, name in SPLITS.items()
                if not (of_images and split.endswith("_original"))  # the same at any size
            ],
            cell=_cell,
            value_of=value_of,
            num=_num,
        )
    )


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("searchctl.orchestrator.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "assignments": assignments,
        "cell": _markdown_cell,
        "count": _count,
        "duration": duration,
        "latency": _latency,
        "moment": local_time,
        "number": number,
        "sentence": _sentence,
        "share": _share,
        "value": _value,
    }
    return environment


def _cell(sorted_by: Any, shown: Any = None, *, left: bool = False) -> Markup:
    """Return a table's cell with the value that sorts it."""
    text = sorted_by if shown is None else shown
    side = " class=left" if left else ""
    # Markup.format takes three times as long, and a large report has tens of thousands of cells
    return Markup(f'<td{side} data-v="{escape(sorted_by)}">{escape(text)}</td>')


def _num(score: float | None) -> Markup:
    return _cell("" if score is None else score, number(score))


def _markdown_cell(text: Any) -> str:
    r"""Return a text with table separators and tags escaped.

    >>> _markdown_cell("a|b <c>")
    'a\\|b &lt;c>'
    """
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _sentence(text: str) -> str:
    """Return an error's message as a sentence.

    >>> _sentence("no rung is closed")
    'No rung is closed.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _value(of_param: Any) -> str:
    return value(tuple(of_param) if isinstance(of_param, list) else of_param)


def _count(whole: int | None) -> str:
    return "-" if whole is None else f"{whole:,}"


def _latency(ms: float | None) -> str:
    return "-" if ms is None else f"{ms:.3g}"


def _share(share: float) -> str:
    """Write a share as percent; a small one with two significant digits.

    >>> _share(0.42), _share(0.00123)
    ('42%', '0.12%')
    """
    return f"{share:.0%}" if share >= 0.1 else f"{100 * share:.2g}%"
