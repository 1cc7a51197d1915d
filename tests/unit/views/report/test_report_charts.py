"""Numbers on pictures: scales, ticks, and lines that lie where they should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchctl.orchestrator.report.charts.axes import Scale, fenced, path, round_numbers, scale_over
from searchctl.orchestrator.report.charts.plots import (
    Line,
    Spot,
    histogram,
    line_chart,
    scatter_chart,
)

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.03, 0.39, 4, [0.1, 0.2, 0.3]),
        (1, 300, 5, [100, 200, 300]),
        (7, 7, 5, [7]),
    ],
)
def test_ticks_are_at_round_numbers(low, high, count, expected):
    assert round_numbers(low, high, count) == expected


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_a_scale_has_room_for_all_of_its_numbers_and_keeps_their_order(values):
    scale = scale_over(values, 0.0, 1000.0)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= tick.at <= 1000 for tick in scale.ticks())


def test_a_scale_of_ratios_is_even_in_them():
    scale = Scale(1, 100, 0, 200, log=True)
    assert [scale(1), scale(10), scale(100)] == [0, 100, 200]
    assert [tick.text for tick in scale.ticks(3)] == ["1", "10", "100"]


def test_epochs_have_whole_ticks_even_if_there_is_one():
    assert [tick.text for tick in scale_over([1.0], 0, 100).whole_ticks()] == ["1"]
    assert [tick.text for tick in scale_over([1.0, 3.0], 0, 100).whole_ticks()] == ["1", "2", "3"]


def test_a_training_that_went_astray_does_not_press_the_others_into_a_line():
    losses = [1.0, 1.1, 1.2, 1.3, 1.4, 900.0]
    low, high = fenced(losses, higher_is_better=False)
    assert low == 1.0
    assert high < 3
    assert fenced(losses, higher_is_better=True) == (1.0, 900.0)


def test_a_line_through_one_point_is_a_dot():
    assert path([(3.0, 4.5)]) == "M3 4.5L3 4.5"
    assert path([(0, 1), (2.25, 3)]) == "M0 1L2.25 3"


def test_lines_share_their_axes_and_mark_what_was_kept():
    lines = [Line("a", [(1, 0.0), (2, 1.0)], 0, marked=(2, 1.0)), Line("b", [(1, 0.5)], 7)]
    chart = line_chart(lines, x_title="epoch", y_title="score", higher_is_better=True)
    a, b = chart.lines
    end = a.path.rpartition("L")[2]
    assert end == "{:g} {:g}".format(*a.marked)
    assert b.colour == 1
    assert line_chart([], x_title="", y_title="", higher_is_better=True) is None


def test_a_line_is_cut_where_it_leaves_the_axis_and_the_point_beyond_is_marked():
    losses = [(1, 1.0), (2, 60.0), (3, 1.1), (4, 1.2), (5, 1.3), (6, 1.4)]
    lines = [Line("validation", losses, 0, marked=(2, 60.0))]
    chart = line_chart(lines, x_title="epoch", y_title="loss", higher_is_better=False)
    (line,) = chart.lines
    assert line.path.count("M") == 2
    assert [(each.title, each.above) for each in line.beyond] == [("validation, 2: 60", True)]
    assert line.beyond[0].at[1] == chart.frame.top
    assert line.marked is None


def test_an_axis_has_room_for_the_requested_values():
    flat = [Line("a", [(1, 0.0), (2, 0.0)], 0)]
    titles = {"x_title": "epoch", "y_title": "IoU", "higher_is_better": True}
    ticks = line_chart(flat, **titles, room_for=(0.0, 0.1)).frame.y_ticks
    assert [tick.text for tick in ticks] == ["0.00", "0.05", "0.10"]


def test_better_is_up_whatever_the_score():
    spots = [Spot(0, 10, 0.5, True, ""), Spot(1, 1000, 0.9, False, "")]
    for higher in (True, False):
        chart = scatter_chart(spots, x_title="", y_title="", higher_is_better=higher)
        heights = {dot.trial: -dot.at[1] for dot in chart.dots}
        assert (heights[1] > heights[0]) == higher
        assert [dot.trial for dot in chart.dots] == [1, 0]  # the front is drawn last


def test_bars_are_as_high_as_their_counts():
    chart = histogram([4, 0, 2], 0.3, x_title="", y_title="")
    first, last = chart.bars
    assert first.height == pytest.approx(2 * last.height, abs=0.2)
    assert last.title == "20.0% to 30.0% of the pixels: 2 images"
