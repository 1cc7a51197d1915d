"""A weighted sum of losses in place of a single one: loss: {cross_entropy: 1, dice: 0.5}."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from searchctl.trainer.settings.parts import Part, Parts


class Term(NamedTuple):
    """One loss of a sum."""

    weight: float
    part: Part
    options: Any
    """The part's own."""


@dataclass(frozen=True)
class SumPart(Part):
    """The losses of a sum as one part: its options are those of all of them."""

    terms: tuple[tuple[Part, float], ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the options of all losses, each once."""
        return tuple(dict.fromkeys(name for part, _ in self.terms for name in part.names))

    def options_in(self, settings: BaseModel) -> tuple[Term, ...]:
        """Return the losses with their weights and options."""
        return tuple(Term(weight, part, part.options_in(settings)) for part, weight in self.terms)


def sum_of(weights: Mapping[str, float], parts: Parts) -> SumPart:
    """Return the sum of those of these parts of a catalog that have a weight."""
    terms = tuple((parts[name], weight) for name, weight in weights.items() if weight)
    return SumPart("searchctl.trainer.losses.weighted_sum:WeightedSum", terms=terms)


def sum_problem(weights: Mapping[str, float], parts: Parts) -> str:
    """Return why this is no sum of parts of a catalog; empty if it is."""
    if unknown := [name for name in weights if name not in parts]:
        return (
            f"{unknown[0]!r} cannot be a part of a sum, as it is none of our losses: known are "
            f"{', '.join(parts)}"
        )
    if any(weight < 0 for weight in weights.values()):
        return "needs weights of 0 or more: {cross_entropy: 1, dice: 0.5}"
    if not any(weights.values()):
        return "without a weight above 0 there is no loss: {cross_entropy: 1, dice: 0.5}"
    return ""


def written(weights: Mapping[str, float]) -> str:
    """Return a sum as it is written in YAML.

    >>> written({"cross_entropy": 1.0, "dice": 0.5})
    '{cross_entropy: 1, dice: 0.5}'
    """
    return f"{{{', '.join(f'{name}: {weight:g}' for name, weight in weights.items())}}}"
