"""Every setting of a training run, with its meaning, type and bounds. Imports without torch.

A field of `TrainSettings` may be an axis of a sweep's search space, unless it is marked `NoAxis`.
Options of a single network, loss, optimizer or LR schedule are in the catalogs of these.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.catalog import RECIPE, part_named
from searchctl.trainer.settings.marks import Mark, NoAxis, NoEffect, OnlyFor, marked
from searchctl.trainer.settings.names import (
    AugmentChoice,
    FinetuneName,
    InitName,
    LossChoice,
    LRScheduleName,
    ModelName,
    OptimizerName,
)
from searchctl.trainer.settings.options.nested import with_values
from searchctl.trainer.settings.parts import with_options
from searchctl.trainer.settings.source.own import Augment, OwnPart
from searchctl.trainer.settings.validation import EVERY_EPOCH, Validate, ValidateChoice

_Args = dict[str, Any]
_ONE_FOR_ALL = NoAxis(
    "gives a trial that is scored more often more chances of a high score: write it under "
    "training, for all trials: auto, every, {every: 2} or {last: 2}"
)
_WHOLE_IMAGES = OnlyFor("classification", "mixes whole images with one class each")


class CommonSettings(Settings):
    """The settings of a training run that belong to no single part of its recipe."""

    model: ModelName = "simple_fcn"
    """Network to train: one of ours, or smp:DECODER/ENCODER for one of
    segmentation-models-pytorch, where that is installed (smp:fpn/tu-efficientnet_b0); in
    classification, timm:NAME for any of timm's (timm:vgg13_bn). One of your own is named by its
    import path, my_nets:ResUNet."""
    model_args: _Args = Field(default={})
    """Arguments of a network of your own, by name: {depth: 4}."""
    dropout: Annotated[float, Field(ge=0, lt=1), Mark.SWITCH, Mark.REGULARISER] = 0.0
    """Probability with which a channel of the decoder is dropped in training (Dropout2d)."""
    init: Annotated[InitName, Mark.SAME_SPEED, Mark.BY_CONTENT] = "scratch"
    """Initial weights: scratch, pretrained (the encoder's, of timm, or of the file in
    `weights`), or checkpoint:NAME for those of the best trial of the sweep NAME in the same
    database (NAME:5 for its trial 5), or checkpoint:FILE; or a published network that is one of
    ours, torchvision:deeplabv3_resnet50 or hf:OWNER/NAME; of another number of classes, all but the
    classifier's."""
    weights: Annotated[
        Annotated[str, Field(min_length=1)] | None, Mark.SAME_SPEED, Mark.BY_CONTENT
    ] = None
    """File of the encoder's pretrained weights (.safetensors or .pth), in place of a download; or a
    directory with one named after each encoder (convnext_tiny.safetensors)."""
    finetune: FinetuneName = "all"
    """Parts that are trained: all; the decoder with the classifier; the classifier alone; all but
    the decoder (frozen_decoder); or last_K: the encoder's last K stages with decoder and
    classifier. Parts that are not trained stay in evaluation mode."""
    encoder_lr_scale: Annotated[
        float, Field(gt=0), NoEffect("finetune", ("decoder", "classifier")), Mark.SAME_SPEED
    ] = 1.0
    """Factor of the encoder's learning rate."""
    encoder_lr_decay: Annotated[
        float, Field(gt=0, le=1), NoEffect("finetune", ("decoder", "classifier")), Mark.SAME_SPEED
    ] = 1.0
    """Factor of the learning rate from each stage of the encoder to the one before it (layer-wise
    decay, Clark et al., 'ELECTRA', 2020): the first stage learns slowest."""
    loss: LossChoice = "cross_entropy"
    """Training loss, a weighted sum of ours ({cross_entropy: 1, dice: 0.5}), or the import path of
    your own, my_losses:Tversky. The score never depends on it."""
    loss_args: _Args = Field(default={})
    """Arguments of a loss of your own, by name: {alpha: 0.3}."""
    optimizer: OptimizerName = "adamw"
    """Optimizer, or the import path of another one, torch.optim:NAdam."""
    optimizer_args: _Args = Field(default={})
    """Arguments of an optimizer that is named by import path, beside lr and weight_decay:
    {momentum_decay: 0.01}."""
    lr: Annotated[float, Field(gt=0), Mark.SAME_SPEED] = 1e-3
    """Initial learning rate (the peak, for one_cycle)."""
    weight_decay: Annotated[float, Field(ge=0), Mark.SAME_SPEED, Mark.REGULARISER] = 0.0
    """Weight decay: decoupled for adamw, an L2 penalty for adam, adamax and sgd."""
    decay_norms: Annotated[bool, Mark.SAME_SPEED] = True
    """Whether weight decay applies to norms and biases too, as torch does by default."""
    lr_schedule: Annotated[LRScheduleName, Mark.SAME_SPEED] = "step"
    """How the learning rate changes: constant, step (times lr_decay every lr_step epochs), plateau
    (times lr_decay after more than lr_patience validations without a better score), one_cycle,
    poly or cosine; or the import path of your own, my_schedules:Triangle."""
    lr_schedule_args: Annotated[_Args, Mark.SAME_SPEED] = Field(default={})
    """Arguments of an LR schedule of your own, by name: {peaks: 3}."""
    lr_warmup: Annotated[int, Field(ge=0), Mark.SAME_SPEED] = 0
    """Epochs over which the learning rate first rises from near 0 to `lr`, step by step; the
    schedule begins after them, and has the epochs that are left. Not for one_cycle."""
    clip_norm: Annotated[Annotated[float, Field(gt=0)] | None, Mark.SWITCH] = None
    """Norm to which the gradient of all weights together is cut back before a step; never, if left
    out."""
    ema: Annotated[Annotated[float, Field(gt=0, lt=1)] | None, Mark.SWITCH] = None
    """Decay of an exponential moving average of the weights, which is then what is scored and
    kept; none, if left out."""
    epochs: Annotated[int, Field(ge=1, le=100_000), Mark.SAME_SPEED] = 20
    """Passes over the sample of images, the same at every rung."""
    batch_size: Annotated[int, Field(ge=1)] = 16
    """Images that pass through the network together; a last batch of one image is merged with the
    one before. 1 is for networks without batch normalisation that is trained."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients are averaged, by their images, for one optimizer step."""
    patience: Annotated[Annotated[int, Field(ge=1)] | None, Mark.SAME_SPEED] = None
    """Stop early after so many validations without a better score; never, if left out."""
    augment: AugmentChoice = "none"
    """Random changes to the training images: none, flips, flip_crop, scale_crop_jitter; or a
    pipeline of albumentations, {Compose: [{HorizontalFlip: {p: 0.5}}, ..]}, or a file of one; or
    the import path of your own, my_augmentations:strong."""
    augment_args: _Args = Field(default={})
    """Arguments of an augmentation of your own, by name: {strength: 0.5}."""
    mixup: Annotated[float, Field(ge=0), Mark.SWITCH, Mark.REGULARISER, _WHOLE_IMAGES] = 0.0
    """Alpha of mixup, which blends two images and their labels; 0 is off. With cutmix too, each
    batch has one of the two, with equal odds. Classification only."""
    cutmix: Annotated[float, Field(ge=0), Mark.SWITCH, Mark.REGULARISER, _WHOLE_IMAGES] = 0.0
    """Alpha of cutmix, which pastes a part of one image into another; 0 is off. Classification
    only."""
    validate_: Annotated[ValidateChoice, Field(alias="validate"), _ONE_FOR_ALL] = "auto"
    """In which epochs the validation set is scored: auto, every, or a mapping, {every: 5}, {last:
    2} or both; after the last epoch it always is. auto: every epoch on the last rung and in jobs
    after the ladder, the last two on the rungs below; every epoch on all rungs if a trial of the
    space can stop early or has a plateau schedule."""
    precision: Annotated[Literal["auto", "fp32", "bf16"], Mark.ROUNDING] = "auto"
    """Precision of the network: auto is fp32 on a CPU and bf16 (autocast) on a GPU."""
    channels_last: Literal["auto"] | bool = "auto"
    """Memory layout of images: auto is channels_last on a GPU only."""
    tf32: Annotated[Literal["auto"] | bool, Mark.ROUNDING] = "auto"
    """Whether a GPU rounds factors of fp32 convolutions and matrix products to 10 bits (TF32),
    which is faster; auto is true. Changes nothing in bf16 or on a CPU."""
    cudnn_benchmark: Annotated[Literal["auto"] | bool, Mark.ROUNDING] = "auto"
    """Whether a GPU tries several algorithms for each convolution and uses the fastest; auto is
    true. Not used where images of several sizes are scored. Changes nothing on a CPU."""
    threads: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Mark.ROUNDING] = None
    """CPU threads that compute. On a CPU they are a part of the result (they decide how sums are
    split). Left out, a sweep takes its resources' cpus per trial, and records it."""
    loader_workers: Annotated[Literal["auto"] | Annotated[int, Field(ge=0)], Mark.NO_NUMBER] = (
        "auto"
    )
    """Threads that load and augment images ahead of the training; 0 does it in between. auto is as
    many as `threads` on a GPU, at most 8, and 0 on a CPU."""


