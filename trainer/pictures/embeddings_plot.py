"""Draws the embeddings of the validation images at several epochs, by PCA and t-SNE."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
"""[images, components]; [images, 2] on the plane of the picture."""

PERPLEXITY = 30
MOST_NAMED = 60
_MARKERS = "os^DvPX*"
_HUES = 10
"""Colours of matplotlib's tab10, which most colour-blind people can distinguish. After ten classes
the next marker is used."""
_NAME = 24


def draw(
    features: Mapping[int, Points], classes: npt.NDArray[np.int64], names: Sequence[str]
) -> bytes:
    """Draw a column for each epoch: PCA above, t-SNE below, each class in its colour.

    Args:
        features: principal components of the embeddings, the largest first, by epoch.
        classes: [images] class ids.
        names: class names.

    Returns:
        A PNG file; equal inputs give equal bytes.
    """
    from matplotlib.figure import Figure

    shown = np.unique(classes)
    rows = {"PCA": _first_two, "t-SNE": _by_neighbours}
    figure = Figure(
        figsize=(3.4 * len(features) + _legend_width(len(shown)), 7.0),
        dpi=120,
        layout="constrained",
    )
    axes = figure.subplots(len(rows), len(features), squeeze=False)
    for row, (method, project) in zip(axes, rows.items(), strict=True):
        for axis, (epoch, points) in zip(row, features.items(), strict=True):
            _scatter(axis, project(points), classes, shown)
            axis.set_title(f"{method}, epoch {epoch}", fontsize=10)
    _legend(figure, axes[0][0], [names[each] for each in shown])
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class name may have letters that the font lacks
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _first_two(points: Points) -> Points:
    if points.shape[1] == 1:
        return np.column_stack([points, np.zeros_like(points)])
    return points[:, :2]


def _by_neighbours(points: Points) -> Points:
    """Return the t-SNE of the points.

    It starts from the two largest components, so that the result does not depend on chance. The
    perplexity is lowered for few images.
    """
    from sklearn.manifold import TSNE

    begin = _first_two(points)
    spread = begin[:, 0].std()
    if len(points) < 3 or not spread:  # t-SNE needs three different points
        return begin
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    tsne: Any = TSNE(2, perplexity=perplexity, init=1e-4 * begin / spread, random_state=0)
    placed: Points = tsne.fit_transform(points)
    return placed


def _scatter(
    axis: Any, points: Points, classes: npt.NDArray[np.int64], shown: npt.NDArray[np.int64]
) -> None:
    size = float(np.clip(3000 / len(points), 6, 36))
    for place, class_id in enumerate(shown):
        chosen = points[classes == class_id]
        axis.scatter(chosen[:, 0], chosen[:, 1], s=size, linewidths=0, alpha=0.8, **_style(place))
    axis.margins(0.06)
    axis.set_xticks([])
    axis.set_yticks([])


def _style(place: int) -> dict[str, Any]:
    marker = _MARKERS[place // _HUES % len(_MARKERS)]
    return {"color": f"C{place % _HUES}", "marker": marker}


def _legend(figure: Any, axis: Any, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [*axis.collections[:MOST_NAMED]]
    labels = [
        name if len(name) <= _NAME else f"{name[: _NAME - 1]}…" for name in names[:MOST_NAMED]
    ]
    if len(names) > MOST_NAMED:
        handles.append(Line2D([], [], linestyle="none"))
        labels.append(f"and {len(names) - MOST_NAMED} more")
    figure.legend(
        handles,
        labels,
        loc="outside right upper",
        ncols=_columns(len(names)),
        fontsize=8,
        markerscale=1.3,
        frameon=False,
    )


def _columns(classes: int) -> int:
    return 1 + (min(classes, MOST_NAMED) - 1) // 30


def _legend_width(classes: int) -> float:
    """Return the width of the legend in inches."""
    return 1.8 * _columns(classes)
