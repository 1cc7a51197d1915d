"""The whole run: references, then rounds of kills in each place, each compared with them."""

import os
import random
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

from tests.chaos.comparison.checks import broken_promises, seconds_until_alone
from tests.chaos.comparison.tables import Contents, contents, differences
from tests.chaos.kills.ledger import Ledger
from tests.chaos.kills.processes import end_all
from tests.chaos.rounds import Round
from tests.chaos.sweeps.driver import Driver
from tests.chaos.sweeps.places import PLACES, Laptop, Place
from tests.chaos.sweeps.sweep_files import NAME, Kind, commands, link_camvid, write_sweep

_KILLS_A_ROUND = 6
_BAD_ROUNDS = 3
"""After so many rounds that went wrong there is enough to look into."""
_SHOWN_DIFFERENCES = 40
_UNDISTURBED_S = 300


def plan(
    kills: int, seed: int, only: Sequence[str] = (), where: Sequence[str] = ()
) -> dict[str, deque[str]]:
    """Return what is killed in each place, in its order; as many of each kind as can be.

    >>> {place: sorted(kinds) for place, kinds in plan(5, seed=0).items()}
    {'laptop': ['driver', 'worker'], 'cluster': ['node', 'postgres'], 'extended': ['driver']}

    Args:
        kills: how many.
        seed: of the draw.
        only: kinds of kills; every kind, if empty.
        where: places; every place, if empty.
    """
    rng = random.Random(seed)
    planned = {
        name: [kind for kind in place.kinds if not only or kind in only]
        for name, place in PLACES.items()
        if name in (where or PLACES)
    }
    places = [name for name in planned if planned[name]]
    shares = {name: len(range(i, kills, len(places))) for i, name in enumerate(places)}
    drawn = {name: list(islice(cycle(planned[name]), shares[name])) for name in places}
    for kinds in drawn.values():
        rng.shuffle(kinds)
    return {name: deque(kinds) for name, kinds in drawn.items()}


class Suite:
    """Runs everything below one folder, which holds what is left of rounds that went wrong."""

    def __init__(self, folder: Path, camvid: Path, seed: int, ledger: Ledger) -> None:
        """Prepare the data; `ledger` records what happens."""
        self._folder = folder
        self._seed = seed
        self._ledger = ledger
        self._data = link_camvid(camvid, folder / "data")
        self._references: dict[str, Contents] = {}
        self._rounds = self._bad_rounds = 0
        (folder / "tmp" / "ray").mkdir(parents=True)  # where Ray writes the cluster's address
        os.environ["TMPDIR"] = str(folder / "tmp")  # what killed processes leave goes there too
        tempfile.tempdir = None

    def run(self, kills: Mapping[str, deque[str]]) -> None:
        """Deliver all the kills; a round that goes wrong is kept, and the next one starts."""
        for name, kinds in kills.items():
            if not kinds:
                continue
            self._refer(PLACES[name].sweep)
            place = PLACES[name]()
            try:
                while kinds and self._bad_rounds < _BAD_ROUNDS:
                    if not self._round(place, kinds):
                        self._bad_rounds += 1
                        place.close()
                        end_all()
                        place = PLACES[name]()
            finally:
                place.close()
        try:
            self._ledger.ray_gone()
        except AssertionError as error:
            self._ledger.fault(str(error))

    def _refer(self, kind: Kind) -> None:
        """Run a sweep undisturbed, once for each kind.

        In one process, without Ray: it yields the same numbers.
        """
        if kind in self._references:
            return
        started = time.monotonic()
        done = self._new_round(Laptop(), kind, deque())
        for command in commands(kind):
            driver = Driver([*command, "--db", done.url, "--inline"], done.folder)
            if driver.wait(_UNDISTURBED_S):
                raise AssertionError(f"the undisturbed sweep failed:\n{driver.tail()}")
        self._references[kind] = contents(done.url, NAME)
        if broken := broken_promises(done.url, done.folder):
            raise AssertionError(f"the undisturbed sweep is not in order: {broken}")
        self._ledger.say(f"undisturbed ({kind}): {time.monotonic() - started:.1f} s")

    def _round(self, place: Place, kinds: deque[str]) -> bool:
        """Run one sweep and compare it; return whether all is as it must be."""
        taken = deque(kinds.popleft() for _ in range(min(len(kinds), _KILLS_A_ROUND)))
        current = self._new_round(place, place.sweep, taken)
        started, before = time.monotonic(), len(self._ledger.kills)
        faults = self._faults(current)
        kinds.extend(current.kills)  # what came too late
        self._ledger.sweeps += 1
        self._ledger.drivers += current.lives
        self._ledger.say(
            f"round {current.number}, {place.name}: {len(self._ledger.kills) - before} kills, "
            f"{current.lives} drivers, {time.monotonic() - started:.0f} s, "
            + ("the same" if not faults else "NOT THE SAME")
        )
        for fault in faults:
            self._ledger.fault(f"round {current.number} ({current.folder}): {fault}")
        if not faults:
            shutil.rmtree(current.folder)
        return not faults

    def _faults(self, current: Round) -> list[str]:
        try:
            current.run()
            alone_s = seconds_until_alone(current.place)
            self._ledger.say(f"nothing is left running {alone_s:.1f} s after the end")
        except (AssertionError, TimeoutError) as error:
            return [str(error)]
        unequal = differences(self._references[current.place.sweep], contents(current.url, NAME))
        return unequal[:_SHOWN_DIFFERENCES] + broken_promises(current.url, current.folder)

    def _new_round(self, place: Place, kind: Kind, kills: deque[str]) -> Round:
        self._rounds += 1
        folder = self._folder / f"round-{self._rounds}"
        write_sweep(folder, data=self._data, kind=kind, address=place.address)
        return Round(
            number=self._rounds,
            place=place,
            folder=folder,
            url=place.new_database(folder),
            kills=kills,
            rng=random.Random(f"{self._seed} {self._rounds}"),
            ledger=self._ledger,
        )
