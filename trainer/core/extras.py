"""Checks for optional packages; imports neither these packages nor torch."""

from importlib.util import find_spec

_ONNX = ("onnx", "onnxruntime", "onnxscript")
_EMBEDDINGS = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def embeddings_problem() -> str | None:
    """Return which packages the embeddings picture lacks; None if all are installed."""
    missing = [package for module, package in _EMBEDDINGS.items() if find_spec(module) is None]
    if not missing:
        return None
    return f"needs {' and '.join(missing)}: install searchctl[features], or leave it out"


def pandas_problem() -> str | None:
    """Return what to install for DataFrames; None if pandas is installed."""
    if find_spec("pandas") is not None:
        return None
    return "needs pandas: run `pip install 'searchctl[pandas]'`"


def module_problem(module: str, extra: str) -> str | None:
    """Return that a module is missing, with the extra that has it; None if it is installed."""
    missing = find_spec(module) is None
    return f"needs {module}: install searchctl[{extra}], or leave it out" if missing else None


def onnx_problem() -> str | None:
    """Return which packages an export to ONNX lacks; None if all are installed."""
    missing = [name for name in _ONNX if find_spec(name) is None]
    if not missing:
        return None
    return f"needs {', '.join(missing)}: run `pip install 'searchctl[onnx]'`"
