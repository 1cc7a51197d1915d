"""Errors of the trainer; each message says how to fix the problem.

TrainerError
├── DataError       a file of the data set is missing, unreadable or does not match its pair
├── CodeError       a file of the user's own code is missing or was changed
└── SettingsError   the settings cannot be trained (shape, device, parts to freeze)
"""

from collections.abc import Sequence

from searchctl.trainer.core.causes import by_cause

OWN_PACKAGE = "searchctl"
"""Import name of the package that is sent to the workers of a cluster."""


class TrainerError(Exception):
    """Base of the trainer's errors: the configuration or the data is wrong; a retry cannot help.

    Attributes:
        messages: what is wrong; several where several things were found at once.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class DataError(TrainerError):
    """A file of the data set is missing, unreadable or does not match its pair; names the path.

    Attributes:
        every: all problems; `messages` has a line for each cause.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*by_cause(problems))
        self.every = problems


class CodeError(TrainerError):
    """A file of the user's own code is missing, or differs from the launch; names the file."""


class SettingsError(TrainerError):
    """The settings cannot be trained; the message names the setting to change."""


def is_missing_own_code(error: Exception) -> bool:
    """Return whether a module of this package is missing from a worker.

    That happens when the directory with the sent code is removed while a worker runs. The
    configuration is not wrong, and a new worker receives the code again.

    >>> is_missing_own_code(ModuleNotFoundError("no losses", name="searchctl.trainer.losses"))
    True
    >>> is_missing_own_code(ModuleNotFoundError("no timm", name="timm"))
    False
    """
    package = (getattr(error, "name", None) or "").partition(".")[0]
    return isinstance(error, ModuleNotFoundError) and package == OWN_PACKAGE


def first_few(names: Sequence[str], count: int = 3) -> str:
    """Return the first names, and the number of the others.

    >>> first_few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return f"{', '.join(names[:count])}{more}"
