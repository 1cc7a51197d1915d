from rich.console import Console

from searchctl.orchestrator.analysis.fidelity import Fidelity, Preferred, Step
from searchctl.orchestrator.statistics.drift import Typical, drifts
from searchctl.orchestrator.statistics.rank_agreement import rank_agreement
from searchctl.orchestrator.terminal.trials.fidelity import fidelity_report

N = 12
RATES = {trial: {"lr": trial / 1000} for trial in range(N)}
LARGE_IS_BETTER = {trial: float(trial) for trial in range(N)}
SMALL_IS_BETTER = {trial: -float(trial) for trial in range(N)}


def sentence_on(lower, upper, kept=(), *, ended=False, several=False):
    agreement = rank_agreement(lower, upper, 1)
    fidelity = Fidelity(
        sweep="s",
        score="val_miou",
        certainty=None,
        steps=[Step(0, 1, 8, 16, agreement)],
        preferred=[Preferred("lr", None, list(kept))],
        drifts=drifts(RATES, [lower, upper]),
        ended=ended,
        several=several,
        appraised=None,
    )
    console = Console(width=100)
    with console.capture() as capture:
        for part in fidelity_report(fidelity):
            console.print(part)
    return " ".join(capture.get().split())


def test_what_the_smallest_sample_misjudged_is_said_with_its_numbers():
    assert (
        "ranked trials with smaller values of lr lower than more data did: among the same 12 "
        "trials, the rank correlation of lr with quality is +1.00 on rung 0 and -1.00 on rung 1 "
    ) in sentence_on(LARGE_IS_BETTER, SMALL_IS_BETTER)


def test_nothing_is_said_where_the_numbers_do_not_show_it():
    assert "The smallest sample" not in sentence_on(LARGE_IS_BETTER, LARGE_IS_BETTER)
    few = {trial: SMALL_IS_BETTER[trial] for trial in range(7)}
    assert "The smallest sample" not in sentence_on(LARGE_IS_BETTER, few)


def test_of_several_cohorts_params_are_of_the_first_whose_best_need_not_be_the_winner():
    kept = [Typical(0.003, 1), Typical(0.001, 1)]
    said = sentence_on(LARGE_IS_BETTER, SMALL_IS_BETTER, kept, ended=True, several=True)
    assert "Typical params of the kept trials of cohort 0 (for" in said
    assert "all kept at 0 its best lr" in said
    assert "Among the trials of cohort 0 that ran both rungs." in said
    assert "kept at 0 winner lr" in sentence_on(LARGE_IS_BETTER, SMALL_IS_BETTER, kept, ended=True)
