"""Misleading contents of image and mask files."""

from collections import Counter
from collections.abc import Iterator, Sequence

from searchctl.trainer.data.checks.leaks import counted
from searchctl.trainer.data.checks.report import SplitReport
from searchctl.trainer.data.checks.traits import (
    files_of_several_pictures,
    see_through_images,
    turned_images,
)
from searchctl.trainer.data.facts.image_facts import ImageFacts
from searchctl.trainer.data.sets.base import MOST_COLOURS, Colour

_LISTED = 4
"""Colours that a message lists."""


def palette_problems(splits: Sequence[SplitReport]) -> Iterator[str]:
    """Report where one value has two colours in the palettes of masks: the numbers mean nothing."""
    first: dict[int, tuple[Colour, str]] = {}
    for report in splits:
        for name, facts in zip(report.names, report.facts, strict=True):
            for value, colour in facts.seen.palette if facts else ():
                before, where = first.setdefault(value, (colour, name))
                if before != colour:
                    yield (
                        f"the palettes of masks differ: value {value} is {before} in the mask of "
                        f"{where}, and {colour} in that of {name}: give each class its colour "
                        "(classes: {name: [red, green, blue]}), or save masks without a palette"
                    )
                    return


def pixel_warnings(splits: Sequence[SplitReport]) -> Iterator[str]:
    """Report images that viewers show differently from how they are read."""
    read = [
        (f"{report.split}/{name}", facts)
        for report in splits
        for name, facts in zip(report.names, report.facts, strict=True)
        if facts
    ]
    turned = [name for name, facts in read if facts.seen.turned]
    if turned:
        yield (
            f"{turned_images(turned)}: masks are taken to be drawn on the stored pixels. If they "
            "were drawn on what is shown, save the images upright, without EXIF data"
        )
    masks = [name for name, facts in read if facts.seen.mask_turned]
    if masks:
        yield (
            f"the masks of {counted(masks, 'image')} are shown turned, by EXIF data, and their "
            "images are not. Masks are read as they are stored: save them upright, without EXIF "
            "data"
        )
    several = [name for name, facts in read if facts.seen.pictures > 1]
    if several:
        yield (
            f"{files_of_several_pictures(several)}. If it is not the picture of the mask, write "
            "each to its own file"
        )
    yield from _colour_warnings(read)
    clear = [name for name, facts in read if facts.seen.see_through]
    if clear:
        yield see_through_images(clear)


def _colour_warnings(read: Sequence[tuple[str, ImageFacts]]) -> Iterator[str]:
    """Report colours of no class: forgotten classes, or edges that are no longer hard."""
    many = [name for name, facts in read if len(facts.seen.strays) >= MOST_COLOURS]
    if many:
        yield (
            f"the masks of {counted(many, 'image')} hold many colours of no class each, as masks "
            "do that were resized or drawn with smooth edges: these pixels are ignored. Draw or "
            "export masks with hard edges"
        )
    few = [(name, facts) for name, facts in read if 0 < len(facts.seen.strays) < MOST_COLOURS]
    if few:
        masks = Counter(colour for _, facts in few for colour in facts.seen.strays)
        listed = ", ".join(str(colour) for colour, _ in masks.most_common(_LISTED))
        yield (
            f"the masks of {counted([name for name, _ in few], 'image')} hold colours of no "
            f"class, which are ignored: {listed}. If one is a class, give it a name in classes"
        )
    clear = [name for name, facts in read if facts.seen.mask_see_through]
    if clear:
        yield (
            f"the masks of {counted(clear, 'image')} are partly transparent: colours are read as "
            "they are, and opacity is not. If it says what is an object, save it as the mask"
        )
