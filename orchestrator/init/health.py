"""Asks a service whether it is well: the health checks of docker-compose.yml.

`python -m searchctl.orchestrator.init.health URL` exits with 0 if the URL answers. A request for a
token is an answer: the check has none.
"""

import sys
import urllib.error
import urllib.request
from http import HTTPStatus

_PATIENCE_S = 5.0


def healthy(url: str) -> bool:
    """Say whether a URL answers, or asks who we are."""
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_S):
            return True
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if healthy(sys.argv[1]) else 1)
