"""All stored facts of one trial, for `searchctl show`: as plain values and as tables."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from textwrap import indent
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from searchctl.orchestrator.analysis.judged import judged_by
from searchctl.orchestrator.core.errors import SweepNotFound
from searchctl.orchestrator.facts.cohorts import retries_of
from searchctl.orchestrator.facts.scripts import is_by_script
from searchctl.orchestrator.facts.sweeps import assignments, duration, number
from searchctl.orchestrator.halving.job_key import ALL, JobKey
from searchctl.orchestrator.halving.limits import judged_text, limits_of
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import ClassScoreRow, EpochRow, JobRow, SweepRow, TrialRow
from searchctl.orchestrator.storage.scores import (
    by_accuracy,
    epoch_scores,
    ranked_by,
    recorded,
    shown_score,
    split_scores,
    split_value,
)
from searchctl.orchestrator.terminal.display import heading, plain_table


def trial_facts(engine: Engine, sweep: SweepRow, trial: int) -> dict[str, Any]:
    """Return all stored facts of a trial.

    Raises:
        SweepNotFound: the sweep has no trial of that number.
    """
    (row,) = known_trials(engine, sweep, [trial])
    jobs, cohorts = queries.jobs(engine, sweep, trial, ALL), queries.cohorts(engine, sweep)
    return {
        "sweep": sweep.name,
        "trial": trial,
        "state": row.state,
        "cohort": row.cohort,
        "origin": row.origin,
        "cohorts": len(cohorts),
        **retries_of(row, cohorts),
        "params": row.params,
        "score": ranked_by(sweep.spec),
        "recorded": recorded(sweep.spec),
        "shown_score": shown_score(sweep.spec),
        "classes": sweep.classes,
        "initial_files": _initial_files(sweep, row.params),
        "limits": limits_of(sweep.spec),
        "measured": judged_by(engine, sweep, [row], _hardware(jobs)).get(trial, {}),
        "jobs": [asdict(job) for job in jobs if job.kind == "ladder"],
        "after": [asdict(job) for job in jobs if job.kind != "ladder"],
        "decisions": [asdict(decision) for decision in queries.decisions(engine, sweep, trial)],
        "attempts": [asdict(attempt) for attempt in queries.attempts(engine, sweep, trial)],
        "epochs": [epoch_facts(each, sweep.spec) for each in queries.epochs(engine, sweep, trial)],
        "class_scores": [*map(_class_score, queries.class_scores(engine, sweep, trial))],
    }


def _hardware(jobs: Iterable[JobRow]) -> dict[int, str]:
    return {job.trial: job.hardware for job in jobs if job.kind == "ladder" and job.hardware}


def epoch_facts(row: EpochRow, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an epoch; a script that reports no learning rate has none."""
    return asdict(row) | ({"lr": row.lr or None} if is_by_script(spec) else {})


def _class_score(row: ClassScoreRow) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "trial"}


def known_trials(engine: Engine, sweep: SweepRow, numbers: Collection[int]) -> list[TrialRow]:
    """Return the trials of these numbers, in this order.

    Raises:
        SweepNotFound: the sweep has no trial of one of them.
    """
    found = {row.number: row for row in queries.trials(engine, sweep, numbers)}
    for unknown in (trial for trial in numbers if trial not in found):
        last = len(queries.trials(engine, sweep)) - 1
        raise SweepNotFound(f"sweep '{sweep.name}' has trials 0 to {last}, not {unknown}")
    return [found[trial] for trial in numbers]


