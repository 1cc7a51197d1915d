"""Seeds as functions: the same (sweep seed, images of the sample, epoch, image), the same number.

No seed depends on the state of a random generator. So a killed and resumed run equals an
uninterrupted one. A trial's number is never part of a seed: all trials of a rung use common random
numbers, so their comparisons are paired. A rung's number is no part of it either: one configuration
on one sample has one score in every ladder.
"""

import hashlib

NUMERICS = 2
"""Incremented when a job gives other numbers than with the version before. 2: the order of the
images by class shares, and seeds without the rung's number."""


def derive_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2**32) that depends on each part and on the order of the parts.

    >>> derive_seed(7, "init", 0) == derive_seed(7, "init", 0)
    True
    >>> derive_seed(7, "init", 0) == derive_seed(7, "init", 1)
    False
    """
    # the type is part of the text, so that 1 and "1" give different seeds
    text = "/".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
