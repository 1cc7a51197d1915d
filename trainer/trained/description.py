"""What a file of weights says of its network: the metadata of model.safetensors; torch-free."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.normalisation import Normalisation
from searchctl.trainer.data.settings import Task
from searchctl.trainer.scores.catalog import Direction, ScoreName
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.source.own import is_import_path
from searchctl.trainer.settings.training import TrainSettings

KEY = "searchctl"
"""Key of the description in the file's metadata."""
FORMAT = 1
"""Incremented when an older version of searchctl would misread a description."""

_RUNS = ("model", "model_args", "dropout", "precision", "channels_last", "batch_size", "threads")
"""Settings of every network with which it is built and run."""
Size = tuple[int, int]


class _Facts(Settings):
    """Immutable facts; what a later version of searchctl adds is ignored."""

    model_config = ConfigDict(extra="ignore")


class Images(_Facts):
    """What the network is given."""

    image_size: Size
    """Height and width in pixels at which it was trained."""
    bands: tuple[int, ...] | None = None
    """Bands of the files that are its channels, counted from 0; None: 8-bit RGB."""
    mean: tuple[float, ...]
    """Mean of each channel, which is subtracted."""
    std: tuple[float, ...]
    """Standard deviation of each channel, by which is divided."""
    nodata: float | None = None
    """Value of missing pixels; what each file states, if None."""
    shown_bands: tuple[int, int, int] | None = None
    """Bands that pictures show as red, green and blue."""
    tile: Size | None = None
    """Height and width of the tiles that images are cut into; None: they are not."""
    max_pixels: int = 178_956_970
    """Pixels that an image file may have at most."""

    @property
    def channels(self) -> int:
        """How many channels images have."""
        return len(self.mean)

    @property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation of the channels."""
        return Normalisation(self.mean, self.std)


class Classes(_Facts):
    """What the network predicts."""

    names: tuple[str, ...]
    """Names of the classes, in the order of their ids 0..C-1."""
    palette: tuple[tuple[int, int, int], ...]
    """Colour of each class."""
    ignore_index: int
    """Value of pixels without a class."""


class KeptScore(_Facts):
    """The score for which the weights were kept."""

    name: ScoreName
    value: float
    direction: Direction | None = None
    epoch: int
    """The epoch of the weights, counted from 1."""


class NeededCode(_Facts):
    """Own code that the network is built with."""

    parts: tuple[str, ...]
    """Import paths, "module:object"."""
    files: dict[str, str]
    """SHA-256 of each file by its name, if the code travelled with its sweep; else empty."""


class Source(_Facts):
    """The trial of a sweep that a network or its configuration is of."""

    sweep: str
    trial: int
    retrained: tuple[str, ...] | None = None
    """What `searchctl train` was given beside the trial's configuration, in words; None: the sweep
    trained the network itself."""


class Trained(_Facts):
    """What it was trained on, and how."""

    data: dict[str, Any]
    """Settings of the data set, without its places."""
    training: dict[str, Any]
    """Settings of the training."""
    images: int
    """Training images."""
    on: str
    """'train', or 'train+val' if the validation images were trained on too."""
    seed: int


class Description(_Facts):
    """All that is needed to build a network, to give it images, and to read its predictions."""

    format: int = FORMAT
    task: Task
    images: Images
    classes: Classes
    inference: Inference
    """How images are predicted at their own size."""
    trained: Trained
    score: KeptScore
    evaluations: dict[str, dict[str, Any]]
    """Scores on each split, as in metrics.json."""
    code: NeededCode | None = None
    """None: none is needed."""
    source: Source | None = None
    """None: no sweep is known."""
    versions: dict[str, str]
    """Version of each package that trained it."""

    @property
    def settings(self) -> TrainSettings:
        """The settings with which the network is built and run; the others are defaults.

        Raises:
            SettingsError: this version of searchctl does not know the network.
        """
        training = self.trained.training
        try:
            wanted = {*_RUNS, *part_named("model", training["model"]).names}
            chosen = {name: value for name, value in training.items() if name in wanted}
            return TrainSettings.model_validate(chosen)
        except (KeyError, ValidationError) as error:
            raise SettingsError(
                f"the network '{training.get('model')}' of searchctl "
                f"{self.versions.get('searchctl')} is not known here: {error}"
            ) from error

    def metadata(self) -> dict[str, str]:
        """Return the metadata of the file of weights."""
        return {"format": "pt", KEY: self.model_dump_json()}


def described(metadata: Mapping[str, str], path: object) -> Description:
    """Return the description in a file's metadata.

    Args:
        metadata: of the file.
        path: of the file, for messages.

    Raises:
        SettingsError: the file has none, or one of a newer version of searchctl.
    """
    if KEY not in metadata:
        raise SettingsError(
            f"{path} does not say what it is: it was written by searchctl 0.1 or by another "
            "program; train it again with `searchctl train`"
        )
    try:
        return Description.model_validate_json(metadata[KEY])
    except ValidationError as error:
        raise SettingsError(
            f"{path}: its description cannot be read; a newer searchctl may have written it: "
            f"{error}"
        ) from error


def code_of(settings: TrainSettings, files: Mapping[str, str]) -> NeededCode | None:
    """Return the own code that the network of these settings is built with; None if none is.

    Args:
        settings: of the training.
        files: SHA-256 of each file of own code by its name; empty if it did not travel.
    """
    if not is_import_path(settings.model):
        return None
    return NeededCode(parts=(settings.model,), files=dict(files))
