import numpy as np
import pytest

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.landcover import Landcover
from searchctl.trainer.data.settings import LandcoverData
from tests.images.official_layouts import save, write_landcover, write_landcover_course

COLOURS = [
    (0, 255, 255), (255, 255, 0), (255, 0, 255), (0, 255, 0), (0, 0, 255), (255, 255, 255),
    (0, 0, 0), (255, 0, 0),
]  # fmt: skip
WRITERS = {"deepglobe": write_landcover, "course": write_landcover_course}


@pytest.fixture(params=list(WRITERS))
def layout(request):
    return request.param


def land(root, layout, **changes):
    return Landcover(
        LandcoverData(dataset="landcover", root=root, image_size=(32, 32), layout=layout, **changes)
    )


def label_of(root, layout, colours, **changes):
    """Decode a mask whose rows are of these colours, after one another."""
    dataset = land(WRITERS[layout](root), layout, **changes)
    mask = np.resize(np.array(colours, np.uint8), (32, len(colours), 3))
    save(dataset.pairs("val")[0].mask, mask)
    save(dataset.pairs("val")[0].image, mask)
    return dataset.load("val", 0)[1][0].tolist()


@pytest.mark.parametrize(("unknown", "black"), [("ignore", 255), ("class", 6)])
def test_six_classes_are_scored_and_the_eighth_colour_never(tmp_path, layout, unknown, black):
    ids = label_of(tmp_path, layout, COLOURS, unknown=unknown)
    assert ids == [0, 1, 2, 3, 4, 5, black, 255]
    assert land(tmp_path, layout, unknown=unknown).class_names[:6] == (
        "urban", "agriculture", "rangeland", "forest", "water", "barren",
    )  # fmt: skip


def test_official_masks_are_rounded_at_128(tmp_path):
    impure = [(127, 128, 255), (200, 131, 90), (128, 128, 128), (127, 127, 127), (250, 3, 60)]
    assert label_of(tmp_path, "deepglobe", impure) == [0, 1, 5, 255, 255]


def test_impure_masks_of_the_course_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"100\.0 % .* \(200, 131, 90\).*interpolation"):
        label_of(tmp_path, "course", [(200, 131, 90)])


def test_a_mask_of_class_ids_is_not_taken_for_black(tmp_path, layout):
    dataset = land(WRITERS[layout](tmp_path), layout)
    mask = dataset.pairs("train")[0].mask
    save(mask, np.full((32, 32), 3, np.uint8))
    with pytest.raises(DataError, match=rf"{mask}: 100\.0 % of a mask is in colours of no class"):
        dataset.load("train", 0)


def test_images_without_labels_are_in_no_split(tmp_path, layout):
    dataset = land(WRITERS[layout](tmp_path), layout)
    names = [dataset.names(split) for split in ("train", "val", "test")]
    assert [len(n) for n in names] == ([8, 2, 0] if layout == "deepglobe" else [6, 2, 0])


def test_the_whole_data_set_is_counted(tmp_path):
    (tmp_path / "train").mkdir()
    for number in range(803):
        (tmp_path / "train" / f"{number}_sat.jpg").touch()
    dataset = land(tmp_path, "deepglobe")
    counts = LandcoverData(dataset="landcover", root=tmp_path, image_size=(32, 32)).counts()
    assert counts == {split: len(dataset.names(split)) for split in ("train", "val", "test")}


def test_a_course_without_validation_is_named(tmp_path):
    write_landcover(tmp_path)
    with pytest.raises(DataError, match=rf"{tmp_path}/validation: cannot be listed"):
        land(tmp_path, "course").check()
