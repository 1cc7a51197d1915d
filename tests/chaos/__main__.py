"""Kills a small sweep on real images again and again; it must end the same way every time.

python -m tests.chaos --kills 100 --seed 7
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe
from tests.chaos.kills.killers import KILLERS
from tests.chaos.kills.ledger import Ledger
from tests.chaos.kills.processes import adopt_orphans, end_all
from tests.chaos.suite import Suite, plan
from tests.chaos.sweeps.places import PLACES

CAMVID = Path(__file__).parents[3] / "shared" / "data" / "camvid"


def main() -> int:
    """Run the suite; return 0 if every sweep ended the same way."""
    options = _options()
    seed = random.randrange(10_000) if options.seed is None else options.seed
    again = f"make chaos N={options.kills} SEED={seed}"
    # a short path: Ray keeps sockets below it
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.chmod(0o711)  # PostgreSQL's user must come through
    print(f"{again}; files in {folder}", flush=True)
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ledger = Ledger(options.kills)
    started = time.monotonic()
    ended = False
    try:
        suite = Suite(folder, options.camvid, seed, ledger)
        suite.run(plan(options.kills, seed, options.only, options.where))
        ended = True
    finally:
        end_all()
        if ended and not ledger.faults:
            shutil.rmtree(folder)
        else:
            print(f"kept: {folder}; again: {again}", flush=True)
    result = {"seed": seed, "seconds": round(time.monotonic() - started), **ledger.summary()}
    print(json.dumps(result, indent=2))
    if options.output:
        _keep(options.output, result)
    return 1 if ledger.faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many kills in all")
    parser.add_argument("--seed", type=int, help="fixes what is killed; drawn if left out")
    parser.add_argument("--only", nargs="+", default=[], choices=KILLERS, help="only these kinds")
    parser.add_argument("--where", nargs="+", default=[], choices=PLACES, help="only there")
    parser.add_argument("--camvid", type=Path, default=CAMVID, help="CamVid in the SegNet layout")
    parser.add_argument("--output", type=Path, help="file for the result, as JSON")
    return parser.parse_args()


def _keep(path: Path, result: dict[str, object]) -> None:
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    whole = {"date": date, "machine": describe(), **result}
    path.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
