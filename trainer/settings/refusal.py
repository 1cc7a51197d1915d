"""Refuses settings with problems that have their own paths in the file and their own messages."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from searchctl.searchspace.errors import Problem

REFUSED = "problem"
"""Type of the errors from `refuse`. Their paths and messages are final."""


def refuse(problems: Sequence[Problem], given: object) -> ValidationError:
    """Return a validation error for problems that have their own paths; validators raise it."""
    return ValidationError.from_exception_data(
        "sweep",
        [
            InitErrorDetails(
                # as a parameter, because pydantic would read braces in a message as placeholders
                type=PydanticCustomError(REFUSED, "{message}", {"message": message}),
                loc=path,
                input=given,
            )
            for path, message in problems
        ],
    )
