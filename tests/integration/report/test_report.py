"""Reports on sweeps in all their states: what they say, and how they are printed."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.core.errors import SearchctlError, SweepFailed
from searchctl.orchestrator.draws.distributions import distributions
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.report.charts.figures import follow_classes
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html, markdown, render
from searchctl.orchestrator.search.importance import Scored, importance
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.web.report import ReportApp
from searchctl.trainer.core.results import EpochRecord, Evaluation, JobResult

DOCS = Path(__file__).parents[3] / "docs"


def report_of(sweeps, name="quick"):
    engine = open_database(sweeps.url)
    return gather(engine, queries.find_sweep(engine, name))


@pytest.fixture
def finished(sweeps):
    sweeps.launch()
    return report_of(sweeps)


class Texts(HTMLParser):
    """The texts of a page, with the tags around them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_the_answer_is_that_of_status(finished):
    answer = finished.answer
    assert (answer.trial, answer.rung, answer.params) == (5, 2, finished.trials[0].params)
    assert answer.score == pytest.approx(0.82)
    assert answer.comparison.opponent.trial == 2
    assert finished.finalists == [5, 2]
    assert [each.place for each in finished.trials] == [*range(1, 9)]


def test_every_trial_has_its_way_up_the_ladder(finished):
    ways = {each.trial: [step.verdict for step in each.steps] for each in finished.trials}
    assert ways[5] == ["promoted", "promoted", "complete"]
    assert ways[3] == ["pruned"]
    assert [(rung.trials, rung.done, rung.kept) for rung in finished.ladder] == [
        (8, 8, 4),
        (4, 4, 2),
        (2, 2, 2),
    ]


def test_options_are_compared_where_every_value_has_a_score(finished):
    by_name = {each.name: each for each in finished.contrasts}
    assert list(by_name) == ["lr", "weight_decay"]
    decay = by_name["weight_decay"]
    assert (decay.rung, [option.value for option in decay.options]) == (2, [0, 0.1])
    assert [option.trial for option in decay.options] == [2, 5]
    for option in decay.options:
        assert (option.trials_at_start, option.trials, option.curve.rung) == (4, 1, 2)
        assert option.classes.values[:2] == [0.4, None]
    assert by_name["lr"].rung == 0


def learning(job, on_epoch, stop):
    """Return a result whose classes came in the course of three epochs."""
    records = [
        EpochRecord(e, 1.0, 0.1, 8, 0.1, 0.5, e / 10, val_class_iou=(e / 4, None, 0.1, e / 8))
        for e in (1, 2)
    ]
    records.append(EpochRecord(3, 1.0, 0.1, 8, 0.1))
    score = (1 + job.trial) / 10
    evaluation = Evaluation(0.5, score, 0.6, 0.7, (score, None, 0.1, 0.2), (0.9, None, 0.8, 0.7))
    return JobResult(
        "complete",
        score,
        kept_epoch=2,
        epochs=tuple(records),
        evaluations={"val": evaluation},
        latency_ms=1.234 + job.trial,
        device="cuda:0 (Fast 1)" if job.trial % 2 else "cpu",
    )


