"""Settings that are texts of a given form."""

import re

from pydantic import AfterValidator, WithJsonSchema


def text_like(pattern: str, examples: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Return what goes into an `Annotated[str, ...]`: its form, for the check and the editor.

    Args:
        pattern: a regular expression for the whole text.
        examples: what a refusal says that it must be.
    """

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {examples}, not {text!r}")
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


def numbers_as_text(written: object) -> object:
    """Return a list as the text that stands for it; anything else unchanged.

    >>> numbers_as_text([6, 12, 18])
    '6,12,18'

    Raises:
        ValueError: it is a single number, as if the list were the choices of an axis.
    """
    if isinstance(written, int):
        raise ValueError("must be a list such as [6, 12, 18]; as an axis, a list of such lists")
    if isinstance(written, (list, tuple)):
        return ",".join(map(str, written))
    return written


def name_without_scheme(name: str) -> str:
    """Refuse timm's names of other places, which would be read or downloaded from there.

    Raises:
        ValueError: the name has a scheme, such as hf-hub: or local-dir:.
    """
    if ":" in name:
        raise ValueError(
            f"{name!r} names a place, not an encoder of timm's: name the encoder, and its own "
            "weights by init: pretrained and weights: FILE"
        )
    return name
