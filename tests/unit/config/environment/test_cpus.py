"""How many CPUs are ours."""

import os
import subprocess
import sys

import pytest

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.planning.capacity import capacity_of
from searchctl.trainer.core.machine import cpus
from searchctl.trainer.core.machine.cpus import own_cpus

V2 = "proc/self/cgroup", "0::/job/step\n"
V1 = "proc/self/cgroup", "4:memory:/pod\n3:cpu,cpuacct:/pod\n1:name=systemd:/pod\n"


@pytest.fixture(autouse=True)
def twelve_cpus(monkeypatch):
    monkeypatch.setattr(cpus, "_affinity", lambda: 12)
    for name in list(os.environ):
        if name.startswith("SLURM_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], 12),
        ([V2, ("sys/fs/cgroup/job/step/cpu.max", "max 100000\n")], 12),
        ([V2, ("sys/fs/cgroup/job/step/cpu.max", "350000 100000\n")], 3),
        ([V2, ("sys/fs/cgroup/job/cpu.max", "200000 100000\n")], 2),
        ([V2, ("sys/fs/cgroup/cpu.max", "50000 100000\n")], 1),
        ([V2, ("sys/fs/cgroup/job/cpu.max", "9900000 100000\n")], 12),
        (
            [
                V1,
                ("sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "400000\n"),
                ("sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "100000\n"),
            ],
            4,
        ),
        (
            [
                V1,
                ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
                ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ],
            12,
        ),
    ],
)
def test_a_containers_quota_limits_them_in_either_version_of_control_groups(
    files, expected, tmp_path
):
    for name, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert own_cpus(tmp_path) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SLURM_CPUS_PER_TASK": "2", "SLURM_CPUS_ON_NODE": "8"}, 2),
        ({"SLURM_CPUS_ON_NODE": "8"}, 8),
        ({"SLURM_CPUS_ON_NODE": "64"}, 12),
        ({"SLURM_CPUS_PER_TASK": ""}, 12),
    ],
)
def test_a_slurm_allocation_limits_them(variables, expected, monkeypatch, tmp_path):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert own_cpus(tmp_path) == expected
    parallel = capacity_of(ResourceSettings(cpus_per_trial=1)).parallel
    assert parallel <= expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_taskset_limits_them():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from searchctl.trainer.core.machine.cpus import own_cpus; print(own_cpus())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
