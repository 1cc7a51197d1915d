"""What files hold that cannot be read as it is meant, by their headers: each is refused by name."""

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.header import Header

_MOST_BANDS = 8
"""Bands that a message lists."""


def refuse_image(header: Header) -> None:
    """Refuse what cannot be read as 8-bit RGB without loss.

    Raises:
        DataError: names what it is, and what to do.
    """
    _refuse_pages_and_oddities(header)
    if header.numbers != "unsigned":
        raise DataError(f"has {header.numbers} values, and bytes are read: {fix(header.bands)}")
    if header.bits > 8:
        raise DataError(f"has {header.bits} bits a channel, and 8 are read: {fix(header.bands)}")
    if header.bands not in (1, 3) and not (header.cmyk and header.bands == 4):
        raise DataError(
            f"has {header.bands} bands, and one (grey) or three (red, green, blue) are read: "
            "write the three that matter to a file of their own, or (dataset: folder) set bands to "
            f"those that matter, such as {[*range(header.bands)][:_MOST_BANDS]}"
        )


def fix(bands: int) -> str:
    """Propose how an image of other numbers than bytes is read."""
    return (
        "convert it to 8 bits a channel, or (dataset: folder) set bands: "
        f"{[*range(bands)][:_MOST_BANDS]} to read it as it is"
    )


def refuse_mask(header: Header) -> None:
    """Refuse what cannot be read as class ids or colours without loss.

    Raises:
        DataError: names what it is, and what to do.
    """
    _refuse_pages_and_oddities(header)
    if header.lossy:
        raise DataError(
            f"is a {header.format} file with lossy compression, whose values are near to what was "
            "drawn but not the same: draw or export it again as a PNG"
        )
    if header.inverted:
        raise DataError(
            f"is a {header.format} file in which 0 means white, so that its values may be read in "
            "two ways: save it as a PNG of class ids"
        )
    if header.bands > 1 and header.bits > 8:
        raise DataError(
            f"has {header.bands} channels of {header.bits} bits: save one channel of class ids"
        )
    if header.numbers == "signed" and header.bits == 8:
        raise DataError("has signed 8-bit values: save it with unsigned ones")


def _refuse_pages_and_oddities(header: Header) -> None:
    if header.odd:
        raise DataError(f"{header.odd}, which is not read: save it as a plain PNG")
    if header.pages > 1:
        raise DataError(
            f"has {header.pages} pages, and one picture a file is read: write each to its own file"
            + (" (`tiffsplit IN.tif OUT`)" if header.format == "TIFF" else "")
        )


def refuse_turned(header: Header) -> None:
    """Refuse a file whose format, and not EXIF data in it, turns its rows.

    Raises:
        DataError: names what it is, and what to do.
    """
    if header.turned:
        raise DataError(
            f"is a {header.format} file whose rows are stored turned (its Orientation tag): save "
            "it upright"
        )
