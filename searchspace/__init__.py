"""The search space: named dimensions, and the immutable points of their product.

The package uses the standard library only. It does not know the trainer's settings:
`Space.problems` validates a space against a schema that the caller passes.
"""

from searchctl.searchspace.branches import Branches
from searchctl.searchspace.dimensions import Choice, Dimension, Interval
from searchctl.searchspace.errors import SpaceError
from searchctl.searchspace.params import Params
from searchctl.searchspace.space import Space
from searchctl.searchspace.values import Value

__all__ = ["Branches", "Choice", "Dimension", "Interval", "Params", "Space", "SpaceError", "Value"]
