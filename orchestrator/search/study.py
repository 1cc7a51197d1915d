"""Mirrors every trial into an Optuna study in the same database, for Optuna's dashboard and CLI.

A sweep has one study, a trial one Optuna trial of the same number, a rung one intermediate value.
The audit of a trial is a separate Optuna trial with the attribute `audit_of`.
The mirror never influences a decision. It is written after our own commit, each write can be
repeated, a failure is only logged, and the study can be rebuilt from our tables. Optuna refuses
changes to a trial after its end, so attributes and artifacts are written before it. Pictures are
artifacts by name only: their files stay where the jobs wrote them (web/pictures.py).
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.artifacts.pictures import JobPicture
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.search.study_rows import EndedTrial, NewTrial, StudyRows
from searchctl.orchestrator.storage.connect import connect, database_location, engine_options
from searchctl.orchestrator.storage.faults import full, unreachable
from searchctl.searchspace import Branches, Choice, Interval, Params, Space
from searchctl.searchspace.branches import Axis
from searchctl.searchspace.values import freeze, text

log = logging.getLogger("searchctl")

_NOTE_LENGTH = 2000
"""Maximum length of a note. The dashboard splits a longer one into several attributes."""
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to create Optuna's tables while another launch does the same."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return the Optuna distribution of each searched name."""
    found = {name: _distribution(dimension) for name, dimension in space.axes.items()}
    for name in dict.fromkeys(name for point in space.points for name in point):
        values = dict.fromkeys(plain(point[name]) for point in space.points if name in point)
        found[name] = CategoricalDistribution(list(values))
    return found


def _distribution(dimension: Axis) -> BaseDistribution:
    if isinstance(dimension, Branches):
        return _distribution(_hull(dimension))
    if not isinstance(dimension, Interval):
        return CategoricalDistribution([plain(value) for value in dimension.values()])
    low, high, log_scale, step = dimension.low, dimension.high, dimension.log, dimension.step
    if dimension.whole:
        return IntDistribution(int(low), int(high), log=log_scale, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=log_scale, step=step)


def _hull(branches: Branches) -> Choice | Interval:
    """Return one dimension that holds the values of all branches: Optuna has one for each name."""
    parts = [part for part in branches.parts if isinstance(part, Interval)]
    if not parts:
        return Choice(tuple({text(value): value for value in branches.values()}.values()))
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    if not all(part.whole for part in parts):
        low, high = float(low), float(high)
    return Interval(low, high, log=all(part.log for part in parts))


def plain(value: Any) -> Any:
    """Return a param as Optuna can hold it: a list or a mapping as its JSON."""
    return text(freeze(value)) if isinstance(value, list | tuple | dict) else value


def open_storage(url: str) -> RDBStorage:
    """Open Optuna's tables, or create them.

    If several processes create them at the same time, all but one fail, so this tries again.
    """
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
    """Return the id of a sweep's Optuna study, which is part of the dashboard's URLs.

    Raises:
        SearchctlError: the study does not exist.
    """
    try:
        return open_storage(url).get_study_id_from_name(name)
    except KeyError as error:
        raise SearchctlError(
            f"the Optuna study of '{name}' was deleted: `searchctl resume {name}` recreates it"
        ) from error


@dataclass(frozen=True)
class Ending:
    """The end of a trial, as the study shows it."""

    trial: int
    verdict: str
    reason: str
    note: str
    """Markdown for the dashboard's note field."""


@dataclass
class _Shown:
    """The state of a trial in the study."""

    id: int
    ended: bool = False
    scores: dict[int, float] = field(default_factory=dict)
    """Score of each rung so far."""


