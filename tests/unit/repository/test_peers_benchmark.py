"""The script that all tuners of benchmarks/peers start, on a few random images."""

import json
import sys

import numpy as np
import pytest

from benchmarks.peers.page import PAGE, RESULT, filled, points
from benchmarks.peers.trial import epochs, spent

PARAMS = {"lr": 1e-2, "lr_decay": 0.5, "weight_decay": 1e-3, "dropout": 0.2, "optimizer": "adam"}
LAST = 6  # after the decay of the learning rate


@pytest.fixture
def folder(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 4)):
        images = draw.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
        labels = draw.integers(0, 12, (count, 16, 16), dtype=np.uint8)
        np.savez(tmp_path / f"{split}.npz", images=images, labels=labels)
        (tmp_path / f"{split}.txt").write_text("".join(f"{split} {n}\n" for n in range(count)))
    given = {"DATA": tmp_path, "PYTHON": sys.executable, "SEED": 3, "SPENT": tmp_path / "spent"}
    for name, value in given.items():
        monkeypatch.setenv(f"PEERS_{name}", str(value))
    return tmp_path


@pytest.mark.exhaustive
def test_a_resumed_training_ends_as_one_that_was_not_interrupted(folder):
    whole = list(epochs(PARAMS, last=LAST))
    first = list(epochs(PARAMS, last=LAST - 3, out=folder))
    assert first + list(epochs(PARAMS, last=LAST, resume=folder)) == whole
    assert spent() == {"starts": 3, "trained": 2 * LAST * 10, "validated": 2 * LAST * 4}


def test_a_tuner_that_drops_a_training_pays_for_the_epochs_that_it_saw(folder):
    for report in epochs(PARAMS):
        if report["epoch"] == 2:
            break
    assert spent() == {"starts": 1, "trained": 20, "validated": 8}


def test_points_are_hundredths_with_the_standard_error_of_the_mean():
    assert points([0.1, 0.2, 0.3]) == "20.00 ± 5.77"
    assert points([-0.01], sign="+") == "-1.00"


def test_the_page_holds_the_numbers_of_the_result():
    assert PAGE.read_text() == filled(PAGE.read_text(), json.loads(RESULT.read_text()))
