"""Trains a tuner's winner on all of the data with seeds that no tuner saw: jobs of the product."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from upath import UPath

from searchctl.searchspace import Params
from searchctl.trainer.data.settings import ListsData, Sample
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script.run import run_script
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.training import TrainSettings

from .data import lines
from .space import AXES, EPOCHS

SEEDS = (1001, 1002, 1003)
HERE = Path(__file__).parent
_GIVEN = {
    "data": "{data_dir}", "test": "{data_dir}/test.txt", "train": "{train_list}",
    "val": "{val_list}", "epochs": "{epochs}", "seed": "{seed}",
}  # fmt: skip
_OPTIONS = " ".join(f"--{n}={v}" for n, v in {**{a: f"{{{a}}}" for a in AXES}, **_GIVEN}.items())


def judge(params: Mapping[str, Any], seed: int, data: Path) -> dict[str, float]:
    """Return the scores of the epoch with the best validation mIoU, on both splits."""
    script = ScriptSettings(
        command=f"python train.py {_OPTIONS}",
        epochs=EPOCHS,
        values={"data_dir": str(data)},
        directory=HERE,
    )
    lists = ListsData(dataset="lists", train_list=data / "train.txt", val_list=data / "val.txt")
    with TemporaryDirectory() as out:
        job = TrialJob(
            settings=TrainSettings(),
            script=script,
            params=Params(params),
            sample=Sample(lists, lines(data, "train"), seed),
            out=UPath(out),
            recorded=("test_miou",),
            device="cpu",
        )
        result = run_script(job)
    if result.score is None:
        raise RuntimeError(
            f"seed {seed} of {dict(params)} ended as {result.status}: {result.error}"
        )
    best = max(result.epochs, key=lambda epoch: epoch.val_miou or 0)
    return {"val": result.score, "test": best.scores["test_miou"]}
