"""The pictures that jobs leave in the directories of their attempts, and their names elsewhere."""

import re
from dataclasses import dataclass
from typing import Literal, Self

from upath import UPath

from searchctl.trainer.core.atomic_files import read_file

What = Literal["masks", "features"]
"""masks: what the job predicts of a few images. features: how its classifier sees them."""

_SIGNS: dict[What, str] = {"masks": "0", "features": "1"}


_PNG = b"\x89PNG\r\n\x1a\n"


def read_picture(path: UPath) -> bytes:
    """Return a picture's file as it is.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no picture: a link to something else, perhaps, that is not to be shown.
    """
    content = read_file(path)
    if not content.startswith(_PNG):
        raise ValueError(f"{path} is no picture")
    return content


@dataclass(frozen=True)
class JobPicture:
    """One picture of one attempt: what the Optuna study knows as an artifact of the trial."""

    rung: int
    token: str
    """Of the attempt."""
    what: What

    @property
    def id(self) -> str:
        """Its name as an artifact; the study sorts by it.

        The dashboard asks for names of hexadecimal digits and dashes only.

        >>> JobPicture(2, "5e1f", "masks").id
        '02-5e1f-0'
        """
        return f"{self.rung:02d}-{self.token}-{_SIGNS[self.what]}"

    @property
    def file(self) -> str:
        """Its name in the directory of the attempt."""
        return f"{self.what}.png"

    @classmethod
    def parse(cls, artifact_id: str) -> Self | None:
        """Read a name that `id` may have given; None for any other.

        >>> JobPicture.parse("02-5e1f-1"), JobPicture.parse("../5e1f-0")
        (JobPicture(rung=2, token='5e1f', what='features'), None)
        """
        found = re.fullmatch(r"(\d{2,})-([0-9a-f]+)-([01])", artifact_id, re.ASCII)
        whats = {sign: what for what, sign in _SIGNS.items()}
        return cls(int(found[1]), found[2], whats[found[3]]) if found else None
