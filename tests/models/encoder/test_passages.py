"""Passages of long texts: where they are cut, what is read of them, and how they are scored."""

from itertools import pairwise

import numpy as np
import pytest
from fakes import bag_embedder
from hypothesis import example, given
from hypothesis import strategies as st

from taxonaut.models.encoder.passages import PassageSettings, cut_passages, cut_sentences, fit_passages
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.state.errors import InputError
from taxonaut.state.records import Place

SMALL = PassageSettings(whole=12, tokens=10, sentence=5)


def passages(text: str, settings: PassageSettings = SMALL) -> list[str]:
    return [text[each.start : each.end] for each in cut_passages(text, settings).read]


def test_a_short_text_is_one_passage_with_its_spaces() -> None:
    text = "  One kettle.\n\nTwo lamps. "
    assert passages(text) == [text]
    assert cut_passages("", SMALL).total == 1


def test_passages_end_where_sentences_end() -> None:
    assert passages(
        "The tea was cold. We bought a kettle! Then the lamp broke… A new one came.\nIt is green."
    ) == [
        "The tea was cold. ",
        "We bought a kettle! Then the lamp broke… ",
        "A new one came.\nIt is green.",
    ]


def test_a_sentence_longer_than_a_passage_is_cut_between_words_with_an_overlap() -> None:
    text = " ".join(f"w{number}" for number in range(40))
    found = passages(text, PassageSettings(whole=20, tokens=20))
    assert found[0].split()[-1] in found[1].split()
    assert all(each.split() == [word for word in each.split() if word in text.split()] for each in found)
    assert {word for each in found for word in each.split()} == set(text.split())


@pytest.mark.parametrize("unit", ["word ", "字", "-", "\n", "é", "a\n", "🙂 ", ". ", " "])
def test_any_text_is_covered_without_gaps_by_bounded_passages(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    found = cut_passages(text, PassageSettings(most=100_000)).read
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(before.end >= after.start for before, after in pairwise(found))


@given(st.text(max_size=120), st.integers(1, 8))
@example("㐀\r", 1)
def test_every_character_of_any_text_is_in_a_passage(text: str, tokens: int) -> None:
    found = cut_passages(text, PassageSettings(whole=tokens, tokens=tokens, most=10_000)).read
    covered = {place for each in found for place in range(each.start, each.end)}
    assert covered == set(range(len(text)))
    assert [each.number for each in found] == list(range(1, len(found) + 1))


def test_of_too_many_passages_some_are_read_from_the_first_to_the_last() -> None:
    text = "\n".join(f"Line {number} says something." for number in range(100))
    found = cut_passages(text, PassageSettings(whole=10, tokens=10, most=5))
    assert [each.number for each in found.read] == [1, 26, 51, 75, 100]
    assert found.total == 100
    one = cut_passages(text, PassageSettings(whole=10, tokens=10, most=1))
    assert [each.number for each in one.read] == [1]


def test_passages_fit_what_an_embedder_reads() -> None:
    assert fit_passages(PassageSettings(), None) == PassageSettings()
    assert fit_passages(PassageSettings(), 256) == PassageSettings()
    assert fit_passages(PassageSettings(), 128) == PassageSettings(whole=115, tokens=102)


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="tokens is 0; give a number from 1"):
        PassageSettings(tokens=0)


def test_a_passage_is_cut_into_sentences() -> None:
    text = "We bought a red kettle. It is new. The lamp on the desk broke again."
    assert cut_sentences(text, PassageSettings(sentence=10)) == [
        "We bought a red kettle. ",
        "It is new. ",
        "The lamp on the desk broke again.",
    ]
    assert cut_sentences(" ") == [" "]


def test_a_long_text_scores_as_the_passage_that_fits_best() -> None:
    """With the mean of the passage and its best sentence in place of the whole text."""
    settings = ScoreSettings(mix=0.5, passages=SMALL)
    scorer = TextScorer(bag_embedder(), settings)
    text = "The tea was cold in the morning. Nobody of us has seen it. We bought a red kettle yesterday. "
    text += "The lamp on the desk broke again."
    options = scorer.embedder.embed(["red kettle", "lamp", "cheese"])
    items = scorer.items([text, "lamp"])
    scores, evidence = scorer.score(items, options)
    alone = scorer.items(passages(text))
    whole = alone.whole @ options.T
    best = [scorer.embedder.embed(cut_sentences(each, SMALL)) @ options.T for each in passages(text)]
    sentence = np.array([each.max(axis=0) for each in best])
    expected = scorer.score(alone, options)[0] - 0.5 * whole + 0.25 * (whole + sentence)
    np.testing.assert_allclose(scores[0], expected.max(axis=0), atol=1e-6)
    np.testing.assert_allclose(scores[1], scorer.score(scorer.items(["lamp"]), options)[0][0], atol=1e-6)
    at = text.index("red kettle")
    number = next(n for n, each in enumerate(passages(text), start=1) if "red kettle" in each)
    assert evidence.find(0, [0]) == [("red kettle", Place(at, at + 10, number, len(passages(text))))]
    assert evidence.find(1, [1]) == [("lamp", Place(0, 4, 1, 1))]


def test_items_that_are_taken_keep_their_passages() -> None:
    scorer = TextScorer(bag_embedder(), ScoreSettings(mix=0.5, passages=SMALL))
    texts = ["a red lamp. " * 8, "green tea", "old kettle. new door. " * 6]
    options = scorer.embedder.embed(["lamp", "tea", "kettle", "door"])
    items = scorer.items(texts)
    scores, _ = scorer.score(items, options)
    taken, evidence = scorer.score(items.take([2, 0]), options)
    np.testing.assert_allclose(taken, scores[[2, 0]], atol=1e-6)
    assert evidence.phrases(1, [0]) == ["lamp"]


def test_memory_of_a_long_text_is_bounded_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text whose phrases do not fit into a block is scored as one whose phrases do."""
    scorer = TextScorer(bag_embedder(), ScoreSettings(mix=0.5, passages=SMALL))
    items = scorer.items(["a red lamp. green tea is here. " * 20, "kettle"])
    options = scorer.embedder.embed(["lamp", "tea", "kettle"])
    whole, _ = scorer.score(items, options)
    monkeypatch.setattr("taxonaut.models.encoder.scorer._BLOCK", 10)
    np.testing.assert_allclose(scorer.score(items, options)[0], whole, atol=1e-6)
