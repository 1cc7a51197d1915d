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
