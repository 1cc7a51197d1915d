"""Whether this machine has room for one job, counted as Ray would count it, before Ray starts."""

from collections.abc import Mapping

from ray._private.resource_and_label_spec import ResourceAndLabelSpec

from searchctl.orchestrator.core.errors import CannotStart
from searchctl.orchestrator.executors.ray.cluster import jobs_that_fit
from searchctl.orchestrator.executors.room import no_room, room_fix
from searchctl.trainer.core.machine.cpus import own_cpus


def check_room_here(requested: Mapping[str, float]) -> None:
    """Check that a cluster which is started on this machine would have room for one job.

    Args:
        requested: resources of one job, by Ray's names.

    Raises:
        CannotStart: it would not. The message names what is missing, and the settings to change.
    """
    resources = ResourceAndLabelSpec(num_cpus=own_cpus()).resolve(is_head=True).to_resource_dict()
    if jobs_that_fit([{"Resources": resources}], requested):
        return
    raise CannotStart(
        f"{no_room(requested, [resources])}: {room_fix(requested, [resources])}, or name a cluster "
        "that has it (--address)"
    )
