"""Keys and methods of `search:` as other tools name them, and what to write here."""

from collections.abc import Iterator, Mapping

from searchctl.searchspace.errors import Problem

METHODS = {
    **dict.fromkeys(("bayes", "bayesian", "bo", "gp"), "method: tpe"),
    **dict.fromkeys(("sobol", "halton", "qmc", "lhs"), "method: quasi_random"),
    **dict.fromkeys(("hyperband", "asha", "bohb", "sha", "halving"), "method: random"),
    **dict.fromkeys(("random_search", "randomsearch"), "method: random"),
    **dict.fromkeys(("grid_search", "gridsearch"), "method: grid"),
}
"""Names of methods in other tools -> the line to write; halving is not a method but always on."""

_KNOWN = "known: [{lr: 1e-3}]"
_WHERE = 'where: ["batch_size * accumulate == 64"]'
_TRIALS = "trials: 32"
_KEYS = {
    **dict.fromkeys(("include", "baseline", "baselines", "default", "defaults", "start"), _KNOWN),
    **dict.fromkeys(("points_to_evaluate", "initial_points", "initial_configs"), _KNOWN),
    **dict.fromkeys(("enqueue", "enqueue_trial", "enqueued", "warm_start", "priors"), _KNOWN),
    **dict.fromkeys(("constraint", "constraints", "conditions", "filter"), _WHERE),
    **dict.fromkeys(("n_trials", "num_samples", "max_trials", "max_evals", "n_iter"), _TRIALS),
    **dict.fromkeys(("run_cap", "count", "samples", "budget"), _TRIALS),
}


def foreign_keys(written: object) -> Iterator[Problem]:
    """Yield the keys of a section `search:` that other tools use, with the line to write here.

    >>> list(foreign_keys({"method": "random", "n_trials": 20}))
    [(('n_trials',), 'is written as in other tools: write `trials: 20`')]
    """
    for key, value in written.items() if isinstance(written, Mapping) else ():
        if line := _KEYS.get(str(key)):
            same = line is _TRIALS and isinstance(value, int)
            yield (str(key),), _fix(f"trials: {value}" if same else line, example=not same)


def _fix(line: str, *, example: bool) -> str:
    return f"is written as in other tools: write `{line}`{', for example' * example}"
