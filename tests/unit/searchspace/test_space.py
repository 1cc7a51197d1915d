import json
import math

import pytest

from searchctl.searchspace import Choice, Interval, Params, Space, SpaceError

LR = Choice((0.1, 0.01))
MODEL = Choice(("fcn", "unet"))
UNET_ONLY = Choice((16, 32), when={"model": ("unet",)})


def as_dicts(points):
    return [dict(point) for point in points]


def problems_of(config, defaults=None, check=None):
    with pytest.raises(SpaceError) as caught:
        Space.from_config(config, defaults, check)
    return dict(caught.value.problems)


def test_grid_is_a_nested_loop_whose_last_axis_is_the_fastest():
    assert as_dicts(Space({"model": MODEL, "lr": LR}).grid()) == [
        {"model": "fcn", "lr": 0.1},
        {"model": "fcn", "lr": 0.01},
        {"model": "unet", "lr": 0.1},
        {"model": "unet", "lr": 0.01},
    ]


def test_points_are_the_outermost_loop_and_come_once():
    space = Space({"lr": LR}, [{"model": "fcn"}, {"model": "unet", "width": 8}, {"model": "fcn"}])
    assert as_dicts(space.grid()) == [
        {"model": "fcn", "lr": 0.1},
        {"model": "fcn", "lr": 0.01},
        {"model": "unet", "width": 8, "lr": 0.1},
        {"model": "unet", "width": 8, "lr": 0.01},
    ]
    assert space.size == 4


@pytest.mark.parametrize("axes", [{"model": MODEL, "width": UNET_ONLY}])
def test_an_axis_that_takes_no_part_is_absent_and_its_points_count_once(axes):
    space = Space(axes)
    assert as_dicts(space.grid()) == [
        {"model": "fcn"},
        {"model": "unet", "width": 16},
        {"model": "unet", "width": 32},
    ]
    assert space.size == 3


def test_a_condition_may_name_an_axis_that_is_written_later():
    space = Space({"width": UNET_ONLY, "model": MODEL})
    assert as_dicts(space.grid()) == [
        {"model": "fcn"},
        {"model": "unet", "width": 16},
        {"model": "unet", "width": 32},
    ]


@pytest.mark.parametrize(("model", "size"), [("unet", 4), ("fcn", None)])
def test_a_condition_may_name_what_only_the_base_settings_fix(model, size):
    axes = {"lr": LR, "width": UNET_ONLY}
    if size is None:
        with pytest.raises(SpaceError, match="never 'unet'"):
            Space(axes, defaults={"model": model})
    else:
        assert Space(axes, defaults={"model": model}).size == size


def test_conditions_chain():
    deep = Choice((1, 2, 3), when={"width": (32,)})
    space = Space({"model": MODEL, "width": UNET_ONLY, "deep": deep}, defaults={"width": 64})
    assert space.size == len(space.grid()) == 1 + 1 + 3


def test_size_has_no_end_with_an_interval_of_real_numbers():
    space = Space({"lr": Interval(0.0, 1.0), "model": MODEL})
    assert space.size is None
    assert space.unbounded == ("lr",)


def test_size_is_counted_without_listing_the_points():
    axes = {name: Interval(1, 10**6) for name in "abcd"}
    assert Space(axes).size == 10**24


@pytest.mark.parametrize(
    ("params", "inside"),
    [
        ({"model": "fcn", "lr": 0.1}, True),
        ({"model": "unet", "lr": 0.1, "width": 16}, True),
        ({"model": "unet", "lr": 0.1}, False),
        ({"model": "fcn", "lr": 0.1, "width": 16}, False),
        ({"model": "fcn", "lr": 0.5}, False),
        ({"model": "fcn", "lr": 0.1, "other": 1}, False),
        ({"model": "fcn", "lr": float("nan")}, False),
    ],
)
def test_contains_exactly_its_points(params, inside):
    space = Space({"lr": LR, "width": UNET_ONLY}, [{"model": "fcn"}, {"model": "unet"}])
    assert space.contains(params) is inside


def test_every_sampled_point_is_distinct_and_inside():
    space = Space({"lr": Interval(1e-4, 1e-1, log=True), "model": MODEL, "width": UNET_ONLY})
    for method in ("random", "quasi_random"):
        points = space.sample(50, 7, method)
        assert len(set(points)) == 50
        assert all(space.contains(point) for point in points)