if TYPE_CHECKING:
    # a part reads its own options, which its catalog types: `FocalOptions.of(settings)`
    _WithOptions = CommonSettings
else:
    _WithOptions = with_options(CommonSettings, RECIPE)


class TrainSettings(_WithOptions):
    """How one network is trained. A field is searched by naming it under `space:`."""

    @property
    def checkpoint(self) -> str | None:
        """What `init` names: after checkpoint:, or a published network; None for another `init`."""
        kind, _, named = self.init.partition(":")
        if kind in ("torchvision", "hf"):
            return self.init
        return named if kind == "checkpoint" else None

    @property
    def validation(self) -> Validate:
        """In which epochs the validation set is scored; in each one, unless a rung resolved auto.

        A sweep's jobs have theirs in `validate_`.
        """
        return EVERY_EPOCH if isinstance(self.validate_, str) else self.validate_

    @property
    def augmentation(self) -> Augment:
        """The augmentation, with its arguments if it is the user's own."""
        part = part_named("augment", self.augment)
        return part.options_in(self) if isinstance(part, OwnPart) else self.augment

    @property
    def unused_options(self) -> frozenset[str]:
        """The options of all networks, losses, ... that these settings do not choose."""
        named = (part_named(kind, getattr(self, kind)) for kind in RECIPE)
        used = {option for part in named for option in part.names}
        return frozenset(type(self).model_fields.keys() - CommonSettings.model_fields.keys() - used)

    def content(self) -> dict[str, Any]:
        """Return what a job's numbers depend on, as JSON values.

        Left out are settings that change no number, options of parts that are not chosen, and
        names of files, which a job knows by their content.
        """
        unhashed = marked(type(self), Mark.NO_NUMBER) | marked(type(self), Mark.BY_CONTENT)
        values = self.model_dump(mode="json", exclude=set(unhashed | self.unused_options))
        return {**values, "validate_": self.validation.in_effect(self.epochs).model_dump()}

    def with_params(self, params: Any) -> Self:
        """Return these settings with a trial's params in place of the fields that they name.

        A dotted name leads into a field that is a mapping: `model_args.depth`.

        Raises:
            pydantic.ValidationError: a param that is no field here, or a value out of bounds.
            ValueError: a dotted name leads into a field that is no mapping.
        """
        return type(self).model_validate(with_values(self.model_dump(by_alias=True), params))
