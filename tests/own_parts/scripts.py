"""A user's training script without torch, and jobs that run it."""

from pathlib import Path

from upath import UPath

from searchctl.searchspace import Params
from searchctl.trainer.data.settings import ListsData, Sample
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.training import TrainSettings

TRAIN = """
import json, os, sys
lr, epochs, out = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for epoch in range(1, epochs + 1):
    with open(out + "/model.txt", "w") as file:
        file.write(str(epoch))
    with open(os.environ["SEARCHCTL_REPORT"], "a") as file:
        print(json.dumps({"epoch": epoch, "val_miou": 1 - lr - 0.1 / epoch}), file=file)
print("trained")
"""
"""Its score is better the lower the rate, and the later the epoch."""
COMMAND = "python train.py {lr} {epochs} {out}"


def script_job(folder: Path, source: str = TRAIN, *, command: str = COMMAND, job=(), **settings):
    """Return a job of this script in this folder, on 6 of 12 samples."""
    (folder / "train.py").write_text(source)
    (folder / "train.txt").write_text("".join(f"image {n}.png\n" for n in range(12)))
    (folder / "val.txt").write_text("".join(f"image {n}.png\n" for n in range(12, 15)))
    data = ListsData(dataset="lists", train_list=folder / "train.txt", val_list=folder / "val.txt")
    script = {"command": command, "epochs": 3, "directory": folder, **settings}
    values = {
        "out": UPath(folder / "out"),
        "sample": Sample(data, 6, 0),
        "params": Params({"lr": 0.5}),
        "device": "cpu",
        **dict(job),
    }
    return TrialJob(settings=TrainSettings(), script=ScriptSettings(**script), **values)
