"""Runs the script of an exported configuration on all of the data."""

from collections.abc import Callable

from upath import UPath

from searchctl.orchestrator.artifacts.directory import check_writable
from searchctl.orchestrator.artifacts.export import Exported
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.run.final.metrics import write_metrics
from searchctl.orchestrator.run.preparation.decoding import decode_for
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.data.cache.store import OnProgress
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.script.run import run_script
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.training import TrainSettings


def train_by_script(
    exported: Exported,
    script: ScriptSettings,
    out: UPath,
    *,
    whole: str,
    on_epoch: Callable[[EpochRecord], None] | None,
    stop: Callable[[], bool] | None,
    tell: OnProgress,
) -> JobResult:
    """Run the script in `out`, and write metrics.json there; see `train_exported`.

    Raises:
        SearchctlError: `out` cannot be written to, or is no directory.
        DataError: a file of the data set is missing or does not fit.
    """
    if "://" in str(out):
        raise SearchctlError(f"{out}: a script writes to a directory; name one with -o")
    out = UPath(out.absolute())
    check_writable(out, "name another directory with -o")
    dataset = build_dataset(exported.data)
    dataset.check()
    decode_for(exported.data, [], tell, seed=exported.seed, whole=whole)
    job = TrialJob(
        settings=TrainSettings(),
        script=script,
        sample=Sample(exported.data, len(dataset.names("train")), exported.seed, whole),
        out=out,
        score=exported.score,
        direction=exported.direction,
        keep_weights=True,
        resume_from=(out,),
        code=exported.own_code,
    )
    result = run_script(job, on_epoch=on_epoch, stop=stop)
    if result.status == "complete":
        write_metrics(out, exported, result)
    return result
