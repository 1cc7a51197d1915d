import pytest

from searchctl.trainer.scores.catalog import higher_is_better


def test_a_stated_direction_decides_for_an_unknown_score_alone():
    assert higher_is_better("word_errors", "min") is False
    assert higher_is_better("boundary_f1", "max") is True
    assert higher_is_better("val_loss") is False
    with pytest.raises(KeyError, match="word_errors"):
        higher_is_better("word_errors")


@pytest.mark.parametrize(
    ("halving", "problem"),
    [
        ("{score: val_miuo}", "halving.score: unknown score 'val_miuo': did you mean 'val_miou'?"),
        (
            "{score: val_loss, direction: max}",
            "halving.direction: is max, but a lower val_loss is better: leave it out",
        ),
    ],
)
def test_a_score_and_its_direction_are_checked(refused, halving, problem):
    text = f"name: s\ndata: {{dataset: scenes}}\nspace: {{lr: [1]}}\nhalving: {halving}"
    assert f"sweep.yaml:4 {problem}" in "\n".join(refused(text))
