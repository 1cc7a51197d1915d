"""The most trials of one sweep at a time: a number, or a share of what a cluster has room for."""


def most_at_once(limit: int | str | None, slots: int) -> int:
    """Return how many trials may run at a time where `slots` fit; a share allows at least one.

    >>> most_at_once(None, 8), most_at_once(3, 8), most_at_once("50%", 8), most_at_once("50%", 1)
    (8, 3, 4, 1)
    """
    if limit is None or not slots:
        return slots
    if isinstance(limit, int):
        return min(limit, slots)
    return max(1, slots * int(limit.rstrip("%")) // 100)
