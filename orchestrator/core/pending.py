"""Resources that scheduled jobs wait for: requested, free, and in the cluster at all."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Waiting:
    """Pending jobs of a cluster, and resources by Ray's names (CPU, GPU, ...).

    The database stores the field names.
    """

    jobs: int
    """Number of pending jobs."""
    asked: Mapping[str, float]
    """Resources that each job requests."""
    free: Mapping[str, float]
    """How much of these is free now, summed over the cluster."""
    there: Mapping[str, float]
    """How much of these the cluster has, in use or not."""
    nodes: int
    """Number of nodes that are large enough for one job."""
    since: str | None = None
    """Since when jobs have waited, ISO 8601 in UTC; None before that is stored."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read the output of `to_json`."""
        return cls(**values)
