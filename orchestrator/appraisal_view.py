"""What people are told of the jobs after the ladder: seeds of the finalists, and the audit."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from orchestrator.analysis.audit import Verdict
from orchestrator.analysis.seed_spread import Spread
from orchestrator.appraising import Appraised, Audit, Repeats
from orchestrator.display import plain_table
from orchestrator.explain_view import SCORE_NAMES, paragraph
from orchestrator.job_key import Kind
from orchestrator.views import duration, number
from trainer.settings import Score

MOST_AUDITED = 10


def appraisal_report(appraised: Appraised) -> Iterator[RenderableType]:
    """Yield all that is known of the answer, with what it does not say."""
    if appraised.repeats:
        yield "[bold]Would the winner win with other seeds?[/]"
        yield _seeds(appraised.repeats, appraised.score)
        yield paragraph(seeds_line(appraised, appraised.repeats))
    if appraised.repeats and appraised.audit:
        yield ""
    if appraised.audit:
        yield "[bold]Did the cuts drop a better one?[/]"
        if appraised.audit.trials:
            yield _audited(appraised.audit, appraised.score)
        yield paragraph(audit_line(appraised, appraised.audit))


def appraisal_lines(appraised: Appraised) -> Iterator[str]:
    """Yield the same in a sentence or two each, for the answer."""
    if appraised.repeats:
        yield f"seeds: {seeds_line(appraised, appraised.repeats)}"
    if appraised.audit:
        yield f"audit: {audit_line(appraised, appraised.audit)}"


def seeds_line(appraised: Appraised, repeats: Repeats) -> str:
    """Say whether the winner stays the winner."""
    winner, found = appraised.winner, repeats.order
    by_trial = {each.trial: each.score for each in repeats.finalists}
    name = SCORE_NAMES[appraised.score]
    mean = f"{name} {_spread(by_trial[winner])} over {by_trial[winner].n} seeds"
    if len(by_trial) == 1:
        return f"trial {winner} has {mean}; it is the only finalist.{_cost(appraised, 'repeat')}"
    seeds = f"it is first with {found.first} of {found.seeds} seeds"
    if found.best_on_average == winner:
        said = f"trial {winner} stays ahead on average, {mean}; {seeds}."
    else:
        other = by_trial[found.best_on_average]
        said = (
            f"trial {winner} does not stay ahead: {mean}, trial {found.best_on_average} "
            f"{_spread(other)} over {other.n}; {seeds}."
        )
    return f"{said}{_cost(appraised, 'repeat')}"


def audit_line(appraised: Appraised, audit: Audit) -> str:
    """Say how many of the audited beat the winner, what that says of all, and what it cost."""
    open_jobs = audit.asked - len(audit.trials)
    left = f" {open_jobs} of {audit.asked} are yet to be trained." if open_jobs else ""
    failed = sum(each.failed for each in audit.trials)
    uncounted = f" {failed} failed and {'is' if failed == 1 else 'are'} not counted."
    notes = f"{uncounted * bool(failed)}{left}"
    if audit.verdict is None:
        return f"nothing is known of any pruned trial.{notes}"
    return f"{_verdict(audit.verdict)}{notes}{_cost(appraised, 'audit')}"


def _verdict(found: Verdict) -> str:
    trials = f"{found.n} of the {found.pruned} trials that were pruned by rank"
    said = f"{found.better} of {found.n} audited trials beat the winner"
    if found.n == found.pruned:
        said += f": {found.share:.0%} of all that were pruned by rank."
    else:
        said += (
            f" ({trials}, drawn at random): {found.share:.0%}, of all of them between "
            f"{found.low:.0%} and {found.high:.0%} with 95% confidence (Clopper-Pearson)."
        )
    if found.best is None or found.margin is None:
        return f"{said} None of the audited has a score."
    side = "behind" if found.margin <= 0 else "better: so much the cuts have cost at least"
    return f"{said} The best of them, trial {found.best}, is {abs(found.margin):.4f} {side}."


def _cost(appraised: Appraised, kind: Kind) -> str:
    cost = appraised.costs.get(kind)
    if cost is None:
        return ""
    time = duration(cost.amount) + (" of GPU time" if cost.unit == "GPU seconds" else "")
    return f" It took {time}, {cost.share:.0%} of the sweep's."


def _spread(spread: Spread) -> str:
    deviation = "" if spread.deviation is None else f" +/- {spread.deviation:.4f}"
    return f"{spread.mean:.4f}{deviation}"


def _seeds(repeats: Repeats, score: Score) -> Table:
    """Draw the finalists over their seeds; +/- is the standard deviation."""
    name = SCORE_NAMES[score]
    tested = any(each.test for each in repeats.finalists)
    columns = ("trial", "seeds", f"{name} +/- deviation", *["test +/- deviation"] * tested)
    table = plain_table(*columns, f"{name} by seed", left=[f"{name} by seed"])
    for each in repeats.finalists:
        test = [_spread(each.test) if each.test else "-"] if tested else []
        scores = " ".join(map(number, each.scores))
        table.add_row(str(each.trial), str(each.score.n), _spread(each.score), *test, scores)
    return table


def _audited(audit: Audit, score: Score) -> Table:
    table = plain_table("trial", "pruned at rung", "rank there", f"{SCORE_NAMES[score]} on all")
    for each in audit.trials[:MOST_AUDITED]:
        rank = f"{each.rank} of {each.cohort}"
        found = "failed" if each.failed else number(each.score)
        table.add_row(str(each.trial), str(each.pruned_at), rank, found)
    return table
