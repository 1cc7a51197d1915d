"""Mirrors every trial into an Optuna study in the same database, for Optuna's dashboard and CLI.

A sweep has one study, a trial one Optuna trial, a rung one intermediate value. Its step is the
number of training images, so that Optuna's samplers can compare trials of ladders of unequal
length. The audit of a trial is a separate Optuna trial with the attribute `audit_of`.
The mirror never influences a decision. It is written after our own commit, each write can be
repeated, a failure is only logged, and the study can be rebuilt from our tables. Optuna refuses
changes to a trial after its end, so attributes and artifacts are written before it. Pictures are
artifacts by name only: their files stay where the jobs wrote them (web/pictures.py).
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.artifacts.pictures import JobPicture
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.draws.distributions import distributions, plain
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.search.attributes import artifact_attribute, note_attributes
from searchctl.orchestrator.search.study_rows import EndedTrial, NewTrial, StudyRows
from searchctl.orchestrator.storage.connect import connect, database_location, engine_options
from searchctl.orchestrator.storage.faults import full, unreachable
from searchctl.searchspace import Params, Space

log = logging.getLogger("searchctl")

_PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to create Optuna's tables while another launch does the same."""


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
    """Score by number of training images so far."""
    images: int | None = None
    """Number of images of its last score."""


class StudyMirror:
    """The Optuna study of one sweep."""

    def __init__(
        self,
        url: str,
        name: str,
        direction: Direction,
        space: Space,
        drawn: Callable[[], Mapping[int, Mapping[str, Any]]] = dict,
    ) -> None:
        """Open or create the study, and read its trials.

        Args:
            url: URL of the database.
            name: name of the sweep.
            direction: whether larger scores are better.
            space: the sweep's search space.
            drawn: returns how each trial was drawn, as attributes, by its number.

        Raises:
            Exception: any error of Optuna or the database. Only later writes are merely logged.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.name = name
        self.behind = False
        """Whether a write has failed since the study was last synchronized with the tables."""
        self._stale = False
        self._drawn = drawn
        self._about: Mapping[int, Mapping[str, Any]] = {}
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
                each._trial_id,
                each.state.is_finished(),
                dict(each.intermediate_values),
                each.user_attrs.get("images"),
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
            for name, value in note_attributes(None, note, noted).items():
                self._set(name, value)
            existing = self._study.user_attrs
            for name, value in attributes.items():
                if name not in existing:
                    self._study.set_user_attr(name, value)

    def count_in_images(self, images: Mapping[tuple[int, int], int]) -> None:
        """Change the steps of an earlier version's study, which are the numbers of the rungs.

        Args:
            images: number of training images by trial and rung.
        """
        with self._only_logged():
            shown = [*self._trials.items(), *self._audits.items()]
            # a sample has more images than the number of its rung, so no step is both
            old = [(n, each) for n, each in shown if each.scores and each.images not in each.scores]
            moves = [
                (each.id, rung, images[number, rung])
                for number, each in old
                for rung in sorted(each.scores, reverse=True)
            ]
            if moves:
                self._rows.move_steps(moves)
                self._reload()

    def name_winner(self, number: int) -> None:
        """Set the study's attribute `winner`: with `choose: mean` it is not Optuna's best trial."""
        with self._only_logged():
            self._study.set_user_attr("winner", number)

    def begin(self, number: int, params: Params) -> None:
        """Create a trial as RUNNING if the study does not have it yet."""
        with self._only_logged():
            if self._stale:
                self._reload()
            if number in self._trials:
                return
            if number not in self._about:  # a trial of a new cohort
                self._about = self._drawn()
            drawn = self._about.get(number, {})
            attributes = {"trial": number, "params_hash": params.fingerprint, **drawn}
            self._trials[number] = self._create(params, TrialState.RUNNING, attributes)

    def show_audit(
        self,
        number: int,
        params: Params,
        images: int,
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
            values = {} if score is None else {images: score}
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
        images: int,
        score: float,
        attributes: Mapping[str, Any],
        pictures: Iterable[JobPicture] = (),
    ) -> None:
        """Write a trial's score on so many images as an intermediate value, with attributes.

        Pictures become artifacts: PNG files, named by their rung.
        """
        with self._only_logged():
            shown = self._trials[number]
            if shown.ended:
                return
            artifacts = dict(artifact_attribute(picture) for picture in pictures)
            self._rows.report(shown.id, images, score, attributes, artifacts)
            shown.scores[images] = score

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
    return EndedTrial(
        shown.id, state, value, attributes, note_attributes(shown.id, ending.note, noted)
    )
