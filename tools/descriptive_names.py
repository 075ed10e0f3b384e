"""Descriptive names that no model writes: the shortest end of each path that no other path shares."""

from collections import Counter
from collections.abc import Sequence

JOINER = " > "


def short_ends(paths: Sequence[Sequence[str]]) -> list[str]:
    """Return the shortest end of each path that sets it apart; paths that are equal keep all of theirs.

    The case of letters does not set names apart.

    >>> short_ends([("Toys", "Balls"), ("Sports", "Balls"), ("Sports", "Nets")])
    ['Toys > Balls', 'Sports > Balls', 'Nets']
    """
    folded = [tuple(name.casefold() for name in path) for path in paths]
    lengths = [0] * len(paths)
    waiting = list(range(len(paths)))
    length = 0
    while waiting:
        length += 1
        shared = Counter(folded[row][-length:] for row in range(len(paths)))
        for row in waiting:
            lengths[row] = length
        waiting = [row for row in waiting if shared[folded[row][-length:]] > 1 and length < len(folded[row])]
    return [JOINER.join(path[-length:]) for path, length in zip(paths, lengths, strict=True)]
