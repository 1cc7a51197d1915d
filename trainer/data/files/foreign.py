"""Formats that are not read, by their first bytes or their names, and what converts them."""

from collections.abc import Iterable
from pathlib import Path

_STACKS = "write each slice to a file of its own"
_FORMATS = {
    "DICOM": f"{_STACKS}: `dcmj2pnm --write-16-bit-png IN.dcm OUT.png` (DCMTK)",
    "NIfTI": f"{_STACKS}: `numpy.save('x.npy', nibabel.load(IN).get_fdata()[..., i])`",
    "NRRD": f"{_STACKS}: `numpy.save('x.npy', nrrd.read(IN)[0][..., i])`",
    "MetaImage": f"{_STACKS}: `numpy.save` of each slice that SimpleITK reads",
    "HDF5": "save each image as .npy: `numpy.save('x.npy', h5py.File(IN)['NAME'][i])`",
    "gzip": "decompress it; of NIfTI save each slice by `numpy.save`",
    "Git LFS": "it stands for a file that was not fetched: `git lfs pull`",
}
_SUFFIXES = {
    ".dcm": "DICOM",
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
    ".h5": "HDF5",
    ".hdf5": "HDF5",
}
_MAGIC = {
    b"\x5c\x01\x00\x00": "NIfTI",
    b"\x1f\x8b": "gzip",
    b"\x89HDF": "HDF5",
    b"NRRD": "NRRD",
    b"version https://git-lfs": "Git LFS",
}
_DICOM_AT = 128


def foreign(path: Path) -> str | None:
    """Return what a file is and how it is converted, if it is of a format that is not read.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_DICOM_AT + 4)
    if start[_DICOM_AT:] == b"DICM":
        return _line("DICOM")
    names = (name for magic, name in _MAGIC.items() if start.startswith(magic))
    return next((_line(name) for name in names), None)


def foreign_among(paths: Iterable[Path]) -> str | None:
    """Return the same of the first path whose name ends like that of such a format."""
    for path in paths:
        for suffix, name in _SUFFIXES.items():
            if path.name.lower().endswith(suffix):
                return f"{path.name} {_line(name)}"
    return None


def _line(name: str) -> str:
    return f"is a {name} file, which is not read: {_FORMATS[name]}"
