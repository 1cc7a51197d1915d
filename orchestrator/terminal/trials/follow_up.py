"""Results of the follow-up jobs in words: other seeds of the finalists, and the audit."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from searchctl.orchestrator.analysis.follow_up import Audit, FollowUp, Repeats
from searchctl.orchestrator.facts.sweeps import KIND_NAMES, duration, number
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.statistics.audit import AuditResult
from searchctl.orchestrator.statistics.seed_spread import Order, Spread
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.trials.explain import paragraph
from searchctl.trainer.scores.catalog import ScoreName, title

MOST_AUDITED = 10


def follow_up_report(follow_up: FollowUp) -> Iterator[RenderableType]:
    """Yield tables of the follow-up jobs, each with a sentence on its result."""
    if follow_up.repeats:
        yield heading("Does the winner win with other seeds?")
        yield _seeds(follow_up.repeats, follow_up.score)
        yield paragraph(seeds_line(follow_up, follow_up.repeats))
    if follow_up.repeats and follow_up.audit:
        yield ""
    if follow_up.audit:
        yield heading("Did the cuts drop a better trial?")
        if follow_up.audit.trials:
            yield _audited(follow_up.audit, follow_up.score)
        yield paragraph(audit_line(follow_up, follow_up.audit))


def follow_up_lines(follow_up: FollowUp) -> Iterator[str]:
    """Yield the results in a sentence or two each, for the answer."""
    if follow_up.repeats:
        yield f"seeds: {seeds_line(follow_up, follow_up.repeats)}"
    if follow_up.audit:
        yield f"audit: {audit_line(follow_up, follow_up.audit)}"


def seeds_line(follow_up: FollowUp, repeats: Repeats) -> str:
    """Return a sentence on whether the winner also wins with other seeds."""
    winner, name = follow_up.winner, title(follow_up.score)
    finalists = {each.trial: each for each in repeats.finalists}
    of_all = finalists[winner].score
    line = f"trial {winner} has {name} {_spread(of_all)} over {counted(of_all.n, 'seed')}"
    if len(finalists) == 1:
        line += "; it is the only finalist."
    else:
        by_mean = " Its mean over seeds made it the winner (choose: mean)."
        line += "."
        line += by_mean if follow_up.choose == "mean" else _with_other_seeds(winner, repeats.order)
    return f"{line}{_cost(follow_up, 'repeat')}"


def _with_other_seeds(winner: int, found: Order) -> str:
    """Compare the finalists by the seeds that did not select the winner."""
    best, means = found.best_on_average, found.means
    if best is None or winner not in means:
        return " It has no score with other seeds."
    first = f"first with {found.first} of {counted(found.seeds, 'other seed')}"
    if best == winner:
        return f" It stays ahead with seeds that did not select it: best on average, {first}."
    return (
        f" It does not stay ahead with seeds that did not select it: trial {best} is "
        f"{means[best] - means[winner]:.4f} better on average, trial {winner} is {first}."
    )


def audit_line(follow_up: FollowUp, audit: Audit) -> str:
    """Return a sentence on how many audited trials beat the winner, and on what the audit cost."""
    open_jobs = audit.asked - len(audit.trials)
    pending = (
        f" {open_jobs} of {audit.asked} audited trials are not trained yet." if open_jobs else ""
    )
    failed = sum(each.failed for each in audit.trials)
    uncounted = f" {failed} failed and {'is' if failed == 1 else 'are'} not counted."
    notes = f"{uncounted * bool(failed)}{pending}"
    if audit.trials and audit.winner is None:
        return f"the winner, trial {follow_up.winner}, has no score with the audit's seed.{notes}"
    if audit.verdict is None:
        return f"no pruned trial has a result yet.{notes}"
    seed = _NEW_SEED if audit.new_seed else _OLD_SEED
    return f"{_result(audit.verdict)} {seed}{notes}{_cost(follow_up, 'audit')}"


_NEW_SEED = "Both were trained with a seed that selected neither."
_OLD_SEED = (
    "Both have the seed that selected the winner, which flatters the winner (an older searchctl "
    "ran the audit)."
)


def _result(found: AuditResult) -> str:
    trials = f"{found.n} of the {found.pruned} trials that were pruned by rank"
    line = f"{found.better} of {counted(found.n, 'audited trial')} beat the winner"
    if found.n == found.pruned:
        line += f": {found.share:.0%} of all that were pruned by rank."
    else:
        line += (
            f" ({trials}, drawn at random): {found.share:.0%}. The share of all of them is between "
            f"{found.low:.0%} and {found.high:.0%} with 95% confidence (Clopper-Pearson)."
        )
    if found.best is None or found.margin is None:
        return f"{line} No audited trial has a score."
    side = "worse" if found.margin <= 0 else "better, as the largest of several differences"
    return (
        f"{line} With this seed, the best of them, trial {found.best}, is "
        f"{abs(found.margin):.4f} {side}."
    )


def _cost(follow_up: FollowUp, kind: Kind) -> str:
    cost = follow_up.costs.get(kind)
    if cost is None:
        return ""
    time = duration(cost.amount) + (" of GPU time" if cost.unit == "GPU seconds" else "")
    return f" The {KIND_NAMES[kind]} took {time}, {cost.share:.0%} of the sweep's."


def _spread(spread: Spread) -> str:
    deviation = "" if spread.deviation is None else f" +/- {spread.deviation:.4f}"
    return f"{spread.mean:.4f}{deviation}"


def _seeds(repeats: Repeats, score: ScoreName) -> Table:
    """Draw the finalists' scores by seed; +/- is the standard deviation."""
    name = title(score)
    tested = any(each.test for each in repeats.finalists)
    columns = ("trial", "seeds", f"{name} +/- deviation", *["test +/- deviation"] * tested)
    table = plain_table(*columns, f"{name} by seed", left=[f"{name} by seed"])
    for each in repeats.finalists:
        test = [_spread(each.test) if each.test else "-"] if tested else []
        scores = " ".join(map(number, each.scores))
        table.add_row(str(each.trial), str(each.score.n), _spread(each.score), *test, scores)
    return table


def _audited(audit: Audit, score: ScoreName) -> Table:
    table = plain_table("trial", "pruned at rung", "rank there", f"{title(score)} on all")
    for each in audit.trials[:MOST_AUDITED]:
        rank = f"{each.rank} of {each.cohort}"
        found = "failed" if each.failed else number(each.score)
        table.add_row(str(each.trial), str(each.pruned_at), rank, found)
    return table
