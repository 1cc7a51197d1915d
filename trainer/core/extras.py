"""Packages that only some settings need; torch-free, and none of them is imported."""

from importlib.util import find_spec

_FEATURES = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def embeddings_problem() -> str | None:
    """Say what is missing for pictures of features; None where all is there."""
    missing = [package for module, package in _FEATURES.items() if find_spec(module) is None]
    if not missing:
        return None
    return f"needs {' and '.join(missing)}: install searchctl[features], or leave it out"