def test_seeds_and_methods_give_other_samples():
    space = Space({"lr": Interval(0.0, 1.0)})
    samples = {
        space.sample(3, seed, method) for seed in (0, 1) for method in ("random", "quasi_random")
    }
    assert len(samples) == 4


def test_quasi_random_points_are_spread_evenly():
    points = Space({"lr": Interval(0.0, 1.0)}).sample(16, 3, "quasi_random")
    assert sorted(int(point["lr"] * 16) for point in points) == list(range(16))


@pytest.mark.parametrize("method", ["random", "quasi_random"])
def test_a_rare_point_is_found_in_the_end(method):
    rare = Choice(tuple(range(5)), when={"n": (77777,)})
    space = Space({"n": Interval(77770, 77777), "rare": rare})
    assert set(space.sample(10**6, 0, method)) == set(space.grid())


def test_canonical_config_reads_back():
    config = {
        "points": [{"model": "fcn"}, {"model": "unet"}],
        "lr": {"low": 1e-4, "high": 0.1, "log": True},
        "dropout": {"values": [0, 0.1], "when": {"model": ["unet"]}},
        "width": {"low": 8, "high": 32, "step": 8, "when": {"model": "unet"}},
        "augment": {"values": ["none"]},
    }
    canonical = Space.from_config(config).to_config()
    assert canonical["augment"] == ["none"]
    assert Space.from_config(canonical).to_config() == canonical
    assert Space.from_config(config).axes == Space.from_config(canonical).axes


def test_lists_are_values_that_are_stored_as_json_and_read_back_equal():
    config = {"rates": [[6, 12, 18], [12.0, 24, 36], None]}
    space = Space.from_config({**config, "d": {"values": [1, 2], "when": {"rates": [[6, 12, 18]]}}})
    assert space.size == 4
    again = Space.from_config(json.loads(json.dumps(space.to_config())))
    assert again.grid() == space.grid()
    first = space.grid()[0]
    assert first.to_json() == '{"d":1,"rates":[6,12,18]}'
    assert len({first, Params.from_json(first.to_json())}) == 1


@pytest.mark.parametrize(
    ("config", "path", "message"),
    [
        ({}, (), "nothing is searched"),
        ({"lr": 0.1}, ("lr",), "put it under training, or write a list: [0.1]"),
        ({"lr": []}, ("lr",), "list at least one"),
        ({"lr": [1, {1, 2}]}, ("lr", 1), "a value is a text"),
        ({"lr": {"values": [1, 1]}}, ("lr", "values", 1), "listed twice"),
        ({"lr": {"values": 1}}, ("lr", "values"), "must be a list"),
        ({"lr": {"low": 0, "high": 1.0, "log": True}}, ("lr",), "'log' needs low > 0"),
        ({"lr": {"low": 1, "hihg": 2}}, ("lr", "hihg"), "did you mean 'high'?"),
        ({"lr": {"low": 1}}, ("lr",), "'high' is missing"),
        ({"lr": {"low": 1, "high": "x"}}, ("lr", "high"), "must be a number, not 'x'"),
        ({"lr": {"low": 1, "high": 2, "log": 1}}, ("lr", "log"), "true or false"),
        ({"lr": {"values": [1], "when": {}}}, ("lr", "when"), "must be a mapping"),
        ({"lr": {"values": [1], "when": {"m": []}}}, ("lr", "when", "m"), "list at least one"),
        ({"points": []}, ("points",), "must be a list of points"),
        ({"points": [{"a": 1}, 2]}, ("points", 1), "must be a mapping"),
        ({"a": [1], "points": [{"a": 1}]}, ("points", 0, "a"), "keep one of the two"),
        ({"a": {"values": [1], "when": {"lrr": 1}}, "lr": [1]}, ("a", "when", "lrr"), "'lr'"),
        ({"a": {"values": [1], "when": {"m": 2}}, "m": [1]}, ("a", "when", "m"), "never 2"),
        (
            {"a": {"values": [1], "when": {"m": 0.5}}, "m": {"low": 0.0, "high": 1}},
            ("a", "when", "m"),
            "list its values",
        ),
        (
            {"a": {"values": [1], "when": {"b": 1}}, "b": {"values": [1], "when": {"a": 1}}},
            ("a", "when"),
            "a cycle of conditions",
        ),
    ],
)
def test_a_malformed_space_is_refused_with_place_and_fix(config, path, message):
    assert message in problems_of(config)[path]


