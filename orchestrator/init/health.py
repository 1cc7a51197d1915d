"""Health checks of the services in docker-compose.yml.

`python -m searchctl.orchestrator.init.health URL` exits with 0 if the URL answers. The answer 401
counts too, because the check has no token.
"""

import sys
import urllib.error
import urllib.request
from http import HTTPStatus

_TIMEOUT_S = 5.0


def healthy(url: str) -> bool:
    """Return whether a URL answers, possibly with 401."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if healthy(sys.argv[1]) else 1)
