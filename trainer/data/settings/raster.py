"""Settings of images that are no 8-bit RGB, or too large to be seen at once."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from searchctl.trainer.data.settings.base import ListedData, Size

Band = Annotated[int, Field(ge=0)]


class RasterData(ListedData):
    """Base of the settings of data sets whose images may be rasters."""

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=512)] | None = None
    """Bands of the images that are read, counted from 0, such as [0, 1, 2, 3]; the images may then
    have any number of bands of 8, 16 or 32 bits or floats. Left out, images are 8-bit RGB."""
    band_mean: tuple[float, ...] | None = None
    """Mean of each of these bands, which is subtracted; measured on the training images if left
    out."""
    band_std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Standard deviation of each of these bands, by which is divided; measured on the training
    images if left out."""
    nodata: float | None = None
    """Value that stands for a missing pixel; the file's own (GDAL_NODATA) if left out. Missing and
    NaN pixels are not trained on, not scored, and not in the statistics."""
    shown_bands: tuple[Band, Band, Band] | None = None
    """Bands that pictures show as red, green and blue; the first three of `bands` if left out."""

    tile: Size | None = None
    """Height and width in pixels of the tiles that images are cut into: for images that are much
    larger than image_size. Trained and scored are then tiles, at image_size; those of one image
    never lie in two splits."""
    tile_overlap: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Least share of a tile's side that it has in common with the next one."""
    max_pixels: Annotated[int, Field(ge=1)] = 178_956_970
    """Pixels that an image file may have at most; larger ones are taken for an attack."""

    @property
    def channels(self) -> int:
        """How many channels the images have, as networks see them."""
        return 3 if self.bands is None else len(self.bands)

    @property
    def pixel_type(self) -> str:
        """NumPy's name of the images' numbers."""
        return "uint8" if self.bands is None else "float32"

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if self.tile is None and self.tile_overlap:
            raise ValueError("tile_overlap has no effect without tile: set tile, or leave it out")
        for name in ("band_mean", "band_std", "nodata", "shown_bands"):
            if self.bands is None and getattr(self, name) is not None:
                raise ValueError(f"{name} has no effect without bands: set bands, or leave it out")
        if self.bands is None:
            return self
        if len({*self.bands}) < len(self.bands):
            raise ValueError("bands names a band twice: name each once")
        if (self.band_mean is None) != (self.band_std is None):
            raise ValueError("give band_mean and band_std together, or neither")
        for name in ("band_mean", "band_std"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.bands):
                raise ValueError(f"{name} has {len(given)} numbers, for {len(self.bands)} bands")
        if missing := {*(self.shown_bands or ())} - {*self.bands}:
            raise ValueError(f"shown_bands: {min(missing)} is not among bands")
        return self
