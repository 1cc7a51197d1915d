"""Where things are kept when nothing else is said."""

import os

DEFAULT_URL = "sqlite:///searchctl.db"


def database_url(option: str | None, stored: str | None = None) -> str:
    """Return the database's URL: --db, else $SEARCHCTL_DB_URL, else the sweep file's, else here."""
    return option or os.environ.get("SEARCHCTL_DB_URL") or stored or DEFAULT_URL
