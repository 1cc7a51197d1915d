"""Writes the rows of an Optuna study, many in one transaction.

Optuna's own calls use a transaction and several queries for each value. A job's result takes 90 ms,
and the end of a rung with thousands of trials takes minutes, while all GPUs are idle. The tables
are the models of the installed Optuna version, so its readers see the same rows as from its calls.
Its public `add_trial` uses ten times the CPU of these rows (41 ms a trial, here 4 ms), and cannot
change a trial that runs. The models are private: test_optuna_layout.py compares them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import Connection, Engine, Table, bindparam, delete, func, insert, select, update

_FINITE = "FINITE"


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


_studies = _table(models.StudyModel)
_study_attributes = _table(models.StudySystemAttributeModel)
_trials = _table(models.TrialModel)
_params = _table(models.TrialParamModel)
_attributes = _table(models.TrialUserAttributeModel)
_system_attributes = _table(models.TrialSystemAttributeModel)
_steps = _table(models.TrialIntermediateValueModel)
_values = _table(models.TrialValueModel)


@dataclass(frozen=True)
class NewTrial:
    """A trial that the study does not have yet."""

    state: TrialState
    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    attributes: Mapping[str, Any]
    scores: Mapping[int, float]
    """Score by step."""


@dataclass(frozen=True)
class EndedTrial:
    """How a trial of the study ends."""

    trial_id: int
    state: TrialState
    value: float | None
    attributes: Mapping[str, Any]
    note: Mapping[str, Any]
    """Attributes of the study, which hold the dashboard's note on the trial."""


class StudyRows:
    """The rows of one study. Each write can be repeated."""

    def __init__(self, engine: Engine, study_id: int) -> None:
        """Open a study by its id."""
        self._engine = engine
        self._study_id = study_id

    def create(self, new: NewTrial) -> int:
        """Create a trial with the next number; return its id."""
        with self._engine.begin() as connection:
            self._lock(connection)
            trial_id = self._insert(connection, new.state)
            _put_attributes(connection, _attributes, [(trial_id, new.attributes)])
            if params := _param_rows(trial_id, new):
                connection.execute(insert(_params), params)
            for step, score in new.scores.items():
                _put_score(connection, trial_id, step, score)
        return trial_id

    def report(
        self,
        trial_id: int,
        step: int,
        score: float,
        attributes: Mapping[str, Any],
        system_attributes: Mapping[str, Any],
    ) -> None:
        """Write the score and the attributes of a running trial at a step."""
        with self._engine.begin() as connection:
            _put_attributes(connection, _attributes, [(trial_id, attributes)])
            _put_attributes(connection, _system_attributes, [(trial_id, system_attributes)])
            _put_score(connection, trial_id, step, score)

    def move_steps(self, moves: Sequence[tuple[int, int, int]]) -> None:
        """Change the steps of scores, in this order.

        Args:
            moves: id of a trial, its step, and the new step.
        """
        one = (_steps.c.trial_id == bindparam("which")) & (_steps.c.step == bindparam("old"))
        with self._engine.begin() as connection:
            connection.execute(
                update(_steps).where(one).values(step=bindparam("new")),
                [{"which": which, "old": old, "new": new} for which, old, new in moves],
            )

    def end(self, ended: Sequence[EndedTrial]) -> None:
        """End running trials, all in one transaction."""
        if not ended:
            return
        with self._engine.begin() as connection:
            _put_attributes(connection, _attributes, [(e.trial_id, e.attributes) for e in ended])
            self._put_notes(connection, [note for e in ended for note in e.note.items()])
            _put_values(connection, [e for e in ended if e.value is not None])
            which = (_trials.c.trial_id == bindparam("which")) & (
                _trials.c.state == TrialState.RUNNING
            )
            change = {"state": bindparam("ends_as"), "datetime_complete": _now()}
            connection.execute(
                update(_trials).where(which).values(change),
                [{"which": e.trial_id, "ends_as": e.state} for e in ended],
            )

    def _lock(self, connection: Connection) -> None:
        """Lock the study's row, so that nothing else creates a trial during the transaction.

        The lock is a write, and the first statement: SQLite refuses to write after a read if
        another connection has written in between.
        """
        name, same = _studies.c.study_name, _studies.c.study_id == self._study_id
        connection.execute(update(_studies).where(same).values(study_name=name))

    def _insert(self, connection: Connection, state: TrialState) -> int:
        times = {"datetime_start": _now(), "datetime_complete": _now() if _over(state) else None}
        row = {"study_id": self._study_id, "state": state, **times}
        (trial_id,) = connection.execute(insert(_trials).values(row)).inserted_primary_key or (0,)
        before = (_trials.c.study_id == self._study_id) & (_trials.c.trial_id < trial_id)
        number = select(func.count()).select_from(_trials).where(before).scalar_subquery()
        which = _trials.c.trial_id == trial_id
        connection.execute(update(_trials).where(which).values(number=number))
        return int(trial_id)

    def _put_notes(self, connection: Connection, notes: Sequence[tuple[str, Any]]) -> None:
        rows = [
            {"study_id": self._study_id, "key": key, "value_json": json.dumps(value)}
            for key, value in notes
        ]
        if rows:
            connection.execute(insert(_study_attributes), rows)


def _put_attributes(
    connection: Connection, table: Table, of_trials: Iterable[tuple[int, Mapping[str, Any]]]
) -> None:
    """Write attributes of one or many trials; replace those of the same names."""
    rows = [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for trial_id, attributes in of_trials
        for key, value in attributes.items()
    ]
    if rows:
        _replace(connection, table, ("trial_id", "key"), rows)


def _put_score(connection: Connection, trial_id: int, step: int, score: float) -> None:
    value = {"intermediate_value": score, "intermediate_value_type": _FINITE}
    row = {"trial_id": trial_id, "step": step, **value}
    _replace(connection, _steps, ("trial_id", "step"), [row])


def _put_values(connection: Connection, ended: Sequence[EndedTrial]) -> None:
    rows = [
        {"trial_id": e.trial_id, "objective": 0, "value": e.value, "value_type": _FINITE}
        for e in ended
    ]
    if rows:
        _replace(connection, _values, ("trial_id", "objective"), rows)


def _replace(
    connection: Connection, table: Table, key: Sequence[str], rows: list[dict[str, Any]]
) -> None:
    """Insert rows and replace those with the same key, in two statements."""
    remove = delete(table)
    for name in key:
        remove = remove.where(table.c[name] == bindparam(f"old_{name}"))
    connection.execute(remove, [{f"old_{name}": row[name] for name in key} for row in rows])
    connection.execute(insert(table), rows)


def _param_rows(trial_id: int, new: NewTrial) -> list[dict[str, Any]]:
    return [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": new.distributions[name].to_internal_repr(value),
            "distribution_json": distribution_to_json(new.distributions[name]),
        }
        for name, value in new.params.items()
    ]


def _over(state: TrialState) -> bool:
    return bool(state.is_finished())


def _now() -> datetime:
    """Return the time as Optuna stores it: in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
