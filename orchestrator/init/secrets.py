"""Generates and checks the secrets of the containers in docker-compose.yml.

Every container waits for `python -m searchctl.orchestrator.init.secrets DIR`. It fails if a file
in DIR is missing or empty, or has the secret of the sample.
"""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from searchctl.orchestrator.web.access import LEAST

SAMPLE = "change-me"
"""Placeholder of every secret in .env.example. No container starts with it."""
_BYTES = 32
_FIX = "remove the old .env and run `searchctl init`, which writes one with new secrets"


def env_values(secret: str | None = None) -> dict[str, str]:
    """Return the secrets by their names in .env: random ones, or `secret` for all of them."""
    password, dashboard, ray = (secret or secrets.token_hex(_BYTES) for _ in range(3))
    return {
        "SEARCHCTL_DATABASE_PASSWORD": password,
        "SEARCHCTL_DATABASE_URL": f"postgresql+psycopg://searchctl:{password}@postgres:5432/searchctl",
        "SEARCHCTL_DASHBOARD_TOKEN": dashboard,
        "SEARCHCTL_RAY_TOKEN": ray,
    }


def problems(given: Mapping[str, str]) -> list[str]:
    """Return the problems of secrets by their names, without quoting a secret."""
    found = []
    for name, value in given.items():
        if SAMPLE in value:
            found.append(f"{name} is the public one of the sample")
        elif len(value) < LEAST:
            found.append(f"{name} is {f'shorter than {LEAST} characters' if value else 'empty'}")
    return found


def read_folder(folder: Path) -> dict[str, str]:
    """Return the containers' secrets from files, such as `ray_token` for SEARCHCTL_RAY_TOKEN.

    A missing file is an empty secret, because Compose creates no file for one.
    """
    files = {name: folder / name.removeprefix("SEARCHCTL_").lower() for name in env_values()}
    return {name: file.read_text().strip() if file.exists() else "" for name, file in files.items()}


def main() -> None:
    """Check the secrets in a directory; exit with code 1 and the problems if there are any."""
    if found := problems(read_folder(Path(sys.argv[1]))):
        sys.exit(f"error: {'; '.join(found)}: {_FIX}")
    print("the secrets are valid")


if __name__ == "__main__":
    main()
