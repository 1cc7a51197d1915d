"""One Ray for all tests of a file that leave it in order, as it takes seconds to start."""

from contextlib import contextmanager, nullcontext

import pytest

from searchctl.orchestrator.executors.ray import tune as ray_tune
from searchctl.orchestrator.executors.ray.cluster import connected


@contextmanager
def shared_ray():
    """Start a Ray that executors use instead of one of their own."""
    with connected(None) as head, pytest.MonkeyPatch.context() as patched:
        patched.setattr(ray_tune, "connected", lambda address: nullcontext(head))
        yield
