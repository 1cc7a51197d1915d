"""Grids of cases of which `make test` runs a few, and `make test-all` every one."""

import pytest


def mostly_exhaustive(cases, *kept):
    """Return the values of a dict as params of their names; those not kept are exhaustive."""
    unknown = set(kept) - set(cases)
    assert not unknown, unknown
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            id=str(name),
            marks=() if name in kept else pytest.mark.exhaustive,
        )
        for name, value in cases.items()
    ]


def itself(names):
    """Return names as the values of their own cases."""
    return {name: name for name in names}
