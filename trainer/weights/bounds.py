"""Bounds for files of weights from elsewhere: what they are, and how much memory they may take."""

import io
import zipfile
from collections.abc import Mapping

from torch import Tensor

from searchctl.trainer.core.errors import SettingsError

_GROWTH = 4
"""Largest allowed ratio of unpacked bytes to bytes of the file. torch.save does not compress, and
weights that were compressed later shrink by less than a half."""
_SLACK = 1 << 20  # bytes: small entries of a zip file compress well
_TEXT_STARTS = {
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself: run `git lfs pull`",
    b"<": "an HTML or XML page and no weights: the download may have failed",
    b"{": "a JSON text and no weights",
}


def refuse_other_content(content: bytes) -> None:
    """Refuse an empty file or a text, and name what it is.

    Raises:
        SettingsError: the content is no weights.
    """
    if not content:
        raise SettingsError("it is empty")
    if b"\0" in content[:8]:  # the length of a safetensors header may begin with any character
        return
    for start, what in _TEXT_STARTS.items():
        if content[:64].lstrip().startswith(start):
            raise SettingsError(f"it is {what}")


def refuse_growth(content: bytes) -> None:
    """Refuse a zip file that is much larger when unpacked, before it is unpacked.

    Raises:
        SettingsError: the file names more than four times its bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, NotImplementedError):
        return  # torch reads it, or says what is wrong with it
    if unpacked > _GROWTH * len(content) + _SLACK:
        raise SettingsError(
            f"its {len(content) / 1e6:.1f} MB unpack to {unpacked / 1e6:,.0f} MB, which weights "
            "do not: save its state dict again with torch.save or as safetensors"
        )


def refuse_expanded(tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are larger than the numbers stored for them.

    Raises:
        SettingsError: a tensor is an expanded view, whose copy may take any amount of memory.
    """
    for name, tensor in tensors.items():
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise SettingsError(
                f"'{name}' is an expanded view of shape {tuple(tensor.shape)}: save a copy of it "
                "by .contiguous()"
            )
