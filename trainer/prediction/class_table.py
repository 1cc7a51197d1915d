"""The predictions of a classifier as a CSV file: a row for each image."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.trained.model import Prediction


class ClassTable:
    """Rows of image, class, and the probability of each class.

    Args:
        path: of the file.
        class_names: names of the classes, in the order of their ids.
        overwrite: whether a file that is there is replaced.

    Raises:
        DataError: the file is there, and is not to be replaced.
    """

    def __init__(self, path: Path, class_names: Sequence[str], *, overwrite: bool) -> None:
        if path.exists() and not overwrite:
            raise DataError(
                f"{path} is there already: write to another directory, or set --overwrite"
            )
        self.path = path
        self._names = class_names
        self._rows: list[list[object]] = []

    def add(self, image: Path, prediction: Prediction) -> None:
        """Add an image; its prediction has probabilities."""
        assert prediction.probabilities is not None, "they were requested"
        shares = [f"{share:.6f}" for share in prediction.probabilities[:, 0, 0]]
        self._rows.append([image, self._names[prediction.classes[0, 0]], *shares])

    def write(self) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
        """
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(["image", "class", *self._names])
        writer.writerows(self._rows)
        write_atomically(UPath(self.path), text.getvalue().encode())
