"""Prepares a stored sweep to be resumed; refuses if something else would be computed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from searchctl.orchestrator.artifacts.directory import check_writable, runs_directory
from searchctl.orchestrator.artifacts.initial_files import InitialFiles, settle_initial_files
from searchctl.orchestrator.config.dataset import checked_dataset
from searchctl.orchestrator.config.fingerprint import major_changes, numbers_changed, versions
from searchctl.orchestrator.config.load import default_threads, load_sweep
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import travelled_file
from searchctl.orchestrator.core.errors import SearchctlError, SweepChanged
from searchctl.orchestrator.halving.ladder_rows import ladder_of
from searchctl.orchestrator.own_code.stored import store_code
from searchctl.orchestrator.own_code.sweep_code import (
    accepted_code,
    changed_code,
    import_copies,
    resumed_code,
)
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.orchestrator.run.additions.extend import extend_command, extension_for
from searchctl.orchestrator.run.additions.retry import nothing_left
from searchctl.orchestrator.run.cohorts import StoredTrials
from searchctl.orchestrator.run.preparation.cannot_start import storing_cannot_start
from searchctl.orchestrator.run.preparation.checks import (
    check_augments,
    check_labels,
    check_sweep_nodes,
    check_weights,
)
from searchctl.orchestrator.run.preparation.decoding import decode_for
from searchctl.orchestrator.run.preparation.new_sweep import refuse_other_database
from searchctl.orchestrator.run.preparation.prepare import (
    RUNS_FIX,
    Prepared,
    at_address,
    trial_settings,
)
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import image_scores, queries, spending
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.fingerprints import same_data
from searchctl.trainer.data.samples import forget_listing

DECIDED = ("space", "search", "seed", "halving")
"""Sections that determine the stored trials and decisions: they can never change."""


def prepare_resume(
    name: str,
    url: str,
    *,
    stored: bool = False,
    accept_changes: bool = False,
    data_root: Path | None = None,
    address: str | None = None,
    tell: OnProgress = ignore_progress,
    inline: bool = False,
) -> Prepared:
    """Load a stored sweep to resume it.

    The resources, budget and loader threads of its file as it is today apply from now on, and the
    data set may be elsewhere. Everything that is computed must be as it was launched.

    Args:
        name: of the sweep.
        url: of its database.
        stored: ignore the sweep's file.
        accept_changes: resume with other training settings, data or packages, and record them.
        data_root: directory of the data set on this machine.
        address: of its cluster, in place of the stored one.
        tell: called with the number of decoded images and of all; may raise to end it.
        inline: its jobs will run in this process, and not in its cluster.

    Raises:
        SweepNotFound: there is none of that name.
        SweepChanged: the file, the data on the disk, or a package is not what was launched.
        CannotStart: its cluster does not answer, or this machine is too small for one trial.
        SearchctlError: the trials' initial weights or the directory are gone, or a node of the
            cluster lacks something.
        DataError: a file of the data set is missing or does not fit.
    """
    engine = open_database(url)
    refuse_other_database(engine)
    row = queries.find_sweep(engine, name)
    launched = Sweep.from_json(row.spec)
    sweep = sweep_to_resume(row, stored=stored, data_root=data_root, address=address)
    scored = len(image_scores.val_images(engine, row)) or None  # older sweeps have no list of them
    stored_trials = StoredTrials.read(engine, row)
    ladders = tuple(ladder_of(cohort.ladder) for cohort in stored_trials.cohorts)
    plan = plan_sweep(sweep, row.ladder[-1]["images"], scored, ladders)
    runs = runs_directory(sweep)
    if row.state in ("COMPLETE", "FAIL"):  # nothing is left to run, so no data are needed
        initial, note = InitialFiles.stored(runs, row), nothing_left(engine, row)
        return Prepared(launched, url, engine, row, plan, initial, notes=(note,))
    forget_listing()
    if accept_changes and not stored and source_of(row).is_file():
        sweep, collected = accepted_code(sweep, Path(row.source))
    else:
        if not stored:
            refuse_changed_code(row, sweep)
        collected = resumed_code(row, sweep, runs)
    dataset = checked_dataset(sweep)
    changes = _changes(row, launched, sweep, len(dataset.names("train")))
    if changes and not accept_changes:
        raise SweepChanged(_refusal(row, changes))
    check_writable(runs, RUNS_FIX)  # a resume that is refused writes nothing
    code = store_code(collected, runs) if collected else None
    with storing_cannot_start(engine, row):
        locations, said = (None, ()) if inline else check_sweep_nodes(sweep, runs, url, code)
    trials = list(dict.fromkeys([*sweep.trials(), *stored_trials.params.values()]))
    settings = trial_settings(sweep, trials)
    decode_for(sweep.data, settings, tell, seed=sweep.seed)
    initial = settle_initial_files(sweep, engine, runs, row, trials=trials)
    notes = (*_notes(row, stored), *said, *_accepted(changes))
    untrained = not spending.images_trained(engine, row)  # its launch may have failed before these
    if untrained:
        check_augments(sweep)
        check_weights(sweep, settings, dataset, initial)
    if untrained or changes:
        notes += check_labels(sweep, settings)
    return Prepared(sweep, url, engine, row, plan, initial, tuple(changes), notes, locations, code)


def sweep_to_resume(
    row: SweepRow,
    *,
    stored: bool = False,
    data_root: Path | None = None,
    address: str | None = None,
) -> Sweep:
    """Return a stored sweep as it would be resumed; the arguments are those of `prepare_resume`.

    Raises:
        SweepChanged: its file, as edited, computes something else.
    """
    launched = Sweep.from_json(row.spec)
    import_copies(row, launched, runs_directory(launched))  # modules of the file may be gone
    sweep = launched if stored else _as_edited(row, launched)
    return at_address(_moved(sweep, data_root), address)


def refuse_changed_code(row: SweepRow, sweep: Sweep) -> None:
    """Check that the own code of a sweep is as it was launched, where it still is.

    Raises:
        SweepChanged: a file has changed; each is named.
    """
    if changed := changed_code(row, sweep, runs_directory(sweep)):
        raise SweepChanged(
            f"{', '.join(changed)} in {Path(row.source).parent}: not what '{row.name}' was "
            "launched with. Put it back, resume with the stored copy (`searchctl resume "
            f"{row.name} --stored`), or launch the new code as another sweep, under another name. "
            "`--accept-changes` trains what is left with the new code, and is recorded"
        )


def source_of(row: SweepRow) -> Path:
    """Return the sweep's file: as launched, or the copy that was sent with this driver."""
    return travelled_file() or Path(row.source)


