"""Name groups of texts by a noun phrase that members share and siblings do not, without a language model.

A candidate is one to four words of a run of words that no function word, number, unit or punctuation interrupts (two
to twelve characters in a script without spaces). It scores by

- its nearness to the group: the cosine of its vector and the mean of the group's,
- whether it names a kind of thing: on which side its vector lies of the line between words for kinds and words for
  traits (`kind_words.py`), which keeps out brands, materials and praise,
- the share of the group's texts that have it, and the share of its texts that are in the group and not in a sibling,
- how often its last word ends a run in the titles of all texts, as the head of a noun phrase does.

Siblings get different names. `benchmarks/names.py` chose the weights.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from taxonaut.agents.support.kind_words import KINDS, TRAITS
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.languages import ENGLISH, count_languages, stop_words
from taxonaut.models.encoder.phrases import NO_SPACE_CHARACTER, WORD
from taxonaut.tools.write.propose_category import distinguishing_words, fold_name

Embed = Callable[[Sequence[str]], Matrix]
"""Returns the unit vector of each text: float32, shape (n, d)."""

Key = tuple[str, ...]
"""A phrase's words without case and plural."""

CHARACTERS = 160
"""Characters of a text that are read; the beginning says what a thing is."""

MOST_READ = 20_000
"""Texts of which words are counted; of more, every n-th."""

SPOKEN = 0.05
"""Share of the texts in a language from which its function words count."""

MOST_WORDS = 4
MOST_CHARACTERS = 12
"""The longest candidate; `MOST_CHARACTERS` in a script without spaces."""

NAMED_FROM = 400
"""Texts of a group that are read for its name; of more, every n-th."""

COMMON = 0.6
"""Share of all texts that have a word which tells none of them apart."""

CANDIDATES = 24
"""Candidates of a group that are embedded."""

LONGEST_NAME = 80
"""Maximum characters of a text that names a group without candidates."""

WEIGHTS = (26.6, 4.5, 24.0, 2.0, 6.6, -3.3, -8.0, -2.0)
"""Weights of a candidate's measures, see `GroupNamer.measure`."""

SAME_HEAD = 3.0
"""What a candidate gains that ends with a name which a sibling has: *phone cases* next to *cases*."""

COMPOSED = 4.0
"""What is taken from the score of a name that a sibling has, if another phrase of the group is put before it."""

QUALIFIERS, MOST_QUALIFYING = 3, 1
"""Phrases that are tried in front of a name, and how many words they may have."""

SHRINKAGE = 0.6
"""Of the covariance of kinds and traits, the part that is taken to be alike in all directions."""

UNIT = 0.5
"""Share of a word's places behind a number that makes it a unit."""

LONGEST_ACRONYM = 4
"""Letters of a word that a name may have in capitals."""

LOWER = 0.03
"""Share of a word's places in lower case from which it is no brand."""

INCOMPLETE = 0.9
"""Share of a phrase's texts that have it within one longer phrase from which it is a part of that."""

PLURAL = 0.05
"""Share of a word's places in the plural from which a name has it in the plural."""

