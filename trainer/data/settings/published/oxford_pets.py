"""Settings of Oxford-IIIT Pet."""

from pathlib import Path
from typing import Literal

from searchctl.trainer.data.settings.base import ListedData


class OxfordPetsData(ListedData):
    """Oxford-IIIT Pet in its official layout: cats and dogs of 37 breeds with trimaps."""

    dataset: Literal["oxford_pets"]
    """Which data set."""
    root: Path
    """Directory that holds images/ and annotations/ (trainval.txt, test.txt, trimaps/)."""
    border: Literal["ignore", "class"] = "ignore"
    """What the trimaps' outline of the pet is: ignore, as the authors call it not classified, or
    class, the third one."""
