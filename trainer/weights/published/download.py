"""Where the file of a published network is: in a cache of its publisher, or downloaded there."""

import hashlib
from pathlib import Path

import torch
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.weights.hub import hub_file

_TORCHVISION = {
    "deeplabv3_resnet50": "deeplabv3_resnet50_coco-cd0a2569.pth",
    "deeplabv3_resnet101": "deeplabv3_resnet101_coco-586e9e4e.pth",
}
"""Its networks that are also ours; the digits begin the file's SHA-256."""
_TORCHVISION_URL = "https://download.pytorch.org/models"
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def published_file(reference: str) -> UPath:
    """Return the file of `torchvision:NAME` or `hf:OWNER/NAME`.

    Raises:
        SettingsError: it is in no cache and cannot be downloaded; says what to put where.
    """
    publisher, _, name = reference.partition(":")
    if publisher == "torchvision":
        return UPath(_of_torchvision(name))
    return hub_file(name, _HUB_FILES, "set init: checkpoint:FILE to that file")


def _of_torchvision(name: str) -> Path:
    if name not in _TORCHVISION:
        raise SettingsError(
            f"torchvision:{name} is not known: known are {', '.join(_TORCHVISION)}; another file "
            "is named by init: checkpoint:FILE"
        )
    file = Path(torch.hub.get_dir()) / "checkpoints" / _TORCHVISION[name]
    url = f"{_TORCHVISION_URL}/{file.name}"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(file), progress=False)
        except Exception as error:  # urllib's and ssl's errors have no common class
            raise SettingsError(
                f"{file} is not there, and {url} cannot be downloaded: {error}. Download it where "
                "there is a network and put it there, or set init: checkpoint:FILE"
            ) from error
    _check_hash(file)
    return file


def _check_hash(file: Path) -> None:
    wanted = file.stem.rpartition("-")[2]
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if not found.startswith(wanted):
        raise SettingsError(
            f"{file} is damaged: its SHA-256 begins with {found[: len(wanted)]}, not {wanted}; "
            "remove it"
        )
