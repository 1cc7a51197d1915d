"""Common settings of data sets with published sizes."""

from abc import abstractmethod

from searchctl.trainer.data.settings.base import Count, ListedData, Split


class PublishedData(ListedData):
    """Base of the settings of data sets of which everyone has the same images, or a part."""

    train_images: Count | None = None
    """How many training images there are, where it is a part of the data set: for `plan`, which
    takes the published number if left out. A launch counts the files."""

    @abstractmethod
    def published(self) -> dict[Split, int] | None:
        """Images of each split of the whole data set; None where only the disk knows."""

    def counts(self) -> dict[Split, int] | None:
        """Images of each split of the whole data set, or the training images that are stated."""
        return super().counts() or self.published()
