"""The words of a text that speak most for a category: an expert's reason, in short."""

import numpy as np

from taxonaut.models.expert_parts import Part
from taxonaut.models.lexical import Lexicon, spelled

SHOWN = 4
"""Words, or pairs of words, that are named at most."""

LEAST = 0.1
"""What a word says, as a share of the first, to be named."""


def telling(text: str, lexicon: Lexicon, part: Part, column: int) -> str:
    """Name the words and pairs of a text that speak most for a category, such as `laptop, messenger bag`.

    What a word says is what it adds to the category's score (`part`, its words dense) beyond what it adds to an
    average category's. A pair says what it and its words say. Empty where no word that is known speaks for it.
    """
    known = lexicon.rows([text])
    strings = spelled(text)
    columns = known.indices[known.indices < lexicon.blocks["words"].stop]
    if not len(columns):
        return ""
    rows = np.asarray(part.words)[columns]
    said = known.data[: len(columns)] * (rows[:, column] - rows.mean(axis=1))
    worth = {
        strings[value]: float(each)
        for value, each in zip(lexicon.buckets[columns].tolist(), said, strict=True)
    }
    whole = {words: each + sum(alone(worth, words)) for words, each in worth.items()}
    found: list[tuple[str, ...]] = []
    for words in sorted(whole, key=lambda words: -whole[words]):
        first = whole[found[0]] if found else 0.0
        if len(found) == SHOWN or len(words[0]) == 1 or worth[words] <= 0 or whole[words] <= LEAST * first:
            continue
        if not {word for each in found for word in each}.intersection(words):
            found.append(words)
    return ", ".join(map(written, found))


def written(words: tuple[str, ...]) -> str:
    """Write a word or a pair as in a text; the `s` of a genitive counts as a word."""
    return f"{words[0]}'s" if words[1:] == ("s",) else " ".join(words)


def alone(worth: dict[tuple[str, ...], float], words: tuple[str, ...]) -> list[float]:
    """Return what the words of a pair say by themselves."""
    return [worth.get((word,), 0.0) for word in words] if len(words) > 1 else []
