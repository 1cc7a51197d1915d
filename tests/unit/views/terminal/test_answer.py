"""What is printed at the end of a complete sweep."""

from searchctl.orchestrator.terminal.answer import next_steps


def test_a_winner_without_weights_has_no_line_of_weights():
    with_weights = [*next_steps("mine", 1, "runs/mine/model.pt", "")]
    assert with_weights[0] == "  weights    runs/mine/model.pt"
    assert [*next_steps("mine", 1, None, "")] == with_weights[1:]
