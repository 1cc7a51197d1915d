import sys

import numpy as np
import pytest
import torch

from trainer.memory import peak_bytes, reset_peak

CPU = torch.device("cpu")
MB = 10**6


@pytest.mark.skipif(sys.platform != "linux", reason="the process's peak is read from /proc")
def test_peak_of_a_process_is_what_it_held_since_the_reset():
    held = np.ones(200 * MB, dtype=np.uint8)
    del held
    reset_peak(CPU)
    before = peak_bytes(CPU)
    held = np.ones(50 * MB, dtype=np.uint8)
    del held
    assert 40 * MB < peak_bytes(CPU) - before < 100 * MB
