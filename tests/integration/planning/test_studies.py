"""The five reference studies: each example is planned, and runs to its end at tiny width."""

from copy import deepcopy
from pathlib import Path

import pytest

from searchctl import launch
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.orchestrator.storage.reads import queries
from tests.images import official_layouts
from tests.networks.initialised_networks import published, write
from tests.networks.tiny_models import TINY
from tests.sweeps.grids import itself, mostly_exhaustive

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDIES = sorted(path.stem for path in EXAMPLES.glob("study_*.yaml"))

LAYOUTS = {
    "cityscapes": official_layouts.write_cityscapes,
    "sunrgbd": official_layouts.write_sunrgbd,
    "kitti_road": official_layouts.write_kitti_road,
    "landcover": official_layouts.write_landcover_course,
}
"""Data set -> who writes a fixture in its layout."""
REAL = {"oxford_pets": "oxford_pets_root", "image_folder": "pet_breeds_root"}
"""Data set -> the fixture of real images; CamVid's are real too."""
BEFORE = {
    "study_c_kitti_transfer": "study_c_camvid_pspnet",
    "study_d_pets_segformer": "study_d_cityscapes_segformer",
}
"""Study -> the study whose best trial provides its initial weights."""
CLASSIFIERS = {
    "timm:vgg13_bn": {"model": "timm:test_resnet"},
    "timm:beit_base_patch16_224.in22k_ft_in22k": {"model": "timm:test_vit"},
}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_planned_without_its_files(study):
    assert plan_sweep(load_sweep(EXAMPLES / f"{study}.yaml")).ladder.rungs[-1].fraction == 1


@pytest.mark.parametrize(
    ("study", "ladder"),
    [
        ("study_a_cityscapes_swin2_jnet", [36, 18, 9, 4, 2]),
        ("study_a_cityscapes_unet", [12, 6, 3, 2]),
        ("study_b_sunrgbd_unet", [32, 16, 8, 2]),
        ("study_b_sunrgbd_convnext", [7, 3, 2]),
        ("study_c_camvid_pspnet", [6]),
        ("study_d_pets_segformer", [4]),
        ("study_e_landcover", [8, 4, 2]),
    ],
)
def test_the_ladder_of_a_study_is_the_one_in_its_comments(study, ladder):
    plan = plan_sweep(load_sweep(EXAMPLES / f"{study}.yaml"))
    assert [rung.trials for rung in plan.ladder.rungs] == ladder


@pytest.mark.parametrize(
    "study", mostly_exhaustive(itself(STUDIES), "study_a_cityscapes_unet", "study_e_landcover")
)
def test_a_study_runs_to_its_end_at_tiny_width(request, tmp_path, study):
    for name in filter(None, [BEFORE.get(study), study]):
        sweep = tiny(request, tmp_path, name)
        launched = launch(sweep, db=f"sqlite:///{tmp_path}/studies.db", inline=True)
    assert launched.state == "COMPLETE"
    engine = launched.engine
    row = queries.find_sweep(engine, launched.name)
    last = max(job.rung for job in queries.jobs(engine, row))
    finals = [job for job in queries.jobs(engine, row) if job.rung == last]
    assert len(finals) == sweep.halving.finalists
    assert all(job.score is not None for job in finals)
    assert all("val_original" in job.evaluations for job in finals)


def tiny(request, folder, study):
    """Return an example with small networks, images and data, and otherwise unchanged."""
    values = deepcopy(load_yaml(EXAMPLES / f"{study}.yaml").value)
    data, training, space = values["data"], values["training"], values["space"]
    data.pop("train_images", None)
    data |= {"root": str(data_root(request, folder, data["dataset"])), "image_size": [32, 32]}
    data["cache_dir"] = str(folder / "cache")
    training |= {"epochs": 1, "batch_size": 4, "loader_workers": 0}
    if "points" in space:
        space["points"] = [point | small(training | point, folder) for point in space["points"]]
        training.pop("encoder", None)
    else:
        training |= small(training, folder)
    values["resources"] = {"cpus_per_trial": 1}
    values["storage"] = {"runs": str(folder / "runs")}
    return Sweep.model_validate(values)


def small(chosen, folder):
    """Return what makes a trial's settings small."""
    changed = {"epochs": 1, **CLASSIFIERS.get(chosen["model"], TINY.get(chosen["model"], {}))}
    if ":" in chosen.get("init", ""):  # a published network, which is not at hand
        return changed | {"init": "scratch"}
    if chosen.get("init") != "pretrained":
        return changed
    encoder = changed.get("encoder") or changed["model"].removeprefix("timm:")
    path = folder / f"{encoder}.safetensors"
    return changed | {"weights": str(write(published(encoder), path))}


def data_root(request, folder, dataset):
    """Return the directory of a few images in the data set's official layout."""
    root = folder / dataset
    if root.exists():
        return root
    if dataset == "camvid":
        return shortened(request.getfixturevalue("camvid_root"), root)
    return request.getfixturevalue(REAL[dataset]) if dataset in REAL else LAYOUTS[dataset](root)


def shortened(camvid, root):
    """Return a directory with a few real images of CamVid in each list."""
    root.mkdir()
    for split in ("train", "val", "test"):
        for name in (split, f"{split}annot"):
            (root / name).symlink_to(camvid / name)
        lines = (camvid / f"{split}.txt").read_text().splitlines()[:12]
        (root / f"{split}.txt").write_text("\n".join(lines))
    return root
