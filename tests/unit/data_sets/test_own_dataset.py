"""A data set that is a class of the user's own behaves like one of ours, or is refused by name."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.trainer.core.errors import DataError, TrainerError
from searchctl.trainer.data.cache.name import Need, entry_name
from searchctl.trainer.data.checks.checked import checked_data
from searchctl.trainer.data.fingerprints import data_fingerprint
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import forget_listing, load_split
from searchctl.trainer.data.settings import OwnData
from searchctl.trainer.own_code.imports import use_contents
from tests.processes.in_process import searchctl

EXAMPLE = Path(__file__).parents[3] / "examples/own-parts/my_data.py"
SWEEP = """\
name: cracks
data: {{dataset: my_data:Cracks, root: {root}, image_size: [16, 16]{more}}}
training: {{width: 4, epochs: 1, batch_size: 2}}
space: {{lr: [0.1, 0.01]}}
"""
DRAWN = """
import numpy as np
class Drawn:
    classes = ["a", "b"]
    train, val = ["one", "two"], ["three"]
    def __init__(self, shape=(9, 8, 3), dtype="uint8", ids=2, side=9):
        self.shape, self.dtype, self.ids, self.side = shape, dtype, ids, side
    def image(self, name):
        return np.full(self.shape, len(name), self.dtype)
    def label(self, name):
        return np.arange(self.side * 8).reshape(self.side, 8) % self.ids
