"""Hashed n-grams and their weights, against plain Python that makes every string."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from taxonaut.models.expert.lexical import (
    AT_ONCE,
    BLOCKS,
    BUCKETS,
    GRAM,
    GRAM_CHARACTERS,
    GRAMS,
    KINDS,
    PAIR,
    TITLE,
    TITLE_PAIR,
    WORD,
    WORD_CHARACTERS,
    Lexicon,
    count_ngrams,
    hash_ngrams,
    split_title,
)

pytestmark = pytest.mark.slow

Gram = tuple[int, str]

texts = st.text(
    st.one_of(st.sampled_from("ab1 .-\n\0"), st.sampled_from("éßİﬃ😀🧴\ud800\udfff'_$"), st.characters()),
    max_size=40,
)
CATALOGUE = [
    "Green tea. 100 bags of green leaves",
    "Black tea - loose leaves, 250 g",
    "Tea pot",
    "Green paint | for walls",
    "",
    "?!",
]


def words_of(text: str) -> list[tuple[int, str]]:
    """Return where each word begins, and the word."""
    found: list[tuple[int, str]] = []
    begin = None
    for place, sign in enumerate([*text, " "]):
        inside = sign.isalnum() or ord(sign) >= 0xFFFF
        if inside and begin is None:
            begin = place
        elif not inside and begin is not None:
            found.append((begin, text[begin:place]))
            begin = None
    return found


def grams_of(text: str, *, names: bool = False) -> list[Gram]:
    """Return every n-gram of a text as a string."""
    text = text[:WORD_CHARACTERS].lower()
    words = words_of(text)
    title, rest = split_title(text)
    end = len(title) if rest or names else 0
    found = [(WORD, word) for _, word in words]
    found += [(PAIR, f"{one} {two}") for (_, one), (_, two) in pairwise(words)]
    found += [(TITLE, word) for begin, word in words if begin < end]
    found += [(TITLE_PAIR, f"{one} {two}") for (_, one), (begin, two) in pairwise(words) if begin < end]
    for begin, word in words:
        if begin < GRAM_CHARACTERS:
            whole = f" {word} "
            found += [
                (GRAM, whole[at : at + size])
                for size in GRAMS
                if size < len(whole)
                for at in range(len(whole) - size + 1)
            ]
    return found


def by_text(some: Sequence[str], *, names: bool = False) -> list[Counter[int]]:
    row, found = hash_ngrams(some, names=names)
    return [Counter(found[row == number].tolist()) for number in range(len(some))]


def rows(lexicon: Lexicon, some: Sequence[str]) -> NDArray[np.float32]:
    return np.asarray(lexicon.rows(some).toarray())


def same_shape(one: Counter[int], other: Counter[Gram]) -> bool:
    """Say whether both count as many n-grams as often, kind by kind."""
    ours: dict[int, list[int]] = defaultdict(list)
    theirs: dict[int, list[int]] = defaultdict(list)
    for value, count in one.items():
        ours[value // BUCKETS].append(count)
    for (kind, _), count in other.items():
        theirs[kind].append(count)
    return {kind: sorted(counts) for kind, counts in ours.items()} == {
        kind: sorted(counts) for kind, counts in theirs.items()
    }


@given(st.lists(texts, max_size=5), st.booleans())
def test_equal_strings_and_no_others_have_equal_hashes(some: list[str], names: bool) -> None:
    """A hash value stands for one string of one kind, in whatever text; 2 to the 21 values seldom collide."""
    strings = [Counter(grams_of(text, names=names)) for text in some]
    values = by_text(some, names=names)
    assert all(map(same_shape, values, strings))
    together = sum(strings, Counter())
    assert same_shape(sum(values, Counter()), together) or len(together) > 100


def test_hash_values_are_the_same_in_every_version() -> None:
    row, found = hash_ngrams(["Tea pot. Red"])
    assert row.tolist() == [0] * len(row)
    assert found[:7].tolist() == [695795, 1507665, 785734, 4130655, 4116898, 4890099, 5701969]


def test_long_texts_are_read_from_the_start() -> None:
    long = "word" * 30 + " " + "tea " * 2_000 + "pot"
    values, strings = by_text([long])[0], Counter(grams_of(long))
    assert same_shape(values, strings)
    assert strings[WORD, "tea"] == 970
    assert (WORD, "pot") not in strings
    assert sum(count for (kind, _), count in strings.items() if kind == GRAM) < 900


def test_a_nul_moves_nothing() -> None:
    alone = [by_text([text])[0] for text in ("a\0b tea", "\0", "green tea. leaves", "\0\0x")]
    assert by_text(["a\0b tea", "\0", "green tea. leaves", "\0\0x"]) == alone
    assert alone[0] == by_text(["a b tea"])[0]
    assert alone[1] == Counter()


@pytest.mark.parametrize("sign", ["😀", "\ud800", "İ", "\u0301", "ǅ"])
def test_odd_signs_move_nothing(sign: str) -> None:
    rest = ["green tea. leaves", "pot"]
    assert by_text([sign * 3, *rest])[1:] == by_text(rest)


def test_names_are_titles() -> None:
    assert {value // BUCKETS for value in by_text(["green tea"])[0]} == {WORD, PAIR, GRAM}
    assert {value // BUCKETS for value in by_text(["green tea"], names=True)[0]} == set(KINDS)


@settings(max_examples=20)
@given(st.lists(texts, max_size=8))
def test_counts_are_texts_that_have_the_gram(some: list[str]) -> None:
    values, times = count_ngrams(some)
    together = Counter(value for each in by_text(some) for value in each)
    assert dict(zip(values.tolist(), times.tolist(), strict=True)) == together
    assert values.tolist() == sorted(together)


def slow(texts_in: Sequence[str], some: Sequence[str], always: Sequence[str] = ()) -> list[list[float]]:
    """Return sorted weights of each text, block by block, from strings alone."""
    times = Counter(gram for text in texts_in for gram in set(grams_of(text)))
    needed = {gram for text in always for gram in grams_of(text, names=True)}
    known = {gram for gram, count in times.items() if count >= (2 if gram[0] == GRAM else 1)} | needed
    found = []
    for text in some:
        weights: list[float] = []
        counts = Counter(grams_of(text))
        for first, last in BLOCKS.values():
            block = [
                (1 + math.log(count)) * (math.log((1 + len(texts_in)) / (1 + times[gram])) + 1)
                for gram, count in counts.items()
                if gram in known and first <= gram[0] < last
            ]
            length = math.sqrt(sum(weight**2 for weight in block))
            weights += sorted(weight / length for weight in block)
        found.append(weights)
    return found


def test_rows_are_tfidf_by_block() -> None:
    some = [*CATALOGUE, "green green tea pots, unknown. words"]
    for always in ((), ("Tea", "Wall paints")):
        lexicon = Lexicon.fit(CATALOGUE, always)
        found = rows(lexicon, some)
        for row, wanted in zip(found, slow(CATALOGUE, some, always), strict=True):
            ours = [sorted(row[columns][row[columns] > 0].tolist()) for columns in lexicon.blocks.values()]
            assert [weight for block in ours for weight in block] == pytest.approx(wanted, abs=1e-6)


def test_blocks_divide_the_columns() -> None:
    lexicon = Lexicon.fit(CATALOGUE, ["Wall paints"])
    blocks = list(lexicon.blocks.values())
    assert [blocks[0].start, blocks[-1].stop] == [0, len(lexicon)]
    assert all(one.stop == two.start for one, two in pairwise(blocks))
    for (first, last), columns in zip(BLOCKS.values(), blocks, strict=True):
        kinds = lexicon.buckets[columns] // BUCKETS
        assert ((kinds >= first) & (kinds < last)).all()


@settings(max_examples=20)
@given(st.lists(texts, min_size=1, max_size=6), st.lists(texts, max_size=4))
def test_each_block_of_a_row_has_length_1_or_0(known: list[str], some: list[str]) -> None:
    lexicon = Lexicon.fit(known)
    for row in rows(lexicon, [*known, *some]):
        for columns in lexicon.blocks.values():
            length = float(np.linalg.norm(row[columns]))
            assert length == 0 or length == pytest.approx(1, abs=1e-5)


@settings(max_examples=20)
@given(st.lists(texts, min_size=1, max_size=8), st.integers(1, 4))
def test_rows_are_the_same_however_texts_are_cut(some: list[str], size: int) -> None:
    lexicon = Lexicon.fit(some)
    whole = rows(lexicon, some)
    cut = [rows(lexicon, some[start : start + size]) for start in range(0, len(some), size)]
    assert np.array_equal(np.vstack(cut), whole)


def test_more_texts_than_are_hashed_together() -> None:
    some = [CATALOGUE[number % 6] for number in range(AT_ONCE + 50)]
    lexicon = Lexicon.fit(some)
    assert lexicon.idf.max() == pytest.approx(math.log((1 + len(some)) / (1 + 94)) + 1)
    found = rows(lexicon, some)
    assert found.shape == (len(some), len(lexicon))
    assert np.array_equal(found[AT_ONCE:], rows(lexicon, some[AT_ONCE:]))


def test_a_lexicon_of_nothing_gives_empty_rows() -> None:
    for lexicon in (Lexicon.fit(CATALOGUE, ["Tea"], lexical=False), Lexicon.fit([]), Lexicon.fit(["", "?!"])):
        assert len(lexicon) == 0
        assert lexicon.rows(CATALOGUE).shape == (6, 0)
        assert lexicon.rows([]).shape == (0, 0)
        assert list(lexicon.blocks.values()) == [slice(0, 0)] * 3


def test_unknown_words_and_no_words_give_empty_rows() -> None:
    lexicon = Lexicon.fit(CATALOGUE)
    found = lexicon.rows(["", "?!", "\0", "жук", "😀"])
    assert (found.shape, found.nnz, found.dtype) == ((5, len(lexicon)), 0, np.float32)
    assert lexicon.rows([]).shape == (0, len(lexicon))


@pytest.mark.parametrize("most", [0, 1, 10, 40, 1000])
def test_where_there_are_too_many_the_names_and_the_frequent_stay(most: int) -> None:
    whole, found = Lexicon.fit(CATALOGUE, ["Pot"]), Lexicon.fit(CATALOGUE, ["Pot"], most=most)
    assert len(found) == min(most, len(whole))
    kept = np.isin(whole.buckets, found.buckets)
    assert np.array_equal(whole.buckets[kept], found.buckets)
    assert np.array_equal(whole.idf[kept], found.idf)
    named = np.isin(whole.buckets, count_ngrams(["Pot"], names=True)[0])
    if most >= named.sum():
        assert kept[named].all()
        assert whole.idf[kept & ~named].max(initial=0) <= whole.idf[~kept].min(initial=9)
    else:
        assert not kept[~named].any()


def test_names_are_known_however_rare() -> None:
    without, known = Lexicon.fit(CATALOGUE), Lexicon.fit(CATALOGUE, ["Kettles"])
    assert set(without.buckets.tolist()) < set(known.buckets.tolist())
    assert without.rows(["kettles"]).nnz == 0 or without.rows(["kettles"]).nnz < known.rows(["kettles"]).nnz
    new = known.idf[~np.isin(known.buckets, without.buckets)]
    assert new.max() == pytest.approx(math.log(7) + 1)
