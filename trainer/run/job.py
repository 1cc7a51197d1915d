"""One training job: a trial's params on one sample of the data."""

from dataclasses import dataclass

from upath import UPath

from searchctl.searchspace import Params
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.scores.catalog import Direction, ScoreName, higher_is_better
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.batch import Batch
from searchctl.trainer.settings.inference import AS_VALIDATED, Inference
from searchctl.trainer.settings.training import TrainSettings

NO_PARAMS = Params()
"""No params: the settings are complete."""


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """One configuration, one sample of the data, and what to keep of the training.

    It can be pickled. `run_job` trains it, and `run_distributed` trains it in several processes.
    """

    settings: TrainSettings
    """Everything that the params do not set."""
    script: ScriptSettings | None = None
    """The script that trains in place of `run_job`; the settings then count for nothing."""
    sample: Sample
    """The training images. Its seed is also that of weights, order and augmentation."""
    out: UPath
    """Directory for the job's files, on a disk or in an object store; made when needed. A job that
    takes longer than a moment writes out/checkpoint.pt, which stays: only the caller knows when the
    result is stored and nothing can resume from it any more (see `remove_checkpoint`)."""
    params: Params = NO_PARAMS
    """The trial's point of the search space: fields of `settings` and their values."""
    batch: Batch | None = None
    """Batch in place of that of the settings and the params, which ran out of memory."""
    score: ScoreName = "val_miou"
    """Selects the kept epoch; early stopping and the plateau schedule use it too."""
    recorded: tuple[ScoreName, ...] = ()
    """Other scores, which are recorded for each epoch and split. They change nothing."""
    direction: Direction | None = None
    """Stated direction of the score; needed for one that searchctl does not know."""
    final: bool = False
    """For a finalist: score 'val_original', 'test' and 'test_original' too."""
    inference: Inference = AS_VALIDATED
    """Inference settings of a final job for the images of 'val_original' and 'test_original'."""
    latency_known_on: tuple[str, ...] | None = None
    """Types of hardware on which the latency of its network is known; on others it is measured as
    `inference` predicts an image (see `evaluation.limit_latency`). None: it is never measured."""
    features: bool = False
    """Draw the classifier's features of the validation images to out/features.png."""
    masks: int | tuple[str, ...] = 0
    """Number of validation images, spread over their order, or names of images, whose predicted
    masks are drawn to out/masks.png. A final job also draws them after the first and the middle
    epoch. Ignored for classifiers."""
    keep_weights: bool = False
    """Write the kept epoch's weights to out/model.safetensors."""
    init_from: UPath | None = None
    """Initial weights of the whole network, instead of those of `settings.init` (`continue: warm`,
    or `init: checkpoint:..`)."""
    encoder_from: UPath | None = None
    """File of the encoder's pretrained weights for `init: pretrained`, in place of the one in
    `settings.weights` or a download."""
    resume_from: tuple[UPath, ...] = ()
    """Directories of earlier attempts at this job. Training resumes after the latest epoch of which
    one of them has a checkpoint. Damaged checkpoints, and those of other jobs or other settings,
    are ignored."""
    refuse_other_checkpoints: bool = False
    """Fail where `resume_from` holds a checkpoint of another job or of other settings."""
    checkpoint_every_s: float | None = None
    """Smallest number of seconds between two checkpoints; None: as many as keep their cost below
    2 % of the job's time, and at most 60."""
    code: OwnCode | None = None
    """The user's modules that the job imports; None: none, or from where Python finds them."""
    device: str | None = None
    """'cpu', 'cuda' or 'cuda:1'; None: the GPU if there is one."""
    stall_timeout_s: float | None = None
    """Seconds without a batch after which the process is ended, with its threads' stacks on
    standard error; None waits without limit. Nothing else frees a GPU from a disk that hangs."""
    timeout_s: float | None = None
    """Seconds after which the job has failed, those of earlier attempts that it resumed from
    included; None: it may take any time."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher score is better."""
        return higher_is_better(self.score, self.direction)

    @property
    def trial_settings(self) -> TrainSettings:
        """All settings of the trial: those above, with the params and the batch in their place.

        Raises:
            SettingsError: a param is no field of the settings, or its value does not fit.
        """
        settings = self.settings.with_params(self.params)
        return self.batch.within(settings) if self.batch else settings

    def require_initial_files(self) -> None:
        """Check that the files of initial weights exist. The sweep wrote them, not the user.

        Raises:
            FileNotFoundError: one is gone, which is not the trial's fault.
        """
        for path in (self.init_from, self.encoder_from):
            if path is not None and not path.exists():
                raise FileNotFoundError(
                    f"{path} is gone: a job of this sweep starts from these weights, which the "
                    "sweep wrote. If the database was put back to an earlier state, put the files "
                    "back too, or launch the sweep under another name"
                )
