"""Checks before anything is stored or paid for: packages, labels, networks, weights, nodes, ..."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.augments import distinct_augments
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import driver_address
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.shadowing import refuse_shadowing_files
from searchctl.orchestrator.executors.room import job_resources
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.extras import embeddings_problem
from searchctl.trainer.data.augment.chosen import augmenter
from searchctl.trainer.data.augment.trying import try_augment
from searchctl.trainer.data.checks.checked import checked_data
from searchctl.trainer.data.checks.report import DataReport
from searchctl.trainer.data.samples import load_split
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.scores.catalog import chosen_classes, known_score
from searchctl.trainer.settings.source.own import Augment, OwnOptions
from searchctl.trainer.settings.training import TrainSettings

if TYPE_CHECKING:
    from searchctl.orchestrator.executors.ray.nodes import SharedLocations

MOST_TRIED = 16
"""Augmentations that are applied to images before a launch; all of them are built."""


def check_packages(sweep: Sweep) -> None:
    """Check for packages that only finalists need, before the first trial.

    Raises:
        SearchctlError: one is missing.
    """
    if sweep.report.features and (problem := embeddings_problem()):
        raise SearchctlError(f"report.features {problem}")


def check_labels(sweep: Sweep, settings: Sequence[TrainSettings]) -> tuple[str, ...]:
    """Run the checks of `searchctl data check`, on what was decoded; return the warnings.

    Raises:
        DataError: with the errors of these checks.
        SearchctlError: some pixels have no class, and a loss cannot leave them out.
    """
    report = checked_data(sweep.data)
    problems = (*report.problems, *_undetermined_scores(sweep, report), *_too_large(sweep, report))
    if problems:
        raise DataError(*problems)
    _check_losses(settings, report)
    return tuple(f"warning: {warning}" for warning in report.warnings)


def check_scores(sweep: Sweep, dataset: Dataset) -> None:
    """Call the scores of the user's own once.

    Raises:
        SettingsError: one fails, or returns no finite number.
    """
    own = [each for each in sweep.halving.scores if known_score(each) is None]
    if not own or sweep.script is not None:  # a script reports its scores
        return
    from searchctl.trainer.scores.own import check_own_score, own_score  # imports torch

    for name in own:
        check_own_score(own_score(name, higher_is_better=True), len(dataset.class_names))


def _undetermined_scores(sweep: Sweep, report: DataReport) -> Iterator[str]:
    """Yield which classes that a score names no label of the validation set holds."""
    if sweep.script is not None:
        return  # a script decides what its scores mean
    images = next(each.class_images for each in report.splits if each.split == "val")
    for score in sweep.halving.scores:
        for each in chosen_classes(score, report.class_names) or ():
            if not images[each]:
                name = report.class_names[each]
                yield f"halving.score: {score}: no label of the validation set holds {name}"


def _check_losses(settings: Sequence[TrainSettings], report: DataReport) -> None:
    unlabeled = sum(facts.unlabeled for split in report.splits[:1] for facts in split.read)
    if not unlabeled:
        return
    from searchctl.trainer.losses.own import unlabeled_problems  # imports torch

    if problems := unlabeled_problems(settings):
        raise SearchctlError(*problems)


def check_augments(sweep: Sweep) -> None:
    """Build the augmentations of all trials, and apply some to a few training images.

    Raises:
        SettingsError: one fails; its transform is named.
    """
    augments = [each for each in distinct_augments(sweep).values() if _is_ours(each)]
    if not augments:
        return
    train = load_split(sweep.data, "train")
    for augment in augments:
        augmenter(augment, sweep.data.image_size, train.dataset.ignore_index)
    for augment in filter(_is_ours, distinct_augments(sweep, MOST_TRIED).values()):
        try_augment(train, augment, seed=sweep.seed)


def _is_ours(augment: Augment) -> bool:
    # the user's own code is checked in a process of its own
    return augment != "none" and not isinstance(augment, OwnOptions)


def _too_large(sweep: Sweep, report: DataReport) -> Iterator[str]:
    """Report the largest image that finalists are scored on, where it is too large for that."""
    sizes = {size for split in report.splits if split.split != "train" for size in split.sizes}
    if not sizes or report.tiles:
        return
    largest = max(sizes, key=lambda size: size[0] * size[1])
    if problem := sweep.inference.size_problem(largest, len(report.class_names)):
        yield problem


def check_networks(sweep: Sweep, settings: Sequence[TrainSettings], dataset: Dataset) -> None:
    """Build every distinct network in shapes alone, before anyone pays for an epoch.

    Raises:
        SearchctlError: one cannot be built; each is named.
    """
    if not settings:
        return  # a script builds its own
    from searchctl.trainer.run.preflight import network_problems  # imports torch

    data = sweep.data
    problems = network_problems(
        settings, len(dataset.class_names), data.image_size, sweep.inference, data.channels
    )
    if problems:
        raise SearchctlError(*(f"cannot train {problem}" for problem in problems))


def check_weights(
    sweep: Sweep, settings: Sequence[TrainSettings], dataset: Dataset, initial: InitialFiles
) -> None:
    """Load the initial weights into their networks: weights that do not fit would fail trials.

    Raises:
        SearchctlError: some do not fit; each is named.
    """
    if not settings:
        return
    from searchctl.trainer.run.preflight import weights_problems  # imports torch

    problems = weights_problems(
        settings,
        len(dataset.class_names),
        initial.checkpoint,
        initial.encoder,
        sweep.data.channels,
    )
    if problems:
        fix = "; an init that fits some networks only needs a condition, `when: {model: ..}`"
        raise SearchctlError(*(f"{initial.by_their_origin(each)}{fix}" for each in problems))


def check_sweep_nodes(
    sweep: Sweep, runs: UPath, url: str, code: OwnCode | None = None
) -> tuple["SharedLocations | None", tuple[str, ...]]:
    """Check that every node of a sweep's cluster can run its jobs, before any of them does.

    Returns:
        What each node must see, None without a cluster; and notes for people.

    Raises:
        CannotStart: the cluster cannot be joined; without one, this machine is too small.
        SearchctlError: a node lacks something; each is named. Without a cluster: a file here hides
            a module from the workers.
    """
    if driver_address(sweep.resources.address) is None:
        from searchctl.orchestrator.executors.ray.local.room import check_room_here

        refuse_shadowing_files()
        check_room_here(job_resources(sweep.resources))
        return None, ()
    from searchctl.orchestrator.executors.ray.nodes import check_nodes

    return check_nodes(sweep, runs, url, code)
