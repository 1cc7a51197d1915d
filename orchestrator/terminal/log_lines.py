"""Changes of a sweep as lines: as text, and as JSON for scripts."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby

from searchctl.orchestrator.facts.accepted_changes import accepted_text
from searchctl.orchestrator.facts.sweeps import assignments, duration, number, rung_line
from searchctl.orchestrator.facts.text import local_time, main_line
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.reads.changes import (
    AttemptEnded,
    AttemptStarted,
    Change,
    DecisionMade,
    EpochFinished,
    SweepEvent,
)
from searchctl.orchestrator.storage.scores import epoch_score
from searchctl.trainer.scores.catalog import ScoreName

KINDS = {  # values of `what`, which scripts rely on
    AttemptStarted: "began",
    EpochFinished: "epoch",
    AttemptEnded: "ended",
    DecisionMade: "verdict",
    SweepEvent: "event",
}


def json_lines(changes: Iterable[Change]) -> Iterator[str]:
    """Write each change as one JSON object; `what` is its kind."""
    for change in changes:
        values = asdict(change)
        values |= values.pop("decision", {}) | values.pop("record", {})
        yield json.dumps({"what": KINDS[type(change)], **values}, default=str)


class LogLines:
    """Writes changes as lines with the local time."""

    def __init__(self, score: ScoreName, *, of_one_trial: bool) -> None:
        """Show the number of an epoch that belongs to `score`.

        `of_one_trial` shows that trial's decisions, in place of one line for each rung.
        """
        self._key, self._name = epoch_score(score)
        self._of_one_trial = of_one_trial

    def __call__(self, changes: Iterable[Change]) -> Iterator[str]:
        """Yield a line for each change, and one for all decisions of a rung."""
        for closed, together in groupby(changes, self._rung_if_closed):
            group = list(together)
            if closed is not None:
                decisions = [each.decision for each in group if isinstance(each, DecisionMade)]
                cohort, _ = closed
                yield f"{_moment(group[0])}  {rung_line(decisions, cohort)}"
                continue
            for change in group:
                yield f"{_moment(change)}  {self._words(change)}"

    def _rung_if_closed(self, change: Change) -> tuple[int | None, int] | None:
        if isinstance(change, DecisionMade) and not self._of_one_trial:
            return change.of_cohort, change.decision.rung
        return None

    def _words(self, change: Change) -> str:
        if isinstance(change, SweepEvent):
            return _event(change)
        if isinstance(change, DecisionMade):
            return f"{_place(change.decision)}: {change.decision.verdict}, {change.decision.reason}"
        return f"{_place(change)}: {self._of_a_job(change)}"

    def _of_a_job(self, change: AttemptStarted | EpochFinished | AttemptEnded) -> str:
        if isinstance(change, AttemptStarted):
            again = f" (attempt {change.attempt})" if change.attempt > 1 else ""
            return f"started{again}, {assignments(change.params)}"
        if isinstance(change, EpochFinished):
            epoch = change.record
            losses = f"train loss {number(epoch.train_loss)}, val loss {number(epoch.val_loss)}"
            shown = f"{self._name} {number(epoch.value(self._key))}"
            return f"epoch {epoch.epoch}: {losses}, {shown}, {duration(epoch.seconds)}"
        place = f" on {change.worker}" if change.worker else ""
        if change.outcome == "complete":
            return f"complete, score {number(change.score)} in {duration(change.seconds)}{place}"
        return f"{change.outcome}{place}{_reason(change.error)}"


def _place(change: AttemptStarted | EpochFinished | AttemptEnded | Decision) -> str:
    if isinstance(change, Decision):
        return f"trial {change.trial} rung {change.rung}"
    return f"trial {change.trial} {key_of(change).place}"


def _reason(error: str | None) -> str:
    return f": {line}" if (line := main_line(error)) else ""


_EVENTS = {
    "driver": "driven by {driver}",
    "hook": "hook {hook} {outcome}",
    "requested": "state {state} requested",
    "forecast": "speed measured before the start on {probe[device]}",
    "retried": "failed trials entered again: {trials}",
    "differs": "epoch {epoch} of trial {trial} rung {rung} was trained again and differs: {field} "
    "is {now}, and was {before}",
    "late": "result of trial {trial} rung {rung} came too late: the job was retried",
}
"""Text of an event by its kind; other kinds show their name and their error, if any."""


def _event(change: SweepEvent) -> str:
    """Write an event; `--json` has all of its facts."""
    if change.kind in _EVENTS:
        text = _EVENTS[change.kind].format_map(change.detail)
        accepted = change.detail.get("accepted", ())
        changed = "; ".join(
            each for each in change.detail.get("changed", ()) if each not in accepted
        )
        text += f", changed: {changed}" * bool(changed)
        if accepted:
            text += f", resumed {accepted_text(accepted, change.detail.get('closed'))}"
        return f"sweep {text}"
    return f"sweep {change.kind}{_reason(change.detail.get('error'))}"


def _moment(change: Change) -> str:
    return local_time(change.at, seconds=True)
