"""Data settings of a sweep: one settings class per data set, torch-free, with their sizes."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from searchctl.trainer.data.settings.base import PLACES, AnyData, Split, Task
from searchctl.trainer.data.settings.class_table import ColourClass, ValueClass
from searchctl.trainer.data.settings.folder import FolderData
from searchctl.trainer.data.settings.image_folder import ImageFolderData
from searchctl.trainer.data.settings.lists import ListsData
from searchctl.trainer.data.settings.own import CATALOG, OWN, OwnData, tag_of
from searchctl.trainer.data.settings.published.camvid import CamvidData
from searchctl.trainer.data.settings.published.cityscapes import CityscapesData
from searchctl.trainer.data.settings.published.kitti_road import KittiRoadData
from searchctl.trainer.data.settings.published.kitti_semantics import KittiSemanticsData
from searchctl.trainer.data.settings.published.landcover import LandcoverData
from searchctl.trainer.data.settings.published.oxford_pets import OxfordPetsData
from searchctl.trainer.data.settings.published.sunrgbd import SunRgbdData
from searchctl.trainer.data.settings.scenes import ScenesData

__all__ = [
    "DataSettings",
    "CatalogData",
    "Sample",
    "AnyData",
    "Split",
    "Task",
    "PLACES",
    "CamvidData",
    "CityscapesData",
    "ColourClass",
    "FolderData",
    "ImageFolderData",
    "KittiRoadData",
    "KittiSemanticsData",
    "LandcoverData",
    "ListsData",
    "OwnData",
    "OxfordPetsData",
    "ScenesData",
    "SunRgbdData",
    "ValueClass",
]

CatalogData = Annotated[
    ScenesData
    | CamvidData
    | CityscapesData
    | KittiRoadData
    | KittiSemanticsData
    | LandcoverData
    | OxfordPetsData
    | SunRgbdData
    | FolderData
    | ImageFolderData
    | ListsData,
    Field(discriminator="dataset"),
]
"""Settings of the data sets of the catalog, by their names."""
DataSettings = Annotated[
    Annotated[CatalogData, Tag(CATALOG)] | Annotated[OwnData, Tag(OWN)], Discriminator(tag_of)
]


@dataclass(frozen=True)
class Sample:
    """The training images of a rung: a prefix of the one order that the seed gives.

    Two samples of the same data and seed are nested: the smaller is the larger one's beginning.
    """

    data: DataSettings
    images: int
    """How many images of the training split."""
    seed: int
    """The sweep's seed."""
    whole: str = "train"
    """'train', or 'train+val' for a final training that no longer needs a validation set."""
