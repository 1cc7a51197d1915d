"""A directory with a trained network: its weights, its model card and the own code it needs."""

from upath import UPath

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.stored import FOLDER
from searchctl.trainer.core.atomic_files import file_exists, read_file, write_atomically
from searchctl.trainer.own_code.files import OwnCode
from searchctl.trainer.trained.card import CARD, MARK, model_card
from searchctl.trainer.trained.description import Source, described
from searchctl.trainer.trained.header import metadata_of, numbers_in, with_metadata

WEIGHTS, METRICS = "model.safetensors", "metrics.json"
_CHECKPOINT = "checkpoint.pt"
"""What a training leaves that is not finished; its module imports torch."""


def check_free(out: UPath, *, overwrite: bool, finished: tuple[str, ...]) -> None:
    """Refuse to write over a finished network, or over a page that is no model card.

    A directory with a checkpoint is of a training that is not finished: the same command continues.

    Args:
        out: the directory.
        overwrite: whether its network may be replaced.
        finished: names of files that only a finished network has.

    Raises:
        SearchctlError: the directory holds one.
        OSError: the disk or the store does not respond.
    """
    fix = "name another directory with -o"
    found = [name for name in finished if file_exists(out / name)]
    if found and not overwrite and not file_exists(out / _CHECKPOINT):
        raise SearchctlError(
            f"{out} holds a finished model ({', '.join(found)}): {fix}, or replace it with "
            "--overwrite"
        )
    if file_exists(out / CARD) and MARK.encode() not in read_file(out / CARD):
        raise SearchctlError(f"{out / CARD} is there, and is no model card of searchctl: {fix}")


def write_model(
    out: UPath, weights: UPath, *, source: Source | None, code: OwnCode | None
) -> list[UPath]:
    """Write weights that say which trial they are of, their card, and the own code; return paths.

    Args:
        out: the directory.
        weights: the file of a job's kept weights.
        source: the trial of a sweep that they are of.
        code: the own code of the network, which is copied where the network needs it.

    Raises:
        SettingsError: the weights do not say what they are.
        OSError: a file cannot be written.
    """
    content = read_file(weights)
    description = described(metadata_of(content, weights), weights)
    description = description.model_copy(update={"source": source})
    if description.code is None:
        code = None
    content = with_metadata(content, description.metadata())
    card = model_card(
        description, weights=numbers_in(content), size=len(content), code=code is not None
    )
    files = {f"{FOLDER}/{name}": each for name, each in (code.contents() if code else {}).items()}
    files |= {CARD: card.encode(), WEIGHTS: content}
    for name, each in files.items():
        write_atomically(out / name, each)
    return [out / name for name in files]
