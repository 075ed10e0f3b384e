"""Vectors of what options are called and said to be: names, paths, alternative names, descriptions."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_space import PATH_SEPARATOR
from taxonaut.models.requests import OptionText
from taxonaut.state.text_words import without_qualifier

PENALTY = 0.05
"""Subtracted from the score of an option's texts together, see `Gists`."""

_WORD = re.compile(r"[^\W\d_]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]|[^\x00-\x7f]")
_LONGEST_CODE_WORD = 3
_PLAIN = re.compile(r"[^\W\d_][^\W\d_A-Z]*")

Lookup = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class Gists:
    """Unit vectors of all texts together (k, d), of those options that have more than a name, by their rows.

    An option's score is that of its name or path, or that of its gist less `PENALTY`, whichever is higher: one more
    vector whatever the number of its texts, so that options with many do not win by number. Chosen on the
    development parts of ESCO, see `benchmarks/label_texts.py`.
    """

    rows: npt.NDArray[np.intp]
    vectors: Matrix

    def take(self, rows: Sequence[int]) -> "Gists":
        """Return those of some options, in the order given."""
        place = {int(row): at for at, row in enumerate(self.rows)}
        found = [(new, place[row]) for new, row in enumerate(rows) if row in place]
        return Gists(np.array([new for new, _ in found], np.intp), self.vectors[[at for _, at in found]])


def is_code(name: str) -> bool:
    """Return whether a name says nothing by itself, as `cs.CL`, `H0412` and `01.1` do.

    A code has no word of four letters with a vowel, and is not one plain word, such as `Tea`.
    """
    words = _WORD.findall(name)
    if any(len(word) > _LONGEST_CODE_WORD and _VOWEL.search(word) for word in words):
        return False
    return not (_PLAIN.fullmatch(name) and _VOWEL.search(name)) and name.isascii()


def compared_texts(options: Sequence[str | OptionText]) -> list[str]:
    """Return the distinct texts whose vectors `option_vectors` and `gists` look up."""
    texts = [option if isinstance(option, str) else option.text for option in options]
    own = (part for text in texts for part in _parts(text))
    return list(dict.fromkeys([*own, *(text for option in options for text in _others(option))]))


def option_vectors(options: Sequence[str | OptionText], lookup: Lookup) -> Matrix:
    """Return the vectors of options' names or paths, unit rows (n, d); of their other texts, if the name is a code.

    A path `a > b > c` becomes the mean of its name `c` and of `b > c`: on trees that is nearer to the items than the
    name, the parent and name, or the whole path (`benchmarks/phrases.py`). A name with a qualifier, `Java (computer
    programming)`, becomes the mean of the name with it and without: texts seldom say it.
    """
    texts = [option if isinstance(option, str) else option.text for option in options]
    coded = [at for at, option in enumerate(options) if not isinstance(option, str) and _is_coded(option)]
    parents, names = zip(*map(_parts, texts), strict=True) if texts else ((), ())
    find = _Found([*parents, *names, *(text for at in coded for text in _others(options[at]))], lookup)
    vectors = _unit(find(parents) + find(names))
    for at in coded:
        vectors[at] = _others_mean(options[at], find)
    return vectors


def gists(options: Sequence[str | OptionText], lookup: Lookup) -> Gists | None:
    """Return the gists of options: the mean of their own vector and of that of their other texts.

    Alternative names count together as much as the description. None if no option has other texts; a code, whose own
    vector is that of its other texts, needs none.
    """
    rows = [
        at
        for at, option in enumerate(options)
        if not isinstance(option, str) and _others(option) and not _is_coded(option)
    ]
    if not rows:
        return None
    find = _Found([text for at in rows for text in _others(options[at])], lookup)
    own = option_vectors([options[at] for at in rows], lookup)
    others = np.array([_others_mean(options[at], find) for at in rows], np.float32)
    return Gists(np.array(rows, np.intp), _unit(own + others))


def _parts(text: str) -> tuple[str, str]:
    """Return the last two names of a path, joined, and the last, without its qualifier."""
    names = text.split(PATH_SEPARATOR)[-2:]
    return PATH_SEPARATOR.join(names), without_qualifier(names[-1])


def _is_coded(option: OptionText) -> bool:
    return bool(_others(option)) and is_code(option.text.rpartition(PATH_SEPARATOR)[2])


def _others(option: str | OptionText) -> tuple[str, ...]:
    if isinstance(option, str):
        return ()
    return (*option.alternatives, option.description) if option.description else option.alternatives


def _others_mean(option: str | OptionText, find: "_Found") -> Matrix:
    if isinstance(option, str):
        raise TypeError(option)
    kinds = [option.alternatives, (option.description,) if option.description else ()]
    return _unit(np.array([_unit(find(texts).mean(axis=0)) for texts in kinds if texts]).mean(axis=0))


class _Found:
    """The vectors of distinct texts, looked up in one call."""

    def __init__(self, texts: Sequence[str], lookup: Lookup) -> None:
        distinct = list(dict.fromkeys(texts))
        self._row = {text: place for place, text in enumerate(distinct)}
        self._vectors = lookup(distinct)

    def __call__(self, texts: Sequence[str]) -> Matrix:
        found: Matrix = self._vectors[[self._row[text] for text in texts]]
        return found


def _unit(vectors: Matrix) -> Matrix:
    unit: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-6))
    return unit
