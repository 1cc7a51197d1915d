"""Repeats and the audit of a sweep, from its database to the terminal."""

import json
from dataclasses import replace

import optuna
import pytest
from click.testing import CliRunner

from searchctl.orchestrator.analysis.follow_up import read_follow_up
from searchctl.orchestrator.analysis.verification.evidence import read_record
from searchctl.orchestrator.analysis.verification.verify import the_winner_follows
from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.public.sweeps import open_sweep
from searchctl.trainer.core.results import Evaluation, JobResult

SCENES = {"dataset": "scenes", "train": 32, "val": 2, "test": 2}
FOLLOW_UP = {"repeats": 3, "audit": 2}
SEEDS = {5: {1: 0.70, 2: 0.80}, 2: {1: 0.60, 2: 0.50}}
"""Score of each repeat; on the ladder, trial 5 has 0.82 and trial 2 has 0.72."""
WINNERS = {5: 0.82, 0: 0.12}
"""Score of a winner with the seed of the audit; trial 0 wins where lower is better."""


def with_seeds(runner, audited=0.3, seeds=SEEDS):
    """Give repeats and audits these scores: no score where it is None, a failure at an error."""

    def run(job, on_epoch, stop):
        if job.kind == "ladder":
            return runner(job, on_epoch, stop)
        if job.kind == "audit":
            score = WINNERS.get(job.trial, audited)
        else:
            score = seeds[job.trial][job.repeat]
        if isinstance(score, str):
            return JobResult("failed", None, error=score)
        if score is None:
            return JobResult("diverged", None, seconds=3.0)
        test = Evaluation(0.5, score - 0.1, 0.6, 0.7, (0.4,), (0.6,))
        seconds = 3.0 if job.kind == "audit" else 1.5
        values = {"evaluations": {"test": test} if job.final else {}, "seconds": seconds}
        return JobResult("complete", score, kept_epoch=1, **values)

    return run


@pytest.fixture
def follow_up(sweeps, quick_runner):
    def launched(halving=FOLLOW_UP, name="quick", **scores):
        runner = with_seeds(quick_runner, **scores)
        prepared, row = sweeps.launch(runner, halving=halving, name=name)
        return read_follow_up(prepared.engine, row)

    return launched


@pytest.fixture
def output_of(sweeps):
    def run(*arguments, columns=200):
        command = [*arguments, "--db", sweeps.url]
        runner = CliRunner(env={"COLUMNS": str(columns)})
        result = runner.invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_finalists_have_mean_and_spread_over_the_same_seeds(follow_up):
    found = follow_up()
    first, second = found.repeats.finalists
    assert (first.trial, first.scores) == (5, pytest.approx([0.82, 0.7, 0.8]))
    assert (second.trial, second.scores) == (2, pytest.approx([0.72, 0.6, 0.5]))
    assert first.score.mean == pytest.approx((0.82 + 0.7 + 0.8) / 3)
    assert first.score.n == 3
    assert first.test.mean == pytest.approx(0.65)  # of the repeats, which alone have one here
    order = found.repeats.order
    assert (order.best_on_average, order.first, order.seeds) == (5, 2, 2)
    assert order.means == pytest.approx({5: 0.75, 2: 0.55})


def test_a_winner_that_other_seeds_do_not_confirm_is_reported(follow_up, output_of):
    found = follow_up(seeds={5: {1: 0.3, 2: 0.3}, 2: {1: 0.6, 2: 0.6}})
    assert found.winner == 5  # the decision stays
    assert (found.repeats.order.best_on_average, found.repeats.order.first) == (2, 0)
    text = " ".join(output_of("explain", "quick").split())
    assert "It does not stay ahead with seeds that did not select it: trial 2 is" in text
    assert "trial 2 is 0.3000 better on average, trial 5 is first with 0 of 2 other seeds" in text


def test_how_sure_the_winner_is_leads_with_the_noise_of_its_seeds(follow_up, output_of):
    follow_up()
    words = (
        "Not sure: the chance that trial 5 is the best of the 2 finalists is",
        "over 3 seeds, of trial 2 0.6067. One seed moves the score of a configuration by 0.0902",
        "4 degrees of freedom, from the repeats of this sweep",
    )
    for command in (("explain", "quick"), ("explain", "quick", "5"), ("show", "quick", "5")):
        text = " ".join(output_of(*command).split())
        assert all(each in text for each in words), text
    report = " ".join(output_of("report", "quick", "--format", "md").split())
    assert report.index("How sure? Not sure") < report.index("These trained networks: ")
    assert "how sure" not in output_of("show", "quick", "0")


