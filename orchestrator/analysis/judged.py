"""By which values the limits of a sweep judge its trials, beside what each job measured itself."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine

from searchctl.orchestrator.driver.measured import Measured
from searchctl.orchestrator.halving.limits import Quantity, limits_of
from searchctl.orchestrator.storage.measurements import read_measurements
from searchctl.orchestrator.storage.rows import SweepRow, TrialRow
from searchctl.searchspace import Params


def judged_by(
    engine: Engine, row: SweepRow, trials: Iterable[TrialRow], hardware: Mapping[int, str]
) -> dict[int, dict[Quantity, float]]:
    """Return the measurements that limits judge trials by; empty for a sweep without limits.

    Args:
        engine: the sweep's database.
        row: the sweep.
        trials: some of its trials.
        hardware: where the last job of each trial with a result ran, by the trial's number.
    """
    if not (limits := limits_of(row.spec)):
        return {}
    params = {trial.number: Params(trial.params) for trial in trials if trial.number in hardware}
    measured = Measured(limits, params, read_measurements(engine, row))
    values = {
        trial: {name: measured.value(name, trial, hardware[trial]) for name in limits}
        for trial in params
    }
    return {
        trial: {name: value for name, value in found.items() if value is not None}
        for trial, found in values.items()
    }
