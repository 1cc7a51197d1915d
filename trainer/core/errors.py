"""Errors of the trainer, each with what to do about it in its message.

TrainerError
├── DataError       a file of the data set is missing, unreadable or does not fit its pair
└── SettingsError   the settings cannot be trained as they are (shape, device, parts to freeze)
"""

from collections.abc import Sequence

OWN_PACKAGE = "searchctl"
"""The package that travels to a cluster."""


class TrainerError(Exception):
    """Base of the trainer's errors: the configuration or the data is at fault, a retry is not."""


class DataError(TrainerError):
    """A file of the data set is missing, unreadable or does not fit its pair; names the path."""


class SettingsError(TrainerError):
    """The settings cannot be trained as they are; says which one to change."""


def is_missing_own_code(error: Exception) -> bool:
    """Does a module of ours lack? The place that the code had travelled to was removed.

    The configuration is not at fault, and a fresh worker brings the code again.

    >>> is_missing_own_code(ModuleNotFoundError("no losses", name="searchctl.trainer.losses"))
    True
    >>> is_missing_own_code(ModuleNotFoundError("no timm", name="timm"))
    False
    """
    package = (getattr(error, "name", None) or "").partition(".")[0]
    return isinstance(error, ModuleNotFoundError) and package == OWN_PACKAGE


def first_few(names: Sequence[str], count: int = 3) -> str:
    """Name the first ones, and say how many more there are.

    >>> first_few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return f"{', '.join(names[:count])}{more}"
