"""The terminal's views as parts of a page."""

import pytest
from rich.constrain import Constrain
from rich.padding import Padding
from rich.text import Text

from searchctl.orchestrator.report.blocks import Cells, Heading, Paragraph, blocks
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.trials.explain import paragraph


def test_headings_stay_headings_and_empty_lines_are_of_the_terminal_alone():
    assert blocks([heading("Do they?"), "", Text(), "[yes]"]) == [
        Heading("Do they?"),
        Paragraph("[yes]", quiet=False),
    ]


def test_notes_stay_notes_however_they_are_wrapped():
    wrapped = [paragraph("a note", style="dim"), Padding(Constrain(Text("text"), 80), 2)]
    assert blocks(wrapped) == [Paragraph("a note", quiet=True), Paragraph("text", quiet=False)]


def test_a_table_keeps_its_sides_and_loses_columns_without_a_text():
    table = plain_table("", "x", "", left=[""])
    table.add_row("a", "1", "")
    table.add_row(Text("b", "bold"), "2", "")
    (cells,) = blocks([table])
    assert cells == Cells(["", "x"], ["left", "right"], [["a", "1"], ["b", "2"]])


def test_what_no_page_has_is_refused():
    with pytest.raises(TypeError, match="int"):
        blocks([3])
