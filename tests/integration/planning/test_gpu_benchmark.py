"""The benchmark of a machine with a GPU, at its smallest size on a CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.cards import peak_tflops

PROGRAM = Path(__file__).parents[3] / "benchmarks" / "gpu"
BARE = (
    "ray",
    "optuna",
    "sqlalchemy",
    "alembic",
    "click",
    "rich",
    "scipy",
    "timm",
    "albumentations",
)
"""Packages that a machine with torch may lack."""
CHECKS = ("precision", "resume", "out_of_memory", "two_processes", "pinned_loading", "ddp")


def ran(folder, *options, without=()):
    """Run it as a user does; return its exit code and its JSON."""
    lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in without)]
    (folder / "sitecustomize.py").write_text("\n".join(lines))
    out = folder / "gpu.json"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--tiny", "--out", str(out), *options],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        cwd=folder,
    )
    assert json.loads(done.stdout) == json.loads(out.read_text()), done.stderr.decode()
    return done.returncode, json.loads(out.read_text())


def test_a_machine_with_the_trainers_packages_alone_is_enough(tmp_path):
    options = ("--device", "cpu", "--only", "pinned_loading", "--only", "idle")
    code, found = ran(tmp_path, *options, without=BARE)
    assert (code, found["failed"], list(found["sections"])) == (0, [], ["pinned_loading", "idle"])
    assert found["sections"]["pinned_loading"]["passed"]
    assert found["sections"]["idle"]["not measured"].startswith("not installed: ray, optuna")
    assert found["card"]["name"] == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.exhaustive
def test_a_section_that_fails_leaves_its_error_and_the_others_run(tmp_path):
    code, found = ran(tmp_path, "--only", "resume", "--only", "shares")
    assert (code, found["failed"]) == (1, ["resume", "shares"])
    assert all("sees no GPU" in each["error"] for each in found["sections"].values())


@pytest.mark.exhaustive
def test_all_of_it_runs_on_a_cpu(tmp_path):
    code, found = ran(tmp_path, "--device", "cpu", "--peak-tflops", "0.5")
    sections = found["sections"]
    assert (code, found["failed"]) == (0, [])
    assert all(sections[name]["passed"] for name in CHECKS)
    assert sections["resume"]["exact"]
    speed = sections["speed"]
    assert all(speed[name]["share_of_bf16_peak"] > 0 for name in ("unet", "deeplabv3", "upernet"))
    assert len(sections["defaults"]["to_the_defaults"]) == 8
    assert 0 < sections["shares"]["share_of_validation"] < 1
    assert sections["augmentation"]["images_per_second"].keys() >= {"none", "scale_crop_jitter"}
    assert 0 <= sections["idle"]["idle_share"] < 1


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA L40S", 362),
        ("NVIDIA L40", 181),
        ("Tesla T4", None),
        ("NVIDIA A10G", None),
    ],
)
def test_the_peak_of_a_card_is_known_by_whole_words_of_its_name(name, peak):
    assert peak_tflops(name) == peak
