"""One trial of Syne Tune: a process of its own, which reports the script's epochs."""

import argparse

from syne_tune import Reporter

from benchmarks.peers.space import CHOICES, FLOATS
from benchmarks.peers.trial import epochs

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in FLOATS:
        parser.add_argument(f"--{name}", type=float)
    for name in CHOICES:
        parser.add_argument(f"--{name}")
    report = Reporter()
    for each in epochs(vars(parser.parse_known_args()[0])):
        report(epoch=each["epoch"], val_miou=each["val_miou"])
