"""Writes the samples of a rung as list files: one line for each sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.fingerprints import sample_hash
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import sample_order
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import DataSettings, Sample, Split


@dataclass(frozen=True)
class Lists:
    """The lines of both lists."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    whole: int
    """Number of training samples of the whole data set."""

    @property
    def hash(self) -> str:
        """Fingerprint of the training lines and their order."""
        return sample_hash(self.train)

    def write(self, train: Path, val: Path) -> None:
        """Write both lists."""
        for path, lines in ((train, self.train), (val, self.val)):
            path.write_text("".join(f"{line}\n" for line in lines))


def read_lists(sample: Sample) -> Lists:
    """Return the lines of a rung: the training lines are a prefix of the sweep's one order.

    Raises:
        DataError: a file of the data set is missing, or its samples are no files.
    """
    dataset = build_dataset(sample.data)
    train, val = _lines(dataset, "train", sample.data), _lines(dataset, "val", sample.data)
    order = sample_order(sample.data, sample.seed)[: sample.images]
    chosen = tuple(train[index] for index in order)
    return Lists(chosen + val if sample.whole == "train+val" else chosen, val, len(train))


def _lines(dataset: Dataset, split: Split, data: DataSettings) -> tuple[str, ...]:
    if data.dataset == "lists":
        return dataset.names(split)
    return tuple(_of_files(dataset, split, data))


def _of_files(dataset: Dataset, split: Split, data: DataSettings) -> Iterator[str]:
    """Yield image and mask of each sample, with a tab between; or image and class id."""
    ids = {name: str(class_id) for class_id, name in enumerate(dataset.class_names)}
    for index in range(len(dataset.names(split))):
        paths = dataset.files_of(split, index)
        fields = [str(path.absolute()) for path in paths]
        if data.task == "classification":
            fields += [ids[path.parent.name] for path in paths]
        yield _line(fields, data.dataset)


def _line(fields: Sequence[str], name: str) -> str:
    if len(fields) != 2:
        raise DataError(list_problem(name))
    if any("\t" in field or "\n" in field for field in fields):
        raise DataError(f"{fields[0]!r} holds a tab or a line break, which lists cannot: rename it")
    return "\t".join(fields)


def list_problem(dataset: str) -> str:
    """Return why the samples of a data set cannot be listed for a script."""
    return (
        f"the samples of data set '{dataset}' are not files of their own (they are drawn, or "
        "tiles), so they cannot be listed for a script: take another data set, or your own lists, "
        "data: {dataset: lists, train_list: .., val_list: ..}"
    )
