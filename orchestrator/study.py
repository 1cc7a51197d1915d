"""Mirrors every trial into an Optuna study in the same database, for its dashboard and command.

One study a sweep, one Optuna trial a trial (of the same number), one intermediate value a rung.
The audit of a trial is an Optuna trial of its own, told apart by its attribute `audit_of`.
The mirror never decides anything: it is written after our own commit, each write may be repeated,
a failure is only logged, and all of it can be rebuilt from our tables. Optuna refuses anything
said of a trial after its end, so attributes and artifacts come before. Pictures are artifacts by
name only: their files stay where the jobs wrote them (serving/pictures.py).
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import SearchctlError
from orchestrator.files.pictures import JobPicture
from orchestrator.halving import Direction
from orchestrator.storage.connect import database_location, engine_options
from orchestrator.storage.faults import full, unreachable
from searchspace import Dimension, Interval, Params, Space

log = logging.getLogger("searchctl")

_NOTE_LENGTH = 2000
"""Characters of a note at most; the dashboard splits a longer one into several attributes."""
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries to create Optuna's tables while another launch does so."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return what Optuna must know of each searched name."""
    found = {name: _distribution(dimension) for name, dimension in space.axes.items()}
    for name in dict.fromkeys(name for point in space.points for name in point):
        values = dict.fromkeys(_plain(point[name]) for point in space.points if name in point)
        found[name] = CategoricalDistribution(list(values))
    return found


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not isinstance(dimension, Interval):
        return CategoricalDistribution([_plain(value) for value in dimension.values()])
    low, high, log_scale, step = dimension.low, dimension.high, dimension.log, dimension.step
    if dimension.whole:
        return IntDistribution(int(low), int(high), log=log_scale, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=log_scale, step=step)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, tuple) else value


def open_storage(url: str) -> RDBStorage:
    """Open Optuna's tables, or create them: those who do so at once fail, all but one."""
    location = database_location(url)
    where, options = location.render_as_string(hide_password=False), engine_options(location)
    for pause in _PAUSES_S:
        try:
            return RDBStorage(where, engine_kwargs=options)
        except SQLAlchemyError as error:
            if unreachable(error) or full(error):
                raise
            time.sleep(pause)
    return RDBStorage(where, engine_kwargs=options)


def study_id(url: str, name: str) -> int:
    """Return the number by which Optuna knows a sweep's study: it is in the dashboard's addresses.

    Raises:
        SearchctlError: there is no such study.
    """
    try:
        return open_storage(url).get_study_id_from_name(name)
    except KeyError as error:
        raise SearchctlError(
            f"the Optuna study of '{name}' was deleted: `searchctl resume {name}` makes it anew"
        ) from error


@dataclass(frozen=True)
class Ending:
    """How a trial ended, as the study is to show it."""

    trial: int
    verdict: str
    reason: str
    note: str
    """Markdown, for the dashboard's own note field."""


