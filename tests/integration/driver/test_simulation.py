"""Fifty simulated trials on a cluster that fails: the real driver and database, a virtual clock."""

import pytest

from benchmarks.simulation.cluster import Capacity, Faults
from benchmarks.simulation.measuring import Scenario, measure
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries

OFTEN = Faults(worker_hours=10, lost_results=0.1, spot_hours=1, spot_nodes=1, away_s=60)


@pytest.fixture(scope="module")
def run_simulated(tmp_path_factory):
    """Run the sweep on 16 workers; return what was measured, and all the decisions."""

    def simulated(faults):
        folder = tmp_path_factory.mktemp("simulated")
        url = f"sqlite:///{folder}/sweep.db"
        scenario = Scenario(50, Capacity(16, 0.15, faults), epochs=2, max_attempts=20)
        found = measure(scenario, url, folder)
        engine = open_database(url)
        row = queries.find_sweep(engine, "simulated")
        decided = {(d.trial, d.rung): d for d in queries.decisions(engine, row)}
        outcomes = [attempt.outcome for attempt in queries.attempts(engine, row)]
        engine.dispose()
        return found, decided, outcomes

    return simulated


@pytest.fixture(scope="module")
def undisturbed(run_simulated):
    """The sweep without faults."""
    return run_simulated(Faults())


@pytest.fixture(scope="module")
def disturbed(run_simulated):
    """The same sweep on a cluster that fails often."""
    return run_simulated(OFTEN)


def test_the_same_trials_win_whatever_the_cluster_loses(undisturbed, disturbed):
    assert disturbed[2].count("lost") > 5
    assert disturbed[0]["result"] == undisturbed[0]["result"]
    assert disturbed[1] == undisturbed[1]


def test_faults_cost_gpu_time_and_never_an_idle_gpu_that_is_not_there(undisturbed, disturbed):
    before, after = undisturbed[0]["cluster"], disturbed[0]["cluster"]
    assert before["lost_share"] == 0 < after["lost_share"]
    for cluster in (before, after):
        assert 0 < cluster["ideal_to_virtual"] <= 1
        assert all(
            0 <= rung["waiting_share"] <= rung["idle_share"] < 1 for rung in cluster["rungs"]
        )


def test_every_row_of_the_driver_is_counted(undisturbed):
    found, decided, outcomes = undisturbed
    rows = found["driver"]["rows"]
    assert (rows["trials"], rows["decisions"]) == (50, len(decided))
    assert rows["jobs"] == rows["attempts"] == len(outcomes)
    assert rows["epochs"] == 2 * outcomes.count("complete")
