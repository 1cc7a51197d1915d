"""One sweep, from its launch to its end, killed on the way a given number of times."""

import random
import signal
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.kills.aims import Aim, draw_aim
from tests.chaos.kills.killers import KILLERS, Hit, Scene
from tests.chaos.kills.ledger import Kill, Ledger
from tests.chaos.kills.moments import Moment, NodeView, Watcher
from tests.chaos.kills.processes import reap_orphans
from tests.chaos.sweeps.driver import Driver
from tests.chaos.sweeps.places import Place
from tests.chaos.sweeps.sweep_files import EPOCHS, NAME, commands

_HANGS_AFTER_S = 240.0
_STOPS_WITHIN_S = 20.0
_STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)
_LOOK_EVERY_S = 0.05
_WRITES_WITHIN_S = 3.0


class Retry(AssertionError):
    """The sweep did something that it must not."""


@dataclass
class Round:
    """A sweep that is launched, killed and resumed until it is complete."""

    number: int
    place: Place
    folder: Path
    """Holds its sweep.yaml, its output and its files."""
    url: str
    kills: deque[str]
    """Kinds that are still to be delivered; the round takes from the left."""
    rng: random.Random
    ledger: Ledger
    lives: int = 0

    def run(self) -> None:
        """Drive the sweep to its end.

        Raises:
            Fault: it ended as it must not, or something was left running.
            TimeoutError: it hangs.
        """
        self._watcher = Watcher(self.url, EPOCHS[self.place.sweep])
        self._fixes: list[tuple[float, Hit]] = []
        parts = commands(self.place.sweep)
        most = 2 * len(self.kills) + 3 * len(parts)
        for extensions, command in enumerate(parts):
            # each part of the sweep has its share of the kills
            self._later = (
                len(self.kills) * (len(parts) - 1 - extensions) // (len(parts) - extensions)
            )
            while self._watcher.extensions() < extensions or not self._watcher.complete():
                if self.lives >= most:
                    raise Retry(f"{most} drivers did not bring the sweep to its end")
                self._live(command, extensions)
        self.ledger.all_gone()

    def _live(self, command: Sequence[str], extensions: int) -> None:
        self.lives += 1
        driver, hit = self._start(command, extensions), None
        while len(self.kills) > self._later and not (hit and hit.exits):
            struck = self._strike(driver, fresh=hit is None)
            if struck is None:
                break  # it ended
            hit = struck
        self._wait(driver, hit)

    def _start(self, command: Sequence[str], extensions: int) -> Driver:
        stored = self._watcher.exists() and self._watcher.extensions() == extensions
        verb = ("resume", NAME) if stored else command
        return Driver([*verb, "--db", self.url], self.folder)

    def _strike(self, driver: Driver, fresh: bool) -> Hit | None:
        """Wait for the moment and kill; return None if the driver ended before."""
        kind = self.kills[0]
        aim = draw_aim(kind, self.rng, fresh=fresh, last=len(self.kills) == self._later + 1)
        wait = aim
        while self._reach(wait, driver):
            family, sight = self.place.processes(), self._watcher.look(driver.since)
            if aim.moment is Moment.STORING and self._watcher.wait_for_a_write(_WRITES_WITHIN_S):
                sight = replace(sight, moment=Moment.STORING)
            scene = Scene(driver, self.place, sight, self.rng, family)
            if driver.exit_code is None and (hit := KILLERS[kind](scene)):
                self.kills.popleft()
                self._note(kind, aim, driver, sight, hit)
                return hit
            wait = Aim(None, 0.2)  # there was nothing to kill yet
        return None

    def _note(self, kind: str, aim: Aim, driver: Driver, sight: NodeView, hit: Hit) -> None:
        kill = Kill(kind, str(sight.moment), aim.text, hit.what, self.number, driver.seconds)
        self.ledger.add(kill, hit.victims)
        if hit.fix:
            self._fixes.append((time.monotonic() + self.rng.uniform(0.5, 6), hit))

    def _reach(self, aim: Aim, driver: Driver) -> bool:
        """Wait until the aimed moment and a little longer; False if the driver ended before."""
        while aim.moment not in (None, Moment.STORING):
            if self._watcher.look(driver.since).moment is aim.moment:
                break
            if not self._nap(driver, _LOOK_EVERY_S):
                return False
        until = time.monotonic() + aim.delay_s
        while time.monotonic() < until:
            if not self._nap(driver, min(_LOOK_EVERY_S, until - time.monotonic())):
                return False
        return driver.exit_code is None

    def _nap(self, driver: Driver, seconds: float) -> bool:
        """Let time go by; return whether the driver still runs."""
        if driver.seconds > _HANGS_AFTER_S:
            driver.wait(0)
        self._fix()
        self.ledger.look_after()
        reap_orphans(but=[driver.pid])
        time.sleep(max(seconds, 0))
        return driver.exit_code is None

    def _fix(self, everything: bool = False) -> None:
        due = [pair for pair in self._fixes if everything or pair[0] <= time.monotonic()]
        for pair in due:
            self._fixes.remove(pair)
            pair[1].fix()

    def _wait(self, driver: Driver, hit: Hit | None) -> None:
        started = time.monotonic()
        allowed = hit.exits if hit and hit.exits else {0}
        limit = _STOPS_WITHIN_S if hit and hit.exits and 1 not in hit.exits else _HANGS_AFTER_S
        while self._nap(driver, _LOOK_EVERY_S):
            if time.monotonic() - started > limit:
                driver.wait(0)
        if driver.exit_code in _STOPPED:
            self.ledger.stopped(time.monotonic() - started)
        if driver.exit_code not in allowed | {0}:
            raise Retry(
                f"`searchctl {driver.verb}` ended with {driver.exit_code}, expected "
                f"{sorted(allowed)}:\n{driver.tail()}"
            )
        self._fix(everything=True)
        if not driver.exit_code and not self._watcher.complete():
            raise Retry(f"`searchctl {driver.verb}` ended with 0 before the sweep was complete")
