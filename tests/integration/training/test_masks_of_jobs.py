"""Jobs that draw what they predict of a few validation images."""

import pytest
from upath import UPath

from searchctl.trainer import Sample, TrainSettings
from searchctl.trainer.data.settings import ImageFolderData
from searchctl.trainer.pictures.mask_sheet import read_masks
from tests.jobs.small_jobs import numbers, run_small


class Killed(Exception):
    """In place of a kill, after an epoch's checkpoint was written."""


def kill_after(epoch):
    def on_epoch(record):
        if record.epoch == epoch:
            raise Killed

    return on_epoch


def rows(folder):
    return [row.title for row, _ in read_masks((folder / "masks.png").read_bytes()).rows]


def test_a_job_draws_its_kept_epoch_and_nothing_else_changes(run, tmp_path):
    plain = run(out=UPath(tmp_path / "plain"))
    drawn = run(out=UPath(tmp_path / "drawn"), masks=2)
    assert numbers(plain) == numbers(drawn)
    assert rows(tmp_path / "drawn") == ["ground truth", f"epoch {drawn.kept_epoch}, kept"]
    assert not (tmp_path / "plain" / "masks.png").exists()


def test_a_finalist_draws_the_first_the_middle_and_the_last_epoch_too(run, tmp_path):
    result = run({"epochs": 5}, final=True, masks=["val_00002", "val_00000"])
    epochs = sorted({1, 3, 5, result.kept_epoch})
    assert rows(tmp_path)[:2] == ["image", "ground truth"]
    assert [title.split(",")[0] for title in rows(tmp_path)[2:]] == [f"epoch {e}" for e in epochs]
    assert read_masks((tmp_path / "masks.png").read_bytes()).images == ["val_00002", "val_00000"]


@pytest.mark.parametrize("epoch", [1, 4, 5])
def test_a_job_that_was_killed_draws_the_same(epoch, run, tmp_path):
    whole, first, second = (UPath(tmp_path / name) for name in ("whole", "first", "second"))
    few = {"epochs": 5}
    run(few, out=whole, final=True, masks=2)
    with pytest.raises(Killed):
        run(few, out=first, final=True, masks=2, on_epoch=kill_after(epoch))
    result = run(few, out=second, final=True, masks=2, resume_from=[first])
    assert result.first_epoch == epoch + 1
    assert (whole / "masks.png").read_bytes() == (second / "masks.png").read_bytes()


def test_other_images_may_be_requested_after_a_kill(run, tmp_path):
    first, second = UPath(tmp_path / "first"), UPath(tmp_path / "second")
    with pytest.raises(Killed):
        run(out=first, final=True, masks=["val_00000"], on_epoch=kill_after(1))
    run(out=second, final=True, masks=["val_00001"], resume_from=[first])
    assert "epoch 1" not in rows(second)
    assert read_masks((second / "masks.png").read_bytes()).images == ["val_00001"]


def test_classifiers_have_no_masks(drawn_classes_root, tmp_path):
    data = ImageFolderData(dataset="image_folder", root=drawn_classes_root, image_size=(32, 32))
    settings = TrainSettings(model="timm:test_resnet", epochs=1, batch_size=8, threads=1)
    sample = Sample(data, images=8, seed=7)
    result = run_small(settings, sample, out=UPath(tmp_path), masks=3)
    assert result.status == "complete"
    assert not (tmp_path / "masks.png").exists()


def test_a_missing_image_is_reported(run):
    result = run(masks=["nowhere"])
    assert result.status == "failed"
    assert "no validation image is named nowhere" in result.error
