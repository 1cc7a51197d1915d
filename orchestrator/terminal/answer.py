"""The answer of a finished sweep: the winner, the ranking, where the files are, next commands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from statistics import median

from rich.console import RenderableType
from rich.text import Text
from sqlalchemy import Engine

from searchctl.orchestrator.analysis.certainty import read_certainty
from searchctl.orchestrator.analysis.follow_up import read_follow_up
from searchctl.orchestrator.artifacts.directory import runs_directory
from searchctl.orchestrator.config.locations import db_option_for
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.accepted_changes import accepted_changes
from searchctl.orchestrator.facts.averaged_classes import averaged_classes, held_classes
from searchctl.orchestrator.facts.baseline import read_baseline
from searchctl.orchestrator.facts.limits import exceeding_winner
from searchctl.orchestrator.facts.ranking import first_scores, rank_trials
from searchctl.orchestrator.facts.rung_warnings import warnings_of
from searchctl.orchestrator.facts.sweeps import assignments, duration, more_trials, number
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.job_key import ALL
from searchctl.orchestrator.planning.grade import grade
from searchctl.orchestrator.storage.connect import shown
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.orchestrator.storage.scores import ranked_by, shown_score
from searchctl.orchestrator.terminal.display import answer_table, heading
from searchctl.orchestrator.terminal.plans.grade import grade_line
from searchctl.orchestrator.terminal.trials.explain import certainty_text, paragraph
from searchctl.orchestrator.terminal.trials.follow_up import follow_up_lines
from searchctl.trainer.scores.catalog import title


def answer(engine: Engine, row: SweepRow, url: str) -> Iterator[RenderableType]:
    """Yield the parts of a complete sweep's answer, the most important first."""
    sweep, name = Sweep.from_json(row.spec), row.name
    ranked = rank_trials(engine, row, top=5)
    winner = ranked[0]
    yield ""
    yield heading(
        f"Winner: trial {winner.trial}",
        f", {_score(sweep.halving.ranked_by, winner)}: {assignments(winner.params)}",
    )
    if exceeds := exceeding_winner(ranked):
        yield Text(exceeds, "yellow")
    if baseline := read_baseline(engine, row):
        yield paragraph(str(baseline))
    jobs = queries.jobs(engine, row)
    yield from _unscored(jobs)
    yield from (Text(warning, "yellow") for warning in warnings_of(engine, row, jobs))
    yield from map(paragraph, accepted_changes(queries.events(engine, row)))
    start = first_scores(row, jobs)
    trials = counted(len(start), "trial")
    yield f"(median of the {trials} of the first rung: {number(median(start))})"
    yield answer_table((asdict(each) for each in ranked), shown_score(row.spec))
    yield from more_trials(name, row.trials - len(ranked), db_option_for(url))
    yield from _averages(engine, row, winner.trial)
    yield from map(paragraph, certainty_lines(engine, row))
    if follow_up := read_follow_up(engine, row):
        yield from map(paragraph, follow_up_lines(follow_up))
    yield f"\n{grade_line(grade(engine, row))}"
    yield from _copied(queries.jobs(engine, row, kinds=ALL))
    yield f"Results are in {shown(url)} and {runs_directory(sweep)}"
    yield from next_steps(name, winner.trial, winner.weights, db_option_for(url))


def _score(name: str, winner: RankedTrial) -> str:
    if winner.mean is None:
        return f"{name} {number(winner.score)}"
    over = counted(winner.seeds, "seed")
    return f"mean {name} {number(winner.mean)} over {over} ({number(winner.score)} on the ladder)"


def certainty_lines(engine: Engine, row: SweepRow) -> Iterator[str]:
    """Say how sure it is that the winner is the best finalist, once the last rung is closed."""
    if certainty := read_certainty(engine, row):
        yield f"how sure: {certainty_text(certainty, title(ranked_by(row.spec)))}"


def next_steps(name: str, trial: int, weights: str | None, option: str) -> Iterator[str]:
    """Say where the winner's weights are, if it has any, and which commands go on from it."""
    if weights:
        yield f"  weights    {weights}"
    yield f"  details    searchctl show {name} {trial}{option}"
    yield f"  cost       searchctl plan --against {name}{option}"
    yield f"  export     searchctl export {name}{option} -o best.yaml && searchctl train best.yaml"
    yield f"  dashboard  searchctl dashboard {name}{option}"


def _averages(engine: Engine, row: SweepRow, trial: int) -> Iterator[RenderableType]:
    """Say over which classes the mean IoU of each split averages."""
    if row.spec.get("task") == "classification":
        return
    last = row.ladder[-1]["images"]
    held = held_classes(queries.class_scores(engine, row, trial, images=last))
    yield from map(paragraph, averaged_classes(row.classes, held))


def _copied(jobs: Sequence[JobRow]) -> Iterator[str]:
    """Say how many jobs were copied instead of trained, and what they took at their time."""
    sources = [job.reused_from for job in jobs if job.reused_from]
    if sources:
        took = duration(sum(source["seconds"] or 0.0 for source in sources))
        sweeps = ", ".join(sorted({source["sweep"] for source in sources}))
        yield f"{len(sources)} of {counted(len(jobs), 'job')} copied from {sweeps} ({took} there)"


def _unscored(jobs: Iterable[JobRow]) -> Iterator[Text]:
    """Name the trials without a score, which the ranking leaves out."""
    for state, what in (("FAIL", "failed"), ("DIVERGED", "diverged")):
        trials = [str(job.trial) for job in jobs if job.state == state]
        if trials:
            count = f"{counted(len(trials), 'trial')} {what}, not ranked:"
            yield Text.assemble((count, "yellow"), f" {', '.join(trials)}")
