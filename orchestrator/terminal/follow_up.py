"""What people are told of the jobs after the ladder: seeds of the finalists, and the audit."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from searchctl.orchestrator.analysis.follow_up import Audit, FollowUp, Repeats
from searchctl.orchestrator.facts.sweeps import KIND_NAMES, duration, number
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.statistics.audit import Verdict
from searchctl.orchestrator.statistics.seed_spread import Order, Spread
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.explain import SCORE_NAMES, paragraph
from searchctl.trainer.settings.training import Score

MOST_AUDITED = 10


def follow_up_report(appraised: FollowUp) -> Iterator[RenderableType]:
    """Yield all that is known of the answer, with what it does not say."""
    if appraised.repeats:
        yield heading("Would the winner win with other seeds?")
        yield _seeds(appraised.repeats, appraised.score)
        yield paragraph(seeds_line(appraised, appraised.repeats))
    if appraised.repeats and appraised.audit:
        yield ""
    if appraised.audit:
        yield heading("Did the cuts drop a better one?")
        if appraised.audit.trials:
            yield _audited(appraised.audit, appraised.score)
        yield paragraph(audit_line(appraised, appraised.audit))


def follow_up_lines(appraised: FollowUp) -> Iterator[str]:
    """Yield the same in a sentence or two each, for the answer."""
    if appraised.repeats:
        yield f"seeds: {seeds_line(appraised, appraised.repeats)}"
    if appraised.audit:
        yield f"audit: {audit_line(appraised, appraised.audit)}"


def seeds_line(appraised: FollowUp, repeats: Repeats) -> str:
    """Say whether the winner stays the winner."""
    winner, name = appraised.winner, SCORE_NAMES[appraised.score]
    finalists = {each.trial: each for each in repeats.finalists}
    of_all = finalists[winner].score
    said = f"trial {winner} has {name} {_spread(of_all)} over {_count(of_all.n, 'seed')}"
    if len(finalists) == 1:
        said += "; it is the only finalist."
    else:
        said += f". {_with_other_seeds(winner, repeats.order)}"
    return f"{said}{_cost(appraised, 'repeat')}"


def _with_other_seeds(winner: int, found: Order) -> str:
    """Compare the finalists by the seeds that had no say in who won."""
    best, means = found.best_on_average, found.means
    if best is None or winner not in means:
        return "With other seeds it has no score."
    first = f"first with {found.first} of {_count(found.seeds, 'other seed')}"
    if best == winner:
        return f"It stays ahead with seeds that had no say in its choice: best on average, {first}."
    return (
        f"It does not stay ahead with seeds that had no say in its choice: trial {best} is "
        f"{means[best] - means[winner]:.4f} better on average, trial {winner} is {first}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def audit_line(appraised: FollowUp, audit: Audit) -> str:
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


def _cost(appraised: FollowUp, kind: Kind) -> str:
    cost = appraised.costs.get(kind)
    if cost is None:
        return ""
    time = duration(cost.amount) + (" of GPU time" if cost.unit == "GPU seconds" else "")
    return f" The {KIND_NAMES[kind]} took {time}, {cost.share:.0%} of the sweep's."


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
