"""Opens a data set, with what is remembered of its files and its decoded images."""

from functools import lru_cache

from searchctl.trainer.data.cache.name import book_name
from searchctl.trainer.data.cache.store import Cache, cache_directory
from searchctl.trainer.data.facts.book import Book
from searchctl.trainer.data.facts.image_facts import Seeing
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.tiles import Tiles
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.data.settings.own import OwnData
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.settings import catalog


@lru_cache(maxsize=4)
def build_dataset(data: DataSettings) -> Dataset:
    """Return the data set that the settings describe, one object for all callers."""
    return open_dataset(data)


def open_dataset(data: DataSettings) -> Dataset:
    """Return a new object for the data set, in tiles if the settings ask for them."""
    own = isinstance(data, OwnData)
    part = catalog.OWN_DATASET if own else catalog.DATASETS[data.dataset]
    dataset: Dataset = part.load()(data)
    if isinstance(data, RasterData) and data.tile is not None:
        return Tiles(dataset, data.tile, data.tile_overlap)
    return dataset


@lru_cache(maxsize=4)
def book_of(data: DataSettings) -> Book:
    """Return what is remembered of each file of the data set."""
    path = cache_directory(data) / book_name(data, of_whole_images(data))
    seeing = Seeing(data.image_size)
    if isinstance(data, RasterData):
        seeing = Seeing(data.image_size, data.tile, data.tile_overlap)
    return Book(of_whole_images(data), seeing, path)


@lru_cache(maxsize=4)
def cache_of(data: DataSettings) -> Cache:
    """Return the decoded images of the data set."""
    dataset = build_dataset(data)
    # the book knows whole files, and a tile is a part of one
    return Cache(data, dataset, None if isinstance(dataset, Tiles) else book_of(data))


def of_whole_images(data: DataSettings) -> Dataset:
    """Return the data set without tiles: what its files hold."""
    dataset = build_dataset(data)
    return dataset.whole if isinstance(dataset, Tiles) else dataset