def test_without_repeats_the_noise_is_that_of_earlier_seeds_or_not_known(sweeps, output_of):
    sweeps.launch()
    text = " ".join(output_of("explain", "quick").split())
    assert "Not known: nothing shows how much mIoU changes from seed to seed" in text
    assert "set halving.repeats: 3" in text

    def shifted(job, on_epoch, stop):
        score = (1 + job.trial * 3 % 8) / 10 + job.trial / 500
        return JobResult("complete", score, kept_epoch=1)

    sweeps.launch(shifted, name="other", seed=1)
    sweeps.launch(shifted, name="again", seed=1)
    text = " ".join(output_of("explain", "quick").split())
    assert "from 2 configurations with several seeds in again, other, quick" in text
    assert "counted as 2 degrees of freedom" in text
    sweeps.launch(shifted, name="small", seed=2, data={**SCENES, "image_size": [24, 32]})
    sweeps.launch(shifted, name="accuracy", seed=2, halving={"score": "val_accuracy"})
    assert "counted as 2 degrees of freedom" in " ".join(output_of("explain", "quick").split())


def test_with_choose_mean_every_view_names_the_best_over_seeds(sweeps, quick_runner, output_of):
    seeds = {5: {1: 0.3, 2: 0.3}, 2: {1: 0.6, 2: 0.6}}
    halving = {"repeats": 3, "choose": "mean"}
    prepared, row = sweeps.launch(with_seeds(quick_runner, seeds=seeds), halving=halving)
    best = json.loads(output_of("status", "quick", "--json"))["best"]
    assert [(each["trial"], each["rank"]) for each in best][:2] == [(2, 1), (5, 2)]
    assert (best[0]["mean"], best[0]["seeds"]) == (pytest.approx(0.64), 3)
    report = json.loads(output_of("report", "quick", "--format", "json"))
    assert (report["answer"]["trial"], report["answer"]["certainty"]["rivals"][0]["trial"]) == (
        2,
        2,
    )
    assert [each["trial"] for each in report["trials"]][:2] == report["finalists"] == [2, 5]
    assert "trial: 2" in output_of("export", "quick")
    assert open_sweep("quick", db=sweeps.url).best()[0].exported_from.trial == 2
    text = " ".join(output_of("explain", "quick").split())
    assert "the chance that trial 2 is the best" in text
    assert "Its mean over seeds made it the winner" in text
    explained = json.loads(output_of("explain", "quick", "5", "--json"))["rungs"][-1]
    assert explained["comparison"]["opponent"] == {"trial": 2, "side": "the winner"}
    study = optuna.load_study(study_name="quick", storage=prepared.url)
    assert study.user_attrs["winner"] == 2
    record = read_record(prepared.engine, row)
    assert list(the_winner_follows(record)) == []
    (wrong,) = the_winner_follows(replace(record, winner=5))
    assert (wrong.what, wrong.stored, wrong.derived) == ("winner", 5, 2)


def test_a_finalist_that_diverges_with_another_seed_is_not_sure(follow_up, output_of):
    follow_up(seeds={5: {1: 0.81, 2: None}, 2: {1: 0.11, 2: 0.12}}, halving={"repeats": 3})
    text = " ".join(output_of("explain", "quick").split())
    assert "Not sure: the chance that trial 5 is the best" in text
    assert "Trial 5 has no score with 1 of its seeds." in text


def test_a_seed_without_a_score_is_left_out(follow_up):
    found = follow_up(seeds={5: {1: None, 2: 0.80}, 2: {1: 0.9, 2: "no such file"}})
    first, second = found.repeats.finalists
    assert (first.scores[1:], first.score.n) == ([None, 0.8], 2)
    assert second.scores[1:] == [0.9, None]
    assert found.repeats.order.seeds == 0


