"""A score of one's own: searchctl knows it as my_scores:crack_f2."""

from numpy import ndarray


def crack_f2(counts: ndarray, loss_sums: ndarray, pixels: ndarray) -> float:
    """Return the F2 score of class 1, in which a missed crack costs more than a false alarm.

    Args:
        counts: [images, classes, 3] true positives, false positives and false negatives in pixels.
        loss_sums: [images] cross entropy, summed over pixels.
        pixels: [images] pixels with a class.
    """
    hits, alarms, misses = counts[:, 1].sum(axis=0)
    return float(5 * hits / (5 * hits + 4 * misses + alarms))
