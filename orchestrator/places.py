"""Where things are kept when nothing else is said."""

import os

DEFAULT_URL = "sqlite:///searchctl.db"


def database_url(option: str | None, stored: str | None = None) -> str:
    """Return the database's URL: --db, else $SEARCHCTL_DB_URL, else the sweep file's, else here."""
    return option or os.environ.get("SEARCHCTL_DB_URL") or stored or DEFAULT_URL


def db_option_for(url: str) -> str:
    """Return " --db URL" where a command would find another database without it; else nothing."""
    from orchestrator.storage.connect import shown

    if url == database_url(None):
        return ""
    return f" --db {shown(url)}"
