"""Two sequences of points in the unit cube: independent, and quasi-random (evenly spread)."""

import random
from itertools import count, islice
from typing import Literal

Method = Literal["random", "quasi_random"]


def unit_point(method: Method, seed: int | str, index: int, dimensions: int) -> tuple[float, ...]:
    """Return one point of a seed's sequence: coordinates in [0, 1).

    The point depends on the arguments only, so a shorter sequence is a prefix of a longer one.
    """
    if method == "quasi_random":
        return _rotated_halton(seed, index, dimensions)
    rng = random.Random(f"{seed}/{index}")
    return tuple(rng.random() for _ in range(dimensions))


def _rotated_halton(seed: int | str, index: int, dimensions: int) -> tuple[float, ...]:
    """Return a point of Halton's sequence, shifted by the seed in each coordinate, modulo 1.

    Sources: J. H. Halton, On the efficiency of certain quasi-random sequences of points in
    evaluating multi-dimensional integrals, Numerische Mathematik 2 (1960) 84-90. R. Cranley and
    T. N. L. Patterson, Randomization of number theoretic methods for multiple integration, SIAM
    Journal on Numerical Analysis 13 (1976) 904-914. A known limit of the sequence: coordinates
    beyond about the tenth are evenly spread only over many points.
    """
    rng = random.Random(f"{seed}/rotation")
    shifts = [rng.random() for _ in range(dimensions)]
    bases = _primes(dimensions)
    return tuple(
        (radical_inverse(index, base) + shift) % 1.0
        for base, shift in zip(bases, shifts, strict=True)
    )


def radical_inverse(index: int, base: int) -> float:
    """Mirror the digits of `index` in this base at the radix point.

    >>> [radical_inverse(index, 2) for index in range(5)]
    [0.0, 0.5, 0.25, 0.75, 0.125]
    """
    mirrored, scale = 0, 1
    while index:
        index, digit = divmod(index, base)
        mirrored, scale = mirrored * base + digit, scale * base
    return mirrored / scale


def _primes(n: int) -> list[int]:
    """Return the first n primes."""
    prime = (p for p in count(2) if all(p % d for d in range(2, int(p**0.5) + 1)))
    return list(islice(prime, n))
