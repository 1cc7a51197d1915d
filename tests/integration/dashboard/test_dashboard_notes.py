"""The notes of a study and its trials: why each ended, and the way to the report."""

import optuna
import pytest
from optuna.trial import Trial
from optuna_dashboard import _serializer, get_note, save_note

from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.web.dashboard import Dashboard, note_of
from searchctl.orchestrator.web.pictures import PictureStore
from tests.servers.dashboards import ask, dashboard_of, served


def test_a_report_is_served_beside_the_dashboard(swept):
    def report(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"report of {environ['PATH_INFO']}".encode()]

    with served(dashboard_of(swept, lambda engine: report)) as port:
        assert ask(port, "/report/quick")[2] == "report of /quick"
        assert ask(port, "/report")[2] == "report of "
        assert ask(port, "/reports")[0] == 404


def study_of(swept):
    return optuna.load_study(study_name="quick", storage=swept.url)


def test_the_study_s_note_leads_to_the_report_and_its_values_have_the_score_s_name(swept):
    assert "](/report/quick)" in get_note(study_of(swept))
    assert study_of(swept).metric_names == ["val_miou"]


def test_every_trial_has_a_note_with_the_reason_of_its_end(swept):
    for trial in study_of(swept).trials:
        note = get_note(Trial(study_of(swept), trial._trial_id))
        number = trial.user_attrs["trial"]
        assert note.startswith(f"**{trial.user_attrs['verdict'].capitalize()} at rung ")
        assert trial.user_attrs["reason"] in note
        assert f"`searchctl explain quick {number}`" in note
        assert "[report](/report/quick)" in note


class Attributes(dict):
    """A study's attributes, all of which are not to be looked at for each trial."""

    def items(self):
        raise AssertionError("a look at everything")


def test_a_trial_is_shown_without_reading_all_notes(swept):
    Dashboard(swept.url, PictureStore(open_database(swept.url)))
    storage, (trial, *_) = study_of(swept)._storage, study_of(swept).trials
    attributes = Attributes(storage.get_study_system_attrs(1))
    shown = _serializer.serialize_frozen_trial(1, trial, attributes)
    assert shown["note"] == {"version": 1, "body": get_note(Trial(study_of(swept), 1))}
    assert [each["filename"] for each in shown["artifacts"]] == ["rung-0-masks.png"]


@pytest.mark.parametrize("note", ["", "short", "long " * 2000])
def test_a_note_is_read_as_it_was_written(note, tmp_path):
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/notes.db")
    assert note_of({}, None) == {"version": 0, "body": ""}
    for version in (1, 2):
        save_note(study, note)
        attributes = study._storage.get_study_system_attrs(study._study_id)
        assert note_of(attributes, None) == {"version": version, "body": note}


def test_a_note_that_a_user_wrote_is_kept(sweeps, quick_runner):
    def noting(job, on_epoch, stop):
        if (job.trial, job.rung) == (0, 0):
            save_note(Trial(study_of(sweeps), 1), "mine")
            save_note(study_of(sweeps), "my study")
        return quick_runner(job, on_epoch, stop)

    sweeps.launch(noting)
    study = study_of(sweeps)
    notes = [get_note(Trial(study, trial._trial_id)) for trial in study.trials]
    assert notes[0] == "mine"
    assert "**Pruned at rung 0**" in notes[1]
    save_note(Trial(study, 2), "")
    sweeps.resume()
    assert get_note(Trial(study_of(sweeps), 2)) == ""
    assert get_note(study_of(sweeps)) == "my study"
