import subprocess
import sys

import pytest

HELD = """
import numpy, torch
from searchctl.trainer.core.machine.memory import peak_bytes, reset_peak

cpu, MB = torch.device("cpu"), 10**6
held = numpy.ones(600 * MB, dtype=numpy.uint8)
del held
reset_peak(cpu)
before = peak_bytes(cpu)
held = numpy.ones(200 * MB, dtype=numpy.uint8)
del held
print((peak_bytes(cpu) - before) // MB)
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="the process's peak is read from /proc")
def test_peak_of_a_process_is_what_it_held_since_the_reset():
    # in a process of its own: a large one that is idle may be paged out meanwhile
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    assert 150 < int(done.stdout) < 300
