"""A hook of MkDocs: brings what lies outside of docs/ into the site.

The links of all pages are those of the repository, so they lead somewhere on a code host too. Here
the pages of the repository's root become pages of the site, and files that pages name (examples)
become its files. MkDocs itself refuses links that lead nowhere.
"""

import posixpath
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages of the repository's root, and their names in the site."""
_SOURCES = {page: source for source, page in PAGES.items()}
_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, and the files that pages name."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for page in [each.src_uri for each in files.documentation_pages()]:
        for place in _linked(page):
            if files.get_file_from_path(place) is None and (ROOT / place).is_file():
                files.append(File.generated(config, place, abs_src_path=str(ROOT / place)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace the links of the repository by those of the site."""
    markdown = markdown.replace("-->\n|", "-->\n\n|")  # else a table is a part of the comment
    return _LINK.sub(partial(_in_site, _source(page.file.src_uri)), markdown)


def _source(page: str) -> str:
    """Return the path of a page in the repository."""
    return _SOURCES.get(page, f"docs/{page}")


def _linked(page: str) -> Iterator[str]:
    source = _source(page)
    for link in _LINK.findall((ROOT / source).read_text()):
        yield _place(source, link)


def _place(source: str, link: str) -> str:
    """Return where a link of a page leads, from the root of the site."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return PAGES.get(target, target.removeprefix("docs/"))


def _in_site(source: str, link: re.Match[str]) -> str:
    return _place(source, link[1])
