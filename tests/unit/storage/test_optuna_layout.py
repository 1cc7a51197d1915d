"""The private layout of Optuna that our study's rows are written in.

A failure here means that the installed Optuna stores studies otherwise than the one that
orchestrator/search/study_rows.py was written for. Compare the two, adapt that file, run
tests/conformance/store/test_study_rows.py, then change this layout and the bound in pyproject.toml.
"""

import tomllib
from pathlib import Path

from optuna.storages._rdb import models
from packaging.requirements import Requirement

COLUMNS = {
    models.StudyModel: "study_id study_name",
    models.StudySystemAttributeModel: "study_system_attribute_id study_id key value_json",
    models.TrialModel: "trial_id number study_id state datetime_start datetime_complete",
    models.TrialParamModel: "param_id trial_id param_name param_value distribution_json",
    models.TrialUserAttributeModel: "trial_user_attribute_id trial_id key value_json",
    models.TrialSystemAttributeModel: "trial_system_attribute_id trial_id key value_json",
    models.TrialIntermediateValueModel: (
        "trial_intermediate_value_id trial_id step intermediate_value intermediate_value_type"
    ),
    models.TrialValueModel: "trial_value_id trial_id objective value value_type",
}
SCHEMA = 12
PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_optunas_tables_have_the_columns_that_our_rows_fill():
    found = {model: " ".join(model.__table__.columns.keys()) for model in COLUMNS}
    assert found == COLUMNS, __doc__
    assert models.SCHEMA_VERSION == SCHEMA, __doc__


def test_a_new_minor_version_of_optuna_is_not_installed_untested():
    requirements = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    (optuna,) = (r for r in map(Requirement, requirements) if r.name == "optuna")
    assert optuna.specifier.contains("5.0.9")
    assert not optuna.specifier.contains("5.1.0")