def test_classes_are_followed_over_the_epochs_that_were_validated(sweeps):
    sweeps.launch(learning)
    report = report_of(sweeps)
    assert [each.class_id for each in report.chosen_classes] == [0, 2, 3]
    first, *_ = follow_classes(report)
    assert (first.name, [line.label for line in first.chart.lines]) == (
        report.about.classes[0],
        ["trial 7", "trial 6"],
    )
    assert first.chart.lines[0].path.count("L") == 1
    page = Texts(html(report))
    names = [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg"]
    assert sum(name.startswith("IoU of ") for name in names) == 3


def test_a_trial_has_its_latency_and_where_it_was_measured(sweeps):
    sweeps.launch(learning)
    report = report_of(sweeps)
    assert report.trials[0].latency_ms == pytest.approx(8.234)
    page = html(report)
    assert 'data-v="8.234">8.23</td>' in page
    assert "on Fast 1, cpu; parallel jobs" in " ".join(page.split())
    assert "| 8.23 |" in markdown(report)


def test_what_was_not_measured_is_not_reported(finished):
    page = html(finished)
    assert "ms/image" not in page
    assert "IoU over epochs" not in page


def test_by_class_a_sweep_is_reported_in_its_ranking_metric(sweeps):
    sweeps.launch(learning, halving={"score": "val_accuracy"})
    assert report_of(sweeps).classes[0].values[:4] == [0.9, None, 0.8, 0.7]


def test_a_sweep_that_has_not_started_has_a_report(sweeps):
    sweeps.prepare()
    report = report_of(sweeps)
    assert report.answer is None
    assert "No rung is closed yet" in report.missing["answer"]
    page = html(report)
    assert "No winner yet" in page
    assert "No trial has a score yet." in page
    assert markdown(report).startswith("# quick\n")


def test_the_report_of_an_interrupted_sweep_has_all_known_results(sweeps, quick_runner):
    def dying(job, on_epoch, stop):
        if (job.rung, job.trial) == (1, 2):
            raise KeyboardInterrupt
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(KeyboardInterrupt):
        sweeps.launch(dying)
    report = report_of(sweeps)
    assert report.about.state == "INTERRUPTED"
    assert report.answer.rung == 0
    assert report.ladder[1].kept is None
    page = html(report)
    assert "Best so far" in page
    assert "the winner may change" in page
    assert "highest rung with a score" in page
    states = {each.trial: each.state for each in report.trials}
    assert "PRUNED" in states.values()
    assert "PRUNED" not in {states[trial] for trial in report.finalists}
    assert "at rung 0" in markdown(report)
    assert "every configuration" not in page  # what it would cost is compared at the end


def test_a_sweep_without_any_score_has_a_report(sweeps):
    def diverging(job, on_epoch, stop):
        return JobResult("diverged", None, error="the loss was NaN")

    with pytest.raises(SweepFailed):
        sweeps.launch(diverging)
    report = report_of(sweeps)
    assert report.answer is None
    assert [each.state for each in report.trials] == ["FAIL"] * 8
    assert "diverged" in html(report)


def test_the_report_of_a_resumed_sweep_mentions_the_resume(sweeps):
    sweeps.launch()
    sweeps.resume()
    assert "The sweep was resumed 1 time." in html(report_of(sweeps))


def test_names_are_shown_as_they_are_and_never_become_tags(sweeps):
    odd = {"loss": ["cross_entropy", "dice"], "lr": [0.1]}
    sweeps.launch(space=odd)
    report = report_of(sweeps)
    evil = "<script>alert(1)</script>|{{ 7 * 7 }}"
    best = replace(report.trials[0], params={evil: evil, "lr": 0.1})
    classes = [evil, *report.about.classes[1:]]
    changed = replace(
        report,
        about=replace(report.about, classes=classes),
        trials=[best, *report.trials[1:]],
    )
    page = Texts(html(changed))
    assert sum(evil in text for text in page.texts) >= 3
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert r"&lt;script>alert(1)&lt;/script>\|{{ 7 * 7 }}" in markdown(changed)


def test_a_page_requests_no_other_files(finished):
    page = Texts(html(finished))
    addresses = [attrs.get(name, "") for _, attrs in page.tags for name in ("src", "href")]
    assert all(address.startswith(("#", "data:")) for address in addresses if address)
    assert "url(" not in html(finished)


def test_the_json_is_the_facts_and_each_name_is_documented(finished):
    facts = json.loads(render(finished, "json"))
    assert facts["format"] == 1
    assert facts["answer"]["trial"] == 5
    documented = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "report.md").read_text(), re.MULTILINE))
    assert documented == facts.keys()


def test_markdown_tables_have_as_many_cells_as_headers(finished):
    tables = re.findall(r"(?:^\|.*\n)+", markdown(finished), re.MULTILINE)
    assert len(tables) >= 6
    for table in tables:
        counts = {re.sub(r"\\\|", "", line).strip().count("|") for line in table.splitlines()}
        assert len(counts) == 1, table


