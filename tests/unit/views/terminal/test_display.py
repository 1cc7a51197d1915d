import pytest
from rich.console import Console
from rich.text import Text

from searchctl.orchestrator.terminal.display import answer_table, heading, plain_table, show


def test_without_a_test_split_the_full_size_is_that_of_the_validation_images():
    row = {"rank": 1, "trial": 0, "rung": 0, "score": 0.5, "kept_epoch": 1, "params": {}}
    tested = {"test_miou": 0.3, "test_original_miou": 0.31, "val_original_miou": 0.52}
    untested = {**tested, "test_miou": None, "test_original_miou": None}
    assert columns(answer_table([row | tested], "val_miou"))["original size"] == ["0.3100"]
    table = columns(answer_table([row | untested], "val_miou"))
    assert "test" not in table
    assert table["original size"] == ["0.5200"]


def columns(table):
    return {str(column.header): list(column.cells) for column in table.columns}


NAMES = ("[bold]x[/bold]", "[/]", "[/nothing]", ":car:", "<script>", "Straße 道路")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_user_has_named_is_printed_as_it_is(name, capsys):
    table = plain_table("class", "n", left=["class"])
    table.add_row(name, "1")
    for part in (name, heading("title", name), Text(name), table):
        show(part)
        assert name in capsys.readouterr().out


def test_lines_are_not_wrapped(capsys):
    for part in ("word " * 60, heading("bold", " word" * 60)):
        show(part)
        assert len(capsys.readouterr().out.splitlines()) == 1


def lines_at(width, table):
    console = Console(width=width, markup=False)
    with console.capture() as capture:
        console.print(table, crop=False)
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [10, 40, 200])
def test_no_number_is_broken_however_narrow_the_terminal(width):
    table = plain_table("rank", "score", "images trained", "params", left=["params"])
    table.add_row("1", "0.3900", "1,234,567", "encoder=a_name_that_is_longer_than_the_screen lr=1")
    lines = lines_at(width, table)
    (row,) = [line for line in lines if line.strip().startswith("1 ")]
    assert row.split()[:3] == ["1", "0.3900", "1,234,567"]
    assert max(map(len, lines)) < max(width, 60)


def test_recorded_scores_have_a_column_beside_the_one_that_ranks():
    row = {"rank": 1, "trial": 0, "rung": 0, "score": 0.5, "kept_epoch": 1, "params": {}}
    tests = dict.fromkeys(("test_miou", "test_original_miou", "val_original_miou"))
    tests |= {"test_score": 0.75, "test_original_score": None}
    recorded = {"val_miou": 0.25, "val_dice:car": None}
    found = columns(answer_table([{**row, **tests, "recorded": recorded}], "val_dice"))
    assert (found["mIoU"], found["Dice of car"]) == (["0.2500"], ["-"])
    assert (found["test"], found["original size"]) == (["0.7500"], ["-"])  # by the Dice too
