"""Settings of a data set that is a class of the user's own."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.settings.source.own import IMPORT_PATH, is_import_path

CATALOG, OWN = "catalog", "own"
"""Tags of the two kinds of data settings, in the locations of pydantic's errors."""


class OwnData(RasterData):
    """A class of the user's own: `dataset: my_data:Cracks`."""

    dataset: Annotated[str, Field(pattern=f"^{IMPORT_PATH}$")]
    """Import path of the class, "module:Class"; the module is beside the sweep file."""
    root: Path | None = None
    """Directory of its files, the first argument of the class; left out for one that has none."""
    args: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies defaults
    """Further arguments of the class, by name."""

    def __hash__(self) -> int:
        """Hash the settings, whose arguments may be lists and mappings."""
        return hash(self.model_dump_json())


def tag_of(data: Any) -> str:
    """Return whether data settings are of the catalog's data sets, or of one of the user's."""
    name = data.get("dataset") if isinstance(data, dict) else getattr(data, "dataset", None)
    return OWN if is_import_path(name) else CATALOG
