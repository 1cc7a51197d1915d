"""Words on what image files hold besides their pixels; `data check` and `predict` use them."""

from collections.abc import Sequence

from searchctl.trainer.data.checks.leaks import counted


def turned_images(names: Sequence[str]) -> str:
    """Say that viewers show images turned.

    >>> turned_images(["a.jpg"])
    '1 image (a.jpg) is shown turned, by EXIF data, and read as stored'
    """
    return f"{_images(names)} shown turned, by EXIF data, and read as stored"


def see_through_images(names: Sequence[str]) -> str:
    """Say that images have pixels that are not opaque."""
    return f"{_images(names)} partly transparent: colours are read as they are, and opacity is not"


def files_of_several_pictures(names: Sequence[str]) -> str:
    """Say that files have more pictures than the one that is read."""
    verb = "has" if len(names) == 1 else "have"
    return f"{counted(names, 'image file')} {verb} several pictures (MPO): the first is read"


def _images(names: Sequence[str]) -> str:
    return f"{counted(names, 'image')} {'is' if len(names) == 1 else 'are'}"
