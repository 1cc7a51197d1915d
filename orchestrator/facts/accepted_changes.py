"""What `resume --accept-changes` has accepted, since it may change scores by itself."""

from collections.abc import Iterable, Iterator, Sequence

from searchctl.orchestrator.facts.text import local_time
from searchctl.orchestrator.storage.rows import EventRow


def accepted_changes(events: Iterable[EventRow]) -> Iterator[str]:
    """Yield a sentence for each resume of a sweep that accepted changes, in order."""
    for event in events:
        if event.kind == "driver" and (changes := event.detail.get("accepted")):
            words = accepted_text(changes, event.detail.get("closed"))
            yield (
                f"Resumed at {local_time(event.at)} {words}. "
                "Scores before and after that may not be comparable."
            )


def accepted_text(changes: Sequence[str], closed: str | None) -> str:
    """Return what was accepted, and after which rung.

    Args:
        changes: the differences from the launch, in words.
        closed: name of the last closed rung; empty if none was, None for older versions.

    >>> accepted_text(["training.epochs: 2 -> 3"], "rung 0")
    'with --accept-changes after rung 0: training.epochs: 2 -> 3'
    """
    after = "" if closed is None else f" after {closed}" if closed else " before any rung closed"
    return f"with --accept-changes{after}: {'; '.join(changes)}"
