import io

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import ScenesData
from searchctl.trainer.pictures.mask_sheet import draw_masks, read_masks, select_images

SCENES = build_dataset(ScenesData(dataset="scenes", image_size=(24, 32), train=1, val=1, test=1))
TRUTH = np.zeros((2, 24, 32), dtype=np.uint8)
TRUTH[:, :8], TRUTH[:, 8:16] = 3, SCENES.ignore_index
ALL_ROAD = np.full((2, 24, 32), 2, dtype=np.uint8)


def drawn(names=("a", "b"), **options):
    options = {"kept": 7, **options}
    return draw_masks(SCENES, list(names), list(TRUTH), {7: ALL_ROAD, 1: ALL_ROAD - 1}, **options)


def colours(tile):
    return set(map(tuple, np.asarray(tile).reshape(-1, 3).tolist()))


def test_images_are_spread_over_the_split():
    names = [f"{n}" for n in range(100)]
    assert select_images(names, 3) == [16, 50, 83]
    assert select_images(names, 1) == [50]
    assert select_images(names[:2], 5) == [0, 1]
    assert select_images(names, 0) == []


def test_images_are_picked_by_name_in_the_requested_order():
    assert select_images(["a", "b", "c"], ["c", "a"]) == [2, 0]
    with pytest.raises(SettingsError, match="named x, y; they are named like a, b"):
        select_images(["a", "b", "c"], ["x", "a", "y"])


def test_rows_are_found_again_by_epoch():
    sheet = read_masks(drawn())
    assert [row.title for row, _ in sheet.rows] == ["ground truth", "epoch 1", "epoch 7, kept"]
    assert sheet.images == ["a", "b"]
    assert sheet.classes == [(SCENES.class_names[each], SCENES.palette[each]) for each in range(4)]


def test_tiles_have_the_palette_s_colours_and_nothing_of_their_neighbours():
    (_, truth), (_, first), (_, kept) = read_masks(drawn()).rows
    stripes = {(0, 0, 0), (170, 170, 170)}
    for tile in truth:
        assert colours(tile) == {SCENES.palette[3], SCENES.palette[0], *stripes}
    assert colours(first[1]) == {SCENES.palette[1], *stripes}
    assert colours(kept[0]) == {SCENES.palette[2], *stripes}


def test_pixels_that_are_not_scored_are_striped_in_predictions_too():
    (_, truth), _, (_, kept) = read_masks(drawn()).rows
    height = truth[0].height
    for tile in (truth[0], kept[0]):
        band = tile.crop((0, height // 3, tile.width, 2 * height // 3))
        assert colours(band) == {(0, 0, 0), (170, 170, 170)}


def test_images_are_a_row_of_their_own():
    photos = [np.full((24, 32, 3), shade, dtype=np.uint8) for shade in (10, 250)]
    rows = read_masks(drawn(images=photos)).rows
    assert rows[0][0].title == "image"
    assert [colours(tile) for tile in rows[0][1]] == [{(10,) * 3}, {(250,) * 3}]


@pytest.mark.parametrize(
    ("size", "tile"), [((24, 32), (192, 144)), ((100, 200), (200, 100)), ((1024, 512), (160, 320))]
)
def test_small_images_are_enlarged_by_a_whole_number_and_large_ones_shrunk(size, tile):
    label = np.zeros(size, dtype=np.uint8)
    sheet = read_masks(draw_masks(SCENES, ["a"], [label], {1: label[None]}, kept=1))
    assert sheet.rows[0][1][0].size == tile


def test_any_name_can_be_shown():
    names = ["<b>ä</b>" * 40, "二"]
    assert read_masks(drawn(names)).images == names


def test_another_picture_is_refused():
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    for content in (buffer.getvalue(), b"no picture"):
        with pytest.raises(ValueError, match="not a picture of masks"):
            read_masks(content)
