"""Converts the tensor names of a published network to ours."""

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
    """A network of one publisher that equals one of our networks."""

    title: str
    """Name of the network for messages."""
    model: str
    """The matching value of the setting `model`; a prefix of it if it ends with a colon."""
    marks: tuple[str, ...]
    """Names of tensors that all files of this network have, and files of no other network."""
    rules: tuple[tuple[str, str], ...]
    """Pairs of a regular expression for their name and our name; the first match counts."""
    joined: Callable[[Tensors], Tensors] = unchanged
    """Joins tensors that are separate in the file but one tensor here; runs before the renaming."""

    def holds(self, tensors: Tensors) -> bool:
        """Return whether a state dict is of this network."""
        return all(mark in tensors for mark in self.marks)

    @property
    def setting(self) -> str:
        """The value to set for `model`."""
        return f"{self.model}DECODER/ENCODER" if self.model.endswith(":") else self.model

    def fits(self, model: str) -> bool:
        """Return whether the setting `model` names this network."""
        return model.startswith(self.model) if self.model.endswith(":") else model == self.model

    def renamed(self, tensors: Tensors) -> dict[str, Tensor]:
        """Return all tensors by our names; a tensor without a matching rule keeps its name."""
        return {self._renamed(name): tensor for name, tensor in self.joined(tensors).items()}

    def _renamed(self, name: str) -> str:
        for pattern, ours in self.rules:
            new, count = re.subn(rf"^{pattern}", ours, name)
            if count:
                return new
        return name
