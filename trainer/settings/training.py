"""Every setting of a training run, with its meaning, type and bounds; torch-free.

Each field of `TrainSettings` may be an axis of a sweep's search space: name it under `space:`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator

from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.names import (
    AugmentName,
    Dilations,
    FinetuneName,
    InitName,
    LossName,
    LRScheduleName,
    ModelName,
    OptimizerName,
    name_without_scheme,
)

Score = Literal["val_miou", "val_loss", "val_accuracy"]
"""val_miou: mean IoU, higher is better. val_loss: unweighted cross entropy per valid pixel (or per
image, in classification), lower is better. val_accuracy: share of all valid pixels (or images) that
are right, higher is better."""


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
    """Network to train: one of ours, or smp:DECODER/ENCODER for one of
    segmentation-models-pytorch, where that is installed (smp:fpn/tu-efficientnet_b0); in
    classification, timm:NAME for any of timm's (timm:vgg13_bn)."""
    encoder: Annotated[str, Field(min_length=1), AfterValidator(name_without_scheme)] | None = None
    """Encoder of the network, by timm's name (convnext_tiny, resnet50s.gluon_in1k); the model's own
    default if left out. Only for models that have one to choose."""
    width: Annotated[int, Field(ge=1)] | None = None
    """Channels of the network's first stage, or of its head where the encoder has widths of its
    own; the model's default if left out."""
    batch_norm: bool | None = None
    """Whether unet has batch normalisation; true if left out."""
    ppm: bool | None = None
    """Whether pspnet has its pyramid pooling module; true if left out."""
    aux_loss: bool | None = None
    """Whether an auxiliary head is trained too (upernet, pspnet, deeplabv3); true if left out."""
    aux_weight: Annotated[float, Field(ge=0)] = 0.4
    """Factor of the auxiliary head's loss."""
    output_stride: Literal[8, 16, 32] | None = None
    """Pixels of the image to a pixel of the encoder's last features (pspnet, deeplabv3); less is
    finer and slower. 8 if left out."""
    aspp_rates: Dilations | None = None
    """Dilations of deeplabv3's pyramid, such as 6,12,18; if left out, these at output stride 16,
    and twice as much at 8."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability with which a channel of the decoder is dropped in training (Dropout2d)."""
    drop_path: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Probability with which a residual branch of the encoder is skipped in training (stochastic
    depth); 0 if left out. Only for models with an encoder to choose."""
    init: InitName = "scratch"
    """Weights to begin with: scratch, pretrained (the encoder's, of timm, or of the file in
    `weights`), or checkpoint:NAME for those of the best trial of the sweep NAME in the same
    database (NAME:5 for its trial 5), or checkpoint:FILE; or a published network that is one of
    ours, torchvision:deeplabv3_resnet50 or hf:OWNER/NAME; of another number of classes, all but the
    classifier's."""
    weights: Annotated[str, Field(min_length=1)] | None = None
    """File of the encoder's pretrained weights (.safetensors or .pth), in place of a download; or a
    directory with one named after each encoder (convnext_tiny.safetensors)."""
    finetune: FinetuneName = "all"
    """Parts that are trained: all; the decoder with the classifier; the classifier alone; all but
    the decoder (frozen_decoder); or last_K: the encoder's last K stages with decoder and
    classifier. Parts that are not trained stay in evaluation mode."""
    encoder_lr_scale: Annotated[float, Field(gt=0)] = 1.0
    """Factor of the encoder's learning rate."""
    loss: LossName = "cross_entropy"
    """Training loss. The score never depends on it."""
    class_weights: Literal["inverse_frequency", "median_frequency", "effective_number"] = (
        "median_frequency"
    )
    """Class weights of weighted_cross_entropy, computed on the sample of images in use."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each label that is spread evenly over all classes (cross_entropy and
    weighted_cross_entropy)."""
    focal_gamma: Annotated[float, Field(ge=0)] = 2.0
    """Focusing exponent of the focal loss: 0 (plain cross entropy) or at least 1."""
    optimizer: OptimizerName = "adamw"
    """Optimizer."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Initial learning rate (the peak, for one_cycle)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay: decoupled for adamw, an L2 penalty for adam, adamax and sgd."""
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
    lr_warmup: Annotated[int, Field(ge=0)] = 0
    """Epochs over which the learning rate first rises from near 0 to `lr`, step by step; the
    schedule begins after them, and has the epochs that are left. Not for one_cycle."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Norm to which the gradient of all weights together is cut back before a step; never, if left
    out."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay of an exponential moving average of the weights, which is then what is scored and
    kept; none, if left out."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Passes over the sample of images, the same at every rung."""
    batch_size: Annotated[int, Field(ge=2)] = 16
    """Images that pass through the network together; a last batch of one image is merged with the
    one before."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients are averaged, by their images, for one optimizer step."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop early after so many validations without a better score; never, if left out."""
    augment: AugmentName = "none"
    """Random changes to the training images: none, flips, flip_crop, scale_crop_jitter."""
    mixup: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of mixup, which blends two images and their labels; 0 is off. With cutmix too, each
    batch has one of the two, with equal odds. Classification only."""
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of cutmix, which pastes a part of one image into another; 0 is off. Classification
    only."""
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
    """Threads that load and augment images ahead of the training; 0 does it in between."""

    @field_validator("focal_gamma")
    @classmethod
    def _gradient_is_finite(cls, gamma: float) -> float:
        # d/dp (1-p)**gamma is infinite at p = 1 for 0 < gamma < 1
        if 0 < gamma < 1:
            raise ValueError("has no finite gradient between 0 and 1: use 0, or 1 and above")
        return gamma

    @property
    def checkpoint(self) -> str | None:
        """What `init` names: after checkpoint:, or a published network; None for another `init`."""
        kind, _, named = self.init.partition(":")
        if kind in ("torchvision", "hf"):
            return self.init
        return named if kind == "checkpoint" else None

    def with_params(self, params: Any) -> Self:
        """Return these settings with a trial's params in place of the fields that they name.

        Raises:
            pydantic.ValidationError: a param that is no field here, or a value out of bounds.
        """
        return type(self).model_validate({**self.model_dump(by_alias=True), **dict(params)})
