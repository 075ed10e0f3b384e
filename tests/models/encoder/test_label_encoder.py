"""Labels and centres compared by whole vectors: the nearest, those beside it, and none."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import FakeEmbedder, compass

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_encoder import LabelEncoder, LabelEncoderSettings
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec

TOOL = ToolSpec("assign_label", "Assign.", {})


def encoder(space: LabelSpace | None = None, **settings: float) -> tuple[LabelEncoder, FakeEmbedder]:
    angles = compass()
    scorer = TextScorer(angles, ScoreSettings(), space)
    return LabelEncoder(scorer, angles.embed, LabelEncoderSettings(**settings)), angles  # type: ignore[arg-type]


def request(texts: Sequence[str], *options: Sequence[str], most: int = 3) -> ModelRequest:
    choices = tuple(Choice(number, tuple(option)) for number, option in enumerate(options, start=1))
    return ModelRequest("", "", "", "", "", TOOL, "", choices, most, tuple(texts))


def each(asked: LabelEncoder, given: ModelRequest) -> tuple[tuple[int, ...], ...]:
    (reply,) = asked.answer_now([given])
    assert isinstance(reply, ModelReply)
    return reply.each


def test_each_text_takes_the_option_nearest_to_it() -> None:
    asked, _ = encoder()
    given = request(["10", "80", "46", "44"], ["0"], ["90"])
    (reply,) = asked.answer_now([given])
    assert isinstance(reply, ModelReply)
    assert reply.each == ((1,), (2,), (2,), (1,))
    assert (reply.chosen, reply.scores) == ((), None)
    assert reply.arguments == {"1": [1], "2": [2], "3": [2], "4": [1]}
    assert (reply.usage.prompt_tokens, reply.usage.attempts) == (0, 1)


@pytest.mark.parametrize(
    ("margin", "most", "found"),
    [
        (0.0, 3, ((1,), (2,), (2,))),
        (0.1, 3, ((1,), (2, 1), (2,))),
        (0.5, 3, ((1,), (2, 1, 3), (2, 3, 1))),
        (0.5, 1, ((1,), (2,), (2,))),
        (1.0, 3, ((1,), (2, 1, 3), (2, 3, 1))),
        (1.0, 2, ((1,), (2, 1), (2, 3))),
    ],
)
def test_options_within_the_margin_of_the_nearest_are_taken_too(
    margin: float, most: int, found: tuple[tuple[int, ...], ...]
) -> None:
    asked, _ = encoder(margin=margin)
    assert each(asked, request(["0", "48", "65"], ["0"], ["90"], ["120"], most=most)) == found


def test_a_text_far_from_all_options_takes_none() -> None:
    options = (["0"], ["90"])
    # The cosine of 80 degrees is 0.17, that of 85 degrees 0.09; behind, likeness is negative.
    assert each(encoder()[0], request(["170", "175", "-100"], *options)) == ((2,), (), ())
    assert each(encoder(threshold=0.2)[0], request(["170", "50"], *options)) == ((), (2,))
    assert each(encoder(threshold=-1.0)[0], request(["-100"], *options)) == ((1,),)
    (reply,) = encoder()[0].answer_now([request(["-135"], *options)])
    assert isinstance(reply, ModelReply)
    assert reply.arguments == {"1": [0]}


def test_the_threshold_counts_inside_the_margin_too() -> None:
    assert each(encoder(margin=1.0)[0], request(["20"], ["0"], ["105"], ["103"])) == ((1, 3),)


def test_an_option_is_as_near_as_the_nearest_of_its_texts() -> None:
    asked, _ = encoder()
    options = (["0", "200", "100"], ["90"], ["300", "45"])
    assert each(asked, request(["102", "88", "50", "190", "1"], *options)) == ((1,), (2,), (3,), (1,), (1,))


def test_one_text_gets_scores_for_all_options() -> None:
    asked, _ = encoder(margin=0.2)
    choices = (Choice(7, ("0",)), Choice(4, ("60",)), Choice(9, ("180",)))
    given = ModelRequest("", "", "", "", "20", TOOL, "centres", choices, 2)
    (reply,) = asked.answer_now([given])
    assert isinstance(reply, ModelReply)
    assert (reply.chosen, reply.arguments, reply.each) == ((7, 4), {"centres": [7, 4]}, ())
    expected = {7: np.cos(np.radians(20)), 4: np.cos(np.radians(40)), 9: -np.cos(np.radians(20))}
    assert reply.scores == pytest.approx(expected, abs=1e-6)
    none = ModelRequest("", "", "", "", "270", TOOL, "centres", choices, 2)
    (reply,) = asked.answer_now([none])
    assert isinstance(reply, ModelReply)
    assert (reply.chosen, reply.arguments) == ((), {"centres": [0]})


def test_ids_are_the_choices_own() -> None:
    asked, _ = encoder()
    choices = (Choice(12, ("0",)), Choice(3, ("90",)))
    assert each(asked, ModelRequest("", "", "", "", "", TOOL, "", choices, 1, ("80", "5"))) == ((3,), (12,))


@pytest.mark.parametrize("choices", [(), (Choice(1, ("0",)), Choice(2, ()))])
async def test_an_option_without_a_text_is_an_error_in_its_place(choices: tuple[Choice, ...]) -> None:
    asked, _ = encoder()
    bad = ModelRequest("", "", "", "", "", TOOL, "", choices, 1, ("80",))
    first, second = await asked.answer([bad, request(["10"], ["0"], ["90"])])
    assert isinstance(first, ModelReplyError)
    assert str(first) == "assign_label has an option without a text to compare"
    assert isinstance(second, ModelReply)
    assert second.each == ((1,),)


def test_texts_are_looked_up_once() -> None:
    asked, angles = encoder()
    given = request(["10", "20"], ["0"], ["90"])
    assert each(asked, given) == each(asked, given) == ((1,), (1,))
    seen = angles.embedded
    assert sorted(seen) == ["0", "10", "20", "90"]


def test_where_labels_lie_in_one_direction_they_are_seen_from_their_mean() -> None:
    names = ["40", "50"]
    space = LabelSpace.of(names, compass().embed(names))
    asked, _ = encoder(space, threshold=0.9)
    plain, _ = encoder(threshold=0.9)
    given = request(["41"], ["40"], ["50"], most=2)
    assert each(plain, request(["41"], ["40"], ["50"])) == ((1,),)
    assert each(asked, given) == ((1,),)
    wide, _ = encoder(margin=0.03)
    centred, _ = encoder(space, margin=0.03)
    assert (each(wide, given), each(centred, given)) == (((1, 2),), ((1,),))
    assert asked.name == "encoder/compass"
    assert not asked.reads_prompts


# Unit vectors in three dimensions, by name: the first axis is what all texts have in common.
COMMON = {
    "common": (1.0, 0.0, 0.0),
    "pens": (0.6, 0.8, 0.0),
    "paper": (0.6, -0.8, 0.0),
    "pen": (0.8, 0.6, 0.0),
    "lamp": (0.6, 0.0, 0.8),
    "sheet": (0.96, -0.28, 0.0),
}


def named(texts: Sequence[str]) -> Matrix:
    return np.array([COMMON[text] for text in texts], np.float32)


def likenesses(centring: float, text: str) -> tuple[tuple[int, ...], list[float]]:
    """What a text takes, and how like it is to two options."""
    asked = LabelEncoder(
        TextScorer(compass(), ScoreSettings()),  # type: ignore[arg-type]
        named,
        LabelEncoderSettings(threshold=0.3, centring=centring),
    )
    choices = (Choice(1, ("pens",)), Choice(2, ("paper",)))
    (reply,) = asked.answer_now([ModelRequest("", "", "", "", text, TOOL, "centres", choices, 1)])
    assert isinstance(reply, ModelReply)
    assert reply.scores is not None
    return reply.chosen, [round(reply.scores[number], 4) for number in (1, 2)]


@pytest.mark.parametrize(
    ("text", "chosen", "scores"),
    [
        # Without centring all share the first axis: even a lamp is like both.
        ("pen", (1,), [0.96, 0.0]),
        ("common", (1,), [0.6, 0.6]),
        ("lamp", (1,), [0.36, 0.36]),
    ],
)
def test_what_all_have_in_common_makes_everything_alike(
    text: str, chosen: tuple[int, ...], scores: list[float]
) -> None:
    assert likenesses(0.0, text) == (chosen, scores)


@pytest.mark.parametrize(
    ("text", "chosen", "scores"),
    [
        # The options' mean is (0.6, 0, 0); without it they are (0, 1, 0) and (0, -1, 0).
        ("pen", (1,), [0.9487, -0.9487]),  # (0.2, 0.6, 0) / sqrt(0.4)
        ("sheet", (2,), [-0.6139, 0.6139]),  # (0.36, -0.28, 0) / 0.4561
        ("common", (), [0.0, 0.0]),  # (0.4, 0, 0)
        ("lamp", (), [0.0, 0.0]),  # (0, 0, 0.8)
    ],
)
def test_without_the_options_mean_a_text_that_has_only_that_fits_none(
    text: str, chosen: tuple[int, ...], scores: list[float]
) -> None:
    assert likenesses(1.0, text) == (chosen, scores)


def test_a_share_of_the_mean_may_be_taken_away() -> None:
    # Half of the mean is (0.3, 0, 0): the options become (0.3, ±0.8, 0) / 0.8544, the lamp (0.3, 0, 0.8) / 0.8544,
    # the common text (1, 0, 0).
    assert likenesses(0.5, "lamp") == ((), [0.1233, 0.1233])
    assert likenesses(0.5, "common") == ((1,), [0.3511, 0.3511])
    assert likenesses(0.5, "pen") == ((1,), [0.9441, -0.4945])  # (0.5, 0.6, 0) / 0.7810


def test_the_mean_itself_fits_none() -> None:
    mean = {"pens": (0.0, 1.0), "paper": (1.0, 0.0), "both": (0.5, 0.5)}
    asked = LabelEncoder(
        TextScorer(compass(), ScoreSettings()),  # type: ignore[arg-type]
        lambda texts: np.array([mean[text] for text in texts], np.float32),
        LabelEncoderSettings(centring=1.0),
    )
    assert each(asked, request(["both", "pens", "paper"], ["pens"], ["paper"])) == ((), (1,), (2,))
    (reply,) = asked.answer_now([request(["both"], ["pens"], ["paper"])])
    assert isinstance(reply, ModelReply)
    assert reply.arguments == {"1": [0]}


def test_every_text_of_an_option_counts_in_the_mean() -> None:
    # The mean of (1, 0), (1, 0) and (0, 1) is (2/3, 1/3): what lies halfway is nearer to the second option.
    known = {"a": (1.0, 0.0), "b": (0.0, 1.0), "middle": (0.70710678, 0.70710678)}
    asked = LabelEncoder(
        TextScorer(compass(), ScoreSettings()),  # type: ignore[arg-type]
        lambda texts: np.array([known[text] for text in texts], np.float32),
        LabelEncoderSettings(centring=1.0),
    )
    assert each(asked, request(["middle"], ["a", "a"], ["b"])) == ((2,),)
    assert each(asked, request(["middle"], ["a"], ["b", "b"])) == ((1,),)
