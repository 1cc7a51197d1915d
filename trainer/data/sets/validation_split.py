"""A validation split for data sets that have none: the same for everyone, seeds take no part."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.sets.files import Pair
from searchctl.trainer.data.settings import Split


def validation_split(
    names: Iterable[str], one_in: int, stratum: Callable[[str], str] = lambda name: ""
) -> frozenset[str]:
    """Choose the names with the lowest hashes, the same share of each stratum.

    A name's hash depends on no other name, so a few names more or less move few from one side to
    the other.

    Args:
        names: of images, or of groups of images that are to stay together.
        one_in: one in so many is validation, rounded down; but one of any two or more.
        stratum: what a name is of, such as its breed; all of one by default.
    """
    strata = defaultdict(list)
    for name in names:
        strata[stratum(name)].append(name)
    return frozenset(name for some in strata.values() for name in _lowest(some, one_in))


def split_in_two(pairs: Sequence[Pair], val: frozenset[str]) -> dict[Split, tuple[Pair, ...]]:
    """Return the pairs with those of these names validating, and none to test on."""
    return {
        "train": tuple(pair for pair in pairs if pair.name not in val),
        "val": tuple(pair for pair in pairs if pair.name in val),
        "test": (),
    }


def _lowest(names: list[str], one_in: int) -> list[str]:
    count = max(len(names) // one_in, min(1, len(names) - 1))
    return sorted(names, key=lambda name: (derive_seed("val", name), name))[:count]
