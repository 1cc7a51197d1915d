"""Runs one job of a user's script, from its files to its result."""

import math
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from upath import UPath

from searchctl.trainer.core.atomic_files import NoRoom
from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.core.results import OWN_FIELDS, EpochRecord, JobResult, JobStatus
from searchctl.trainer.data.fingerprints import data_fingerprint
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.evaluation.from_counts import evaluation_by_images
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script.counts import read_counts
from searchctl.trainer.script.launch import known_names, prepare_launch, working_directory
from searchctl.trainer.script.lists import Lists, read_lists
from searchctl.trainer.script.process import Ended, ScriptProcess
from searchctl.trainer.script.reports import FILE, Report, ReportFile, best, merged
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.script.weights import kept_weights

SECONDS = "seconds.txt"
"""File with the seconds that each epoch took, for a later attempt that resumes."""
OUTPUT = "output.log"
"""File with all that a script prints."""
TAIL_LINES = 20
"""Lines of its output that the error of a failed script shows."""
_POLL_S = 0.1
_TAIL_BYTES = 20_000
_OUT_OF_MEMORY = re.compile(rb"OutOfMemoryError|CUDA out of memory|MemoryError|DefaultCPUAllocator")

OnEpoch = Callable[[EpochRecord], None]
Stop = Callable[[], bool]


class _End(Exception):
    """The job ends here."""

    def __init__(self, status: JobStatus, error: str | None = None) -> None:
        super().__init__(error)
        self.status = status


def run_script(
    job: TrialJob,
    *,
    gpus: float = 0,
    on_epoch: OnEpoch | None = None,
    stop: Stop | None = None,
) -> JobResult:
    """Run the script of a job on its sample, and keep the epoch with the best score.

    The script and all processes that it starts end with the job: at its end, at a stop, and when
    this process dies.

    Args:
        job: what to train; `job.script` is set, and `job.out` is on a disk.
        gpus: GPUs that are set aside for it.
        on_epoch: called with each epoch that the script reports.
        stop: called several times a second; the script is ended once it returns True.

    Returns:
        The result. A script that fails is 'failed'; one that a signal killed, that ran out of
        memory, or that hangs for `job.stall_timeout_s` is 'lost', and may be retried.
    """
    running = _Running(job, on_epoch or (lambda epoch: None), stop or (lambda: False))
    try:
        return running.run(gpus)
    except _End as end:
        return running.result(end.status, str(end) if end.args[0] else None)
    except SettingsError as error:
        return running.result("failed", str(error))
    except (DataError, NoRoom) as error:
        return running.result("unusable", str(error))
    except OSError as error:
        return running.result("blocked", str(error))


