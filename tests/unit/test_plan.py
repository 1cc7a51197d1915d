import pytest

from orchestrator.errors import SearchctlError
from orchestrator.plan import plan_sweep

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
    ladder = [tuple(rung.values()) for rung in plan["ladder"]]
    assert plan["ladder"][0] == {
        "rung": 0,
        "trials": 36,
        "fraction": 0.0625,
        "images": 186,
        "epochs": 20,
    }
    assert ladder[1:] == [
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


def test_an_unknown_number_of_images_is_asked_for(sweep_of):
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
    [("{}", 6), ("{every: 2}", 3), ("{every: 4}", 2), ("{every: 10, last: 3}", 3)],
)
def test_validation_images_count_the_epochs_in_which_they_are_scored(sweep_of, validate, times):
    training = f"{{epochs: 6, batch_size: 4, validate: {validate}}}"
    assert scenes(sweep_of, training).validation_images == 2 * times * 5


def test_the_most_epochs_that_are_searched_are_planned(sweep_of):
    assert scenes(sweep_of, space="{epochs: [3, 30, 7]}").epochs == 30


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
