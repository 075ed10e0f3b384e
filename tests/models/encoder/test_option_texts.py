"""All texts of an option make one more vector, and a code counts less than what it stands for."""

import numpy as np
import pytest
from fakes import bag_embedder

from taxonaut.models.encoder.option_texts import PENALTY, gists, is_code, option_vectors
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.requests import OptionText


@pytest.mark.parametrize("name", ["cs.CL", "cs", "q-bio.NC", "H0412", "01.1", "MI", "A-1", "CAD"])
def test_codes(name: str) -> None:
    assert is_code(name)


@pytest.mark.parametrize(
    "name", ["Tea", "ski", "card_arrival", "3D printing", "Ökologie", "鞋", "T-shirt", "SHOES"]
)
def test_names_that_are_words(name: str) -> None:
    assert not is_code(name)


def test_labels_without_more_have_the_vectors_of_their_names() -> None:
    embed = bag_embedder().embed
    names = ["wine", "red wine > cheese", "x1"]
    plain = option_vectors(names, embed)
    assert np.array_equal(option_vectors([OptionText(name) for name in names], embed), plain)
    assert gists([OptionText(name) for name in names], embed) is None


def test_a_gist_is_the_mean_of_the_name_and_of_what_else_is_known() -> None:
    embed = bag_embedder().embed
    options = [
        OptionText("wine"),
        OptionText("cheese", ("red", "white"), "bread"),
        OptionText("x > x1", (), "wine"),
    ]
    found = gists(options, embed)
    assert found is not None
    assert found.rows.tolist() == [1]
    unit = lambda vector: vector / np.linalg.norm(vector)  # noqa: E731
    vector = {word: embed([word])[0] for word in ("cheese", "red", "white", "bread", "wine")}
    others = unit(unit(vector["red"] + vector["white"]) + vector["bread"])
    np.testing.assert_allclose(found.vectors, [unit(vector["cheese"] + others)], rtol=1e-5)
    np.testing.assert_allclose(option_vectors(options, embed)[2], vector["wine"], rtol=1e-5)
    assert found.take([2, 1]).rows.tolist() == [1]


def test_the_score_is_that_of_the_name_or_of_the_gist_less_the_penalty() -> None:
    embedder = bag_embedder()
    scorer = TextScorer(embedder, ScoreSettings(mix=0))
    options = [OptionText("wine", description="bread"), OptionText("wine")]
    items = scorer.items(["bread", "wine"])
    scores, _ = scorer.score(
        items, option_vectors(options, embedder.embed), None, gists(options, embedder.embed)
    )
    np.testing.assert_allclose(scores, [[0.5**0.5 - PENALTY, 0], [1, 1]], atol=1e-6)
