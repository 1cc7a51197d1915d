"""One point of a search space."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from searchctl.searchspace.values import Value, freeze


class Params(Mapping[str, Value]):
    """The values of a trial: an immutable mapping from name to value, sorted by name.

    Two params are equal if their canonical JSON is equal. The order of the names does not matter,
    1e-3 equals 0.001, and 1 equals 1.0 (see `searchctl.searchspace.values.freeze`). But true is not
    1, and 1 is not "1".

    Raises:
        ValueError: a value has an invalid type; see `searchctl.searchspace.values.freeze`.

    >>> Params({"lr": 1.0, "width": 16}) == Params({"width": 16, "lr": 1})
    True
    """

    __slots__ = ("_json", "_values")

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        given = values or {}
        self._values = {name: freeze(given[name]) for name in sorted(given)}
        self._json = json.dumps(
            self._values, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> "Params":
        """Parse the JSON of `to_json`."""
        return cls(json.loads(text))

    def to_json(self) -> str:
        """Return the canonical JSON: sorted names, no spaces, floats by their repr."""
        return self._json

    @property
    def fingerprint(self) -> str:
        """Identifier of this point: 16 hexadecimal digits of the canonical JSON's SHA-256."""
        return hashlib.sha256(self._json.encode()).hexdigest()[:16]

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._json == other._json if isinstance(other, Params) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        return f"Params({self._values!r})"
