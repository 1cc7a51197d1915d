"""Builds the attempts that workers run, from a sweep and the slots of its schedule."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import validation_of
from searchctl.orchestrator.driver.out_of_memory import Placement
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import BracketJob
from searchctl.orchestrator.halving.follow_up import training_seed
from searchctl.orchestrator.own_code.names import names_used
from searchctl.searchspace import Params
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.own_code.files import OwnCode

_AS_SET = Placement()


class ContentHash(Protocol):
    """Hashes what a job computes: `content_hash` of content.py, for one sweep."""

    def __call__(self, job: JobAttempt, *, initial_weights: Sequence[str]) -> str:
        """Return the hash of a job with these initial weights."""


class JobBuilder:
    """Knows what a sweep's jobs train and keep, and with which weights they start."""

    def __init__(
        self,
        sweep: Sweep,
        trials: Mapping[int, Params],
        runs: UPath,
        initial: InitialFiles,
        latency_known_on: Callable[[int], tuple[str, ...] | None],
        code: OwnCode | None = None,
        hash_content: ContentHash | None = None,
    ) -> None:
        """Build jobs whose files are below `runs` and whose initial weights are in `initial`.

        `trials` has the params by number; trials may be added to it later.
        Those with own parts import `code`. `hash_content` gives each its content hash, and
        `latency_known_on` the types of hardware on which a trial's latency need not be measured.
        """
        self._sweep = sweep
        self._trials = trials
        self._validation = validation_of(sweep)
        self._runs = runs
        self._initial = initial
        self._code = code
        self._hash_content = hash_content
        self._latency_known_on = latency_known_on
        self._kept: dict[int, tuple[UPath, str | None]] = {}

    def add_initial(self, initial: InitialFiles) -> None:
        """Use these initial weights too, of trials that were drawn later."""
        self._initial = replace(self._initial, files={**self._initial.files, **initial.files})

    def keep_weights(self, trial: int, weights: UPath, content_hash: str | None = None) -> None:
        """Start the trial's next rung from these weights, if the sweep is `continue: warm`."""
        self._kept[trial] = weights, content_hash

    def build(
        self,
        slot: BracketJob,
        token: str,
        earlier: Sequence[str],
        placement: Placement = _AS_SET,
    ) -> JobAttempt:
        """Return an attempt at a job.

        Args:
            slot: the job.
            token: names the attempt.
            earlier: tokens of earlier attempts at the job, the first one first.
            placement: what differs from the settings.
        """
        sweep, key, rung = self._sweep, slot.key, slot.rung
        gpus = sweep.resources.gpus_per_trial
        folder = self._runs / key.folder
        warm, ranked = sweep.halving.continue_ == "warm", slot.kind == "ladder"
        final = rung.fraction == 1
        below = self._kept.get(slot.trial) if warm and rung.number else None
        job = JobAttempt(
            trial=slot.trial,
            rung=rung.number,
            kind=slot.kind,
            repeat=slot.repeat,
            token=token,
            params=self._trials[slot.trial],
            batch=placement.batch,
            sample=Sample(sweep.data, rung.images, training_seed(key, sweep.seed)),
            fraction=rung.fraction,
            score=sweep.halving.ranked_by,
            direction=sweep.halving.direction,
            recorded=sweep.halving.scores[1:],
            out=folder / token,
            resume_from=tuple(folder / before for before in reversed(earlier)),
            final=final and slot.kind != "audit",  # the test split is for finalists
            inference=sweep.inference,
            latency_known_on=self._latency_known_on(slot.trial) if ranked else None,
            features=final and ranked and sweep.report.features,
            masks=sweep.report.wanted_images if ranked else 0,
            keep_weights=warm or (final and ranked),
            **self._start(slot.trial, below and below[0], final=final),
            device=None if gpus else "cpu",
            gpus=math.ceil(gpus) if placement.alone else gpus,
            processes=sweep.resources.processes,
            checkpoint_every_s=sweep.resources.checkpoint_every,
            stall_timeout_s=sweep.resources.stall_timeout,
            timeout_s=sweep.resources.trial_timeout,
        )
        return replace(job, content_hash=self._hashed(job, below))

    def _hashed(self, job: JobAttempt, below: tuple[UPath, str | None] | None) -> str | None:
        """Return the content hash of a job, which continues from weights of a known job or none."""
        if self._hash_content is None or job.script is not None:
            return None
        if below is None:
            files = self._initial.of(job.trial_settings).values()
            return self._hash_content(job, initial_weights=[file.sha256 for file in files])
        _, trained = below
        return trained and self._hash_content(job, initial_weights=[trained])

    def _start(self, trial: int, below: UPath | None, *, final: bool) -> dict[str, Any]:
        """Return what a trial trains with, and the weights and code that it starts from."""
        sweep = self._sweep
        if sweep.script is not None:
            start = {"settings": sweep.recipe, "script": sweep.script}
            return {**start, "init_from": below, "code": self._code}
        recipe = sweep.recipe.model_copy(update={"validate_": self._validation.on(last=final)})
        settings = recipe.with_params(self._trials[trial])
        return {
            "settings": recipe,
            "init_from": below or self._initial.checkpoint(settings),
            "encoder_from": self._initial.encoder(settings),
            "code": self._code if names_used(sweep, [settings]) else None,
        }
