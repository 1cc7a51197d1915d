"""Errors of the trainer, each with what to do about it in its message.

TrainerError
├── DataError       a file of the data set is missing, unreadable or does not fit its pair
└── SettingsError   the settings cannot be trained as they are (shape, device, parts to freeze)

WorkerLost          a process that loads images died: the machine is at fault, a retry may help
"""


class TrainerError(Exception):
    """Base of the trainer's errors: the configuration or the data is at fault, a retry is not."""


class DataError(TrainerError):
    """A file of the data set is missing, unreadable or does not fit its pair; names the path."""


class SettingsError(TrainerError):
    """The settings cannot be trained as they are; says which one to change."""


class WorkerLost(Exception):
    """A process that loads images died; the same job may succeed on another try."""
