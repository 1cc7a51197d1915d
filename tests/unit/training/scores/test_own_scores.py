import numpy as np
import pytest

from searchctl.orchestrator.statistics.paired_bootstrap import GroupBootstrap
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.own import check_own_score, own_score
from tests.images.image_counts import CLASSES, network

MODULE = """
def iou(counts, loss_sums, pixels):
    hits, false_alarms, misses = counts.sum(axis=0).T
    return (hits / (hits + false_alarms + misses)).mean()

def nothing(counts, loss_sums, pixels):
    return None

def empty(counts, loss_sums, pixels):
    return float("nan")

def two(counts, losses):
    return 0.5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that stands beside the sweep file, and can be imported."""
    name = "metrics_of_a_user"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_an_own_score_is_computed_from_the_counts_and_bootstrapped(module):
    own = build_score(f"{module}:iou", "abcd", "max")
    ours, counts = build_score("val_miou", "abcd"), network(0.7)
    bootstrap = GroupBootstrap([str(image) for image in range(12)], draws=40)
    expected, found = (bootstrap.resample(counts, score) for score in (ours, own))
    assert found.score == pytest.approx(expected.score)
    assert found.draws == pytest.approx(expected.draws)
    low = bootstrap.resample(counts, build_score(f"{module}:iou", "abcd", "min"))
    assert np.array_equal(low.draws, -found.draws)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nothing", "returned None, not a number"),
        ("empty", "returned nan for images with hits in each class"),
        ("two", "too many positional arguments; its parameters are counts, losses"),
        ("missing", "has no missing"),
    ],
)
def test_an_own_score_is_tried_before_the_first_job(module, name, problem):
    with pytest.raises(SettingsError, match=problem):
        check_own_score(own_score(f"{module}:{name}", higher_is_better=True), CLASSES)


@pytest.mark.parametrize(
    ("halving", "problem"),
    [
        ("{score: '%s:iou'}", "direction: is missing: is a higher (max) or a lower (min)"),
        ("{score: '%s:two', direction: max}", "must take (counts, loss_sums, pixels), not"),
        ("{score: '%s:missing', direction: max}", "has no 'missing': it defines iou"),
    ],
)
def test_an_own_score_is_checked_from_its_source(module, refused, halving, problem):
    text = f"name: s\ndata: {{dataset: scenes}}\nspace: {{lr: [1]}}\nhalving: {halving % module}"
    found = "\n".join(refused(text))
    assert "sweep.yaml:4 halving." in found
    assert problem in found
