"""Every searched param is drawn against the score, whatever its values are."""

from dataclasses import fields

import pytest

from searchctl.orchestrator.report.charts.params import MOST_DRAWN, param_charts
from searchctl.orchestrator.report.facts import About, Report, RungFacts
from searchctl.orchestrator.report.trial_facts import Step, TrialFacts


def about():
    values = dict.fromkeys(each.name for each in fields(About))
    return About(**{**values, "score": "val_miou", "direction": "maximize"})


def trial(number, params, images=8, score=0.5):
    step = Step(0, images, "COMPLETE", score, 1, "complete", "", 1, 1.0)
    return TrialFacts(number, number + 1, "COMPLETE", params, [step], None, None, None, {}, 1, 0, 0)


def report(trials, log_params=()):
    values = dict.fromkeys(each.name for each in fields(Report))
    rungs = [RungFacts(n, "1", 8 << n, 4, 4, 0, 0, None, None, None) for n in range(2)]
    known = {"about": about(), "ladder": rungs, "trials": trials, "finalists": [0]}
    return Report(**{**values, **known, "log_params": list(log_params)})


def places(chart):
    return [mark.at[0] for mark in chart.marks]


def test_a_param_on_a_log_scale_is_drawn_on_one():
    trials = [trial(n, {"lr": 10.0 ** -(n / 2)}) for n in range(9)]
    chart, evenly = (param_charts(report(trials, log), ["lr"]).slices[0] for log in (["lr"], []))
    steps = {round(a - b) for a, b in zip(places(chart), places(chart)[1:], strict=False)}
    assert len(steps) <= 2
    assert chart.frame.x_title == "log scale"
    assert evenly.frame.x_title == ""
    assert places(evenly)[-1] - places(evenly)[4] == pytest.approx(0, abs=5)


def test_categories_are_strips_beside_each_other():
    trials = [trial(n, {"loss": ("dice", "focal")[n % 2]}) for n in range(40)]
    (chart,) = param_charts(report(trials), ["loss"]).slices
    assert [tick.text for tick in chart.frame.x_ticks] == ["dice", "focal"]
    left, right = places(chart)[::2], places(chart)[1::2]
    assert max(left) < min(right)
    assert len(set(left)) == 20


def test_a_trial_without_a_param_is_a_gap_in_its_line():
    trials = [trial(n, {"a": n, "b": n, "c": n}) for n in range(8)]
    trials.append(trial(8, {"a": 1, "c": 3}))
    charts = param_charts(report(trials), ["a", "b", "c"])
    assert [len(chart.marks) for chart in charts.slices] == [9, 8, 9]
    whole, broken = (way.path.count("M") for way in charts.parallel.ways[-2:])
    assert (whole, broken) == (1, 2)
    assert [axis.title for axis in charts.parallel.axes] == ["a", "b", "c", "mIoU"]


def test_a_colour_tells_the_images_of_the_highest_rung():
    charts = param_charts(report([trial(0, {"a": 1}, 16), trial(1, {"a": 2}, 8)]), ["a"])
    assert [mark.strength for mark in charts.slices[0].marks] == [0, 100]
    assert charts.rungs == [("8 images", 0), ("16 images", 100)]


def test_of_many_trials_the_finalists_and_an_even_sample_are_drawn():
    trials = [trial(n, {"a": n}, score=1 - n / 5000) for n in range(5000)]
    charts = param_charts(report([*trials[1:], trials[0]]), ["a"])
    drawn = {mark.trial for mark in charts.slices[0].marks}
    assert charts.scored == 5000
    assert MOST_DRAWN <= len(drawn) <= MOST_DRAWN + 1
    assert 0 in drawn
    assert max(drawn) > 4900
    assert "mIoU against a (linear scale)" in charts.slices[0].alt
