"""Every setting of a training run, with its meaning, type and bounds; torch-free.

Each field of `TrainSettings` may be an axis of a sweep's search space: name it under `space:`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from trainer import catalog


def _one_of(kind: str, names: dict[str, str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(catalog.unknown(kind, name, names))
        return name

    return AfterValidator(check)


def _enum(names: dict[str, str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(names)})


ModelName = Annotated[str, _one_of("model", catalog.MODELS), _enum(catalog.MODELS)]
LossName = Annotated[str, _one_of("loss", catalog.LOSSES), _enum(catalog.LOSSES)]
OptimizerName = Annotated[str, _one_of("optimizer", catalog.OPTIMIZERS), _enum(catalog.OPTIMIZERS)]
LRScheduleName = Annotated[
    str, _one_of("lr_schedule", catalog.LR_SCHEDULES), _enum(catalog.LR_SCHEDULES)
]
AugmentName = Annotated[
    str, _one_of("augment", catalog.AUGMENTATIONS), _enum(catalog.AUGMENTATIONS)
]

Score = Literal["val_miou", "val_loss"]
"""val_miou: higher is better. val_loss: unweighted cross entropy per valid pixel, lower is."""


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, each field documented by its docstring."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Validate(Settings):
    """In which epochs the validation set is scored; the last epoch always is."""

    every: Annotated[int, Field(ge=1)] = 1
    """Score after every n-th epoch."""
    last: Annotated[int, Field(ge=0)] = 0
    """Score after each of the last k epochs too."""

    def due(self, epoch: int, epochs: int) -> bool:
        """Is the validation set scored after this epoch (counted from 1) of so many?"""
        return epoch == epochs or epoch % self.every == 0 or epoch > epochs - self.last


class TrainSettings(Settings):
    """How one network is trained. Every field can be searched by naming it under `space:`."""

    model: ModelName = "simple_fcn"
    """Network to train."""
    width: Annotated[int, Field(ge=1)] | None = None
    """Channels of the network's first stage; the model's own default if left out (64)."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability with which a channel of the decoder is dropped in training (Dropout2d)."""
    finetune: Literal["all", "decoder", "classifier", "frozen_decoder"] = "all"
    """Parts that are trained: all; the decoder with the classifier; the classifier alone; or all
    but the decoder. Parts that are not trained stay in evaluation mode."""
    loss: LossName = "cross_entropy"
    """Training loss. The score never depends on it."""
    focal_gamma: Annotated[float, Field(ge=0)] = 2.0
    """Focusing exponent of the focal loss: 0 (plain cross entropy) or at least 1."""
    optimizer: OptimizerName = "adamw"
    """Optimizer."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Initial learning rate (the peak, for one_cycle)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay: decoupled for adamw, an L2 penalty for adam and sgd."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd."""
    amsgrad: bool = False
    """The AMSGrad variant of adam and adamw."""
    lr_schedule: LRScheduleName = "step"
    """How the learning rate changes: constant, step (times lr_decay every lr_step epochs), plateau
    (times lr_decay after more than lr_patience validations without a better score), one_cycle,
    poly or cosine."""
    lr_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Decay factor (gamma) of the step and plateau schedules; 1 keeps the learning rate."""
    lr_step: Annotated[int, Field(ge=1)] = 10
    """Epochs between two decays of the step schedule."""
    lr_patience: Annotated[int, Field(ge=0)] = 5
    """Validations without a better score that the plateau schedule lets pass; the next decays."""
    lr_power: Annotated[float, Field(gt=0)] = 0.9
    """Exponent of the poly schedule: lr * (1 - step / steps) ** lr_power."""
    epochs: Annotated[int, Field(ge=1)] = 20
    """Passes over the sample of images, the same at every rung."""
    batch_size: Annotated[int, Field(ge=2)] = 16
    """Images per optimizer step; a last batch of one image is merged with the one before."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop early after so many validations without a better score; never, if left out."""
    augment: AugmentName = "none"
    """Random changes to the training images: none, flips, flip_crop, scale_crop_jitter."""
    validate_: Annotated[Validate, Field(alias="validate")] = Validate()
    """In which epochs the validation set is scored."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the network: auto is fp32 on a CPU and bf16 (autocast) on a GPU."""
    channels_last: Literal["auto"] | bool = "auto"
    """Memory layout of images: auto is channels_last on a GPU only."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """CPU threads of the arithmetic. On a CPU they are a part of the result (sums are split
    otherwise). Left out, a sweep takes its resources' cpus per trial, and records it."""
    loader_workers: Annotated[int, Field(ge=0)] = 0
    """Processes that load and augment images; 0 does it in the training process."""

    @field_validator("focal_gamma")
    @classmethod
    def _gradient_is_finite(cls, gamma: float) -> float:
        # d/dp (1-p)**gamma is infinite at p = 1 for 0 < gamma < 1
        if 0 < gamma < 1:
            raise ValueError("has no finite gradient between 0 and 1: use 0, or 1 and above")
        return gamma

    def with_params(self, params: Any) -> Self:
        """Return these settings with a trial's params in place of the fields that they name.

        Raises:
            pydantic.ValidationError: a param that is no field here, or a value out of bounds.
        """
        return type(self).model_validate({**self.model_dump(by_alias=True), **dict(params)})
