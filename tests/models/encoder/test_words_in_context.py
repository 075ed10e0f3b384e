"""Words compared in context: scores of names, the ranking they change, and embedders without vectors of words."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import FakeEmbedder, bag_embedder

from taxonaut.models.embedder import TextInContext
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.words import Vocabulary
from taxonaut.models.encoder.words_in_context import ContextCache, ContextMatch
from taxonaut.state.text_words import without_qualifier

WORDS = ["red", "boot", "lamp", "green", "shop", "tools"]


class WordEmbedder(FakeEmbedder):
    """Texts are the means of their words, which are unit vectors at right angles."""

    reads_words = True

    def __init__(self) -> None:
        super().__init__("words", len(WORDS) + 1, lambda text: self.read(text).vector)

    def embed_in_context(self, texts: Sequence[str], *, queries: bool = False) -> list[TextInContext]:
        self.calls.append(list(texts))
        return [self.read(text) for text in texts]

    def read(self, text: str) -> TextInContext:
        words = tuple(text.replace("(", " ").replace(")", " ").split())
        starts = tuple(text.index(word) for word in words)
        rows = np.zeros((len(words), self.dimension), np.float32)
        for row, word in zip(rows, words, strict=True):
            row[WORDS.index(word) if word in WORDS else -1] = 1
        mean = rows.mean(axis=0) if words else np.eye(self.dimension, dtype=np.float32)[-1]
        return TextInContext(mean / np.linalg.norm(mean), words, starts, rows.astype(np.float16))


def match(names: Sequence[str]) -> ContextMatch:
    return ContextMatch(ContextCache(WordEmbedder().embed_in_context, 100), Vocabulary(names))


def test_rare_words_of_a_name_count_more() -> None:
    names = ["red boot", "red lamp", "red shop", "red"]
    rare, common = np.log(1 + 4) ** 1.5, np.log(1 + 4 / 4) ** 1.5
    scores = match(names).score(WordEmbedder().read("red red boot boot green"), names)
    np.testing.assert_allclose(scores, [1, common / (rare + common), common / (rare + common), 1], atol=1e-3)


def test_a_word_that_is_alike_once_counts_less() -> None:
    scores = match(["red", "boot"]).score(WordEmbedder().read("red boot boot"), ["red", "boot"])
    np.testing.assert_allclose(scores, [0.7, 1], atol=1e-3)
    np.testing.assert_allclose(match(["red"]).score(WordEmbedder().read("red"), ["red"]), [1], atol=1e-3)


def test_qualifiers_of_names_are_not_looked_for() -> None:
    names = ["lamp (tools)", "(tools)"]
    np.testing.assert_allclose(match(names).score(WordEmbedder().read("lamp lamp"), names), [1, 0], atol=1e-3)
    assert [without_qualifier(name) for name in (*names, "a (b) c")] == ["lamp", "(tools)", "a (b) c"]


def test_an_item_without_words_says_no_name() -> None:
    assert match(["red"]).score(WordEmbedder().read(""), ["red"]).tolist() == [0]


def test_the_best_options_are_compared_word_by_word_and_stay_in_front(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("taxonaut.models.encoder.scorer._RERANKED", 2)
    names = ["red boot", "green lamp", "shop", "green"]
    embedder = WordEmbedder()
    vectors = embedder.embed(names)
    space = LabelSpace.of(names, vectors)
    scores = {}
    for context in (0.0, 0.25):
        scorer = TextScorer(embedder, ScoreSettings(mix=0.0, centring=0.0, context=context), space)
        words = scorer.words(names)
        scores[context] = scorer.score(scorer.items(["red boot boot lamp"]), vectors, words)[0][0]
    plain, mixed = scores.values()
    assert np.argsort(-plain).tolist() == [0, 1, 2, 3]
    rare = np.log(1 + 4) ** 1.5
    green = np.log(1 + 4 / 2) ** 1.5
    alike = [(0.7 + 1) / 2, 0.7 * rare / (rare + green)]
    np.testing.assert_allclose(mixed[:2], 0.75 * plain[:2] + 0.25 * np.array(alike), atol=1e-3)
    np.testing.assert_allclose(mixed[2:], plain[2:], atol=1e-6)
    assert mixed[2:].max() <= mixed[:2].min()


def test_items_are_embedded_once_for_their_vector_and_their_words() -> None:
    embedder = WordEmbedder()
    space = LabelSpace.of(["red", "boot"], embedder.embed(["red", "boot"]))
    scorer = TextScorer(embedder, ScoreSettings(mix=0.0), space)
    embedder.embedded.clear()
    first = scorer.items(["red lamp"])
    again = scorer.items(["red lamp"]).take([0])
    assert embedder.embedded.count("red lamp") == 2  # as the text, and as its only phrase
    assert first.contexts == again.contexts
    np.testing.assert_array_equal(first.whole, again.whole)


def test_other_embedders_compare_as_before() -> None:
    names = ["red boot", "lamp"]
    embedder = bag_embedder()
    space = LabelSpace.of(names, embedder.embed(names))
    rows = []
    for context in (0.0, 0.25):
        scorer = TextScorer(embedder, ScoreSettings(context=context), space)
        items = scorer.items(["a red lamp"])
        assert items.contexts == ()
        rows.append(scorer.score(items, embedder.embed(names), scorer.words(names))[0])
    np.testing.assert_array_equal(*rows)


def test_the_cache_is_emptied_when_it_would_hold_too_many_vectors() -> None:
    embedder = WordEmbedder()
    cache = ContextCache(embedder.embed_in_context, 6)
    for texts in (["red boot"], ["red boot", "lamp"], ["green shop"], ["red boot"]):
        assert [each.words for each in cache.get(texts)] == [tuple(text.split()) for text in texts]
    assert embedder.embedded == ["red boot", "lamp", "green shop", "red boot"]