def test_all_problems_are_reported_at_once():
    config = {"lr": 0.1, "model": ["fcn", "fcn"], "width": {"low": 2, "high": 1}}
    assert set(problems_of(config)) == {("lr",), ("model", 1), ("width",)}


def no_negative_numbers(values):
    return [(name, f"{value} is negative") for name, value in values.items() if value < 0]


def test_the_schema_checks_every_value_and_both_ends():
    config = {
        "a": [1, -1, 2],
        "b": {"low": -5, "high": 5},
        "c": {"values": [-2, 1]},
        "points": [{"d": 1}, {"d": -1}],
    }
    assert problems_of(config, check=no_negative_numbers) == {
        ("a", 1): "-1 is negative",
        ("b", "low"): "-5 is negative",
        ("c", "values", 0): "-2 is negative",
        ("points", 1, "d"): "-1 is negative",
    }
    space = Space.from_config({"a": [1, -1, 2]})
    assert space.problems(no_negative_numbers) == [(("a", 1), "-1 is negative")]


def test_what_is_wrong_with_every_value_is_wrong_with_the_axis():
    def unknown(values):
        return [(name, "unknown") for name in values]

    assert problems_of({"x": [1, 2]}, check=unknown) == {("x",): "unknown"}


def test_one_empty_point_is_the_base_settings():
    assert Space({}, [{}, {"lr": 1}]).grid() == (Params(), Params({"lr": 1}))


def test_a_value_of_a_point_that_is_no_value_is_named_with_its_place():
    problems = problems_of({"points": [{"lr": 0.1}, {"lr": float("nan")}]})
    assert problems == {("points", 1, "lr"): "nan is not a finite number"}


def test_a_condition_on_an_axis_that_is_malformed_is_one_problem():
    conditional = {"values": [1, 2], "when": {"model": "unet"}}
    assert set(problems_of({"model": [], "width": conditional})) == {("model",)}


def test_a_space_with_an_interval_has_no_size_and_no_grid():
    space = Space({"lr": Interval(0.001, 0.1)})
    assert space.size is None
    with pytest.raises(SpaceError, match="search"):
        space.grid()


def test_a_finite_space_is_used_up_though_draws_repeat_themselves(monkeypatch):
    monkeypatch.setattr("searchctl.searchspace.space._MAX_REPEATS", 0)
    space = Space({"model": MODEL, "lr": Choice(tuple(range(20)))})
    assert set(space.sample(40, seed=0)) == set(space.grid())


def test_a_point_shows_its_values():
    assert repr(Params({"lr": 0.1, "model": "unet"})) == "Params({'lr': 0.1, 'model': 'unet'})"


def test_a_condition_that_steps_never_meet_shows_their_ends():
    depth = {"low": 2, "high": 8, "step": 2}
    problems = problems_of({"depth": depth, "width": {"values": [1], "when": {"depth": 9}}})
    assert "it is 2 to 8" in problems["width", "when", "depth"]


@pytest.mark.parametrize(
    "config",
    [
        {"model_args": {"depth": [3, 4], "norm": {"values": ["a", "b"], "when": {"lr": 1}}}},
        {"model_args.depth": [3, 4], "model_args": {"norm": {"values": ["a", "b"]}}},
    ],
)
def test_an_axis_may_lead_into_a_setting_that_is_a_mapping(config):
    space = Space.from_config({"lr": [1, 2], **config})
    assert space.names == ("lr", "model_args.depth", "model_args.norm")


@pytest.mark.parametrize(
    ("config", "path", "message"),
    [
        ({"a": {"b": {"low": 2, "high": 1}}}, ("a", "b"), "'low' must be below"),
        ({"a": {"b": {"values": [1, 1]}}}, ("a", "b", "values", 1), "listed twice"),
        ({"a.b": [1], "a": {"b": [2]}}, ("a.b",), "is written twice"),
        ({"a": {"lwo": 1, "high": 2}}, ("a", "lwo"), "unknown key 'lwo'"),
    ],
)
def test_problems_inside_a_mapping_have_the_path_of_the_file(config, path, message):
    with pytest.raises(SpaceError) as caught:
        Space.from_config(config)
    assert (path, True) in [(place, message in text) for place, text in caught.value.problems]


def test_an_interval_with_two_numbers_only_gives_these_two():
    space = Space.from_config({"lr": {"low": 1.0, "high": math.nextafter(1.0, 2.0)}})
    assert len(space.sample(5, seed=0)) == 2
