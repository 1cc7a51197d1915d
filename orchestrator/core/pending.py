"""What jobs wait for that were handed out and have not begun: asked for, free, and there at all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Waiting:
    """Jobs that wait for room in a cluster, and the room that it has, by Ray's names."""

    jobs: int
    """How many wait."""
    asked: Mapping[str, float]
    """What each of them asks for."""
    free: Mapping[str, float]
    """What of that is free now, in the whole cluster."""
    there: Mapping[str, float]
    """What of that the cluster has, in use or not."""
    nodes: int
    """Nodes that are large enough for one of them."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(**values)
