"""`explain` and `pareto` on a finished sweep with known networks."""

import json
import re
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner
from sqlalchemy import event

from searchctl.orchestrator.analysis.explain import explain_trial
from searchctl.orchestrator.analysis.fidelity import read_fidelity
from searchctl.orchestrator.analysis.tradeoff import read_tradeoff
from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.errors import SearchctlError, SweepNotFound
from searchctl.orchestrator.statistics.cut import Corrected, Opponent
from searchctl.orchestrator.statistics.paired_bootstrap import Difference, NotAssessable
from searchctl.orchestrator.storage.reads import image_scores
from searchctl.trainer.core.results import JobResult, score_of
from tests.images.image_counts import confusions, counted

IMAGES = 12
DATA = {"dataset": "scenes", "train": 32, "val": IMAGES, "test": 2}


def skill(job):
    """Trial 5 is the best, then 2, 7, 4, 1, ...; all are better with more data."""
    return 0.5 + (1 + job.trial * 3 % 8) / 50 + job.rung / 50


def scored(job, on_epoch, stop):
    """Return the result of a network of that skill."""
    counts, evaluation = counted(confusions(skill(job), images=IMAGES))
    return JobResult(
        "complete",
        score_of(evaluation, job.score),
        kept_epoch=1,
        evaluations={"val": evaluation},
        image_counts=counts,
        seconds=1.0 + job.trial,
        trainable_parameters=100 * (1 + job.trial),
    )


@pytest.fixture
def launched(sweeps):
    """Launch a sweep of known networks; return its engine and row."""

    def launch(runner=scored, **sections):
        prepared, row = sweeps.launch(runner, **{"data": DATA, **sections})
        return prepared.engine, row

    return launch