class StudyMirror:
    """The Optuna study of one sweep."""

    def __init__(self, url: str, name: str, direction: Direction, space: Space) -> None:
        """Open the study, or create it, and attach to the trials that it has.

        Raises:
            Exception: whatever Optuna meets in the database, at the start of a sweep.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.name = name
        self.behind = False
        """Has a write failed since the study was last brought up to the tables?"""
        self._distributions = distributions(space)
        self._study = optuna.create_study(
            study_name=name, storage=open_storage(url), direction=direction, load_if_exists=True
        )
        self._trials = self._shown_trials("trial")
        self._audits = self._shown_trials("audit_of")

    def _shown_trials(self, name: str) -> dict[int, Trial]:
        """Return the study's trials that have an attribute, by its value: a trial's number."""
        return {
            frozen.user_attrs[name]: Trial(self._study, frozen._trial_id)
            for frozen in self._study.get_trials(deepcopy=False)
            if name in frozen.user_attrs
        }

    def introduce(self, metric: str, note: str, attributes: Mapping[str, str]) -> None:
        """Say what the study's values are, and of it as a whole what a user has not said of it."""
        with self._only_logged():
            # Study.set_metric_names does the same, and warns that it may change
            self._set("study:metric_names", [metric])
            noted = self._study._storage.get_study_system_attrs(self._study._study_id)
            self._note(None, note, noted)
            held = self._study.user_attrs
            for name, value in attributes.items():
                if name not in held:
                    self._study.set_user_attr(name, value)

    def begin(self, number: int, params: Params) -> None:
        """Show a trial as RUNNING, if it is not there yet."""
        with self._only_logged():
            if self.behind:  # a write that failed may have been stored, and only its answer lost
                self._trials = self._shown_trials("trial")
            if number in self._trials:
                return
            attributes = {"trial": number, "params_hash": params.fingerprint}
            self._trials[number] = self._create(params, TrialState.RUNNING, attributes)

    def show_audit(
        self,
        number: int,
        params: Params,
        rung: int,
        score: float | None,
        attributes: Mapping[str, Any],
    ) -> None:
        """Show a trial's audit, if it is not there yet: without a score, as FAIL.

        Else as PRUNED, with the score as an intermediate value and an attribute: it stays pruned,
        and if it were COMPLETE, Optuna might call it the best trial of the study.
        """
        with self._only_logged():
            if self.behind:
                self._audits = self._shown_trials("audit_of")
            if number in self._audits:
                return
            state = TrialState.FAIL if score is None else TrialState.PRUNED
            about = {"audit_of": number, "params_hash": params.fingerprint, "score": score}
            values = {} if score is None else {rung: score}
            self._audits[number] = self._create(params, state, {**about, **attributes}, values)

    def _create(
        self,
        params: Params,
        state: TrialState,
        attributes: dict[str, Any],
        values: dict[int, float] | None = None,
    ) -> Trial:
        template = create_trial(
            state=state,
            params={name: _plain(value) for name, value in params.items()},
            distributions={name: self._distributions[name] for name in params},
            user_attrs=attributes,
            intermediate_values=values,
        )
        # Study.add_trial does the same, but keeps the new trial's id to itself
        storage, study_id = self._study._storage, self._study._study_id
        return Trial(self._study, storage.create_new_trial(study_id, template_trial=template))

    def report(
        self,
        number: int,
        rung: int,
        score: float,
        attributes: Mapping[str, Any],
        pictures: Iterable[JobPicture] = (),
    ) -> None:
        """Show a trial's score at a rung as an intermediate value, facts as attributes, pictures.

        The pictures are shown as artifacts: PNG files, named by their rung.
        """
        with self._only_logged():
            trial, shown = self._trials[number], self._shown(number)
            if shown.state.is_finished():
                return
            for name, value in attributes.items():
                trial.set_user_attr(name, value)
            for picture in pictures:
                self._show_picture(trial, rung, picture)
            if rung not in shown.intermediate_values:
                trial.report(score, rung)

    def _show_picture(self, trial: Trial, rung: int, picture: JobPicture) -> None:
        """Write what `optuna.artifacts.upload_artifact` does, which would copy the file too."""
        said = {
            "artifact_id": picture.id,
            "filename": f"rung-{rung}-{picture.file}",
            "mimetype": "image/png",
            "encoding": None,
        }
        name = f"artifacts:{picture.id}"
        self._study._storage.set_trial_system_attr(trial._trial_id, name, json.dumps(said))

    def end(self, endings: Iterable[Ending]) -> None:
        """Show trials as COMPLETE, PRUNED or FAIL, with the reason, also as a note.

        A trial that has a note keeps it: a user wrote it.
        """
        with self._only_logged():
            # all notes of a study are read at once, so this is done once for all that end
            noted = self._study._storage.get_study_system_attrs(self._study._study_id)
            for ending in endings:
                self._end(ending, noted)

    def _end(self, ending: Ending, noted: Mapping[str, Any]) -> None:
        with self._only_logged():
            trial, shown = self._trials[ending.trial], self._shown(ending.trial)
            if shown.state.is_finished():
                return
            self._note(trial._trial_id, ending.note, noted)
            trial.set_user_attr("verdict", ending.verdict)
            trial.set_user_attr("reason", ending.reason)
            if ending.verdict == "complete":
                self._study.tell(trial, shown.intermediate_values[max(shown.intermediate_values)])
            else:
                state = TrialState.PRUNED if ending.verdict == "pruned" else TrialState.FAIL
                self._study.tell(trial, state=state)

    def _note(self, trial_id: int | None, text: str, noted: Mapping[str, Any]) -> None:
        """Write a note as `optuna_dashboard.save_note` does, which reads all notes each time."""
        of = "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"
        if f"{of}note_ver" in noted:
            return
        self._set(f"{of}note_str:0", text[:_NOTE_LENGTH])
        self._set(f"{of}note_ver", 1)  # the last: with it there is a note, without it there is none

    def _set(self, name: str, value: Any) -> None:
        self._study._storage.set_study_system_attr(self._study._study_id, name, value)

    def _shown(self, number: int) -> FrozenTrial:
        return self._study._storage.get_trial(self._trials[number]._trial_id)

    @contextmanager
    def _only_logged(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not self.behind:
                log.warning("the Optuna study is behind, and is mended at the end: %s", error)
            self.behind = True