def look(sweeps, *arguments):
    done = CliRunner().invoke(cli, ["report", "quick", "--db", sweeps.url, *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("file", "begins"), [("r.html", "<!doctype html>"), ("r.md", "# quick"), ("r.json", "{")]
)
def test_the_suffix_of_the_file_selects_the_format(file, begins, sweeps, tmp_path):
    sweeps.launch()
    assert look(sweeps, "-o", str(tmp_path / file)).startswith(f"wrote {tmp_path / file} (")
    assert (tmp_path / file).read_text().lstrip().startswith(begins)


def test_the_command_prints_formats_other_than_html(sweeps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweeps.launch()
    assert json.loads(look(sweeps, "--format", "json"))["about"]["name"] == "quick"
    assert look(sweeps, "--format", "md").startswith("# quick")
    assert look(sweeps).startswith("wrote quick.html (")
    assert (tmp_path / "quick.html").exists()


def ask(sweeps, path):
    responses = []
    body = ReportApp(open_database(sweeps.url))(
        {"PATH_INFO": path}, lambda status, headers: responses.append((status, dict(headers)))
    )
    (status, headers), content = responses[0], b"".join(body)
    assert int(headers["Content-Length"]) == len(content)
    return status[:3], content.decode()


def test_reports_are_served_as_they_are_now(sweeps):
    sweeps.prepare()
    assert "No winner yet" in ask(sweeps, "/quick")[1]
    assert '<a href="/report/quick">quick</a>, INTERRUPTED' in ask(sweeps, "")[1]
    sweeps.resume()
    assert "Winner: trial 5" in ask(sweeps, "/quick")[1]
    assert ask(sweeps, "/<b>")[0] == "404"
    assert "&lt;b&gt;" in ask(sweeps, "/<b>")[1]


def test_masks_of_finalists_are_in_the_page_by_rung_and_epoch(sweeps):
    sections = {
        "data": {"dataset": "scenes", "train": 8, "val": 4, "test": 2, "image_size": [24, 32]},
        "training": {"batch_size": 2, "epochs": 3, "width": 4, "threads": 1},
        "halving": {"finalists": 1},
        "report": {"images": ["val_00003", "val_00000"]},
    }
    sweeps.launch(space={"lr": [0.01, 0.001]}, executor=InlineExecutor(), **sections)
    report = report_of(sweeps)
    page = Texts(html(report))
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    shown = [attrs["alt"].partition(": ")[0] for attrs in images[4::2]]
    assert [attrs["title"] for attrs in images[:2]] == ["val_00003", "val_00000"]
    best = report.answer.trial
    assert shown[0].startswith(f"trial {best}, rung 0, epoch ")
    assert [each for each in shown if each.startswith(f"trial {best}, rung 1, epoch 1")]
    assert [each for each in shown if each.endswith(", kept")]
    assert report.unlabeled.images == 4
    (sweeps.folder / "runs").rename(sweeps.folder / "elsewhere")
    assert "No masks.png can be read" in html(report_of(sweeps))


def test_a_name_that_no_image_has_is_refused_at_the_launch(sweeps):
    with pytest.raises(Exception, match="no validation image is named nowhere"):
        sweeps.prepare(report={"images": ["nowhere"]})


def test_importance_is_of_the_rung_where_every_trial_has_a_score(sweeps):
    sweep = sweeps.sweep()
    trials = [
        Scored(params, (0.9 if params["lr"] == 0.1 else 0.1) + place / 1000)
        for place, params in enumerate(sweep.trials())
    ]
    known = distributions(sweep.space_)
    found = importance(trials, known, "maximize", 0)
    assert next(iter(found.shares)) == "lr"
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found == importance(trials, known, "maximize", 0)
    flipped = [Scored(each.params, -each.score) for each in trials]
    assert importance(flipped, known, "minimize", 0).shares == pytest.approx(found.shares)


def test_trials_that_tie_have_no_importance(sweeps):
    sweep = sweeps.sweep()
    tied = [Scored(params, 0.5) for params in sweep.trials()]
    with pytest.raises(SearchctlError, match="tie"):
        importance(tied, distributions(sweep.space_), "maximize", 0)
