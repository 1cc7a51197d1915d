"""Samples that are the lines of a user's lists: searchctl orders them and reads nothing else."""

from functools import cached_property
from pathlib import Path

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.sets.base import Dataset, Image, Label
from searchctl.trainer.data.settings import ListsData, Split


class LineLists(Dataset):
    """One sample a line; what a line means is between the user and the user's script."""

    palette = ()
    ignore_index = 255

    def __init__(self, settings: ListsData) -> None:
        self._paths = {"train": settings.train_list, "val": settings.val_list}
        self.class_names = tuple(settings.classes)

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the lines of a list; there is no test split.

        Raises:
            DataError: the list cannot be read, or holds a line twice.
        """
        return self._lines[split]

    @cached_property
    def _lines(self) -> dict[Split, tuple[str, ...]]:
        return {
            "train": _read(self._paths["train"]),
            "val": _read(self._paths["val"]),
            "test": (),
        }

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Refuse: only the script knows what a line means.

        Raises:
            DataError: always.
        """
        raise DataError(f"{self._paths.get(split)}: the samples of lists are read by a script only")

    def check(self) -> None:
        """Check that both lists hold samples, and none in common."""
        both = {*self.names("train")} & {*self.names("val")}
        if both:
            raise DataError(
                f"{self._paths['val']}: {len(both)} lines are in {self._paths['train']} too "
                f"({first_few(sorted(both))}): a sample trains or validates"
            )


def nested_line_order(lines: int, seed: int) -> tuple[int, ...]:
    """Return the one random order of so many lines whose prefixes are the nested samples."""
    return tuple(sorted(range(lines), key=lambda line: (derive_seed(seed, "line", line), line)))


def _read(path: Path) -> tuple[str, ...]:
    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
        raise DataError(f"{path}: {why}") from error
    if not lines:
        raise DataError(f"{path}: holds no samples, one a line")
    seen: set[str] = set()
    twice = [line for line in lines if line in seen or seen.add(line)]  # type: ignore[func-returns-value]
    if twice:
        raise DataError(f"{path}: holds lines twice: {first_few(twice)}")
    return tuple(lines)
