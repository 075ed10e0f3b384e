"""Synthetic products that show a head the categories' names (label augmentation, Dual-Expert 3.1.1, figure 2)."""

import random
from collections.abc import Sequence

from taxonaut.models.encoder import PATH_SEPARATOR
from taxonaut.models.titles import divided

MASKED = 0.5
"""Share of the steps above a category that are left out of its path."""


def synthetic(
    texts: Sequence[str], paths: Sequence[Sequence[str]], share: float, seed: int
) -> list[tuple[int, str]]:
    """Make `share` times as many synthetic texts as there are: the number of a product and its new text.

    `paths` are those of the products' categories. A product's title or its description gives way to the path of
    its category, with random steps masked but never the last; where there is nothing but a title, the path
    stands alone.
    """
    chance = random.Random(seed)
    count = round(share * len(texts))
    places = [place for _ in range(-(-count // max(len(texts), 1))) for place in shuffled(texts, chance)]
    return [(place, replaced(texts[place], paths[place], chance)) for place in places[:count]]


def shuffled(texts: Sequence[str], chance: random.Random) -> list[int]:
    """Return all places in a random order."""
    return chance.sample(range(len(texts)), len(texts))


def replaced(text: str, path: Sequence[str], chance: random.Random) -> str:
    """Put a masked path in the place of a text's title or description."""
    title, description = divided(text)
    shown = masked(path, chance)
    if not description:
        return shown
    return f"{shown}. {description}" if chance.random() < 0.5 else f"{title} {shown}"


def masked(path: Sequence[str], chance: random.Random) -> str:
    """Return a path without some of its steps; its last one stays."""
    kept = [step for step in path[:-1] if chance.random() >= MASKED]
    return PATH_SEPARATOR.join([*kept, path[-1]])
