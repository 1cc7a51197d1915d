"""One configuration on one sample, trained for real on ladders of different length."""

from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.storage.reads import queries

LADDERS = {"short": {"fractions": [1]}, "long": {"fractions": ["1/2", 1], "finalists": 2}}


def test_a_configuration_on_all_data_has_one_score_in_every_ladder(sweeps):
    scores = []
    for name, halving in LADDERS.items():
        prepared, _ = sweeps.launch(train, {"lr": [3e-3, 1e-2]}, name=name, halving=halving)
        jobs = queries.jobs(prepared.engine, prepared.row)
        scores.append({job.trial: job.score for job in jobs if job.fraction == 1})
    assert scores[0] == scores[1]
    assert len(set(scores[0].values())) == 2
