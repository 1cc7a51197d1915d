"""Time of a kill: at a chosen moment of the sweep, or at any time."""

import random
from dataclasses import dataclass

from tests.chaos.kills.moments import Moment

_AT_WORK = (Moment.EPOCH, Moment.SCORING, Moment.BARRIER, Moment.STORING)


@dataclass(frozen=True)
class Aim:
    """A moment to wait for, None for any, and how long to wait on from there."""

    moment: Moment | None
    delay_s: float

    @property
    def text(self) -> str:
        """The aim in words."""
        return f"{self.moment or 'any time'} + {self.delay_s:.2f} s"


def draw_aim(kind: str, rng: random.Random, *, fresh: bool, last: bool) -> Aim:
    """Draw the aim of a kill.

    Args:
        kind: what will be killed.
        rng: draws.
        fresh: the driver has just been started, so that its start can still be hit.
        last: no other kill is to follow, so that its end may be waited for.
    """
    if kind == "worker":
        choices: list[Moment | None] = [None, Moment.EPOCH, Moment.SCORING, Moment.BARRIER]
    else:
        choices = [None, *_AT_WORK, *[Moment.START_UP] * fresh, *[Moment.SHUTDOWN] * last]
    moment = rng.choice(choices)
    return Aim(moment, _delay(moment, rng))


def _delay(moment: Moment | None, rng: random.Random) -> float:
    if moment in (None, Moment.STORING):
        return rng.uniform(0, 15)
    if moment is Moment.START_UP:
        return rng.uniform(0, 6)
    if moment is Moment.EPOCH:
        return rng.uniform(0, 3)
    return rng.uniform(0, 0.1)
