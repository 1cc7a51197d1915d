"""Views of stored arrays in any order; reordering copies no data.

The arrays are in memory-mapped files. All processes of a node share the pages of these files.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Store(Protocol):
    """Storage of arrays, such as an open entry of the decoded cache."""

    def __getitem__(self, index: int) -> Bytes:
        """Return one array without a copy."""


class ArrayViews:
    """A sequence of stored arrays of any shapes; indexing returns one array without a copy."""

    def __init__(self, locations: Iterable[tuple[Store, int]]) -> None:
        self._locations = tuple(locations)

    def __len__(self) -> int:
        return len(self._locations)

    def __getitem__(self, index: int) -> Bytes:
        store, position = self._locations[index]
        return store[position]

    def __iter__(self) -> Iterator[Bytes]:
        return (store[position] for store, position in self._locations)


class ArrayStack(ArrayViews):
    """Stored arrays of one shape that act as a single read-only array [N, ...].

    An integer index returns a view of one array. A slice or a list of indices copies the selected
    arrays, and `np.asarray` copies all of them.
    """

    def __init__(
        self,
        locations: Iterable[tuple[Store, int]],
        shape: tuple[int, ...],
        dtype: str = "uint8",
    ) -> None:
        """Stack the arrays at these locations; each has this shape, and numbers of this type."""
        super().__init__(locations)
        self._shape = shape
        self._dtype = dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of arrays, followed by the shape of each."""
        return (len(self), *self._shape)

    # without this, `stack == 3` would return False, where an array compares each element
    __eq__ = None  # type: ignore[assignment]

    def take(self, indices: Iterable[int]) -> Self:
        """Return a stack of the arrays at these indices, in this order."""
        return type(self)((self._locations[index] for index in indices), self._shape, self._dtype)

    def __add__(self, other: Self) -> Self:
        return type(self)(self._locations + other._locations, self._shape, self._dtype)

    def __getitem__(self, chosen: int | slice | Sequence[int]) -> Bytes:
        if isinstance(chosen, slice):
            chosen = range(len(self))[chosen]
        if isinstance(chosen, Sequence):
            return np.asarray(self.take(chosen))
        return super().__getitem__(chosen)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Any:
        whole = np.empty(self.shape, dtype=self._dtype)
        for row, array in zip(whole, self, strict=True):
            row[...] = array
        return whole if dtype is None else whole.astype(dtype, copy=False)
