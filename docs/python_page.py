"""The page of the public names for Python, from their signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import searchctl
from searchctl.trainer.trained.model import TrainedModel

TITLE = """# Python

`import searchctl` imports nothing else: each name is loaded at its first use. [The example
notebook](../examples/notebook.ipynb) launches a sweep, follows it, and reads its results.
"""

_WIDTH = 90


def python_page() -> str:
    """Return each public name with its signature and docstring."""
    named = {name: getattr(searchctl, name) for name in searchctl.__all__}
    parts = [TITLE]
    for name, target in named.items():
        if not inspect.isclass(target):
            parts.append(_entry(f"## searchctl.{name}", name, target))
    for title, target in (("searchctl.StoredSweep", named["StoredSweep"]), _MODEL):
        parts.append(f"## {title}\n\n{_text(target)}")
        parts += [_entry(f"### {name}", name, each) for name, each in _members(target)]
    return "\n".join(parts)


_MODEL = ("The model of searchctl.load_model", TrainedModel)


def _members(target: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(target).items():
        is_method = inspect.isfunction(member) or isinstance(member, property)
        if is_method and not name.startswith("_"):
            yield name, member


def _entry(title: str, name: str, target: Any) -> str:
    call = name if isinstance(target, property) else f"{name}{_signature(name, target)}"
    return f"{title}\n\n```python\n{call}\n```\n\n{_text(target)}"


def _signature(name: str, target: Any) -> str:
    """Return the parameters without `self`, and types without their modules.

    Those that are too long for one line have a line each.
    """
    signature = inspect.signature(target)
    kept = [each for each in signature.parameters.values() if each.name != "self"]
    whole = _plain(str(signature.replace(parameters=kept)))
    if len(name + whole) <= _WIDTH:
        return whole
    by_name = next((at for at, each in enumerate(kept) if each.kind == each.KEYWORD_ONLY), None)
    lines = [_plain(str(each)) for each in kept]
    if by_name is not None:
        lines.insert(by_name, "*")
    return "(\n" + "".join(f"    {line},\n" for line in lines) + whole[whole.rindex(")") :]


def _plain(written: str) -> str:
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", written.replace("'", ""))


def _text(target: Any) -> str:
    """Return a docstring: its first paragraphs as text, its sections as they are written."""
    text = inspect.getdoc(target) or ""
    marks = [
        at
        for section in ("\n\nArgs:", "\n\nReturns:", "\n\nRaises:", "\n\nAttributes:")
        if (at := text.find(section)) >= 0
    ]
    first, rest = text[: min(marks, default=len(text))], text[min(marks, default=len(text)) :]
    return f"{first}\n" + (f"\n```text\n{rest.strip()}\n```\n" if rest else "")
