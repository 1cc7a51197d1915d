"""Holm's correction: what p-values mean when several are looked at.

Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics
6:2, 1979. It holds however the comparisons depend on each other, and never says less than
Bonferroni's correction.
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the corrected p-value of each: below 0.05, it stands though all were looked at.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(p_values)
    run_totals = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        run_totals = max(run_totals, (len(p_values) - place) * p_values[index])
        corrected[index] = min(1.0, run_totals)
    return corrected
