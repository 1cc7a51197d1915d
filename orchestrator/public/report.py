"""The report of a sweep as an object: shown inline in a notebook, or written to a file."""

from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path


@dataclass(frozen=True)
class ReportPage:
    """The report of a sweep, as `searchctl report` writes it."""

    html: str = field(repr=False)
    """The page; it needs no network."""
    height: int = 800
    """Pixels of its frame in a notebook."""

    def save(self, path: "str | PathLike[str]") -> None:
        """Write the page to a file.

        Raises:
            OSError: the file cannot be written.
        """
        Path(path).write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        # its own document: the page's style does not reach the notebook's
        return (
            f'<iframe srcdoc="{escape(self.html)}" width="100%" height="{self.height}" '
            'style="border: 0" sandbox="allow-scripts"></iframe>'
        )