class StudyMirror:
    """The Optuna study of one sweep."""

    def __init__(self, url: str, name: str, direction: Direction, space: Space) -> None:
        """Open or create the study, and read its trials.

        Raises:
            Exception: any error of Optuna or the database. Only later writes are merely logged.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.name = name
        self.behind = False
        """Whether a write has failed since the study was last synchronized with the tables."""
        self._stale = False
        self._distributions = distributions(space)
        self._storage = open_storage(url)
        self._study = optuna.create_study(
            study_name=name, storage=self._storage, direction=direction, load_if_exists=True
        )
        self._engine = connect(url)
        self._rows = StudyRows(self._engine, self._study._study_id)
        self._reload()

    def close(self) -> None:
        """Close all connections to the database."""
        self._storage.scoped_session.remove()
        self._storage.engine.dispose()
        self._engine.dispose()

    def _reload(self) -> None:
        """Read the study's trials. A failed write may be stored, if only its reply was lost."""
        self._trials, self._audits = self._shown_trials("trial"), self._shown_trials("audit_of")
        self._stale = False

    def _shown_trials(self, name: str) -> dict[int, _Shown]:
        """Return the study's trials that have this attribute, by its value (a trial number)."""
        return {
            each.user_attrs[name]: _Shown(
                each._trial_id, each.state.is_finished(), dict(each.intermediate_values)
            )
            for each in self._study.get_trials(deepcopy=False)
            if name in each.user_attrs
        }

    def introduce(self, metric: str, note: str, attributes: Mapping[str, str]) -> None:
        """Set the study's metric name, note and attributes, unless a user has set them."""
        with self._only_logged():
            # as Study.set_metric_names does, but without its warning that it is experimental
            self._set("study:metric_names", [metric])
            noted = self._study._storage.get_study_system_attrs(self._study._study_id)
            for name, value in _note(None, note, noted).items():
                self._set(name, value)
            existing = self._study.user_attrs
            for name, value in attributes.items():
                if name not in existing:
                    self._study.set_user_attr(name, value)

    def begin(self, number: int, params: Params) -> None:
        """Create a trial as RUNNING if the study does not have it yet."""
        with self._only_logged():
            if self._stale:
                self._reload()
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
        """Create the Optuna trial of an audit, if the study does not have it yet.

        Its state is FAIL without a score and PRUNED with one. It is never COMPLETE, because Optuna
        could then report it as the best trial of the study.
        """
        with self._only_logged():
            if self._stale:
                self._reload()
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
        attributes: Mapping[str, Any],
        scores: Mapping[int, float] | None = None,
    ) -> _Shown:
        held = {name: plain(value) for name, value in params.items()}
        scores = scores or {}
        new = NewTrial(state, held, self._distributions, attributes, scores)
        return _Shown(self._rows.create(new), state.is_finished(), dict(scores))

    def report(
        self,
        number: int,
        rung: int,
        score: float,
        attributes: Mapping[str, Any],
        pictures: Iterable[JobPicture] = (),
    ) -> None:
        """Write a trial's score at a rung as an intermediate value, with attributes.

        Pictures become artifacts: PNG files, named by their rung.
        """
        with self._only_logged():
            shown = self._trials[number]
            if shown.ended:
                return
            artifacts = dict(_artifact(rung, picture) for picture in pictures)
            self._rows.report(shown.id, rung, score, attributes, artifacts)
            shown.scores[rung] = score

    def end(self, endings: Iterable[Ending]) -> None:
        """End trials as COMPLETE, PRUNED or FAIL, with the reason as an attribute and a note.

        A trial that already has a note keeps it, because a user may have written it.
        """
        with self._only_logged():
            noted = self._study._storage.get_study_system_attrs(self._study._study_id)
            known = ((ending, self._trials.get(ending.trial)) for ending in endings)
            now = [(ending, shown) for ending, shown in known if shown and not shown.ended]
            self._rows.end([_ended(ending, shown, noted) for ending, shown in now])
            for _, shown in now:
                shown.ended = True

    def _set(self, name: str, value: Any) -> None:
        self._study._storage.set_study_system_attr(self._study._study_id, name, value)

    @contextmanager
    def _only_logged(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not self.behind:
                log.warning("the Optuna study is out of date until the sweep ends: %s", error)
            self.behind = self._stale = True


def _ended(ending: Ending, shown: _Shown, noted: Mapping[str, Any]) -> EndedTrial:
    """Return the rows of a trial's end. Its value is its last score."""
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    state = states.get(ending.verdict, TrialState.FAIL)
    value = None if state == TrialState.FAIL else shown.scores[max(shown.scores)]
    attributes = {"verdict": ending.verdict, "reason": ending.reason}
    return EndedTrial(shown.id, state, value, attributes, _note(shown.id, ending.note, noted))


def _note(trial_id: int | None, text: str, noted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a note; empty if there already is one.

    They are those of `optuna_dashboard.save_note`, which would read all notes for each write.
    """
    prefix = "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"
    if f"{prefix}note_ver" in noted:
        return {}
    return {f"{prefix}note_str:0": text[:_NOTE_LENGTH], f"{prefix}note_ver": 1}


def _artifact(rung: int, picture: JobPicture) -> tuple[str, str]:
    """Return the attribute of an artifact, as `optuna.artifacts.upload_artifact` writes it.

    That function would also copy the file.
    """
    metadata = {
        "artifact_id": picture.id,
        "filename": f"rung-{rung}-{picture.file}",
        "mimetype": "image/png",
        "encoding": None,
    }
    return f"artifacts:{picture.id}", json.dumps(metadata)
