"""Pictures that jobs write to the directories of their attempts, and their artifact names."""

import re
from dataclasses import dataclass
from typing import Literal, Self

from upath import UPath

from searchctl.trainer.core.atomic_files import read_file

What = Literal["masks", "features"]
"""masks: predicted masks of a few images. features: embeddings of the validation images."""

_SIGNS: dict[What, str] = {"masks": "0", "features": "1"}

_PNG = b"\x89PNG\r\n\x1a\n"


def read_picture(path: UPath) -> bytes:
    """Return the content of a picture's file.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not a PNG.
    """
    content = read_file(path)
    if not content.startswith(_PNG):  # it could be a link to a file that must not be served
        raise ValueError(f"{path} is not a picture")
    return content


@dataclass(frozen=True)
class JobPicture:
    """One picture of one attempt, which the Optuna study has as an artifact of the trial."""

    rung: int
    token: str
    """Token of the attempt."""
    what: What

    @property
    def id(self) -> str:
        """The artifact's id. The dashboard sorts by it.

        The dashboard only accepts hexadecimal digits and dashes.

        >>> JobPicture(2, "5e1f", "masks").id
        '02-5e1f-0'
        """
        return f"{self.rung:02d}-{self.token}-{_SIGNS[self.what]}"

    @property
    def file(self) -> str:
        """File name in the directory of the attempt."""
        return f"{self.what}.png"

    @classmethod
    def parse(cls, artifact_id: str) -> Self | None:
        """Parse an artifact id from `id`; return None for any other text.

        >>> JobPicture.parse("02-5e1f-1"), JobPicture.parse("../5e1f-0")
        (JobPicture(rung=2, token='5e1f', what='features'), None)
        """
        found = re.fullmatch(r"(\d{2,})-([0-9a-f]+)-([01])", artifact_id, re.ASCII)
        whats = {sign: what for what, sign in _SIGNS.items()}
        return cls(int(found[1]), found[2], whats[found[3]]) if found else None
