import io

import pytest
from rich.console import Console

from searchctl.orchestrator.run.preparation.decoding import DecodingDisplay, DecodingStopped


def shown(seconds_each, *, terminal=False, images=4):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)
    now = 100.0
    with DecodingDisplay(console, clock=lambda: now) as display:
        for done in range(images + 1):
            display(done, images)
            now += seconds_each
    return console.file.getvalue()


def test_what_takes_a_moment_is_not_shown():
    assert shown(0.1) == shown(0.1, terminal=True) == ""


def test_a_log_gets_a_line_at_the_beginning_and_one_at_the_end():
    assert shown(10).splitlines() == [
        "decoding 4 images, once for all trials",
        "decoded 4 images in 40 s",
    ]


def test_a_terminal_gets_a_bar():
    text = shown(10, terminal=True)
    assert "decoding images" in text
    assert "decoded 4 images in 40 s" in text


def test_a_stop_ends_the_decoding():
    display = DecodingDisplay(Console(file=io.StringIO()), stopping=lambda: True)
    with pytest.raises(DecodingStopped):
        display(0, 4)


def test_ordering_is_shown_after_decoding():
    console = Console(file=io.StringIO(), width=100, highlight=False)
    now = 0.0
    with DecodingDisplay(console, clock=lambda: now) as display:
        for show in (display, display.ordering):
            for done in range(3):
                show(done, 2)
                now += 5
    assert console.file.getvalue().splitlines() == [
        "decoding 2 images, once for all trials",
        "decoded 2 images in 10 s",
        "ordering 2 images, once for all trials",
        "ordered 2 images in 10 s",
    ]