class _Running:
    """One attempt at a job; it may end at any point."""

    def __init__(self, job: TrialJob, on_epoch: OnEpoch, stop: Stop) -> None:
        assert job.script is not None
        self._job = job
        self._script: ScriptSettings = job.script.with_params(job.params)
        self._on_epoch, self._stop = on_epoch, stop
        self._out = Path(job.out.path)
        self._reports: list[Report] = []
        self._records: dict[int, EpochRecord] = {}
        self._lists: Lists | None = None
        self._gpus = 0.0
        self._first: int | None = None
        self._started = self._heard = time.monotonic()
        self._reported = self._started
        self._seconds_before = 0.0

    def run(self, gpus: float) -> JobResult:
        """Run the script to its end."""
        self._gpus = gpus
        self._job.require_initial_files()
        self._out.mkdir(parents=True, exist_ok=True)
        self._lists = lists = read_lists(self._job.sample)
        directory = working_directory(self._job, self._script, self._out)
        resumes = "resume_from" in known_names(self._script, directory)
        resumed = self._resumed() if resumes else None
        launch = prepare_launch(self._job, self._script, lists, self._out, directory, resumed, gpus)
        new = ReportFile(self._out / FILE)
        new.new()  # of an earlier attempt in the same directory
        self._started = self._heard = self._reported = time.monotonic()
        with ScriptProcess(
            launch.command,
            directory=launch.directory,
            environment=launch.environment,
            output=self._out / OUTPUT,
        ) as process:
            self._check_end(self._watched(process, new))
        return self._complete(lists)

    def _resumed(self) -> Path | None:
        """Take the epochs of earlier attempts; return the directory of the newest that has any."""
        resumed: Path | None = None
        for folder in (Path(each.path) for each in reversed(self._job.resume_from)):
            seconds = _seconds_in(folder)
            for report in ReportFile(folder / FILE).new():
                resumed = folder
                self._take(report, seconds=seconds.get(report.epoch, 0.0))
        self._seconds_before = sum(each.seconds for each in self._records.values())
        return resumed

    def _watched(self, process: ScriptProcess, new: ReportFile) -> Ended:
        """Pass on the epochs until the script ends.

        Raises:
            _End: it must end before.
        """
        printed = 0
        while True:
            ended = process.wait(_POLL_S)
            for report in new.new(ended=ended is not None):
                self._reported_epoch(report)
            size = (self._out / OUTPUT).stat().st_size
            if size != printed:
                self._heard, printed = time.monotonic(), size
            if ended is not None:
                return ended
            self._check_time()

    def _reported_epoch(self, report: Report) -> None:
        now = time.monotonic()
        record = self._take(report, seconds=now - self._reported)
        self._reported = self._heard = now
        self._first = self._first or report.epoch
        with (self._out / SECONDS).open("a") as file:
            file.write(f"{report.epoch} {record.seconds}\n")
        self._on_epoch(record)
        for name in (self._job.score, "train_loss"):
            value = report.number(name)
            if value is not None and not math.isfinite(value):
                raise _End("diverged", f"epoch {report.epoch} reports {name} {value}")

    def _take(self, report: Report, *, seconds: float) -> EpochRecord:
        record = report.record(images=self._job.sample.images, seconds=seconds)
        self._reports = merged(self._reports, report)
        self._records = {n: each for n, each in self._records.items() if n < report.epoch}
        self._records[report.epoch] = record
        return record

    def _check_time(self) -> None:
        """Raise `_End` at a stop, when the script takes too long, or when it hangs."""
        if self._stop():
            raise _End("stopped")
        now, timeout = time.monotonic(), self._script.timeout
        if timeout is not None and now - self._started > timeout:
            raise _End(
                "failed", self._with_tail(f"took longer than training.timeout {timeout:g} s")
            )
        limit = self._job.timeout_s
        if limit is not None and self._seconds_before + now - self._started > limit:
            what = f"took longer than resources.trial_timeout, {limit:g} s"
            raise _End("failed", self._with_tail(what))
        stall = self._job.stall_timeout_s
        if stall is not None and now - self._heard > stall:
            raise _End("lost", self._with_tail(f"no report and no output for {stall:g} s"))

    def _check_end(self, ended: Ended) -> None:
        """Raise `_End` unless the script ended with exit code 0."""
        if ended.code is None:
            raise _End("lost" if ended.was_watched else "failed", ended.error)
        if number := ended.signal:
            raise _End("lost", self._with_tail(f"the script was killed by {_signal_name(number)}"))
        if ended.code:
            tail = self._tail()
            status: JobStatus = "lost" if _OUT_OF_MEMORY.search(tail) else "failed"
            raise _End(status, self._with_tail(f"the script ended with exit code {ended.code}"))

    def _with_tail(self, what: str) -> str:
        lines = self._tail().decode(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([what, *lines]) if lines else f"{what}; it printed nothing"

    def _tail(self) -> bytes:
        with (self._out / OUTPUT).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read()

    def _complete(self, lists: Lists) -> JobResult:
        job = self._job
        kept = best(self._reports, job.score, job.higher_is_better)
        file, classes = kept.file("counts"), len(build_dataset(job.sample.data).class_names)
        counts = read_counts(self._out / file, len(lists.val), classes or None) if file else None
        weights = kept_weights(self._out, kept) if job.keep_weights else None
        evaluation = evaluation_by_images(counts)
        further = (name for name in (job.score, *job.recorded) if name not in OWN_FIELDS)
        scores = {name: kept.number(name) for name in further}
        return replace(
            self.result("complete"),
            score=kept.number(job.score),
            kept_epoch=kept.epoch,
            image_counts=counts,
            evaluations={"val": replace(evaluation, scores=scores)} if evaluation else {},
            weights=None if weights is None else UPath(job.out / weights.name),
        )

    def result(self, status: JobStatus, error: str | None = None) -> JobResult:
        """Return the result so far."""
        records = tuple(self._records.values())
        seconds = self._seconds_before + time.monotonic() - self._started
        return JobResult(
            status,
            None,
            error=error,
            first_epoch=self._first or (records[-1].epoch + 1 if records else 1),
            epochs=records,
            seconds=seconds,
            gpu_seconds=seconds * self._gpus,
            images_seen=sum(each.images for each in records),
            device=self._job.device or "cuda",
            initial_weights="set by the script",
            sample_hash=self._lists.hash if self._lists else "",
            data_fingerprint=data_fingerprint(self._job.sample.data) if self._lists else "",
        )


def _seconds_in(folder: Path) -> dict[int, float]:
    """Return the measured seconds of the epochs of an earlier attempt."""
    try:
        lines = (folder / SECONDS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split() for line in lines)
    return {int(pair[0]): float(pair[1]) for pair in pairs if len(pair) == 2}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
