"""Tables as pandas DataFrames."""

from types import NoneType
from typing import TYPE_CHECKING

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.tables.flat import Row
from searchctl.trainer.core.extras import pandas_problem

if TYPE_CHECKING:
    import pandas as pd


def frame(rows: list[Row]) -> "pd.DataFrame":
    """Return rows as a DataFrame. A column of whole numbers stays one where cells are empty.

    Raises:
        SearchctlError: pandas is not installed.
    """
    if problem := pandas_problem():
        raise SearchctlError(f"a table as a DataFrame {problem}")
    import pandas as pd

    whole = {name: "Int64" for name in (rows[0] if rows else ()) if _is_whole(rows, name)}
    return pd.DataFrame(rows).astype(whole)


def _is_whole(rows: list[Row], name: str) -> bool:
    kinds = {type(row[name]) for row in rows}
    return int in kinds and kinds <= {int, NoneType}
