"""The doctor on a cluster's nodes: files that they lack, and jobs that fit on none."""

import os
from dataclasses import replace

import pytest
from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.doctor.room import room_finding
from searchctl.orchestrator.executors.node_view import (
    NodeLocations,
    locations_of,
    node_view_of,
    unseen,
)
from searchctl.orchestrator.executors.room import job_resources
from searchctl.trainer.data.settings import ScenesData


def sweep(**sections):
    """Return a small sweep."""
    data = {"dataset": "scenes", "train": 4, "val": 2}
    return Sweep.model_validate(
        {"name": "small", "data": data, "space": {"lr": [0.1, 0.01]}, **sections}
    )


@pytest.fixture
def places(tmp_path):
    """What the nodes of a sweep must see: the directory of its files is not there yet."""
    (tmp_path / "shared").mkdir()
    runs = {"runs": str(tmp_path / "shared" / "runs")}
    return locations_of(sweep(storage=runs))


def lacks(places, there):
    """Return what a node with other places lacks, in the words of the doctor."""
    return "; ".join(map(": ".join, unseen(places, node_view_of(places), node_view_of(there))))


def test_a_node_with_all_files_lacks_nothing_and_is_not_changed(places, tmp_path):
    assert lacks(places, places) == ""
    assert os.listdir(tmp_path / "shared") == []


def test_a_node_with_other_data_or_none_is_reported_with_the_fix(places, tmp_path):
    fewer = replace(places, data=ScenesData(dataset="scenes", train=3, val=2))
    assert "holds other files there than on the driver's machine" in lacks(places, fewer)
    gone = replace(places, data=sweep(data={"dataset": "camvid", "root": str(tmp_path)}).data)
    assert str(tmp_path) in lacks(places, gone)
    assert "let it see the data set at the same place" in lacks(places, gone)
    assert lacks(gone, places) == ""  # the data check reports this machine's own lack


def test_a_node_without_the_directory_of_the_files_is_reported_with_the_fix(places, tmp_path):
    elsewhere = replace(places, runs=UPath(tmp_path / "own disk" / "runs"))
    assert "shared/runs is not there what the driver's machine sees" in lacks(places, elsewhere)
    assert "set storage.runs to a directory that all nodes share" in lacks(places, elsewhere)
    closed = replace(places, runs=UPath("/proc/1/runs"))
    assert "set storage.runs" in lacks(places, closed)


def test_directories_of_one_name_on_two_disks_differ_by_their_files(places):
    here = node_view_of(places)
    assert not list(unseen(places, here, replace(here, holds="what others wrote meanwhile")))
    assert not list(unseen(places, here, replace(here, number=1)))  # of another kind of mount
    ((found, _),) = unseen(places, here, replace(here, number=1, holds="something else"))
    assert "is not there what the driver's machine sees" in found


def test_a_store_that_a_node_does_not_reach_is_reported(places):
    limits = {"retries": {"total_max_attempts": 1}, "connect_timeout": 1}
    keys = {"key": "a key", "secret": "a secret", "config_kwargs": limits}
    unreachable = NodeLocations(
        places.data, UPath("s3://runs", endpoint_url="http://127.0.0.1:9", **keys)
    )
    assert "s3://runs/ cannot be read" in node_view_of(unreachable).runs_fault


@pytest.mark.parametrize(
    ("requested", "words", "fix"),
    [
        ({"cpus_per_trial": 8}, "asks for 8 CPU, and no node", "cpus_per_trial, or add a node"),
        ({"gpus_per_trial": 2}, "(they have 4 CPU and 0 GPU, 2 CPU and 1 GPU)", "gpus_per_trial"),
        ({"custom": {"licence": 1}}, "1 licence", "remove resources.custom, or"),
        (
            {"gpus_per_trial": 1, "accelerator_type": "A100"},
            "accelerator_type:A100",
            "remove resources.accelerator_type, or",
        ),
        (
            {"cpus_per_trial": 3, "gpus_per_trial": 1},
            "3 CPU and 1 GPU",
            "resources.cpus_per_trial and resources.gpus_per_trial",
        ),
    ],
)
def test_a_trial_that_fits_on_no_node_is_an_error_that_names_the_setting(requested, words, fix):
    resources = job_resources(sweep(resources=requested).resources)
    nodes = [{"CPU": 4.0, "memory": 1e9}, {"CPU": 2.0, "GPU": 1.0}]
    finding = room_finding(resources, nodes, 0, local=False, scales=False)
    assert finding.level == "error"
    assert words in finding.found
    assert fix in finding.fix


def test_room_is_reported_and_its_lack_is_a_warning_where_nodes_may_come():
    growing = room_finding({"CPU": 8}, [{"CPU": 4.0}], 0, local=False, scales=True)
    assert (growing.level, "autoscaler" in growing.fix) == ("warning", True)
    alone = room_finding({"CPU": 8}, [{"CPU": 4.0}], 0, local=True, scales=False)
    assert (alone.level, "--address" in alone.fix) == ("error", True)
    assert room_finding({"CPU": 2}, [{"CPU": 4.0}], 2, local=True, scales=False).level == "ok"
