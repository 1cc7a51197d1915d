"""Params as Optuna holds them."""

import json

from searchctl.orchestrator.draws.distributions import distributions
from searchctl.orchestrator.search.importance import Scored, importance
from searchctl.searchspace import Params, Space


def test_params_that_are_lists_have_an_importance_after_they_were_stored():
    space = Space.from_config({"rates": [[6, 12], [12, 24]], "lr": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    stored = [json.loads(params.to_json()) for params in space.grid()]
    trials = [Scored(params, float(params["rates"] == [6, 12])) for params in stored]
    shares = importance(trials, distributions(space), "maximize", 0).shares
    assert shares["rates"] > shares["lr"]
    assert distributions(space)["rates"].choices == ("[6,12]", "[12,24]")
    assert Params(stored[0]) == space.grid()[0]
