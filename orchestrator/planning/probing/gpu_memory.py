"""Which trials do not fit the smallest GPU, from a probe; pure."""

from collections.abc import Iterator

from searchctl.orchestrator.facts.sweeps import assignments
from searchctl.orchestrator.planning.probing.probed import Probe, Probed
from searchctl.trainer.core.errors import first_few

CUDA_BYTES = 1_000_000_000
"""What CUDA itself takes for each process, beside the memory that torch allocates."""


def too_large(probe: Probe, share: float) -> list[Probed]:
    """Return the measured configurations that need more memory than a trial has.

    Args:
        probe: the probe; on a CPU it knows of no memory that a trial has.
        share: GPUs of a trial; with one or more, each process has a whole one.
    """
    if probe.gpu_bytes is None:
        return []
    room = _room(probe, share)
    measured = (each for each in probe.classes if each.measured)
    return [each for each in measured if each.batch or each.speed.peak_bytes + CUDA_BYTES > room]


def memory_warnings(probe: Probe, share: float) -> Iterator[str]:
    """Yield a sentence for the configurations that do not fit, and what follows."""
    large = too_large(probe, share)
    for each in large:
        trials = first_few([str(trial) for trial in each.trials])
        params = f" ({assignments(each.params)})" if each.params else ""
        need = _need(each, probe, share)
        yield f"Too large for the smallest GPU: trials {trials}{params}: {need}"
    if large:
        yield (
            "When such a trial runs out of memory, it is tried again alone on its GPU, and then "
            "`resources.on_oom` decides. Smaller batches with a larger `accumulate` need less."
        )


def _room(probe: Probe, share: float) -> float:
    """Return the bytes of a process on the smallest GPU; 0 where none is known."""
    return min(1, share) * (probe.gpu_bytes or 0)


def _need(each: Probed, probe: Probe, share: float) -> str:
    room = _room(probe, share) / 1e9
    need = (each.speed.peak_bytes + CUDA_BYTES) / 1e9
    if each.batch:
        return f"it was measured with {each.batch}, which takes {need:.1f} of {room:.1f} GB"
    return f"{need:.1f} GB, of which it has {room:.1f}"
