from orchestrator.views.display import answer_table


def test_without_a_test_split_the_full_size_is_that_of_the_validation_images():
    row = {"rank": 1, "trial": 0, "rung": 0, "score": 0.5, "kept_epoch": 1, "params": {}}
    tested = {"test_miou": 0.3, "test_original_miou": 0.31, "val_original_miou": 0.52}
    untested = {**tested, "test_miou": None, "test_original_miou": None}
    assert columns(answer_table([row | tested], "val_miou"))["full size"] == ["0.3100"]
    table = columns(answer_table([row | untested], "val_miou"))
    assert "test" not in table
    assert table["full size"] == ["0.5200"]


def columns(table):
    return {str(column.header): list(column.cells) for column in table.columns}
