"""Settings of Cityscapes."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import Split
from searchctl.trainer.data.settings.published.base import PublishedData

CityscapesLabels = Literal["train_ids", "annotated", "all"]


class CityscapesData(PublishedData):
    """Cityscapes in its official layout: 3475 finely labelled street images of 2048x1024."""

    dataset: Literal["cityscapes"]
    """Which data set."""
    root: Path
    """Directory that holds leftImg8bit/ and gtFine/; images of some cities only will do."""
    labels: CityscapesLabels = "train_ids"
    """Classes: train_ids, the 19 of the benchmark; annotated, the 30 from static (4) to bicycle
    (33); all, the 34 ids as they are, with unlabeled and ego vehicle as classes."""

    def published(self) -> dict[Split, int]:
        """Images of each split; the test split has no labels, so none of its images counts."""
        return {"train": 2975, "val": 500, "test": 0}
