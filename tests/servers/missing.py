"""What to do about a program that a test needs and this machine lacks."""

import os
from typing import NoReturn

import pytest


def missing(program: str, package: str) -> NoReturn:
    """Skip the test with the reason; in CI, which installs all of them, fail it."""
    why = f"{program} is not installed (Debian: apt-get install {package})"
    pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
