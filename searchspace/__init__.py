"""What may be tried: a space of named dimensions, and the immutable points in it.

Standard library only. The space knows no setting by name: `Space.problems` validates it against a
schema it is handed.
"""

from searchctl.searchspace.dimensions import Choice, Dimension, Interval
from searchctl.searchspace.errors import SpaceError
from searchctl.searchspace.params import Params
from searchctl.searchspace.space import Space
from searchctl.searchspace.values import Value

__all__ = ["Choice", "Dimension", "Interval", "Params", "Space", "SpaceError", "Value"]