"""


@pytest.fixture
def root(tmp_path):
    """Six photographs of three walls."""
    rng = np.random.default_rng(0)
    for folder in ("photos", "cracks"):
        (tmp_path / folder).mkdir()
    for wall in "abc":
        for number in range(2):
            photo = rng.integers(0, 256, (20, 18, 3), np.uint8)
            Image.fromarray(photo).save(tmp_path / f"photos/{wall}_{number}.png")
            mask = (255 * rng.integers(0, 2, (20, 18))).astype(np.uint8)
            Image.fromarray(mask).save(tmp_path / f"cracks/{wall}_{number}.png")
    return tmp_path


@pytest.fixture(autouse=True)
def _nothing_remembered():
    forget_listing()
    yield
    use_contents({}, "")
    forget_listing()


def example(root, tmp_path, **settings):
    """Return the settings of the example, whose code is in use."""
    use_contents({"my_data.py": EXAMPLE.read_bytes()}, "")
    given = {"image_size": (16, 16), "cache_dir": tmp_path / "cache", **settings}
    return OwnData(dataset="my_data:Cracks", root=root, **given)


def drawn(tmp_path, source=DRAWN, bands=None, **args):
    use_contents({"my_drawn.py": source.encode()}, "")
    return OwnData(
        dataset="my_drawn:Drawn",
        image_size=(8, 8),
        cache_dir=tmp_path / "cache",
        bands=bands,
        args=args,
    )


def test_it_is_split_grouped_decoded_and_checked_like_one_of_ours(root, tmp_path):
    data = example(root, tmp_path)
    dataset = build_dataset(data)
    assert dataset.names("val") == ("a_0", "a_1")
    assert dataset.group("train", 0) == "b"
    train = load_split(data, "train")
    assert np.shape(train.images[0]) == (16, 16, 3)
    assert train.class_pixels.sum() == 4 * 16 * 16
    report = checked_data(data)
    assert not report.problems
    assert [len(split.names) for split in report.splits] == [4, 2, 0]


def test_its_content_is_known_by_its_files_and_its_cache_by_its_code_too(root, tmp_path):
    data = example(root, tmp_path)
    known, name = (
        data_fingerprint(data),
        entry_name(data, build_dataset(data), Need("val", "exact")),
    )
    Image.new("RGB", (18, 20)).save(root / "photos/a_0.png")
    forget_listing()
    assert data_fingerprint(data) != known
    use_contents({"my_data.py": EXAMPLE.read_bytes() + b"\n"}, "")
    forget_listing()
    changed = entry_name(data, build_dataset(data), Need("val", "exact"))
    assert changed != name


def test_two_sweeps_of_one_process_with_equal_settings_are_read_each_by_its_own_code(tmp_path):
    first, second = DRAWN, DRAWN.replace("len(name)", "200")
    read = [
        np.array(load_split(drawn(tmp_path, source), "train").images[0]).max()
        for source in (first, second, first)
    ]
    assert read == [3, 200, 3]


def test_code_that_it_does_not_import_leaves_its_cache_as_it_is(root, tmp_path):
    data = example(root, tmp_path)
    code = build_dataset(data).code
    use_contents({"my_data.py": EXAMPLE.read_bytes(), "my_net.py": b""}, "")
    forget_listing()
    assert build_dataset(data).code == code


def test_arguments_are_given_and_bands_are_taken(tmp_path):
    data = drawn(tmp_path, shape=[9, 8, 4], dtype="uint16", bands=(3, 0))
    image, label = build_dataset(data).load("train", 0)
    assert (image.shape, image.dtype, label.dtype) == ((9, 8, 2), np.float32, np.uint8)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"shape": [9, 8, 4]}, r"image\('one'\) is uint8 \[9, 8, 4\]: without `bands` it must be"),
        ({"dtype": "uint16"}, "without `bands` it must be uint8"),
        ({"ids": 3}, r"label\('one'\) holds class id 2; allowed are 0..1 and 255"),
        ({"side": 7}, "one: the image is 9x8, its label 7x8"),
        ({"dtype": "nonsense"}, "one: my_drawn:Drawn fails: TypeError"),
        ({"colour": 1}, "my_drawn:Drawn: .*'colour'; its parameters are shape, dtype, ids, side"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_images_name(tmp_path, args, message):
    with pytest.raises(TrainerError, match=message):
        build_dataset(drawn(tmp_path, **args)).load("train", 0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("    classes = ['a', 'b']", "", "has no classes"),
        ("['three']", "['two']", "two is in train, and in val or test"),
        ("['three']", "[3]", "val must list names"),
    ],
)
def test_a_class_that_is_no_data_set_is_refused(tmp_path, before, after, message):
    source = DRAWN.replace('"', "'").replace(before, after)
    with pytest.raises(DataError, match=message):
        build_dataset(drawn(tmp_path, source)).names("train")


def test_a_file_that_is_missing_is_named(root, tmp_path):
    (root / "cracks/b_1.png").unlink()
    with pytest.raises(DataError, match=r"cracks/b_1.png: missing"):
        build_dataset(example(root, tmp_path)).check()


def write_sweep(root, more=""):
    (root / "my_data.py").write_bytes(EXAMPLE.read_bytes())
    (root / "sweep.yaml").write_text(SWEEP.format(root=root, more=more))
    return root / "sweep.yaml"


def test_a_plan_runs_none_of_it_and_needs_the_number_of_images(root):
    with pytest.raises(SearchctlError, match="a plan does not run my_data:Cracks; set"):
        plan_sweep(load_sweep(write_sweep(root)))
    assert plan_sweep(load_sweep(write_sweep(root, ", train_images: 4"))).ladder
    assert "my_data" not in sys.modules


def test_errors_of_its_settings_are_at_their_place_with_the_known_keys(root):
    file = write_sweep(root, ", every: 3")
    with pytest.raises(SweepError, match=r"sweep.yaml:2 data.every: unknown key 'every'"):
        load_sweep(file)
    file.write_text(file.read_text().replace("my_data:Cracks", "camvids"))
    with pytest.raises(SweepError, match="unknown data set 'camvids': did you mean 'camvid'"):
        load_sweep(file)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("my_data:Cracks", "my_data:Crack", "data.dataset: .*no 'Crack': did you mean"),
        ("my_data:Cracks", "absent:Cracks", "data.dataset: .*absent"),
        ("{dataset", "{args: {evry: 3}, dataset", "data.args.evry: unknown argument 'evry': did"),
        ("root: /", "cache_dir: /", "data.dataset: my_data:Cracks needs root: set data.root"),
    ],
)
def test_what_its_source_lacks_is_refused_with_the_line(root, before, after, message):
    file = write_sweep(root)
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises(SweepError, match=rf"sweep.yaml:2 {message}"):
        load_sweep(file)


def test_data_check_reads_it(root):
    write_sweep(root)
    done = searchctl("data", "check", "sweep.yaml", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "my_data:Cracks: 6 images, 0 errors" in done.stdout
