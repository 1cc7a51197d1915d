"""Resources of a trial: which settings are refused, and what a job requests of a cluster."""

import pytest

from searchctl.orchestrator.config.sections.resources import ResourceSettings


@pytest.mark.parametrize(
    ("resources", "problem"),
    [
        (
            "{gpus_per_trial: 1.5}",
            "gpus_per_trial: must be a fraction below 1 or a whole number of GPUs",
        ),
        (
            "{gpus_per_trial: 0.25, processes_per_trial: 2}",
            "processes_per_trial: processes cannot share a GPU: leave it out, or set "
            "gpus_per_trial: 2",
        ),
        (
            "{gpus_per_trial: 4, processes_per_trial: 2}",
            "processes_per_trial: each process needs its own GPU: leave it out, or set "
            "gpus_per_trial: 2",
        ),
        ("{processes_per_trial: 0}", "processes_per_trial: must be 1 or more"),
        ("{custom: {GPU: 1}}", "custom: GPU is not a custom resource: use gpus_per_trial"),
        ("{custom: {node:10.0.0.1: 1}}", "custom: node:10.0.0.1 is not a custom resource"),
        ("{custom: {licence: 0}}", "custom.licence: must be above 0"),
        (
            "{custom: {licence: 1.5}}",
            "custom: licence must be a fraction below 1 or a whole number, not 1.5",
        ),
        (
            "{accelerator_type: A100}",
            "accelerator_type: names a GPU type, but trials use no GPU: set gpus_per_trial",
        ),
    ],
)
def test_what_no_cluster_could_give_is_refused_at_its_line(refused, resources, problem):
    text = (
        f"name: s\ndata: {{dataset: scenes}}\nspace: {{lr: [0.1, 0.01]}}\nresources: {resources}\n"
    )
    (found,) = refused(text)
    assert found.startswith(f"sweep.yaml:4 resources.{problem}")


@pytest.mark.parametrize(
    ("settings", "processes"),
    [
        ({}, 1),
        ({"gpus_per_trial": 0.25}, 1),
        ({"gpus_per_trial": 1}, 1),
        ({"gpus_per_trial": 4}, 4),
        ({"gpus_per_trial": 4, "processes_per_trial": 4}, 4),
        ({"processes_per_trial": 3}, 3),
    ],
)
def test_a_trial_has_a_process_for_each_whole_gpu(settings, processes):
    assert ResourceSettings(**settings).processes == processes


def test_a_kind_of_gpu_is_a_thousandth_of_what_each_node_with_one_has():
    settings = ResourceSettings(gpus_per_trial=1, accelerator_type="A100", custom={"licence": 2})
    assert settings.others == {"licence": 2, "accelerator_type:A100": 0.001}


@pytest.mark.parametrize(("cpus", "threads"), [(8, 4), (1, 1)])
def test_the_processes_of_a_trial_share_its_threads(sweep_of, cpus, threads):
    sweep = sweep_of(
        "name: s\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.01]}\n"
        f"resources: {{processes_per_trial: 2, cpus_per_trial: {cpus}}}\n"
    )
    assert sweep.training.threads == threads


@pytest.mark.parametrize(
    ("resources", "warning"),
    [
        ("{processes_per_trial: 5, cpus_per_trial: 5}", "batch_size 4 is not divided over 5"),
        ("{processes_per_trial: 2, cpus_per_trial: 1}", "2 processes of a trial share 1 CPU"),
    ],
)
def test_processes_that_speed_nothing_up_are_warned_of(sweep_of, resources, warning):
    sweep = sweep_of(
        "name: s\ndata: {dataset: scenes}\ntraining: {batch_size: 8}\n"
        f"space: {{batch_size: [4, 8]}}\nresources: {resources}\n"
    )
    assert warning in "\n".join(sweep.warnings)
