"""Name clusters of texts without a language model: class-based tf-idf, tf-idf, unique path suffixes."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

PATH_JOINER = " > "


def shortest_unique_suffixes(paths: Sequence[Sequence[str]]) -> list[str]:
    """Return the shortest suffix of each path that is unique, ignoring case; equal paths stay whole.

    >>> shortest_unique_suffixes([("Toys", "Balls"), ("Sports", "Balls"), ("Sports", "Nets")])
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
    return [PATH_JOINER.join(path[-length:]) for path, length in zip(paths, lengths, strict=True)]


_TERM = re.compile(r"[^\W_][\w+#'’&-]*")
JOINER = ", "

LONGEST_TERM = 40
"""Maximum characters of a term in a name; in scripts without spaces a whole label may be one term."""

LONGEST_TEXT = 80
"""Maximum characters of a text that names a class without terms."""


def name_centres(classes: Sequence[Sequence[str]], terms: int = 3) -> list[str]:
    """Name each class of texts uniquely by its best terms.

    Terms are ranked by class-based tf-idf, tf · log(1 + A / f) with A the mean number of terms in a class and f a
    term's count in all classes (Grootendorst 2022, BERTopic). Terms in more than half of the classes are stop words;
    a term that shares a prefix with a chosen one is skipped (*fish*, *fishing*). A class without terms is named by
    its first text.
    """
    names: list[str] = []
    for texts, ranked in zip(classes, _class_terms(classes), strict=True):
        names.append(_new_name(ranked, terms, _clip(texts[0], LONGEST_TEXT), names))
    return names


def class_terms(classes: Sequence[Sequence[str]], terms: int = 6) -> list[tuple[str, ...]]:
    """Return the best terms of each class of texts, ranked as in `name_centres`; none for a class without texts.

    Terms that occur once in a class, such as brands, are skipped if there are others.
    """
    return [tuple(islice(ranked, terms)) for ranked in _class_terms(classes, least=2)]


def tfidf_terms(texts: Sequence[str], terms: int = 3) -> list[tuple[str, ...]]:
    """Return each text's best terms by tf-idf, tf · log(n / d) with d the number of the n texts that have a term.

    A term that shares a prefix with a chosen one is skipped (*fish*, *fishing*).
    """
    spread = Counter[str]()
    spellings: dict[str, Counter[str]] = {}
    for text in texts:
        (count,), spelling = _count_terms([[text]])
        spread.update(count.keys())
        for term, word in spelling.items():
            spellings.setdefault(term, Counter())[word] += 1
    found = []
    for text in texts:
        (count,), _ = _count_terms([[text]])
        weights = {term: tf * math.log(len(texts) / spread[term]) for term, tf in count.items()}
        best = islice(_rank_terms(weights), terms)
        found.append(tuple(_clip(spellings[term].most_common(1)[0][0], LONGEST_TERM) for term in best))
    return found


def _class_terms(classes: Sequence[Sequence[str]], least: int = 1) -> Iterator[Iterator[str]]:
    """Yield the ranked terms of each class; only those with at least `least` occurrences, if there are any."""
    counts, spelling = _count_terms(classes)
    spread = Counter(term for count in counts for term in count)
    frequency = Counter[str]()
    for count in counts:
        frequency.update(count)
    mean = sum(frequency.values()) / max(1, len(classes))
    for count in counts:
        often = {term: tf for term, tf in count.items() if tf >= least} or count
        weights = {term: tf * math.log(1 + mean / frequency[term]) for term, tf in often.items()}
        telling = {term: weight for term, weight in weights.items() if spread[term] * 2 <= len(classes)}
        yield (_clip(spelling[term], LONGEST_TERM) for term in _rank_terms(telling or weights))


def _count_terms(classes: Sequence[Sequence[str]]) -> tuple[list[Counter[str]], Mapping[str, str]]:
    """Count the terms of each class, and return the most frequent spelling of each."""
    counts: list[Counter[str]] = []
    spellings: dict[str, Counter[str]] = {}
    for texts in classes:
        count = Counter[str]()
        for text in texts:
            for found in _TERM.findall(text):
                word = found.rstrip("'’&-")
                term = word.casefold()
                if len(term) > 1 or not term.isascii():
                    count[term] += 1
                    spellings.setdefault(term, Counter())[word] += 1
        counts.append(count)
    return counts, {term: spelt.most_common(1)[0][0] for term, spelt in spellings.items()}


def _rank_terms(weights: Mapping[str, float]) -> Iterator[str]:
    """Yield terms by falling weight, skipping those that share a prefix with a former one."""
    given: list[str] = []
    for term in sorted(weights, key=lambda term: (-round(weights[term], 9), term)):
        if not any(term.startswith(other) or other.startswith(term) for other in given):
            given.append(term)
            yield term


def _clip(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _new_name(ranked: Iterator[str], terms: int, first: str, taken: Sequence[str]) -> str:
    chosen = list(islice(ranked, terms))
    base = name = JOINER.join(chosen) or first
    while name in taken and (more := next(ranked, None)) is not None:
        chosen.append(more)
        name = JOINER.join(chosen)
    number = 2
    while name in taken:
        name = f"{base} ({number})"
        number += 1
    return name