@pytest.fixture
def output_of(sweeps):
    """What a command prints on a terminal of so many columns."""

    def run(*arguments, columns=80):
        command = [arguments[0], "quick", *arguments[1:], "--db", sweeps.url]
        result = CliRunner(env={"COLUMNS": str(columns)}).invoke(
            cli, command, catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.output

    return run


def the_rung(explained, rung):
    return next(each for each in explained.rungs if each.rung == rung)


def test_the_names_and_groups_of_the_validation_images_are_stored_at_the_launch(launched):
    engine, row = launched()
    names = [f"val_{index:05}" for index in range(IMAGES)]
    assert image_scores.val_images(engine, row) == [(name, name) for name in names]


def test_a_pruned_trial_is_beside_its_neighbours_and_the_cut(launched):
    engine, row = launched()
    (rung,) = explain_trial(engine, row, 0).rungs
    assert (rung.decision.verdict, rung.decision.rank) == ("pruned", 8)
    near = [(each.rank, each.trial, each.verdict) for each in rung.neighbours]
    assert near == [
        (4, 4, "promoted"),
        (5, 1, "pruned"),
        (6, 6, "pruned"),
        (7, 3, "pruned"),
        (8, 0, "pruned"),
    ]
    assert rung.neighbours[1].differs == {"weight_decay": (0, 0.1)}
    assert rung.neighbours[-1].differs == {}


def test_each_decision_is_compared_across_the_cut(launched):
    engine, row = launched()
    against = {trial: explain_trial(engine, row, trial) for trial in (0, 4, 5)}
    sides = {
        (trial, rung.rung): rung.comparison.opponent
        for trial, explained in against.items()
        for rung in explained.rungs
    }
    assert sides == {
        (0, 0): Opponent(4, "the last survivor"),
        (4, 0): Opponent(1, "the best that was cut"),
        (4, 1): Opponent(2, "the last survivor"),
        (5, 0): Opponent(1, "the best that was cut"),
        (5, 1): Opponent(7, "the best that was cut"),
        (5, 2): Opponent(2, "the runner-up"),
    }


def test_the_margin_of_the_decision_is_the_difference_that_is_assessed(launched):
    engine, row = launched()
    for rung in explain_trial(engine, row, 5).rungs[:2]:
        sure = rung.comparison.sure
        assert sure.difference.value == pytest.approx(rung.decision.margin)
        assert (sure.difference.groups, sure.correction) == (IMAGES, "Holm")
        assert sure.comparisons == rung.decision.cohort - 1


@pytest.mark.parametrize("score", ["val_loss", "val_accuracy"])
def test_other_scores_are_assessed_too(launched, score):
    engine, row = launched(halving={"score": score})
    (rung,) = explain_trial(engine, row, 0).rungs
    difference = rung.comparison.sure.difference
    assert difference.value == pytest.approx(rung.decision.margin)
    assert difference.low <= difference.value <= difference.high < 0


def test_a_rare_class_that_only_a_dropped_network_knew_is_lost_with_it(launched, output_of):
    def knows_the_rare(job, on_epoch, stop):
        result = scored(job, on_epoch, stop)
        if job.trial != 0:
            return result
        confusion = confusions(0.3, images=IMAGES)
        for image in confusion:
            image[:, 3] = 0
            image[3] = [0, 0, 0, image[3].sum()]
        counts, evaluation = counted(confusion)
        return replace(
            result,
            score=0.01,
            image_counts=counts,
            evaluations={"val": evaluation},
        )

    engine, row = launched(knows_the_rare)
    (rung,) = explain_trial(engine, row, 0).rungs
    (lost,) = [facts for facts in rung.comparison.classes if facts.lost]
    assert (lost.pair.class_id, lost.pair.rare, lost.name) == (3, True, row.classes[3])
    assert (
        f"Dropping it lost these classes, in which every survivor is worse: {lost.name}"
        in output_of("explain", "0")
    )


@pytest.mark.parametrize(
    ("data", "statement", "why"),
    [
        ({"val": 9}, None, "the 9 validation images are 9 groups, fewer than 10"),
        ({}, "val_images = '[]'", "are not stored"),
        ({}, """val_images = '[["a", "b"], ["c", "d"]]'""", "2 groups"),
    ],
    ids=["few groups", "an old sweep", "few groups stored"],
)
def test_a_missing_assessment_has_a_reason(launched, sqlite_run, output_of, data, statement, why):
    engine, row = launched(data={**DATA, **data}) if not data else launched(few, data=DATA | data)
    if statement:
        sqlite_run(f"UPDATE searchctl_sweeps SET {statement}")
    (rung,) = explain_trial(engine, row, 0).rungs
    assert isinstance(rung.comparison.sure, NotAssessable)
    assert why in rung.comparison.sure.why
    assert rung.comparison.classes  # these need no groups
    text = " ".join(output_of("explain", "0").split())
    assert "not assessable (compared with trial 4, the last survivor)" in text
    assert f"Not assessable: {rung.comparison.sure.why}." in text


def few(job, on_epoch, stop):
    """Return the result of a network that was scored on nine images."""
    counts, evaluation = counted(confusions(skill(job), images=9))
    result = scored(job, on_epoch, stop)
    return replace(result, image_counts=counts, evaluations={"val": evaluation})


def test_networks_that_were_scored_on_other_images_are_not_compared(launched):
    def changed(job, on_epoch, stop):
        result = scored(job, on_epoch, stop)
        if job.trial != 4:
            return result
        return replace(result, image_counts=counted(confusions(0.6, images=IMAGES, seed=9))[0])

    engine, row = launched(changed)
    (rung,) = explain_trial(engine, row, 0).rungs
    assert "images changed" in rung.comparison.sure.why


def test_a_trial_without_a_score_has_its_error_and_no_rank(launched, output_of):
    def fails(job, on_epoch, stop):
        if job.trial == 3:
            return JobResult("failed", None, error="Traceback:\nValueError: a bad shape")
        return scored(job, on_epoch, stop)

    engine, row = launched(fails)
    (rung,) = explain_trial(engine, row, 3).rungs
    assert (rung.neighbours, rung.comparison) == ([], None)
    assert "rung 0, 8 images: failed: ValueError: a bad shape" in output_of("explain", "3")


def test_the_error_of_own_code_is_named_before_its_lines(launched, output_of):
    def fails(job, on_epoch, stop):
        if job.trial == 3:
            error = "my_nets:Net fails: KeyError: 1\n  my_nets.py:9, in forward: sizes[1]"
            return JobResult("failed", None, error=error)
        return scored(job, on_epoch, stop)

    launched(fails)
    assert "failed: my_nets:Net fails: KeyError: 1\n" in output_of("explain", "3")


def test_one_rung_may_be_selected(launched):
    engine, row = launched()
    assert [rung.rung for rung in explain_trial(engine, row, 5, rung=1).rungs] == [1]
    with pytest.raises(SearchctlError, match="trial 0 has not reached rung 1"):
        explain_trial(engine, row, 0, rung=1)
    with pytest.raises(SweepNotFound, match="has trials 0 to 7, not 8"):
        explain_trial(engine, row, 8)


def test_damaged_counts_point_to_verify(launched, sqlite_run):
    engine, row = launched()
    sqlite_run("UPDATE searchctl_image_scores SET counts = x'00'")
    with pytest.raises(SearchctlError, match="searchctl verify quick"):
        explain_trial(engine, row, 0)


def test_before_a_rung_is_closed_there_is_no_decision(sweeps, output_of):
    prepared = sweeps.prepare(data=DATA)
    assert explain_trial(prepared.engine, prepared.row, 0).rungs == []
    assert "not started yet" in output_of("explain", "0")
    with pytest.raises(SearchctlError, match="fewer than two rungs"):
        read_fidelity(prepared.engine, prepared.row)
    with pytest.raises(SearchctlError, match="no trial of sweep 'quick' has a score"):
        read_tradeoff(prepared.engine, prepared.row)


def test_rungs_that_rank_alike_agree(launched):
    fidelity = read_fidelity(*launched())
    assert [(step.lower, step.upper, step.agreement.n) for step in fidelity.steps] == [
        (0, 1, 4),
        (1, 2, 2),
    ]
    assert [step.agreement.kendall for step in fidelity.steps] == [1, 1]
    assert [step.agreement.top for step in fidelity.steps] == [2, 1]
    assert [(each.name, each.kept[-1].value) for each in fidelity.preferred] == [
        ("lr", 0.001),
        ("weight_decay", 0.1),
    ]
    assert fidelity.ended


def test_a_low_loss_is_a_high_rank_for_the_agreement(launched):
    fidelity = read_fidelity(*launched(halving={"score": "val_loss"}))
    assert [step.agreement.shared for step in fidelity.steps] == [2, 1]


@pytest.mark.parametrize("ended", [True, False])
def test_of_a_ladder_of_one_rung_there_is_nothing_to_compare(sweeps, output_of, ended):
    one = {"data": DATA, "halving": {"finalists": 8}}
    if ended:
        sweeps.launch(scored, **one)
    else:
        sweeps.prepare(**one)
    text = " ".join(output_of("explain").split())
    assert "nothing to compare: the ladder has one rung, so every trial is trained on all" in text
    assert ("Typical params of the kept trials" in text) == ended
    assert json.loads(output_of("explain", "--json"))["steps"] == []


def test_the_front_has_undominated_trials_and_describes_each_step(launched):
    tradeoff = read_tradeoff(*launched(), rung=0)
    assert (tradeoff.trials, [each.trial for each in tradeoff.candidates]) == (8, [5, 2, 1, 0])
    steps = [(u.cost, u.cheaper, u.dearer, u.factor) for u in tradeoff.upgrades]
    ladder = [(0, 1, 2.0), (1, 2, 1.5), (2, 5, 2.0)]
    costs = ("seconds", "trainable parameters")
    assert steps == [(cost, *step) for cost in costs for step in ladder]
    for upgrade in tradeoff.upgrades:
        assert isinstance(upgrade.sure, Difference)
        assert upgrade.sure.low < upgrade.gain == pytest.approx(upgrade.sure.value)


def test_of_cohorts_with_other_ladders_the_rung_is_the_one_that_selects_the_same_trials(launched):
    engine, row = launched(
        space={"lr": {"low": 1e-3, "high": 0.1, "log": True}},
        search={"method": "random", "trials": [8, 4]},
        halving={"min_fraction": ["1/4", "1/2"]},
    )
    last = read_tradeoff(engine, row)  # rung 2 of cohort 0, rung 1 of cohort 1
    assert (last.rung, last.images, last.trials) == (2, 32, 4)
    assert read_tradeoff(engine, row, last.rung) == last


def test_on_a_gpu_the_cost_is_its_seconds(launched):
    def on_gpu(job, on_epoch, stop):
        return replace(scored(job, on_epoch, stop), gpu_seconds=9.0 - job.trial)

    tradeoff = read_tradeoff(*launched(on_gpu), rung=0)
    assert {"GPU seconds", "trainable parameters"} == {u.cost for u in tradeoff.upgrades}
    assert tradeoff.candidates[0].costs == {"GPU seconds": 4.0, "trainable parameters": 600.0}


def with_latency(*devices):
    """A runner whose trials ran on these devices in turn; the larger, the slower."""

    def run(job, on_epoch, stop):
        result = scored(job, on_epoch, stop)
        device = devices[job.trial % len(devices)]
        return replace(result, latency_ms=2.5 * (1 + job.trial), device=device)

    return run


def test_latency_is_a_cost_too(launched, output_of):
    tradeoff = read_tradeoff(*launched(with_latency("cpu")), rung=0)
    assert tradeoff.costs["ms per image"] == {trial: 2.5 * (1 + trial) for trial in range(8)}
    assert tradeoff.candidates[0].costs["ms per image"] == 15
    text = " ".join(output_of("pareto", "--rung", "0").split())
    assert "trial 1 costs 2.0x the ms per image of trial 0 for" in text
    assert "the latency of one image at the training size, on cpu. Parallel jobs" in text


def test_latencies_on_other_hardware_are_left_out_with_a_note(launched, output_of):
    devices = ("cuda:0 (Fast 1)", "cuda:1 (Fast 1)", "cpu")
    tradeoff = read_tradeoff(*launched(with_latency(*devices)), rung=0)
    assert tradeoff.costs["ms per image"].keys() == {0, 1, 3, 4, 6, 7}
    text = " ".join(output_of("pareto", "--rung", "0").split())
    assert "on Fast 1; only the 6 trials that ran there are compared." in text


def test_a_step_is_one_plain_sentence(launched, output_of):
    launched()
    text = " ".join(output_of("pareto", "--rung", "0").split())
    sentence = r"trial 1 costs 2\.0x the seconds of trial 0 for \+\d\.\d ± \d\.\d points of mIoU"
    assert re.search(sentence, text)
    assert "paired bootstrap over the 12 groups of 12 validation images" in text
    last = " ".join(output_of("pareto").split())
    assert "trial 2 costs" not in last


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    "arguments",
    [("explain",), ("explain", "0"), ("explain", "5"), ("pareto", "--rung", "0")],
    ids=" ".join,
)
def test_the_terminal_s_width_is_kept(launched, output_of, arguments, columns):
    launched()
    lines = output_of(*arguments, columns=columns).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= columns


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "5"), ("pareto",)], ids=" ".join)
def test_json_has_every_fact(launched, output_of, arguments):
    engine, row = launched()
    expected = {
        ("explain",): lambda: read_fidelity(engine, row),
        ("explain", "5"): lambda: explain_trial(engine, row, 5),
        ("pareto",): lambda: read_tradeoff(engine, row),
    }[arguments]()
    printed = json.loads(output_of(*arguments, "--json"))
    assert printed == json.loads(json.dumps(asdict(expected), default=str))


