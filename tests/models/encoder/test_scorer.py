"""The encoder: scores of items and options, their evidence, and the tool calls made of them."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import bag_embedder
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.encoder_provider import EncoderProvider, EncoderSettings
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.models.encoder.phrases import PhraseSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import InputError, ModelReplyError
from taxonaut.state.records import ToolSpec

TOOL = ToolSpec("expand_node", "Open branches.", {})


def scorer(mix: float = 0.5, space: LabelSpace | None = None) -> TextScorer:
    return TextScorer(bag_embedder(), ScoreSettings(mix=mix, phrases=PhraseSettings(max_words=2)), space)


def request(text: str, *options: tuple[str, ...], most: int = 2) -> ModelRequest:
    choices = tuple(Choice(number, texts) for number, texts in enumerate(options, start=1))
    return ModelRequest("system", "context", text, "", text, TOOL, "branches", choices, most)


def replies(provider: EncoderProvider, *requests: ModelRequest) -> list[ModelReply]:
    answers = provider.answer_now(requests)
    assert all(isinstance(answer, ModelReply) for answer in answers)
    return [answer for answer in answers if isinstance(answer, ModelReply)]


def test_a_score_is_a_mix_of_the_best_phrase_and_the_whole() -> None:
    subject = scorer(mix=0.25)
    items = subject.items(["red wine opener", "red"])
    options = subject.embedder.embed(["red wine", "opener", "cheese"])
    scores, evidence = subject.score(items, options)
    whole = np.array([[2 / 6**0.5, 1 / 3**0.5, 0], [1 / 2**0.5, 0, 0]])
    best = np.array([[1, 1, 0], [1 / 2**0.5, 0, 0]])
    np.testing.assert_allclose(scores, 0.75 * whole + 0.25 * best, atol=1e-6)
    assert evidence.phrases(0, [0, 1]) == ["red wine", "opener"]
    assert evidence.phrases(1, [0]) == ["red"]


def test_without_phrases_the_whole_text_is_compared_and_is_the_evidence() -> None:
    subject = scorer(mix=0)
    items = subject.items(["red wine opener"])
    scores, evidence = subject.score(items, subject.embedder.embed(["opener"]))
    np.testing.assert_allclose(scores, [[1 / 3**0.5]], atol=1e-6)
    assert items.phrases == ("red wine opener",)
    assert evidence.phrases(0, [0]) == ["red wine opener"]


@pytest.mark.parametrize("text", ["", " \n", "the of", "?!"])
def test_a_text_without_phrases_still_has_a_score(text: str) -> None:
    subject = scorer()
    scores, _ = subject.score(subject.items([text]), subject.embedder.embed(["wine", "."]))
    assert scores.shape == (1, 2)
    assert np.isfinite(scores).all()


def test_each_distinct_text_is_embedded_once_in_one_call() -> None:
    embedder = bag_embedder()
    subject = TextScorer(embedder, ScoreSettings(phrases=PhraseSettings(max_words=1)))
    subject.items(["red wine", "red cheese"])
    subject.items(["red wine"])
    assert embedder.calls == [["red wine", "red cheese", "red", "wine", "cheese"]]


def test_scores_do_not_depend_on_the_batch_or_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["red wine opener", "", "blue cheese from the north", "opener", "red cheese"]
    subject = scorer()
    options = subject.embedder.embed(["red wine", "cheese", "north"])
    together, _ = subject.score(subject.items(texts), options)
    monkeypatch.setattr("taxonaut.models.encoder.scorer._BLOCK", 1)
    blocked, _ = subject.score(subject.items(texts), options)
    alone = np.vstack([subject.score(subject.items([text]), options)[0] for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together, blocked, atol=1e-6)


def test_no_items_and_no_options_give_empty_scores() -> None:
    subject = scorer()
    assert subject.score(subject.items([]), subject.embedder.embed(["a"]))[0].shape == (0, 1)
    assert subject.score(subject.items(["a"]), np.empty((0, 512), np.float32))[0].shape == (1, 0)


def test_centring_takes_away_what_all_labels_share() -> None:
    embedder = bag_embedder()
    names = ["skill wine", "skill cheese"]
    vectors = embedder.embed(names)
    settings = ScoreSettings(mix=0, centring=1)
    plain = TextScorer(embedder, settings)
    centred = TextScorer(embedder, settings, LabelSpace.of(names, vectors))
    raw, _ = plain.score(plain.items(["skill wine"]), vectors)
    told, _ = centred.score(centred.items(["skill wine"]), vectors)
    np.testing.assert_allclose(raw, [[1, 0.5]], atol=1e-6)
    np.testing.assert_allclose(told, [[1, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "words", "mix"),
    [
        (2, 1, 0.15),
        (150, 2, 0.206),
        (1_000, 3, 0.371),
        (13_896, 3, 0.599),
        (10**6, 2, 0.6),
        (13_896, 9, 0.15),
    ],
)
def test_phrases_count_more_the_finer_the_labels(labels: int, words: int, mix: float) -> None:
    space = LabelSpace(np.zeros(3, np.float32), labels, words)
    assert space.mix == pytest.approx(mix, abs=1e-3)
    assert TextScorer(bag_embedder(), space=space).mix == space.mix
    assert TextScorer(bag_embedder(), ScoreSettings(mix=0.9), space).mix == 0.9


def test_a_label_space_needs_two_labels() -> None:
    assert LabelSpace.of(["only"], np.ones((1, 2), np.float32)) is None
    space = LabelSpace.of(["a", "b c d"], np.array([[1, 0], [0, 1]], np.float32))
    assert space is not None
    assert (space.mean.tolist(), space.labels, space.words_a_name) == ([0.5, 0.5], 2, 2)


def test_shared_words_add_to_the_score() -> None:
    embedder = bag_embedder()
    names = ["wine", "cheese", "bread"]
    space = LabelSpace.of(names, embedder.embed(names))
    subject = TextScorer(embedder, ScoreSettings(mix=0.5, centring=0, words=0.1), space)
    items = subject.items(["red wines", "red cheese"])
    vectors = embedder.embed(names)
    without, _ = subject.score(items, vectors)
    with_words, _ = subject.score(items, vectors, subject.words(["drinks > wine", "cheese", "bread"]))
    added = 0.1 * np.log(4) / (np.log(4) + 5)
    named = subject.mix * np.sqrt(np.log(4) / (np.log(4) + 3))
    np.testing.assert_allclose(with_words - without, [[named + added, 0, 0], [0, added, 0]], atol=1e-6)
    [reply] = replies(EncoderProvider(subject), request("red wines", ("drinks > wine",), ("cheese",)))
    assert reply.scores == pytest.approx({1: named + added, 2: 0}, abs=1e-6)
    assert reply.evidence == {1: "wines"}


def test_shared_words_do_not_count_without_a_label_space_or_a_share() -> None:
    space = LabelSpace.of(["a", "b"], bag_embedder().embed(["a", "b"]))
    assert TextScorer(bag_embedder()).words(["a"]) is None
    assert TextScorer(bag_embedder(), ScoreSettings(words=0), space).words(["a"]) is None


def test_a_mix_is_a_share() -> None:
    with pytest.raises(InputError, match=r"mix is 1\.5; give a number from 0 to 1"):
        ScoreSettings(mix=1.5)


def test_a_path_lies_between_its_name_and_the_name_under_its_parent() -> None:
    embedder = bag_embedder()
    vectors = option_vectors(["kitchen > wine > opener", "opener"], embedder.embed)
    name, under = embedder.embed(["opener", "wine > opener"])
    np.testing.assert_allclose(vectors[0], (name + under) / np.linalg.norm(name + under), atol=1e-6)
    np.testing.assert_allclose(vectors[1], name, atol=1e-6)


def test_vectors_are_looked_up_once_and_forgotten_when_they_are_too_many() -> None:
    embedder = bag_embedder()
    cache = VectorCache(embedder.embed, limit=3)
    for texts in (["a", "b", "a"], ["b", "c"], ["a", "c"], ["a", "d"], ["b"]):
        np.testing.assert_allclose(cache.get(texts), bag_embedder().embed(texts))
    assert embedder.calls == [["a", "b"], ["c"], ["a", "d"], ["b"]]


def test_a_reply_takes_the_best_options_and_scores_all() -> None:
    provider = EncoderProvider(scorer(mix=1))
    [reply] = replies(
        provider, request("red wine opener", ("cheese",), ("bar", "opener"), ("red wine",), ("red bar",))
    )
    assert reply.chosen == (2, 3)
    assert reply.arguments == {"branches": [2, 3]}
    assert reply.evidence == {2: "opener", 3: "red wine"}
    assert reply.scores == pytest.approx({1: 0, 2: 1, 3: 1, 4: 0.5**0.5})


def test_a_reply_abstains_below_the_threshold() -> None:
    provider = EncoderProvider(scorer(), settings=EncoderSettings(threshold=0.3))
    [reply] = replies(provider, request("red wine", ("cheese",), ("bread",)))
    assert (reply.chosen, reply.arguments, reply.evidence) == ((), {"branches": [0]}, {})
    assert reply.scores == {1: 0, 2: 0}


def test_an_option_without_a_text_is_an_error_of_that_request_alone() -> None:
    bad, good = EncoderProvider(scorer()).answer_now([request("red", ()), request("red", ("red",))])
    assert isinstance(bad, ModelReplyError)
    assert str(bad) == "expand_node has an option without a text to compare"
    assert isinstance(good, ModelReply)
    assert good.chosen == (1,)


async def test_a_batch_is_answered_in_its_order() -> None:
    provider = EncoderProvider(scorer())
    asked = [request(text, ("red", "rose"), ("wine",), most=1) for text in ("wine", "red", "wine", "rose")]
    asked.insert(2, request("cheese", ("bread",), ("cheese",), ("wine",), most=1))
    answers = await provider.answer(asked)
    assert [answer.chosen for answer in answers if isinstance(answer, ModelReply)] == [
        (2,),
        (1,),
        (2,),
        (2,),
        (1,),
    ]
    assert await provider.answer([]) == []


def test_option_vectors_come_from_the_lookup_once() -> None:
    asked: list[list[str]] = []
    embedder = bag_embedder()

    def lookup(texts: Sequence[str]) -> Matrix:
        asked.append(list(texts))
        return embedder.embed(texts)

    provider = EncoderProvider(scorer(), lookup)
    replies(provider, request("red", ("red",), ("wine",)), request("red", ("wine",), ("drinks > beer",)))
    replies(provider, request("blue", ("red",), ("wine",)))
    assert asked == [["red", "wine"], ["drinks > beer", "beer"]]


WORDS = st.sampled_from(["red", "wine", "the", "opener", "cheese", ",", "酒", ""])
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


@given(st.lists(TEXTS, max_size=5), st.lists(st.lists(TEXTS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_provider_agrees_with_the_scorer(texts: list[str], options: list[list[str]]) -> None:
    subject = scorer()
    found = replies(
        EncoderProvider(subject), *(request(text, *map(tuple, options), most=9) for text in texts)
    )
    for text, reply in zip(texts, found, strict=True):
        expected = [
            float(subject.score(subject.items([text]), option_vectors(each, subject.embedder.embed))[0].max())
            for each in options
        ]
        assert reply.scores is not None
        assert list(reply.scores.values()) == pytest.approx(expected, abs=1e-5)
        ordered = [reply.scores[number] for number in reply.chosen]
        assert ordered == sorted(ordered, reverse=True)
