"""Draws a running sweep: a live table on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from searchctl.orchestrator.callbacks.base import JobView
from searchctl.orchestrator.facts.running.pending import barrier_line
from searchctl.orchestrator.facts.running.progress import Progress
from searchctl.orchestrator.facts.sweeps import after_line, assignments, duration, number, rung_line
from searchctl.orchestrator.facts.text import main_line
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.terminal.display import rung_table
from searchctl.trainer.core.results import JobResult


class LiveDisplay(Progress):
    """A table on a terminal that is redrawn while the sweep runs."""

    def __init__(
        self, console: Console, notice: Callable[[], str | None], *args: Any, **options: Any
    ) -> None:
        """Draw on `console`, with the text of `notice` if any; other arguments go to Progress."""
        super().__init__(*args, **options)
        self._console = console
        self._notice = notice
        self._live = Live(get_renderable=self._draw, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing; the last table stays on the screen."""
        self._live.stop()

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Print above the table which job is retried."""
        super().job_lost(job, error, losses)
        self._console.print(_lost_line(job, error, losses), style="yellow")

    def database_down(self, error: str) -> None:
        """Print above the table that the database does not answer."""
        self._console.print(_down_line(error), style="yellow")

    def database_up(self) -> None:
        """Print above the table that the database answers again."""
        self._console.print(_UP_LINE, style="yellow")

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Print above the table which trials survive."""
        line = rung_line(decisions, self.cohort_of(decisions[0].trial))
        self._console.print(line, highlight=False)

    def _draw(self) -> Group:
        speed = self.images_per_second
        line = f"{'-' if speed is None else f'{speed:.0f}'} images/s, {duration(self.elapsed)} "
        line += f"elapsed{_left(self)}"
        notice = Text(self._notice() or "", style="yellow")
        after = [Text(after_line(views))] if (views := self.after()) else []
        waits = [Text(barrier, style="dim")] if (barrier := barrier_line(self.rungs())) else []
        return Group(rung_table(self.rungs()), *after, *waits, Text(line, style="dim"), notice)


class PlainDisplay(Progress):
    """One line for each job and each rung: for logs and pipes."""

    def __init__(self, console: Console, *args: Any, **options: Any) -> None:
        """Write to `console`; other arguments go to Progress."""
        super().__init__(*args, **options)
        self._console = console

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Write a line for each result."""
        super().job_done(job, result)
        score = result.status if result.score is None else number(result.score)
        self._say(
            f"{self._count(job)}: trial {job.trial} {score} "
            f"in {duration(result.seconds)} ({assignments(job.params)}){_left(self)}"
        )

    def _count(self, job: JobView) -> str:
        """Return how many jobs of the same rung or kind are done."""
        if job.kind != "ladder":
            return after_line(view for view in self.after() if view.kind == job.kind)
        place = self.cohort_of(job.trial), job.rung
        view = next(view for view in self.rungs() if (view.cohort, view.rung) == place)
        return f"{view.name} {view.done}/{view.trials}"

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Write which job is retried."""
        super().job_lost(job, error, losses)
        self._say(_lost_line(job, error, losses))

    def database_down(self, error: str) -> None:
        """Write that the database does not answer."""
        self._say(_down_line(error))

    def database_up(self) -> None:
        """Write that the database answers again."""
        self._say(_UP_LINE)

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Write which trials survive."""
        self._say(rung_line(decisions, self.cohort_of(decisions[0].trial)))

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


def _left(shown: Progress) -> str:
    """Say how long it takes to the end, and what that leaves out."""
    seconds = shown.seconds_left
    if not shown.scoring_follows or shown.images_per_second is None:
        return "" if seconds is None else f", about {duration(seconds)} left"
    if seconds is None:
        return ", final scoring"
    return f", about {duration(seconds)} and the final scoring left"


def _lost_line(job: JobView, error: str, losses: int) -> str:
    return f"trial {job.trial} at {key_of(job).place}: {main_line(error)} (lost attempt {losses})"


def _down_line(error: str) -> str:
    return f"the database does not answer ({error}); jobs continue, and their results are kept"


_UP_LINE = "the database answers again"