def _initial_files(sweep: SweepRow, params: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the files of a trial's initial weights."""
    if not sweep.initial_files:
        return {}
    from searchctl.orchestrator.artifacts.directory import stored_directory
    from searchctl.orchestrator.artifacts.initial_files import InitialFiles
    from searchctl.trainer.settings.training import TrainSettings

    # reading the whole Sweep would list all of its trials
    settings = TrainSettings.model_validate(sweep.spec["training"]).with_params(params)
    files = InitialFiles.stored(stored_directory(sweep), sweep).of(settings)
    return {name: asdict(file) for name, file in files.items()}


def trial_tables(facts: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the decisions, then scores, classes, epochs, and attempts with errors or retries."""
    origin = f" ({_origin(facts)})" if _origin(facts) else ""
    yield heading(f"trial {facts['trial']}", f" of {facts['sweep']}{origin}: {facts['state']}")
    yield f"  {assignments(facts['params'])}"
    yield from _sizes(facts)
    yield from _initial_weights(facts)
    for section in _sections(facts):
        yield ""
        yield from section
    attempts = [*_attempts(filter(_is_notable, facts["attempts"]))]
    if notes := [*_reused(facts), *attempts]:
        yield ""
        yield from notes


def _origin(facts: Mapping[str, Any]) -> str:
    """Return a trial's cohort if there are several, and its origin if it is not drawn at random."""
    cohort = [f"cohort {facts['cohort']}"] if facts["cohorts"] > 1 else []
    origins = {"known": "a known point", "model": "drawn by a model"}
    origin = [origins[o]] if (o := facts["origin"]) in origins else []
    tries = [f"tries trial {facts['retries']} again"] if facts["retries"] is not None else []
    tried = [f"tried again as trial {facts['retried_as']}"] if facts["retried_as"] else []
    return ", ".join([*cohort, *origin, *tries, *tried])


def _sections(facts: Mapping[str, Any]) -> Iterator[Iterable[RenderableType]]:
    """Yield each table that is not empty, with the lines below it."""
    yield [_jobs(facts), *_pictures(facts)]
    if facts["after"]:
        yield [_after(facts["after"])]
    if facts["jobs"] and facts["jobs"][-1]["evaluations"]:
        yield [_splits(facts)]
    if facts["class_scores"]:
        yield [_classes(facts)]
    if facts["epochs"]:
        yield [epochs_table(facts)]


def _reused(facts: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield from where the results were copied that were not trained here."""
    for job in (*facts["jobs"], *facts["after"]):
        if (source := job["reused_from"]) is not None:
            place = JobKey(0, job["rung"], job["kind"], job["repeat"]).place
            yield (
                f"{place}: copied from trial {source['trial']} of {source['sweep']}, rung "
                f"{source['rung']}, which took {duration(source['seconds'])}"
            )


def _is_notable(attempt: Mapping[str, Any]) -> bool:
    """Return whether an attempt had an error, or is a retry."""
    return bool(attempt["error"]) or attempt["number"] > 1


def _attempts(attempts: Iterable[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Yield a line for each attempt; an error that several have is shown in full once."""
    shown: dict[str, str] = {}
    for attempt in attempts:
        what = f"{_place(attempt)}, attempt {attempt['number']}"
        error = (attempt["error"] or "").rstrip()
        yield _attempt(what, attempt, f"the error of {shown[error]}" if error in shown else error)
        shown.setdefault(error, what)


def _place(attempt: Mapping[str, Any]) -> str:
    return JobKey(0, attempt["rung"], attempt["kind"], attempt["repeat"]).place


def _attempt(what: str, attempt: Mapping[str, Any], error: str) -> RenderableType:
    place = f" on {attempt['worker']}" if attempt["worker"] else ""
    first = attempt["first_epoch"] or 1
    resumed = f", resumed at epoch {first}" if first > 1 else ""
    outcome = attempt["outcome"] or "running"
    line = Text.assemble((f"{what}{place}: {outcome}{resumed}", "yellow"))
    if error and error != outcome:
        line.append("\n" + indent(error, "  "))
    return line


def _jobs(facts: Mapping[str, Any]) -> Table:
    decisions = {decision["rung"]: decision for decision in facts["decisions"]}
    table = plain_table("rung", "images", "score", "epoch", "time", "decision", left=["decision"])
    for job in facts["jobs"]:
        decision = decisions.get(job["rung"])
        outcome = _decision(decision) if decision else job["state"]
        score, epoch = number(job["score"]), str(job["kept_epoch"] or "-")
        cells = (str(job["rung"]), str(job["images"]), score, epoch, duration(job["seconds"]))
        table.add_row(*cells, outcome)
    return table


def _decision(decision: Mapping[str, Any]) -> str:
    """Return a decision with its reason; a reason may start with the decision."""
    verdict, reason = str(decision["verdict"]), str(decision["reason"])
    return reason if reason.startswith(verdict) else f"{verdict}: {reason}"


def _after(jobs: Iterable[Mapping[str, Any]]) -> Table:
    """Draw the trial's follow-up jobs, which lead to no decision."""
    table = plain_table("follow-up", "images", "score", "epoch", "time", "state")
    for job in jobs:
        place = JobKey(job["trial"], job["rung"], job["kind"], job["repeat"]).place
        score, epoch = number(job["score"]), str(job["kept_epoch"] or "-")
        time, images = duration(job["seconds"]), str(job["images"])
        table.add_row(place, images, score, epoch, time, job["state"])
    return table


def _sizes(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the number of trained parameters, the peak memory, the latency and the hardware."""
    ended = [job for job in facts["jobs"] if job["trainable_parameters"]]
    if ended:
        memory = max(job["peak_memory_bytes"] or 0 for job in ended)
        held = f", peak memory {memory / 1e6:,.0f} MB on {ended[-1]['device']}" if memory else ""
        size = f"{ended[-1]['trainable_parameters']:,}"
        yield f"  trains {size} parameters{held}{_latency(ended[-1])}"
    if judged := judged_text(facts["limits"], facts["measured"]):
        yield f"  measured for halving.limits: {judged}"
    if kinds := sorted({job["hardware"] for job in facts["jobs"] if job["hardware"]}):
        yield f"  ran on {'; '.join(kinds)}"


def _latency(job: Mapping[str, Any]) -> str:
    return f", {job['latency_ms']:.3g} ms per image" if job["latency_ms"] else ""


def _initial_weights(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the files of the initial weights, and the initial weights of each job."""
    for name, file in facts["initial_files"].items():
        yield Text(f"  {name}: {file['source']}, copied to {file['file']}")
    weights: dict[str, list[str]] = {}
    for job in facts["jobs"]:
        if job["initial_weights"]:
            weights.setdefault(job["initial_weights"], []).append(str(job["rung"]))
    for text, rungs in weights.items():
        where = f" at rung {', '.join(rungs)}" if len(weights) > 1 else ""
        yield Text(f"  initial weights{where}: {text}")


def _pictures(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the paths of a finalist's pictures."""
    for job in facts["jobs"]:
        if job["features"]:
            yield Text(f"embeddings, by PCA and t-SNE: {job['features']}")


def _splits(facts: Mapping[str, Any]) -> Table:
    job, scores = (
        facts["jobs"][-1],
        split_scores(facts["shown_score"], (facts["score"], *facts["recorded"])),
    )
    first, names = f"split (rung {job['rung']})", (*scores.values(), "loss")
    table = plain_table(first, *scores, "loss", left=[first])
    for split, found in job["evaluations"].items():
        table.add_row(split, *(number(split_value(found, name)) for name in names))
    return table


def _classes(facts: Mapping[str, Any]) -> Table:
    """Draw IoU or accuracy by class on the validation set, with a column for each rung."""
    what = "accuracy" if by_accuracy(facts["shown_score"]) else "IoU"
    rungs = [job["rung"] for job in facts["jobs"]]
    found = {
        (row["class_id"], row["rung"]): row[what.lower()]
        for row in facts["class_scores"]
        if row["split"] == "val"
    }
    table = plain_table("class", *(f"{what} rung {rung}" for rung in rungs), left=["class"])
    for class_id, name in enumerate(facts["classes"]):
        table.add_row(name, *(number(found.get((class_id, rung))) for rung in rungs))
    return table


def epochs_table(facts: Mapping[str, Any]) -> Table:
    """Draw the epochs of the highest rung that a trial has reached."""
    last = facts["epochs"][-1]["rung"]
    scores = epoch_scores(facts["shown_score"], (facts["score"], *facts["recorded"]))
    first = f"epoch (rung {last})"
    table = plain_table(first, "train loss", "val loss", *scores.values(), "lr", "time")
    for epoch in facts["epochs"]:
        if epoch["rung"] == last:
            losses = (number(epoch["train_loss"]), number(epoch["val_loss"]))
            values = (number(split_value(epoch, name)) for name in scores)
            lr = "-" if epoch["lr"] is None else f"{epoch['lr']:.3g}"
            time = duration(epoch["seconds"])
            table.add_row(str(epoch["epoch"]), *losses, *values, lr, time)
    return table
