"""Valid and invalid `report:` sections of a sweep file."""

import pytest

SCENES = "name: s\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.01]}\n"
IMAGES = (
    "name: s\ntask: classification\ndata: {dataset: image_folder, root: x, image_size: [8, 8]}\n"
    "training: {model: 'timm:resnet18'}\nspace: {lr: [0.1, 0.01]}\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 3),
        ("report: {images: 0}", 0),
        ("report: {images: 7}", 7),
        ("report: {images: [val_00001, b]}", ("val_00001", "b")),
    ],
)
def test_images_are_so_many_or_named(text, expected, sweep_of):
    assert sweep_of(SCENES + text).report.wanted_images == expected


def test_a_classification_has_no_masks(sweep_of, refused):
    sweep = sweep_of(IMAGES)
    assert sweep.report.wanted_images == 0
    assert type(sweep).from_json(sweep.to_json()) == sweep
    (line,) = refused(f"{IMAGES}report: {{images: 2}}")
    assert line.endswith("report.images: have masks in segmentation only: leave it out")


@pytest.mark.parametrize("images", ["-1", "51", "val_00001", "1.5"])
def test_other_images_are_refused(images, refused):
    assert all("report.images" in line for line in refused(f"{SCENES}report: {{images: {images}}}"))


def test_what_is_pictured_changes_nothing_that_is_computed(sweep_of):
    more = sweep_of(f"{SCENES}report: {{images: 5}}")
    assert more.spec_hash == sweep_of(SCENES).spec_hash
