import pytest

from searchctl.orchestrator.run.preparation.new_sweep import direction_of

HEAD = "name: s\ndata: {dataset: scenes}\nspace: {lr: [1]}\n"


@pytest.mark.parametrize(
    ("halving", "problem"),
    [
        ("{score: val_miuo}", "score: unknown score 'val_miuo': did you mean 'val_miou'?"),
        ("{score: [val_miou, val_miuo]}", "score[1]: unknown score 'val_miuo'"),
        ("{score: [val_dice, val_dice]}", "score: lists val_dice twice: leave one out"),
        ("{score: val_miou:Car+}", "score: has a + with no class beside it: write val_miou:Car"),
        ("{score: val_miou:Car+Car}", "score: names the class Car twice"),
        ("{score: []}", "score: needs 1 or more entries"),
        (
            "{score: val_loss, direction: max}",
            "direction: is max, but a lower val_loss is better: leave it out",
        ),
    ],
)
def test_scores_and_their_direction_are_checked(refused, halving, problem):
    assert f"sweep.yaml:4 halving.{problem}" in "\n".join(refused(f"{HEAD}halving: {halving}"))


def test_an_empty_list_of_scores_is_one_problem(refused):
    assert refused(f"{HEAD}halving: {{score: []}}") == [
        "sweep.yaml:4 halving.score: needs 1 or more entries"
    ]


@pytest.mark.parametrize("score", ["val_mdice", "VAL_DICE"])
def test_a_mistyped_score_is_one_problem_and_misses_no_direction(refused, score):
    assert refused(f"{HEAD}halving: {{score: {score}}}") == [
        f"sweep.yaml:4 halving.score: unknown score '{score}': did you mean 'val_dice'?"
    ]


def test_the_first_of_several_scores_ranks_and_the_others_are_recorded(sweep_of):
    sweep = sweep_of(f"{HEAD}halving: {{score: [val_loss, val_dice:car]}}")
    assert (sweep.halving.ranked_by, direction_of(sweep)) == ("val_loss", "minimize")
    assert sweep.halving.scores == ("val_loss", "val_dice:car")


@pytest.mark.parametrize(
    ("score", "warned"),
    [("val_loss", True), ("[val_loss, val_miou]", True), ("[val_miou, val_loss]", False)],
)
def test_a_searched_loss_is_warned_of_where_val_loss_ranks(sweep_of, score, warned):
    text = HEAD.replace("lr: [1]", "loss: [cross_entropy, dice]")
    warnings = sweep_of(f"{text}halving: {{score: {score}}}").warnings
    assert any("val_loss is plain cross entropy" in each for each in warnings) is warned