_TAG = re.compile(r"<[^<>]{1,80}>")
_FIELD = re.compile(r"(?:^|(?<=[.;|,\n]))[^\S\n]*([^\W\d_][\w ]{0,24}):(?=\s)")
_FIELD_END = re.compile(r"[.;|,\n]|\Z")
_TITLE_END = re.compile(r"[.!?](?=\s)|[\n|;•。]")
_GAP = re.compile(r"[^\S\n]*\Z")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*\Z")
_BRAND_FIELDS = frozenset(
    (
        "brand",
        "fabricant",
        "hersteller",
        "manufacturer",
        "marca",
        "marchio",
        "marke",
        "marque",
        "merk",
        "märke",
    )
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as written, and without case and plural."""

    text: str
    key: str
    in_title: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A text's runs of words, its words that follow a number, and its first word."""

    runs: tuple[tuple[Word, ...], ...]
    amounts: tuple[str, ...]
    first: str


@dataclass(slots=True)
class Counts:
    """What the texts of one group have: how many have a phrase, in the title, and its spellings."""

    texts: int = 0
    having: Counter[Key] = field(default_factory=Counter)
    ending: Counter[Key] = field(default_factory=Counter)
    spellings: dict[Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A phrase that may name a group; `qualifies` is its worth in front of another, 0 to 1."""

    key: Key
    name: str
    score: float
    qualifies: float = 0.0


class WordCounts:
    """How the words of all texts are used: as units, as heads of phrases, in the plural."""

    def __init__(self, texts: Sequence[str]) -> None:
        read = texts[:: max(1, -(-len(texts) // MOST_READ))]
        self.function_words = function_words(read)
        self.read = len(read)
        self.words: Counter[str] = Counter()
        self.spread: Counter[str] = Counter()
        self.amounts: Counter[str] = Counter()
        self.titles: Counter[str] = Counter()
        self.heads: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.lowers: Counter[str] = Counter()
        self.plurals: dict[str, Counter[str]] = defaultdict(Counter)
        for text in read:
            self.add(read_text(text, self.function_words))

    def add(self, reading: Reading) -> None:
        """Count the words of a text."""
        self.amounts.update(reading.amounts)
        self.starts[reading.first] += 1
        self.spread.update({word.key for run in reading.runs for word in run})
        for run in reading.runs:
            for word in run:
                self.words[word.key] += 1
                self.titles[word.key] += word.in_title
                self.lowers[word.key] += word.text[0].islower()
                if is_plural(word):
                    self.plurals[word.key][word.text] += 1
            self.heads[run[-1].key] += run[-1].in_title
            self.ends[run[-1].key] += 1

    def is_unit(self, word: str) -> bool:
        """Whether a word mostly follows a number."""
        return self.amounts[word] >= UNIT * max(1, self.words[word])

    def is_common(self, word: str) -> bool:
        """Whether most texts have a word."""
        return self.spread[word] >= COMMON * self.read

    def headship(self, word: str) -> float:
        """Return how often a word ends a run of words in titles, 0 to 1; a half if unknown."""
        return (self.heads[word] + 0.5) / (self.titles[word] + 1)

    def brandship(self, word: str) -> float:
        """Return how much a word behaves as a brand, 0 to 1: begins texts, ends no run, is never in lower case."""
        if not self.words[word] or self.lowers[word] > LOWER * self.words[word]:
            return 0.0
        return min(1.0, self.starts[word] / self.words[word]) * (1 - self.ends[word] / self.words[word])

    def plural(self, word: str) -> str:
        """Return a word's usual plural, if texts have it often enough."""
        found = self.plurals.get(word)
        if not found or found.total() < PLURAL * self.words[word]:
            return ""
        return found.most_common(1)[0][0]


class GroupNamer:
    """Name groups of texts. `texts` returns all texts that may be in groups, `embed` the vectors of phrases.

    `embed_kinds` is asked for the fixed words that tell kinds from traits, `embed` if None; it may store them.
    """

    def __init__(
        self, texts: Callable[[], Sequence[str]], embed: Embed, embed_kinds: Embed | None = None
    ) -> None:
        self._texts = texts
        self._embed = embed
        self._embed_kinds = embed_kinds or embed
        self._vectors: dict[str, Matrix] = {}

    def name(self, groups: Sequence[Sequence[str]], centres: Matrix, taken: Iterable[str] = ()) -> list[str]:
        """Name each group of texts by its unit mean vector (groups, d); no two alike, and none as in `taken`.

        A group without a phrase of its own is named by its first text.
        """
        counted = [self.count(texts) for texts in groups]
        total: Counter[Key] = Counter()
        for counts in counted:
            total.update(counts.having)
        ranked = self.rank(counted, total, centres)
        firsts = [clip(texts[0]) if texts else "" for texts in groups]
        return choose_names(ranked, firsts, taken)

    @cached_property
    def counts(self) -> WordCounts:
        """How words are used in all texts."""
        return WordCounts(self._texts())

    @cached_property
    def kinds(self) -> tuple[npt.NDArray[np.float64], float]:
        """The direction from traits to kinds, and the value in the middle: a linear discriminant, spread 1."""
        kinds = [*KINDS, *(singular_form(kind) for kind in KINDS)]
        vectors = self._embed_kinds([*dict.fromkeys(kinds), *TRAITS]).astype(np.float64)
        named, told = np.split(vectors, [len(vectors) - len(TRAITS)])
        spread = np.concatenate([named - named.mean(axis=0), told - told.mean(axis=0)])
        covariance = spread.T @ spread / len(spread)
        level = np.trace(covariance) / len(covariance)
        shrunk = (1 - SHRINKAGE) * covariance + (SHRINKAGE * level + 1e-9) * np.eye(len(covariance))
        direction = np.linalg.solve(shrunk, named.mean(axis=0) - told.mean(axis=0))
        along = vectors @ direction
        scale = float(along.std()) or 1.0
        middle = float((named.mean(axis=0) + told.mean(axis=0)) @ direction) / 2
        return direction / scale, middle / scale

    def count(self, texts: Sequence[str]) -> Counts:
        """Count the phrases of a group's texts."""
        distinct = dict.fromkeys(texts[:: max(1, -(-len(texts) // NAMED_FROM))])
        counts = Counts(len(distinct))
        for text in distinct:
            found: dict[Key, tuple[str, bool]] = {}
            for run in self.runs(read_text(text, self.counts.function_words)):
                for key, spelling, ends in phrases_of(run):
                    earlier = found.get(key)
                    found[key] = (spelling, ends) if earlier is None else (earlier[0], earlier[1] or ends)
            shouted = text.isupper()
            for key, (spelling, ends) in found.items():
                counts.having[key] += 1
                counts.ending[key] += ends
                counts.spellings[key][spelling.lower() if shouted else spelling] += 1
        return counts

    def runs(self, reading: Reading) -> Iterator[list[Word]]:
        """Yield a text's runs of words, divided at units."""
        for run in reading.runs:
            kept: list[Word] = []
            for word in run:
                if not self.counts.is_unit(word.key):
                    kept.append(word)
                elif kept:
                    yield kept
                    kept = []
            if kept:
                yield kept

    def rank(self, counted: Sequence[Counts], total: Counter[Key], centres: Matrix) -> list[list[Candidate]]:
        """Return the candidates of each group, the best first."""
        chosen = [self.preselect(counts, total) for counts in counted]
        names = [
            [self.spell(key, counts.spellings[key]) for key in keys]
            for keys, counts in zip(chosen, counted, strict=True)
        ]
        vectors = self.embed([name.lower() for group in names for name in group])
        ranked = []
        for keys, spelt, counts, centre in zip(chosen, names, counted, centres, strict=True):
            own, vectors = vectors[: len(keys)], vectors[len(keys) :]
            scores = self.measure(keys, counts, total, own, centre) @ np.array(WEIGHTS)
            worth = [self.qualifying(key, counts, total) for key in keys]
            found = [Candidate(*each) for each in zip(keys, spelt, scores.tolist(), worth, strict=True)]
            ranked.append(sorted(found, key=lambda each: (-round(each.score, 4), each.key)))
        return ranked

    def measure(
        self,
        keys: Sequence[Key],
        counts: Counts,
        total: Counter[Key],
        vectors: Sequence[Matrix],
        centre: Matrix,
    ) -> npt.NDArray[np.float64]:
        """Measure a group's candidates: float64 (keys, 8).

        The columns: the cosine with the group's centre; how far on the side of kinds, in standard deviations; the
        roots of the share of the group's texts that have it and of the share of its texts that are in the group; how
        often its last word is a head; words beyond two; how much its first word behaves as a brand; 1 if it
        is but a part of a longer candidate.
        """
        direction, middle = self.kinds if keys else (np.zeros(0), 0.0)
        rows = [
            (
                float(vector @ centre),
                float(vector @ direction) - middle,
                (counts.having[key] / counts.texts) ** 0.5,
                (counts.having[key] / total[key]) ** 0.5,
                self.counts.headship(key[-1]),
                max(0, len(key) - 2) if not is_wide(key[0]) else 0,
                self.counts.brandship(key[0]),
                float(share_within(key, keys, counts.having) >= INCOMPLETE),
            )
            for key, vector in zip(keys, vectors, strict=True)
        ]
        return np.array(rows, np.float64).reshape(len(rows), len(WEIGHTS))

    def qualifying(self, key: Key, counts: Counts, total: Counter[Key]) -> float:
        """Return a phrase's worth in front of a name: shared, the group's own, and not a brand that begins titles."""
        shares = counts.having[key] / counts.texts * counts.having[key] / total[key]
        return shares * (1 - self.counts.brandship(key[0])) if len(key) <= MOST_QUALIFYING else 0.0

    def preselect(self, counts: Counts, total: Counter[Key]) -> list[Key]:
        """Return the candidates worth embedding: those that two texts have, not most of all, if there are."""
        having = drop_fragments(counts.having)
        often = [key for key in having if having[key] > 1] if counts.texts > 3 else []
        chosen = often or list(having)
        merits = {
            key: having[key]
            * (having[key] / total[key]) ** 0.5
            * (0.3 + counts.ending[key] / having[key] + self.counts.headship(key[-1]))
            for key in [key for key in chosen if not all(map(self.counts.is_common, key))] or chosen
        }
        return sorted(merits, key=lambda key: (-round(merits[key], 6), key))[:CANDIDATES]

    def spell(self, key: Key, spellings: Counter[str]) -> str:
        """Return a phrase as most texts write it, in the plural where that is usual, the first letter large."""
        usual = max(spellings, key=lambda spelling: (spellings[spelling], spelling))
        first, _, last = usual.rpartition(" ")
        plural = self.counts.plural(key[-1])
        if plural and last and last.casefold() == key[-1]:
            last = plural.lower() if last.islower() else plural if last.isupper() else plural.title()
            if "-" in plural or "'" in plural:
                last = plural
        name = " ".join(
            word.capitalize() if word.isupper() and len(word) > LONGEST_ACRONYM else word
            for word in (*first.split(), last)
        )
        return name[0].upper() + name[1:] if name.split()[0].islower() else name

    def embed(self, texts: Sequence[str]) -> list[Matrix]:
        """Return the vectors of phrases; a phrase is embedded once."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if missing:
            self._vectors.update(zip(missing, self._embed(missing), strict=True))
        return [self._vectors[text] for text in texts]


def choose_names(
    ranked: Sequence[Sequence[Candidate]], firsts: Sequence[str], taken: Iterable[str]
) -> list[str]:
    """Choose a name of each group's candidates, the best of all first, so that no two say the same.

    A group whose best is taken prefers one that qualifies it. Without a free candidate it gets its best, or else its
    `firsts`, with a number if that is taken.
    """
    said = {words_of(name) for name in taken}
    names: dict[int, str] = {}
    open_rows = {row: list(found) for row, found in enumerate(ranked) if found}
    qualified: set[int] = set()
    while open_rows:
        for row, found in open_rows.items():
            if row not in qualified and words_of(found[0].name) in said:
                open_rows[row] = qualify(found)
                qualified.add(row)
        free = {
            row: next((each for each in found if words_of(each.name) not in said), None)
            for row, found in open_rows.items()
        }
        scores = {row: each.score for row, each in free.items() if each is not None}
        if not scores:
            break
        row = max(scores, key=lambda row: (scores[row], -row))
        names[row] = next(each.name for each in open_rows.pop(row) if words_of(each.name) not in said)
        said.add(words_of(names[row]))
    for row, (first, candidates) in enumerate(zip(firsts, ranked, strict=True)):
        if row not in names:
            names[row] = number_name(candidates[0].name if candidates else first, said)
            said.add(words_of(names[row]))
    return [names[row] for row in range(len(ranked))]


def qualify(found: Sequence[Candidate]) -> list[Candidate]:
    """Rank a group's candidates again whose best is taken: those that end with it, and it with a qualifier, rise."""
    best, key = found[0], found[0].key
    raised = [replace(each, score=each.score + SAME_HEAD * (each.key[-len(key) :] == key)) for each in found]
    apart = [each for each in found if each.qualifies and not set(each.key) & set(key)]
    for each in sorted(apart, key=lambda each: (-each.qualifies, each.key))[:QUALIFIERS]:
        name = singular_form(each.name) + ("" if is_wide(key[0]) else " ") + best.name
        raised.append(Candidate((*each.key, *key), name, best.score - COMPOSED + each.qualifies))
    return sorted(raised, key=lambda each: (-round(each.score, 4), each.key))


def number_name(name: str, said: set[frozenset[str]]) -> str:
    """Return a name, with a number if it is taken."""
    chosen, number = name, 2
    while words_of(chosen) in said:
        chosen, number = f"{name} ({number})", number + 1
    return chosen


@lru_cache(65_536)
def words_of(name: str) -> frozenset[str]:
    """Return what tells a name from others."""
    return distinguishing_words(fold_name(name))


def function_words(texts: Sequence[str]) -> frozenset[str]:
    """Return the function words of English and of the languages that one in twenty texts is in."""
    found = count_languages(texts)
    spoken = [language for language, count in found.items() if count >= SPOKEN * len(texts)]
    return stop_words(ENGLISH).union(*(stop_words(language) for language in spoken))


def read_text(text: str, function_words: frozenset[str]) -> Reading:
    """Divide the beginning of a text into runs of words, without markup and the names of fields (`Size: …`).

    Function words, words with digits, single letters and the words of a brand's field end a run.
    """
    line = _TAG.sub(" , ", html.unescape(cut_text(text)))
    brand = {
        fold_word(word)
        for found in _FIELD.finditer(line)
        if found[1].strip().casefold() in _BRAND_FIELDS
        for word in WORD.findall(line[found.end() : end_of_field(line, found.end())])
    }
    line = _FIELD.sub("\n", line)
    title = next(
        (found.start() for found in _TITLE_END.finditer(line) if line[: found.start()].strip()), len(line)
    )
    runs: list[tuple[Word, ...]] = []
    amounts: list[str] = []
    run: list[Word] = []
    previous: re.Match[str] | None = None
    for match in WORD.finditer(line):
        gap = "" if previous is None else line[previous.end() : match.start()]
        joined = previous is not None and (not gap or (bool(_GAP.match(gap)) and not is_wide(match[0])))
        key = fold_word(match[0])
        if joined and previous is not None and _NUMBER.match(previous[0]):
            amounts.append(key)
        if run and not joined:
            runs.append(tuple(run))
            run = []
        if is_content(match[0], function_words) and key not in brand:
            run.append(Word(match[0], key, match.start() < title))
        elif run:
            runs.append(tuple(run))
            run = []
        previous = match
    if run:
        runs.append(tuple(run))
    first = WORD.search(line)
    return Reading(tuple(runs), tuple(amounts), fold_word(first[0]) if first else "")


def cut_text(text: str) -> str:
    """Return the beginning of a text that is read, without a last word that may be cut."""
    if len(text) < CHARACTERS:
        return text
    head = text[:CHARACTERS]
    return head.rpartition(" ")[0] or head


def end_of_field(line: str, start: int) -> int:
    """Return where the value of a field ends."""
    found = _FIELD_END.search(line, start)
    return found.start() if found else len(line)


def is_content(word: str, function_words: frozenset[str]) -> bool:
    """Whether a word may be in a name."""
    if word.casefold() in function_words or any(character.isdigit() for character in word):
        return False
    return len(word) > 1 or is_wide(word)


def is_wide(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return bool(NO_SPACE_CHARACTER.match(word))


def phrases_of(run: Sequence[Word]) -> Iterator[tuple[Key, str, bool]]:
    """Yield the phrases of a run: key, spelling, and whether it ends the run in a title."""
    wide = [is_wide(word.text) for word in run]
    for start in range(len(run)):
        most = MOST_CHARACTERS if wide[start] else MOST_WORDS
        for end in range(start + 1, min(start + most, len(run)) + 1):
            if wide[end - 1] != wide[start]:
                break
            if wide[start] and end == start + 1:
                continue
            words = run[start:end]
            key = tuple(word.key for word in words)
            if len(set(key)) == len(key) or wide[start]:
                spelling = ("" if wide[start] else " ").join(word.text for word in words)
                yield key, spelling, end == len(run) and words[0].in_title


def fold_word(word: str) -> str:
    """Return a word without case, and without an English plural's ending."""
    plain = word.casefold()
    if len(plain) < 4 or not plain.endswith("s") or plain[-2] in "suia'’":
        return plain
    if plain.endswith("ies") and len(plain) > 4:
        return plain[:-3] + "y"
    return plain[:-2] if plain.endswith(("ches", "shes", "xes", "sses", "zes")) else plain[:-1]


def is_plural(word: Word) -> bool:
    """Whether a word is written in the plural."""
    return word.text.casefold() != word.key


def singular_form(phrase: str) -> str:
    """Return a phrase with its last word in the singular."""
    first, blank, last = phrase.rpartition(" ")
    single = fold_word(last)
    return first + blank + (last[: len(single)] if last.casefold().startswith(single) else single)


def drop_fragments(having: Counter[Key]) -> Counter[Key]:
    """Leave out phrases of a script without spaces that stand within one longer phrase: pieces of words."""
    within: Counter[Key] = Counter()
    for key, count in having.items():
        if is_wide(key[0]):
            for part in (key[1:], key[:-1]):
                within[part] = max(within[part], count)
    return Counter({key: count for key, count in having.items() if within[key] < INCOMPLETE * count})


def share_within(key: Key, keys: Sequence[Key], having: Counter[Key]) -> float:
    """Return the largest share of a phrase's texts that have it within one longer candidate."""
    size = len(key)
    longer = [
        other
        for other in keys
        if len(other) > size and any(other[at : at + size] == key for at in range(len(other) - size + 1))
    ]
    return max((having[other] for other in longer), default=0) / having[key]


def clip(text: str) -> str:
    """Return a text on one line, cut to `LONGEST_NAME`."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"