@pytest.mark.parametrize("read", [explain_trial, read_fidelity, read_tradeoff])
def test_the_number_of_queries_does_not_grow_with_the_trials(sweeps, read):
    counted_queries = []
    for name, rates in (("few", 8), ("many", 24)):
        prepared, row = sweeps.launch(
            scored, {"lr": [0.1 / (1 + n) for n in range(rates)]}, data=DATA, name=name
        )
        statements = []
        event.listen(
            prepared.engine,
            "before_cursor_execute",
            lambda *arguments, to=statements: to.append(arguments[2]),
        )
        arguments = (0, 0) if read is explain_trial else ()
        read(prepared.engine, row, *arguments)
        counted_queries.append(len([s for s in statements if s.startswith("SELECT")]))
    assert counted_queries[1] <= counted_queries[0] <= 10


def test_a_decision_that_the_images_do_not_explain_is_reported(launched, output_of):
    engine, row = launched()
    (rung,) = explain_trial(engine, row, 0).rungs
    assert isinstance(rung.comparison.sure, Corrected)
    text = " ".join(output_of("explain", "0").split())
    assert "worse than trial 4, the last survivor; 95% interval" in text
    assert "after Holm's correction for the 7 comparisons of this rung" in text
    assert "The choice of images does not explain this difference." in text
    assert "these networks: " in text
    assert "it does not contain the noise of training" in text