def test_the_audit_counts_trials_that_beat_the_winner_and_its_cost(follow_up, output_of):
    found = follow_up(audited=0.9)
    result = found.audit.verdict
    assert (result.pruned, result.n, result.better, result.share) == (6, 2, 2, 1)
    assert (result.low, result.high) == (pytest.approx(0.025**0.5), 1)
    assert result.regret == pytest.approx(0.08)
    assert found.winner == 5
    whole = 14 * 1.5 + 4 * 1.5 + 3 * 3
    assert (found.costs["audit"].amount, found.costs["audit"].unit) == (9, "seconds")
    assert found.costs["audit"].share == pytest.approx(9 / whole)
    text = " ".join(output_of("explain", "quick").split())
    assert "2 of 2 audited trials beat the winner (2 of the 6 trials" in text
    assert "With this seed, the best of them" in text
    assert "is 0.0800 better, as the largest of several differences" in text
    assert "Both were trained with a seed that selected neither." in text


def test_the_audit_has_no_result_if_the_winner_has_none_with_its_seed(
    follow_up, output_of, monkeypatch
):
    monkeypatch.setitem(WINNERS, 5, None)
    assert follow_up(audited=0.9).audit.verdict is None
    text = " ".join(output_of("explain", "quick").split())
    assert "the winner, trial 5, has no score with the audit's seed" in text


def test_a_loss_is_better_when_it_is_lower(follow_up):
    halving = {"score": "val_loss", "audit": 2}
    result = follow_up(halving, audited=0.01).audit.verdict
    assert result.better == 2
    assert result.regret == pytest.approx(0.12 - 0.01)


def test_a_diverged_audit_does_not_beat_the_winner_and_a_failed_one_is_not_counted(follow_up):
    assert follow_up(audited=None).audit.verdict.n == 2
    audit = follow_up(audited="no such file", name="other").audit
    assert audit.verdict is None
    assert [each.failed for each in audit.trials] == [True, True]


def test_audited_trials_name_the_cut_that_dropped_them(follow_up):
    for each in follow_up().audit.trials:
        assert (each.pruned_at, each.cohort) in [(0, 8), (1, 4)]
        assert each.rank > each.cohort // 2


def test_a_sweep_without_follow_up_jobs_reports_none(sweeps, output_of):
    prepared, row = sweeps.launch()
    assert read_follow_up(prepared.engine, row) is None
    assert "seeds" not in output_of("explain", "quick")
    assert json.loads(output_of("explain", "quick", "--json"))["appraised"] is None


def test_json_has_seeds_and_audit(follow_up, output_of):
    follow_up()
    found = json.loads(output_of("explain", "quick", "--json"))["appraised"]
    assert found["repeats"]["finalists"][0]["scores"] == pytest.approx([0.82, 0.7, 0.8])
    assert found["audit"]["verdict"]["n"] == 2
    assert set(found["costs"]) == {"repeat", "audit"}


def test_show_has_a_trials_jobs_after_the_ladder(follow_up, output_of):
    found = follow_up()
    text = output_of("show", "quick", "5")
    assert "repeat 1" in text
    assert "repeat 2" in text
    audited = str(found.audit.trials[0].trial)
    assert "audit" in output_of("show", "quick", audited)
    facts = json.loads(output_of("show", "quick", audited, "--json"))
    assert [job["kind"] for job in facts["after"]] == ["audit"]
    assert [job["kind"] for job in facts["jobs"]] == ["ladder"] * len(facts["jobs"])


def test_status_counts_the_jobs_after_the_ladder_apart(follow_up, output_of):
    follow_up()
    assert "repeats 4/4, audit 3/3" in output_of("status", "quick")
    found = json.loads(output_of("status", "quick", "--json"))
    assert [rung["done"] for rung in found["rungs"]] == [8, 4, 2]
    assert [(each["kind"], each["done"], each["jobs"]) for each in found["after"]] == [
        ("repeat", 4, 4),
        ("audit", 3, 3),
    ]
    assert [each["trial"] for each in found["best"]][:2] == [5, 2]  # each once


def test_logs_name_each_job_after_the_ladder(follow_up, output_of):
    follow_up()
    text = output_of("logs", "quick")
    assert "trial 5 repeat 2: complete, score 0.8000" in text
    assert "audit: started" in text


@pytest.mark.parametrize("columns", [80, 200])
def test_the_terminals_width_is_kept(follow_up, output_of, columns):
    follow_up()
    assert max(map(len, output_of("explain", "quick", columns=columns).splitlines())) <= columns
