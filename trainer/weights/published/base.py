"""How one publisher's names become ours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

Tensors = Mapping[str, Tensor]


def unchanged(tensors: Tensors) -> Tensors:
    """Return the tensors as they are."""
    return tensors


@dataclass(frozen=True)
class PublishedNetwork:
    """A network of one publisher that is also one of ours."""

    title: str
    """Its name, for people."""
    model: str
    """What `model` must be: a name, or its beginning if it ends with a colon."""
    marks: tuple[str, ...]
    """Tensors that all files of this network hold, and no file of another."""
    rules: tuple[tuple[str, str], ...]
    """Regular expressions of their names, each with our name; the first that matches counts."""
    joined: Callable[[Tensors], Tensors] = unchanged
    """Joins what are several tensors there and one here; runs before the renaming."""

    def holds(self, tensors: Tensors) -> bool:
        """Is this state dict one of the network?"""
        return all(mark in tensors for mark in self.marks)

    @property
    def setting(self) -> str:
        """What to write after `model:`."""
        return f"{self.model}DECODER/ENCODER" if self.model.endswith(":") else self.model

    def fits(self, model: str) -> bool:
        """Is the network that `model` names this one?"""
        return model.startswith(self.model) if self.model.endswith(":") else model == self.model

    def renamed(self, tensors: Tensors) -> dict[str, Tensor]:
        """Return all tensors by our names; what no rule knows keeps its own name."""
        return {self._renamed(name): tensor for name, tensor in self.joined(tensors).items()}

    def _renamed(self, name: str) -> str:
        for pattern, ours in self.rules:
            new, count = re.subn(rf"^{pattern}", ours, name)
            if count:
                return new
        return name
