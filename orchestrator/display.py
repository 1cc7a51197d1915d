"""Draws a running sweep: a live table on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.halving import Decision
from orchestrator.job import Job
from orchestrator.plan import Plan
from orchestrator.progress import Progress
from orchestrator.views import RungView, assignments, duration, number
from trainer.results import JobResult
from trainer.settings import Score

TESTED_BY_IOU = {"test": "test_miou", "full size": "test_original_miou"}
TESTED_BY_ACCURACY = {"test": "test_accuracy"}
"""Column -> what of a `Ranked`; an image has its one class at any size."""


def show(part: RenderableType) -> None:
    """Print a table or a line on standard output; lines are not wrapped."""
    Console(highlight=False).print(part, soft_wrap=isinstance(part, str))


def plain_table(*headers: str, left: Iterable[str] = ()) -> Table:
    """Return an empty table whose columns are right-aligned, but for those named in `left`."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        justify = "left" if header in left else "right"
        table.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return table


def rung_table(rungs: Iterable[RungView]) -> Table:
    """Draw the ladder as it stands."""
    table = plain_table(
        "rung", "fraction", "images", "trials", "done", "running", "left", "failed", "best"
    )
    for view in rungs:
        counts = (view.images, view.trials, view.done, view.running, view.left, view.failed)
        table.add_row(str(view.rung), str(view.fraction), *map(str, counts), number(view.best))
    return table


def plan_table(plan: Plan) -> Table:
    """Draw the ladder as planned."""
    table = plain_table("rung", "trials", "fraction", "images", "epochs", "images trained")
    for rung in plan.ladder.rungs:
        trained = rung.trials * rung.images * plan.epochs
        cells = (rung.number, rung.trials, rung.fraction, rung.images, plan.epochs, trained)
        table.add_row(*map(str, cells))
    return table


def answer_table(rows: Iterable[Mapping[str, Any]], score: Score) -> Table:
    """Draw ranked configurations; scores of different rungs are not to be compared."""
    tested = TESTED_BY_ACCURACY if score == "val_accuracy" else TESTED_BY_IOU
    columns = ("rank", "trial", "rung", "score", "epoch", *tested, "params")
    table = plain_table(*columns, left=["params"])
    for row in rows:
        scores = (str(row["rung"]), number(row["score"]), str(row["kept_epoch"]))
        tests = (number(row[name]) for name in tested.values())
        params = assignments(row["params"])
        table.add_row(str(row["rank"]), str(row["trial"]), *scores, *tests, params)
    return table


class LiveDisplay(Progress):
    """A table on a terminal that is drawn anew as the sweep goes on."""

    def __init__(
        self, console: Console, notice: Callable[[], str | None], *args: Any, **options: Any
    ) -> None:
        """Draw on `console`, with a `notice` while there is one; the rest goes to Progress."""
        super().__init__(*args, **options)
        self._console = console
        self._notice = notice
        self._live = Live(get_renderable=self._draw, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def job_lost(self, job: Job, error: str, losses: int) -> None:
        """Say above the table which job is tried again."""
        super().job_lost(job, error, losses)
        self._console.print(_lost_line(job, error, losses), style="yellow")

    def database_down(self, error: str) -> None:
        """Say above the table what is being waited for."""
        self._console.print(_down_line(error), style="yellow")

    def database_up(self) -> None:
        """Say above the table that the wait is over."""
        self._console.print(_UP_LINE, style="yellow")

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Say above the table who is left."""
        self._console.print(_rung_line(decisions), highlight=False)

    def _draw(self) -> Group:
        speed = self.images_per_second
        line = f"{'-' if speed is None else f'{speed:.0f}'} images/s, {duration(self.elapsed)} "
        line += f"elapsed, about {duration(self.seconds_left)} left"
        notice = Text(self._notice() or "", style="yellow")
        return Group(rung_table(self.rungs()), Text(line, style="dim"), notice)


class PlainDisplay(Progress):
    """One line a job, one a rung: for logs and pipes."""

    def __init__(self, console: Console, *args: Any, **options: Any) -> None:
        """Write to `console`; the rest goes to Progress."""
        super().__init__(*args, **options)
        self._console = console

    def job_done(self, job: Job, result: JobResult) -> None:
        """Write a line for each result."""
        super().job_done(job, result)
        view = self.rungs()[job.rung]
        score = result.status if result.score is None else number(result.score)
        left = duration(self.seconds_left)
        self._say(
            f"rung {job.rung} {view.done}/{view.trials}: trial {job.trial} {score} "
            f"in {duration(result.seconds)} ({assignments(job.params)}), about {left} left"
        )

    def job_lost(self, job: Job, error: str, losses: int) -> None:
        """Write which job is tried again."""
        super().job_lost(job, error, losses)
        self._say(_lost_line(job, error, losses))

    def database_down(self, error: str) -> None:
        """Write what is being waited for."""
        self._say(_down_line(error))

    def database_up(self) -> None:
        """Write that the wait is over."""
        self._say(_UP_LINE)

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Write who is left."""
        self._say(_rung_line(decisions))

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


def _lost_line(job: Job, error: str, losses: int) -> str:
    reason = error.splitlines()[0]  # a traceback may follow, which `searchctl show` prints
    return f"trial {job.trial} at rung {job.rung}: {reason} (loss {losses})"


def _down_line(error: str) -> str:
    return f"the database does not answer ({error}); jobs go on, their results are kept meanwhile"


_UP_LINE = "the database answers again"


def _rung_line(decisions: Sequence[Decision]) -> str:
    best = decisions[0]
    if best.score is None:
        return f"rung {best.rung} closed: none of {best.cohort} has a score"
    survivors = [d.trial for d in decisions if d.verdict in ("promoted", "complete")]
    return (
        f"rung {best.rung} closed: best {number(best.score)} (trial {best.trial}), "
        f"{best.kept} of {best.cohort} kept: {', '.join(map(str, survivors))}"
    )
