import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.plan import plan_sweep

GRID_OF_36 = """\
    name: reference
    data: {dataset: folder, root: nowhere, image_size: [32, 64], classes: [a, b], %s}
    training: {epochs: 20, batch_size: 8}
    space:
      lr: [0.1, 0.01]
      lr_decay: [1, 0.3, 0.1]
      weight_decay: [0, 0.0001]
      dropout: [0, 0.1, 0.2]
    """


def test_the_plan_of_36_trials_on_2975_images_needs_no_file(sweep_of):
    plan = plan_sweep(sweep_of(GRID_OF_36 % "train_images: 2975")).to_json()
    names = ("rung", "trials", "fraction", "images", "epochs")
    assert [tuple(rung[name] for name in names) for rung in plan["ladder"]] == [
        (0, 36, 0.0625, 186, 20),
        (1, 18, 0.125, 372, 20),
        (2, 9, 0.25, 744, 20),
        (3, 4, 0.5, 1488, 20),
        (4, 2, 1.0, 2975, 20),
    ]
    assert (plan["full_trainings"], plan["grid_full_trainings"]) == (10.75, 36)
    assert plan["validation_images"] is None
    assert plan["warnings"] == []


def test_images_trained_count_every_epoch_of_every_job(sweep_of):
    plan = plan_sweep(sweep_of(GRID_OF_36 % "train_images: 2975"))
    per_epoch = 36 * 186 + 18 * 372 + 9 * 744 + 4 * 1488 + 2 * 2975
    assert plan.images_trained == 20 * per_epoch


def test_images_counted_on_the_disk_step_before_those_of_the_settings(sweep_of):
    plan = plan_sweep(sweep_of(GRID_OF_36 % "train_images: 2975"), images=1600)
    assert [rung.images for rung in plan.ladder.rungs] == [100, 200, 400, 800, 1600]


def test_an_unknown_number_of_images_is_requested(sweep_of):
    with pytest.raises(SearchctlError, match=r"train_images:.*--data-root"):
        plan_sweep(sweep_of(GRID_OF_36 % "val: 0.1"))


def scenes(sweep_of, training="{}", space="{lr: [0.1, 0.2]}", halving="{}"):
    return plan_sweep(
        sweep_of(
            "name: s\ndata: {dataset: scenes, train: 16, val: 5}\n"
            f"training: {training}\nspace: {space}\nhalving: {halving}\n"
        )
    )


@pytest.mark.parametrize(
    ("validate", "times"),
    [
        ("every", 6),
        ("{every: 2}", 3),
        ("{every: 4}", 2),
        ("{every: 10, last: 3}", 3),
        ("{last: 2}", 2),
    ],
)
def test_validation_images_count_the_epochs_in_which_they_are_scored(sweep_of, validate, times):
    training = f"{{epochs: 6, batch_size: 4, validate: {validate}}}"
    assert scenes(sweep_of, training).validation_images == 2 * times * 5


def test_validation_images_of_each_rung_are_those_of_its_jobs(sweep_of):
    plan = scenes(sweep_of, "{epochs: 3, batch_size: 2}", "{lr: [0.1, 0.2, 0.3, 0.4]}")
    assert [cost.validation_images.expected for cost in plan.costs] == [4 * 2 * 5, 2 * 3 * 5]
    images, scored = 4 * 3 * 8 + 2 * 3 * 16, 4 * 2 * 5 + 2 * 3 * 5
    assert plan.validation_share == scored / (scored + 3 * images)


def test_trials_that_differ_in_epochs_are_summed_where_all_of_them_run(sweep_of):
    plan = scenes(sweep_of, "{batch_size: 2}", "{epochs: [3, 30, 7, 8]}")
    first, last = plan.costs
    assert (plan.fewest_epochs, plan.epochs) == (3, 30)
    assert first.images == Span.exactly((3 + 30 + 7 + 8) * 8)
    assert last.images == Span((3 + 7) * 16, 24 * 16, (30 + 8) * 16)
    assert plan.grid_images == 48 * 16
    assert not plan.images_span.known


def test_validations_of_trials_that_differ_in_epochs_are_summed_too(sweep_of):
    plan = scenes(sweep_of, "{validate: {every: 4}, batch_size: 2}", "{epochs: [1, 4, 9, 30]}")
    times = [1, 1, 3, 8]
    assert plan.costs[0].validation_images == Span.exactly(sum(times) * 5)
    assert plan.costs[1].validation_images == Span(2 * 5, sum(times) / 2 * 5, 11 * 5)


def test_going_on_with_warm_weights_costs_as_much_and_keeps_more(sweep_of):
    four = "{lr: [0.1, 0.2, 0.3, 0.4]}"
    cold = scenes(sweep_of, "{batch_size: 2}", four)
    warm = scenes(sweep_of, "{batch_size: 2}", four, "{continue: warm}")
    assert warm.images_trained == cold.images_trained
    assert (cold.disk.kept, warm.disk.kept) == (2, 4)


def test_a_checkpoint_s_size_for_a_weight_spans_those_of_all_trials(sweep_of):
    plan = scenes(sweep_of, space="{optimizer: [sgd, adam], ema: [null, 0.9]}")
    assert plan.disk.checkpoint == (12, 20)


def test_validation_of_a_data_set_of_unknown_size_is_not_known(sweep_of):
    plan = plan_sweep(sweep_of(GRID_OF_36 % "train_images: 2975"))
    assert plan.validation_span is None
    assert plan_sweep(sweep_of(GRID_OF_36 % "train_images: 2975"), 2975, 500).validation_images == (
        (67 * 2 + 2 * 20) * 500
    )


def test_rungs_below_one_batch_are_merged_with_a_warning(sweep_of):
    plan = scenes(
        sweep_of, "{batch_size: 4}", "{lr: [0.1, 0.2, 0.3, 0.4], dropout: [0, 0.1, 0.2, 0.3]}"
    )
    assert [(rung.trials, rung.images) for rung in plan.ladder.rungs] == [(16, 4), (4, 8), (2, 16)]
    assert "merged" in plan.warnings[0]


def test_a_fractions_floor_is_the_largest_batch_that_is_searched(sweep_of):
    plan = scenes(sweep_of, space="{batch_size: [2, 8], lr: [0.1, 0.2]}")
    assert plan.ladder.rungs[0].images == 8


def test_warnings_of_the_sweep_and_of_the_ladder_are_both_there(sweep_of):
    plan = scenes(sweep_of, space="{threads: [1, 2]}", halving="{finalists: 5}")
    assert any("threads is searched" in warning for warning in plan.warnings)
    assert any("finalists 5 >= trials 2" in warning for warning in plan.warnings)


def test_null_beside_other_values_of_an_option_is_warned_of(sweep_of):
    plan = scenes(sweep_of, "{model: unet}", space="{width: [null, 8]}")
    assert any("space.width lists null" in warning for warning in plan.warnings)
