"""The secrets of the containers in docker-compose.yml: drawn by `searchctl init`, checked here.

`python -m searchctl.orchestrator.init.secrets DIR` is what every container waits for: it fails if
one of the files in DIR is missing, empty, or public.
"""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from searchctl.orchestrator.web.access import LEAST

SAMPLE = "change-me"
"""In place of every secret in .env.example; no container starts with it."""
_BYTES = 32
_MEND = "`searchctl init` writes a .env with secrets of its own; remove an older one first"


def env_values(secret: str | None = None) -> dict[str, str]:
    """Return the secrets by their names in .env: drawn, or all the same where `secret` is given."""
    password, dashboard, ray = (secret or secrets.token_hex(_BYTES) for _ in range(3))
    return {
        "SEARCHCTL_DATABASE_PASSWORD": password,
        "SEARCHCTL_DATABASE_URL": f"postgresql+psycopg://searchctl:{password}@postgres:5432/searchctl",
        "SEARCHCTL_DASHBOARD_TOKEN": dashboard,
        "SEARCHCTL_RAY_TOKEN": ray,
    }


def problems(given: Mapping[str, str]) -> list[str]:
    """Return what is wrong with secrets, by their names; quotes none of them."""
    found = []
    for name, value in given.items():
        if SAMPLE in value:
            found.append(f"{name} is the sample's, which everybody knows")
        elif len(value) < LEAST:
            found.append(f"{name} is {f'shorter than {LEAST} characters' if value else 'empty'}")
    return found


def read_folder(folder: Path) -> dict[str, str]:
    """Return the containers' secrets, from files such as `ray_token` for SEARCHCTL_RAY_TOKEN.

    One that is missing is empty: Compose leaves the file of an empty secret out.
    """
    files = {name: folder / name.removeprefix("SEARCHCTL_").lower() for name in env_values()}
    return {name: file.read_text().strip() if file.exists() else "" for name, file in files.items()}


def main() -> None:
    """Check the secrets of a directory: exit code 1, and what is wrong, if one is not secret."""
    if found := problems(read_folder(Path(sys.argv[1]))):
        sys.exit(f"error: {'; '.join(found)}: {_MEND}")
    print("the secrets are in order")


if __name__ == "__main__":
    main()
