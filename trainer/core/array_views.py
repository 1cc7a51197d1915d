"""Images and labels in an order of one's own, read where they lie: ordering copies nothing.

They lie in memory-mapped files, whose pages all processes of a node share.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Store(Protocol):
    """Where arrays lie."""

    def __getitem__(self, index: int) -> Bytes:
        """Return one of them, without a copy."""


class ArrayViews:
    """Arrays of any sizes; an index gives one of them, without a copy."""

    def __init__(self, places: Iterable[tuple[Store, int]]) -> None:
        self._places = tuple(places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Bytes:
        store, position = self._places[index]
        return store[position]

    def __iter__(self) -> Iterator[Bytes]:
        return (store[position] for store, position in self._places)


class ArrayStack(ArrayViews):
    """Arrays of one shape, which look like a single read-only array [N, ...].

    An index gives a view of one of them; a slice or a list of indices copies those, and
    `np.asarray` all.
    """

    def __init__(self, places: Iterable[tuple[Store, int]], shape: tuple[int, ...]) -> None:
        """Order arrays that all have this shape."""
        super().__init__(places)
        self._shape = shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Their number, and the shape of each."""
        return (len(self), *self._shape)

    __eq__ = None  # type: ignore[assignment]  # else == with a number would be False, not an array

    def take(self, indices: Iterable[int]) -> Self:
        """Return these only, in this order."""
        return type(self)((self._places[index] for index in indices), self._shape)

    def __add__(self, other: Self) -> Self:
        return type(self)(self._places + other._places, self._shape)

    def __getitem__(self, chosen: int | slice | Sequence[int]) -> Bytes:
        if isinstance(chosen, slice):
            chosen = range(len(self))[chosen]
        if isinstance(chosen, Sequence):
            return np.asarray(self.take(chosen))
        return super().__getitem__(chosen)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Any:
        whole = np.empty(self.shape, dtype=np.uint8)
        for row, array in zip(whole, self, strict=True):
            row[...] = array
        return whole if dtype is None else whole.astype(dtype, copy=False)