def _as_edited(row: SweepRow, launched: Sweep) -> Sweep:
    """Return the sweep of the file as it is today, with the storage of the launch."""
    source = source_of(row)
    edited = load_sweep(source) if source.is_file() else launched
    if edited.name != row.name:
        return launched
    changed = [key for key in DECIDED if edited.spec()[key] != launched.spec()[key]]
    extension = extension_for(edited, launched, row) if "search" in changed else None
    if extension and extension.cohorts:
        raise SweepChanged(
            f"{source} asks for more trials than '{row.name}' has ({row.trials}): "
            f"`{extend_command(row.name, extension)}` adds them as a further cohort"
        )
    if extension:  # the sweep was extended by what the file asks for
        edited = edited.model_copy(update={"search": launched.search})
        changed.remove("search")
    if changed:
        before, after = launched.spec(), edited.spec()
        raise SweepChanged(
            f"{source} no longer says what '{row.name}' computes: "
            f"{'; '.join(differences(_only(before, changed), _only(after, changed)))}. Undo the "
            f"edit, resume what was launched (`searchctl resume {row.name} --stored`), or launch "
            "the file under another name"
        )
    training = edited.training
    if edited.script is None and edited.recipe.threads == default_threads(edited.resources):
        # other resources must not change the threads, which are a part of the result
        training = training.model_copy(update={"threads": launched.recipe.threads})
    kept = {
        "storage": launched.storage,
        "training": training,
        "code_files": launched.code_files,  # its files are compared by themselves
    }
    edited = edited.model_copy(update=kept)
    if launched.parameter_counts:  # they decide which points are trials
        counts = {"parameter_counts": launched.parameter_counts}
        edited = Sweep.from_json({**edited.to_json(), **counts})
    if edited.resources.address is None:  # it may have been launched with --address
        edited = at_address(edited, launched.resources.address)
    if edited.data.dataset != launched.data.dataset:
        return edited
    # the file's root may never have been right: the launch may have had a --data-root
    return _moved(edited, _root_if_there(launched))


def _notes(row: SweepRow, stored: bool) -> tuple[str, ...]:
    if stored or not row.source or travelled_file():
        return ()
    source = source_of(row)
    if not source.is_file():
        return (f"{source} is gone: the stored sweep is resumed",)
    if load_sweep(source).name != row.name:
        return (f"{source} holds another sweep now: the stored one is resumed",)
    return ()


def _accepted(changes: list[str]) -> Iterator[str]:
    if changes:
        yield (
            f"resumed although this has changed, which is recorded: {'; '.join(changes)}. Scores "
            "before and after may not be comparable"
        )


def _root_if_there(sweep: Sweep) -> Path | None:
    """Return the data set's directory at the launch, if it still exists."""
    root: Path | None = getattr(sweep.data, "root", None)
    return root if root and root.is_dir() else None


def _only(spec: dict[str, object], keys: Iterable[str]) -> dict[str, object]:
    return {key: spec[key] for key in keys}


def _moved(sweep: Sweep, data_root: Path | None) -> Sweep:
    if data_root is None:
        return sweep
    if not hasattr(sweep.data, "root"):
        raise SearchctlError(f"data set '{sweep.data.dataset}' has no directory: no --data-root")
    data = sweep.data.model_copy(update={"root": data_root.absolute()})
    return sweep.model_copy(update={"data": data})


def _changes(row: SweepRow, launched: Sweep, sweep: Sweep, images: int) -> list[str]:
    """Return the differences of what would be computed from what was launched.

    `images` is the number of training images today.
    """
    changes = differences(launched.spec(), sweep.spec())
    if not same_data(sweep.data, row.data_fingerprint):
        planned = row.ladder[-1]["images"]
        number = f"; {images:,} training images, {planned:,} in the ladder" * (images != planned)
        changes.append(
            f"the files of data set '{sweep.data.dataset}' (names or contents are not those that "
            f"'{row.name}' was launched on{number})"
        )
    if numbers_changed(row.versions):
        changes.append(
            "the numbers of searchctl itself (this version chooses other images for the samples, "
            "or draws other seeds)"
        )
    return changes + major_changes(row.versions, versions())


def _refusal(row: SweepRow, changes: list[str]) -> str:
    return (
        f"what '{row.name}' computes has changed: {'; '.join(changes)}. Undo that, or resume "
        f"although scores may not be comparable (`searchctl resume {row.name} --accept-changes`, "
        "which is recorded); for an edited file, `--stored` resumes what was launched"
    )
